#!/bin/bash
# TCP from containers to the world: what the host's kernel says is what the container hears; much, many, at once, and for long.
# The host's address is the one that its default route has, else any: containers reach it as 169.254.1.2.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

HOST=169.254.1.2

servers=()
# listening ADDRESS [PORT]: a stream server there; its port is in $port.
listening() {
	port=${2:-$(free_port)}
	"$T_TOOLS/stream" serve "$1" "$port" >"$T/serve.$1.$port" &
	servers+=($!)
	wait_for file_has "$T/serve.$1.$port" ready
}
no_servers() { kill "${servers[@]}" && wait "${servers[@]}" 2>/dev/null; }
# In the end, for those who hold something: hang_up closes their stdin.
hang_up() {
	exec 7>&-
	wait "$@"
}

# box [OPTION...]: a container "box" that sleeps, with the tools in /t.
# shellcheck disable=SC2120
box() {
	load busybox
	hoy run -d --name box --network bridge -v "$T_TOOLS:/t:ro" "$@" busybox sleep 100000 >/dev/null || fail 'run box'
}
stream() { run hoy exec box /t/stream "$@"; }

test_open_and_refused() { # short rows=user,root,one
	listening 0.0.0.0
	box --init=false
	stream ask $HOST "$port" peer
	assert_ok
	[ -n "$out" ] || fail 'no address'
	stream ask $HOST "$(free_port)"
	assert_out REFUSED
	no_servers
}

# What the host keeps for itself: the container never gets there, by no spelling.
test_host_loopback_is_out_of_reach() { # short
	local a own
	listening 127.0.0.1
	own=$port
	listening ::1 "$own"
	box --init=false
	for a in 127.0.0.1 127.1.2.3 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 $HOST 10.0.2.2; do
		stream -t 3 ask "$a" "$own" peer
		[ "$rc" != 0 ] || fail "$a leads to the host's loopback: $(last)"
	done
	# Not what the container's own kernel answers, but what leaves it: a route for 127/8 and ::1 there.
	run hoy exec --privileged box sh -c "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via \$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p') 2>/dev/null; echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet; /t/stream -t 2 ask 127.0.0.1 $own peer"
	assert_ne 0 "$rc" 'status of a connection to 127.0.0.1 by the gateway'
	assert_lacks 127.0.0.1
	no_servers
}

test_transfers_keep_every_byte() { # rows=user,root,one
	local n=300000000
	[ -z "${T_LONG:-}" ] || n=1073741824
	listening 0.0.0.0
	box --init=false
	stream put $HOST "$port" $n
	assert_out "ok $n"
	stream get $HOST "$port" $n
	assert_out "ok $n"
	no_servers
}

test_half_close_and_reset() { # short rows=user,root,one
	listening 0.0.0.0
	box --init=false
	stream ask $HOST "$port" late
	assert_out late
	stream ask $HOST "$port" reset
	assert_out RESET
	stream ask $HOST "$port" once
	assert_out once
	no_servers
}

test_many_short_ones() {
	local n=2000
	[ -z "${T_LONG:-}" ] || n=10000
	listening 0.0.0.0
	box --init=false
	stream row $HOST "$port" $n
	assert_out "ok $n"
	# All from one port, which is free again at once: the connection before has left something behind at most in N.
	stream row $HOST "$port" 200 5555
	assert_out 'ok 200'
	no_servers
}

# private_kb PID: memory that belongs to it alone.
private_kb() { awk '/^Private_(Clean|Dirty):/ { s += $2 } END { print s + 0 }' "/proc/$1/smaps_rollup"; }
below() { [ "$(private_kb "$1")" -lt "$2" ]; }

test_many_at_once() {
	local n=1000 pid before
	[ "$(ulimit -Hn)" -gt 5000 ] 2>/dev/null || [ "$(ulimit -Hn)" = unlimited ] && n=2000
	ulimit -Sn "$(ulimit -Hn)"
	listening 0.0.0.0
	box --init=false
	pid=$(network_pids)
	stream row $HOST "$port" 20
	before=$(private_kb "$pid" 2>/dev/null) || before=''
	stream many $HOST "$port" $n
	assert_out "ok $n failed 0"
	# What they took has gone back.
	[ -z "$before" ] || wait_for below "$pid" $((before + 200))
	no_servers
}

