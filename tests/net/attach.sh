#!/bin/bash
# A container joins its network and leaves it: devices, the life of the network process, many at once.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

test_device_and_routes() { # short rows=user,root,one
	load busybox
	run hoy run --rm --network bridge busybox sh -c 'cat /sys/class/net/eth0/operstate; ip -4 -o addr show eth0; ip -4 route; ls /sys/class/net'
	assert_ok
	assert_match '^(up|unknown)
.*inet 10\.[0-9.]+/[0-9]+ .*
default via 10\.[0-9.]+ dev eth0'
	assert_has eth0
	run hoy run --rm --network bridge busybox ip -6 -o addr show eth0
	assert_has 'scope global'
	assert_lacks tentative
}

test_device_with_init_and_read_only() {
	load busybox
	run hoy run --rm --init --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
	run hoy run --rm --read-only --user 1000 --cap-drop ALL --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
	run hoy run --rm --privileged --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
	run hoy run --rm --ulimit nofile=8:8 --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
}

test_namespaces_of_others() { # rows=user,root,one
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	run hoy run --rm --pid container:a --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
	assert_lacks "$(ip_in a)/"
	run hoy run --rm --network container:a busybox ip -4 -o addr show eth0
	assert_has "$(ip_in a)/"
}

# Containers with id maps of their own join networks like any other.
test_mapped_ids() { # rows=user
	load busybox
	hoy network create n >/dev/null || fail create
	local ns p
	for ns in keep-id auto nomap; do server_in "a-$ns" --userns $ns -u 0 --network n -p 80; done
	for ns in keep-id auto nomap; do
		p=$(hoy port "a-$ns" 80 | head -1)
		wait_for host_says "127.0.0.1:${p##*:}" "I am a-$ns"
		assert_eq "I am a-$ns" "$(fetch a-keep-id "a-$ns")" 'by name'
	done
	kill -9 $(network_pids)
	wait_for -t 10 says a-auto "$(ip_in a-keep-id)" 'I am a-keep-id'
	p=$(hoy port a-nomap 80 | head -1)
	wait_for -t 10 host_says "127.0.0.1:${p##*:}" 'I am a-nomap'
	hoy network disconnect n a-auto || fail disconnect
	hoy network connect n a-auto || fail connect
	assert_eq 'I am a-auto' "$(fetch a-nomap a-auto)" 'after another connect'
	hoy rm -f -t 0 a-keep-id a-auto a-nomap >/dev/null
}

test_process_lives_as_long_as_its_members() { # short
	load busybox
	no_network_runs || fail "runs before any container: $(show_pids "$(network_pids)")"
	server_in a --network bridge
	server_in b --network bridge
	networks_run 1 || fail "processes: $(show_pids $(network_pids) $(pool_pids))"
	assert_eq 'I am a' "$(fetch b "$(ip_in a)")" 'from the other container'
	assert_eq 'I am b' "$(fetch a "$(ip_in b)")" 'and back'
	hoy rm -f -t 0 a >/dev/null
	networks_run 1 || fail 'it ended although a container is left'
	hoy rm -f -t 0 b >/dev/null
	wait_for -t 10 no_network_runs
	[ ! -e "$(store)/networks/bridge/sock" ] || fail 'its socket is left'
	server_in c --network bridge
	networks_run 1 || fail 'not there for the next one'
}

test_container_without_network_needs_none() {
	load busybox
	hoy run -d --name a --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name b --network host busybox sleep 1000 >/dev/null || fail run
	no_network_runs || fail 'a network process runs'
}

test_start_and_stop_again_keeps_the_address() {
	load busybox
	server_in a --network bridge
	local ip
	ip=$(ip_in a)
	hoy stop -t 0 a >/dev/null
	wait_for -t 10 no_network_runs
	hoy run --rm --network bridge busybox true || fail 'run of another'
	hoy start a >/dev/null || fail start
	assert_eq "$ip" "$(ip_in a)" 'the address after a restart'
	hoy restart -t 0 a >/dev/null || fail restart
	assert_eq "$ip" "$(ip_in a)" 'and after another'
}

test_port_is_free_when_the_container_has_ended() {
	load busybox
	need curl python3
	local port i
	port=$(free_port)
	for i in 1 2 3 4 5; do
		run hoy run --rm --network bridge -p "$port:80" busybox true
		assert_ok
	done
	server_in a --network bridge -p "$port:80"
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
	hoy stop -t 0 a >/dev/null
	hoy start a >/dev/null || fail 'the port was not free at once'
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
}

# What fails leaves nothing: no process, no address, no name.
test_failed_start() { # rows=user,root,one
	load busybox
	run hoy run --rm --network bridge busybox /no/such
	assert_rc 127
	run hoy run -d --name a --network bridge busybox /no/such
	assert_rc 127
	wait_for -t 10 nothing_runs
	run find "$(store)/networks/bridge/leases" -type l -newermt 2000-01-01
	[ -n "$(hoy ps -aq)" ] || assert_out ''
}

test_storm_of_first_starts() { # rows=user,root,one
	load busybox
	local i
	for i in $(seq 20); do
		hoy run -d --name "c$i" --network bridge busybox sleep 1000 >"$T/out$i" 2>&1 || fail "run c$i: $(cat "$T/out$i")" &
	done
	wait
	[ ! -s "$T/why" ] || exit 1
	networks_run 1 || fail "processes: $(show_pids $(network_pids) $(pool_pids))"
	assert_eq 20 "$(for i in $(seq 20); do ip_in "c$i"; done | sort -u | wc -l)" 'different addresses'
	for i in $(seq 20); do
		hoy rm -f -t 0 "c$i" >/dev/null 2>"$T/rm$i" || fail "rm c$i: $(cat "$T/rm$i")" &
	done
	wait
	[ ! -s "$T/why" ] || exit 1
	wait_for -t 10 nothing_runs
}

# The last one leaves while the next one comes: each of them finds a process that works.
test_storm_of_short_ones() {
	load busybox
	local i
	for i in $(seq 4); do
		(for k in $(seq 8); do
			hoy run --rm --network bridge busybox ip -4 -o addr show eth0 >"$T/short$i.$k" 2>&1 || fail "run $i.$k: $(cat "$T/short$i.$k")"
		done) &
	done
	wait
	[ ! -s "$T/why" ] || exit 1
	assert_eq 32 "$(cat "$T"/short* | grep -c 'inet 10\.')" 'runs with an address'
	wait_for -t 10 nothing_runs
}

test_two_stores_do_not_meet() {
	load busybox
	server_in a --network bridge
	local other=$HOME/other
	hoy --root "$other" load -q -i "$T_FIX/busybox.tar" >/dev/null || fail load
	hoy --root "$other" run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail 'run in the other store'
	networks_run 2 || fail 'not a process each'
	run hoy --root "$other" exec a sh -c "$GET" sh "$(ip_in a)"
	assert_ne 'I am a' "$out" 'the other store'
	hoy --root "$other" rm -f -t 0 a >/dev/null
	wait_for -t 10 networks_run 1
	assert_eq 'I am a' "$(fetch a 127.0.0.1)" 'and the first one lives'
}

run_tests "$@"
