#!/bin/bash
# Published ports over TCP: where they are bound, whom the container sees, and what happens when they are taken.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

s() { run "$T_TOOLS/stream" "$@"; }
# box OPTION...: a container "box" that serves port 4000, on IPv4 and IPv6.
box() {
	load busybox
	hoy run -d --name box --network bridge -v "$T_TOOLS:/t:ro" "$@" busybox sh -c '/t/stream serve 0.0.0.0 4000 & exec /t/stream serve :: 4000' >"$T/id" || fail 'run box'
	wait_for inside_ready
}
inside_ready() { [ "$(hoy logs box 2>/dev/null | grep -c ready)" = 2 ]; }
# The host's address that is not loopback, as a container finds it.
host_address() { ip -4 -o addr show scope global up | awk '{ sub("/.*", "", $4); print $4; exit }'; }
has_six() { [ -n "$(ip -6 -o addr show dev lo 2>/dev/null)" ]; }
gateway() { hoy exec box ip "${1:--4}" route | sed -n 's/^default via \([^ ]*\).*/\1/p'; }

test_client_keeps_its_address() { # short rows=user,root,one
	local host
	need ip
	box -p 4000:4000
	host=$(host_address)
	if [ -n "$host" ]; then
		s ask "$host" 4000 peer
		assert_out "$host"
	fi
	# Loopback would be the container itself to the container: it sees the gateway, never 127.0.0.1.
	s ask 127.0.0.1 4000 peer
	assert_out "$(gateway)"
	s ask 127.9.9.9 4000 peer
	assert_out "$(gateway)"
	has_six || return 0
	s ask ::1 4000 peer
	assert_out "$(gateway -6)"
}

test_transfers_both_ways() { # rows=user,root,one
	local n=200000000
	box -p 127.0.0.1:4001:4000
	s put 127.0.0.1 4001 $n
	assert_out "ok $n"
	s get 127.0.0.1 4001 $n
	assert_out "ok $n"
	s ask 127.0.0.1 4001 late
	assert_out late
	s ask 127.0.0.1 4001 reset
	assert_out RESET
	s row 127.0.0.1 4001 1000
	assert_out 'ok 1000'
	s row 127.0.0.1 4001 100 5556
	assert_out 'ok 100'
	s many 127.0.0.1 4001 500
	assert_out 'ok 500 failed 0'
}

# bound PORT: the addresses on which the host listens there.
bound() {
	awk -v p="$(printf ':%04X' "$1")" '$2 ~ p "$" && $4 == "0A" { sub(":.*", "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort | tr '\n' ' '
}

nobody_there() { [ -z "$(bound "$1")" ]; }

test_bound_where_told() { # short
	local all6=''
	has_six && all6='00000000000000000000000000000000 '
	box -p 4002:4000 -p 127.0.0.1:4003:4000 -p 0.0.0.0:4004:4000
	assert_eq "00000000 $all6" "$(bound 4002)" 'no address'
	assert_eq '0100007F ' "$(bound 4003)" 127.0.0.1
	assert_eq '00000000 ' "$(bound 4004)" 0.0.0.0
	hoy rm -f -t 0 box >/dev/null
	wait_for nobody_there 4002
	wait_for nobody_there 4003
	has_six || return 0
	box -p '[::1]:4005:4000' -p '[::]:4006:4000'
	assert_eq '00000000000000000000000001000000 ' "$(bound 4005)" '[::1]'
	assert_eq "$all6" "$(bound 4006)" '[::]'
	s ask ::1 4005 once
	assert_out once
}

# docker's -p 8000-8002:80: the first free one of several, and the same one after a restart of the machine's own kind.
test_one_of_several() { # short
	load busybox
	local n
	for n in a b c; do
		hoy run -d --name $n --network bridge -p 127.0.0.1:4100-4102:80 -p 127.0.0.1:4100-4102:80/udp busybox sleep 1000 >/dev/null || fail "run $n"
		run hoy port $n
		assert_out "$(printf '80/tcp -> 127.0.0.1:41%s\n80/udp -> 127.0.0.1:41%s' "$(printf %s $n | tr abc 012 | sed s/^/0/)" "$(printf %s $n | tr abc 012 | sed s/^/0/)")"
	done
	run hoy run --rm --network bridge -p 127.0.0.1:4100-4102:80 busybox true
	assert_err E-PORT-TAKEN
	run as_docker inspect --format '{{json .HostConfig.PortBindings}}' b
	assert_has '"HostPort":"4100-4102"'
	hoy rm -f -t 0 a >/dev/null
	hoy restart -t 0 c >/dev/null
	run hoy port c 80/tcp
	assert_out 127.0.0.1:4100
	hoy rm -f -t 0 b c >/dev/null
}