# Where descriptors end, new connections are refused and old ones live.
test_descriptor_limit() { # rows=user,root
	local idle
	listening 0.0.0.0
	load busybox
	(
		ulimit -n 200
		exec "${HOY%% *}" run -d --name box --network bridge -v "$T_TOOLS:/t:ro" busybox sleep 100000 >/dev/null
	) || fail 'run with few descriptors'
	mkfifo "$T/in"
	hoy exec -i box /t/stream idle $HOST "$port" <"$T/in" >"$T/idle" &
	idle=$!
	exec 7>"$T/in"
	wait_for file_has "$T/idle" up
	stream -t 3 many $HOST "$port" 300
	assert_rc 1
	assert_match '^ok [1-9][0-9]* failed [1-9][0-9]*$'
	echo >&7
	wait_for file_has "$T/idle" alive
	# It has recovered.
	stream row $HOST "$port" 20
	assert_out 'ok 20'
	hang_up "$idle"
	no_servers
}

has_lines() { [ "$(wc -l <"$1")" = "$2" ]; }

# One container takes as many connections as it gets: another can still connect.
test_share_of_descriptors() {
	local idle n
	listening 0.0.0.0
	load busybox
	(
		ulimit -n 200
		exec "${HOY%% *}" run -d --name box --network bridge -v "$T_TOOLS:/t:ro" busybox sleep 100000 >/dev/null
	) || fail 'run with few descriptors'
	mkfifo "$T/in"
	hoy exec -i box sh -c "exec 3<&0; for i in \$(seq 100); do /t/stream -t 5 idle $HOST $port <&3 & done; wait" <"$T/in" >"$T/idle" 2>&1 &
	idle=$!
	exec 7>"$T/in"
	wait_for -t 30 has_lines "$T/idle" 100
	n=$(grep -c up "$T/idle")
	note "$n connections of one container"
	if [ "$n" -lt 20 ] || [ "$n" = 100 ]; then fail "$n connections of 100: that is no share"; fi
	assert_eq "ok 10 failed 0" "$(hoy run --rm --network bridge -v "$T_TOOLS:/t:ro" busybox /t/stream -t 5 many $HOST "$port" 10)" 'another container'
	hang_up "$idle"
	no_servers
}

# A peer that never reads holds the other up; the process in between takes no memory for it.
test_peer_that_never_reads() {
	local before i stuck=() pid
	listening 0.0.0.0
	box --init=false
	pid=$(network_pids)
	stream row $HOST "$port" 20
	mkfifo "$T/in"
	before=$(private_kb "$pid" 2>/dev/null) || before=''
	for i in 1 2 3; do
		hoy exec -i box /t/stream stuck $HOST "$port" <"$T/in" >"$T/stuck.$i" &
		stuck+=($!)
	done
	exec 7>"$T/in"
	for i in 1 2 3; do wait_for test -s "$T/stuck.$i"; done
	stream ask $HOST "$port" once
	assert_out once
	[ -z "$before" ] || wait_for below "$pid" $((before + 200))
	hang_up "${stuck[@]}"
	no_servers
}

test_detach_ends_connections() {
	local idle
	listening 0.0.0.0
	box --init=false
	mkfifo "$T/in"
	hoy exec -i box /t/stream idle $HOST "$port" <"$T/in" >"$T/idle" &
	idle=$!
	exec 7>"$T/in"
	wait_for file_has "$T/idle" up
	# In /proc/net/tcp: a connection of that port that is established.
	# shellcheck disable=SC2317
	connected() { awk -v p="$(printf ':%04X' "$port")" '$2 ~ p "$" && $4 == "01" { f = 1 } END { exit !f }' /proc/net/tcp; }
	# shellcheck disable=SC2317
	ended() { ! connected; }
	wait_for connected
	hoy kill box >/dev/null
	wait_for ended
	hang_up "$idle"
	no_servers
}

# ---- a host of our own: in namespaces that this test makes, where it may set up routes

# on_fake_host COMMANDS: bash as the root of a host with the address 203.0.113.1, a neighbour that does not answer, and routes that lead nowhere; hoy runs
# there. Whoever has no right to make it skips.
on_fake_host() {
	unshare -Urn true 2>/dev/null || skip 'no namespaces for an ordinary user'
	load busybox
	cat >"$T/host.sh" <<-'END'
		ip link set lo up
		ip link add d0 type veth peer name d1
		ip link set d1 up
		ip addr add 203.0.113.1/24 dev d0
		ip -6 addr add 2001:db8:1::1/64 dev d0 nodad
		ip link set d0 up
		ip route add default via 203.0.113.254
		ip -6 route add default via 2001:db8:1::fe
		ip route add unreachable 198.51.100.0/24
		ip route add prohibit 198.51.101.0/24
		ip route add blackhole 198.51.102.0/24
		ip -6 route add unreachable 2001:db8:2::/64
		box() { $HOY run -d --name box --network bridge -v "$T_TOOLS:/t:ro" "$@" busybox sleep 100000 >/dev/null || { echo 'no box'; exit 1; }; }
		stream() { $HOY exec box /t/stream "$@"; }
		serve() { "$T_TOOLS/stream" serve "$@" >"$T/ready.$2" & until grep -q ready "$T/ready.$2"; do sleep 0.02; done; }
		trap '$HOY rm -f -t 0 box >/dev/null; kill $(jobs -p) 2>/dev/null' EXIT
	END
	printf '%s\n' "$1" >>"$T/host.sh"
	run env HOY="${HOY%% *}" T_TOOLS="$T_TOOLS" T="$T" timeout 100 unshare -Urn bash "$T/host.sh"
}

test_errors_are_the_hosts_own() {
	need ip
	on_fake_host '
		box
		echo 1 $(stream ask 203.0.113.1 9)
		echo 2 $(stream ask 198.51.100.1 9)
		echo 3 $(stream ask 198.51.101.1 9)
		echo 4 $(stream -t 2 ask 198.51.102.1 9)
		echo 5 $(stream ask 203.0.113.77 9)
		echo 6 $(stream ask 2001:db8:2::1 9)
		echo 7 $(stream ask 2001:db8:1::1 9)
		echo 8 $(stream ask 169.254.1.2 9)
		ip route del default
		echo 9 $(stream ask 192.0.2.1 9)
		serve 203.0.113.1 4000
		echo 10 $(stream ask 169.254.1.2 4000 peer)
		ip route add default via 203.0.113.254
		echo 11 $(stream ask 203.0.113.1 4000 peer)'
	assert_ok
	assert_out '1 REFUSED
2 HOSTUNREACH
3 HOSTUNREACH
4 TIMEOUT
5 HOSTUNREACH
6 HOSTUNREACH
7 REFUSED
8 REFUSED
9 NETUNREACH
10 203.0.113.1
11 203.0.113.1'
}

# A socket of the host that gets just the port it is to connect to would find itself, and a closed port would look open.
test_closed_port_among_the_hosts_own_choice() {
	need ip
	on_fake_host '
		echo "40000 40003" >/proc/sys/net/ipv4/ip_local_port_range
		box
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do stream -t 3 ask 203.0.113.1 $((40000 + i % 4)); done | sort | uniq -c | tr -s " "'
	assert_out ' 16 REFUSED'
}

# SYNs that nobody means: bounded; others go on, and all of it is over soon after.
test_flood_of_syns() {
	need ip
	on_fake_host '
		serve 203.0.113.1 4000
		box --cap-add NET_RAW
		ip=$($HOY exec box ip -4 -o addr show eth0 | sed "s/.*inet \([0-9.]*\).*/\1/")
		pid=$(pgrep -nx --ns $$ --nslist net hoy-network)
		stream syns $ip 203.0.113.77 9 20000
		n=$(ls /proc/$pid/fd | wc -l)
		[ $n -gt 100 ] && [ $n -lt 5000 ] && echo bounded || echo "$n descriptors"
		$HOY run --rm --network bridge -v "$T_TOOLS:/t:ro" busybox /t/stream ask 203.0.113.1 4000 once
		for i in $(seq 300); do [ $(ls /proc/$pid/fd | wc -l) -gt 100 ] || break; sleep 0.1; done
		[ $(ls /proc/$pid/fd | wc -l) -lt 100 ] && echo over
		stream ask 203.0.113.1 4000 once'
	assert_out 'ok 20000
bounded
once
over
once'
}

# A SYN whose sender is gone when the host is connected leaves nothing behind.
test_client_that_is_gone() {
	need ip
	on_fake_host '
		serve 203.0.113.1 4000
		box --cap-add NET_RAW
		ip=$($HOY exec box ip -4 -o addr show eth0 | sed "s/.*inet \([0-9.]*\).*/\1/")
		pid=$(pgrep -nx --ns $$ --nslist net hoy-network)
		before=$(ls /proc/$pid/fd | wc -l)
		stream syns $ip 203.0.113.1 4000 50
		stream ask 203.0.113.1 4000 once
		for i in $(seq 300); do [ $(ls /proc/$pid/fd | wc -l) -gt $before ] || break; sleep 0.1; done
		echo $(($(ls /proc/$pid/fd | wc -l) - before))'
	assert_out 'ok 50
once
0'
}

run_tests "$@"