test_random_ports_and_ranges() { # short
	local p
	box -p 4000 -p 4010-4012:4000-4002
	p=$(hoy port box 4000 | sed -n 's/^0\.0\.0\.0://p' | grep -v 4010)
	[ -n "$p" ] || fail "no port in: $(hoy port box)"
	s ask 127.0.0.1 "$p" once
	assert_out once
	s ask 127.0.0.1 4010 once
	assert_out once
	# In the container nobody listens on 4001.
	s ask 127.0.0.1 4011 once
	assert_out RESET
}

# Who asks for a port that is taken is told by whom.
test_taken_port_says_by_whom() { # short rows=user,root,one
	local filler port
	box -p 4020:4000
	run hoy run --rm --network bridge -p 4020:80 busybox true
	assert_err E-PORT-TAKEN 4020
	assert_err_has 'container box'
	port=$(free_port)
	mkfifo "$T/in"
	"$T_TOOLS/stream" fill "$port" <"$T/in" >"$T/fill" &
	filler=$!
	exec 7>"$T/in"
	wait_for file_has "$T/fill" ready
	run hoy run --rm --network bridge -p "$port:80" busybox true
	assert_err E-PORT-TAKEN "$port"
	assert_err_has "stream (process $filler)"
	# All ports or none: what came before the one that failed is free again.
	run hoy run --rm --network bridge -p 4021:80 -p "$port:81" busybox true
	assert_err E-PORT-TAKEN
	assert_eq '' "$(bound 4021)" 'the port in front of it'
	exec 7>&-
	wait $filler
}

test_ports_of_root() { # rows=user,one
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ] || skip 'the host gives low ports to everybody'
	load busybox
	run hoy run --rm --network bridge -p 81:80 busybox true
	assert_err E-PORT-RIGHTS ip_unprivileged_port_start
}

test_address_that_is_not_there() {
	load busybox
	run hoy run --rm --network bridge -p 203.0.113.77:4030:80 busybox true
	assert_err E-PORT-ADDRESS 203.0.113.77
}

# From a container to the host's address and a port that another, or itself, has published.
test_hairpin() {
	local host
	need ip
	host=$(host_address)
	[ -n "$host" ] || host=169.254.1.2
	box -p 4040:4000
	run hoy exec box /t/stream ask "$host" 4040 once
	assert_out once
	run hoy exec box /t/stream ask 169.254.1.2 4040 peer
	assert_ok
	assert_lacks 127.0.0.1
	run hoy run --rm --network bridge -v "$T_TOOLS:/t:ro" busybox /t/stream put "$host" 4040 20000000
	assert_out 'ok 20000000'
}

# One client port to two host ports of one container port: the second gets another port inside, and both work.
test_one_client_port_twice() {
	box -p 127.0.0.1:4050:4000 -p 127.0.0.1:4051:4000
	python3 - "$T_TOOLS" <<-'END' || fail 'two connections from one port'
		import socket
		def to(port):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("127.0.0.1", 5557))
		    s.settimeout(20)
		    s.connect(("127.0.0.1", port))
		    s.sendall(b"echo\nhello")
		    assert s.recv(5, socket.MSG_WAITALL) == b"hello"
		    return s
		a, b = to(4050), to(4051)
		for s in a, b:
		    s.sendall(b"again")
		    assert s.recv(5, socket.MSG_WAITALL) == b"again"
	END
}

test_idle_and_end_of_the_container() {
	local idle
	box -p 127.0.0.1:4060:4000
	mkfifo "$T/in"
	"$T_TOOLS/stream" idle 127.0.0.1 4060 <"$T/in" >"$T/idle" &
	idle=$!
	exec 7>"$T/in"
	wait_for file_has "$T/idle" up
	echo >&7
	wait_for file_has "$T/idle" alive
	hoy kill box >/dev/null
	hoy wait box >/dev/null
	# shellcheck disable=SC2317
	ended() { echo >&7 && grep -q 'RESET\|PIPE\|END' "$T/idle"; }
	wait_for ended
	s ask 127.0.0.1 4060
	assert_out REFUSED
	exec 7>&-
	wait $idle
}

run_tests "$@"
