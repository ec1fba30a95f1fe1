#!/bin/bash
# network connect and disconnect on containers that run: devices, routes, names, ports, and what happens beside it.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

devices() { hoy exec "$1" ls /sys/class/net | tr '\n' ' '; }
knows() { hoy exec "$1" nslookup "$2" >/dev/null 2>&1; }

test_connect_and_disconnect() { # short rows=user,root,one
	load busybox
	hoy network create one >/dev/null && hoy network create two >/dev/null || fail create
	server_in a --network one
	server_in b --network two
	networks_run 2 || fail "processes: $(show_pids $(network_pids))"
	run hoy exec a sh -c "$GET" sh "$(ip_in b)"
	assert_ne 'I am b' "$out" 'before they share a network'
	run hoy network connect two a
	assert_ok
	assert_eq 'eth0 eth1 lo ' "$(devices a)" devices
	assert_eq 'I am b' "$(fetch a "$(ip_in b)")" 'by address'
	assert_eq 'I am a' "$(fetch b "$(ip_in a eth1)")" 'and back'
	assert_eq 'I am a' "$(fetch b a)" 'by name'
	run hoy exec a grep -c "$(ip_in a eth1)" /etc/hosts
	assert_out 1
	run hoy network disconnect two a
	assert_ok
	assert_eq 'eth0 lo ' "$(devices a)" devices
	run hoy exec b sh -c "$GET" sh a
	assert_ne 'I am a' "$out" 'after that'
	knows b a && fail 'its name is still known'
	networks_run 2 || fail 'processes'
	hoy rm -f -t 0 b >/dev/null
	wait_for -t 10 networks_run 1
}

test_a_network_begins_and_ends_with_it() {
	load busybox
	hoy network create two >/dev/null || fail create
	server_in a --network bridge
	networks_run 1 || fail processes
	hoy network connect two a || fail connect
	networks_run 2 || fail 'no process for the second network'
	hoy network disconnect two a || fail disconnect
	wait_for -t 10 networks_run 1
	assert_eq 'I am a' "$(fetch a 127.0.0.1)" 'it lives on'
}

test_the_default_route_moves() {
	load busybox
	hoy network create one >/dev/null && hoy network create two >/dev/null || fail create
	server_in a --network one
	hoy network connect two a || fail connect
	local gw
	gw=$(hoy exec a ip -4 route | awk '$1 == "default" { print $3, $5 }')
	assert_eq eth0 "${gw#* }" 'device of the default route'
	hoy network disconnect one a || fail disconnect
	gw=$(hoy exec a ip -4 route | awk '$1 == "default" { print $5 }')
	assert_eq eth1 "$gw" 'and now'
	hoy network disconnect two a || fail 'disconnect of the last'
	assert_eq 'lo ' "$(devices a)" devices
	wait_for -t 10 no_network_runs
	hoy network connect one a || fail 'connect again'
	assert_eq 'I am a' "$(fetch a "$(ip_in a)")" 'on its own address'
}

test_ports_move_with_the_default_route() {
	load busybox
	need curl python3
	hoy network create one >/dev/null && hoy network create two >/dev/null || fail create
	local port
	port=$(free_port)
	server_in a --network one -p "$port:80"
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
	hoy network connect two a || fail connect
	hoy network disconnect one a || fail disconnect
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
}

# The name server of the first network is no longer the last one that is asked, so that network is told anew; its ports stay open.
test_ports_stay_when_another_network_comes() {
	load busybox
	need curl python3
	hoy network create one >/dev/null || fail create
	local port
	port=$(free_port)
	server_in a --network one -p "$port:80"
	hoy network connect bridge a || fail connect
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
	hoy network disconnect bridge a || fail disconnect
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am a'
}

test_survives_a_crash_and_a_restart() {
	load busybox
	hoy network create one >/dev/null && hoy network create two >/dev/null || fail create
	server_in a --network one
	server_in b --network two
	hoy network connect two a || fail connect
	local ip
	ip=$(ip_in a eth1)
	# shellcheck disable=SC2046
	kill -9 $(network_pids)
	wait_for -t 10 says b "$ip" 'I am a'
	wait_for -t 10 networks_run 2
	hoy restart -t 0 a >/dev/null || fail restart
	wait_for -t 10 says b "$ip" 'I am a'
	assert_eq 'eth0 eth1 lo ' "$(devices a)" devices
}

test_many_at_once() {
	load busybox
	local i
	for i in 1 2 3 4 5 6 7 8; do hoy network create "n$i" >/dev/null || fail create; done
	server_in a --network n1
	for i in 2 3 4 5 6 7 8; do
		hoy network connect "n$i" a >"$T/out$i" 2>&1 || fail "connect n$i: $(cat "$T/out$i")" &
	done
	wait
	[ ! -s "$T/why" ] || exit 1
	assert_eq 9 "$(devices a | wc -w)" "devices: $(devices a)"
	networks_run 8 || fail "processes: $(network_pids | wc -l)"
	for i in 2 3 4 5 6 7 8; do
		hoy network disconnect "n$i" a >"$T/out$i" 2>&1 || fail "disconnect n$i: $(cat "$T/out$i")" &
	done
	wait
	[ ! -s "$T/why" ] || exit 1
	assert_eq 'eth0 lo ' "$(devices a)" devices
	wait_for -t 10 networks_run 1
}

# A container with power over its own network gets its device renamed, or has one of that name: the host's side does not care.
test_container_that_meddles() { # rows=user,root,one
	load busybox
	hoy network create two >/dev/null || fail create
	hoy run -d --name a --network bridge --cap-add NET_ADMIN busybox sleep 1000 >/dev/null || fail run
	hoy network connect two a || fail connect
	hoy exec a sh -c 'ip link set eth1 down; ip link set eth1 name x' || fail rename
	hoy network disconnect two a || fail disconnect
	assert_eq 'eth0 lo ' "$(devices a)" devices
	hoy exec a ip link add eth1 type bridge || fail 'a device of its own'
	run hoy network connect two a
	assert_rc 125
	run hoy network disconnect two a
	hoy exec a ip link del eth1
	hoy network connect two a || fail 'connect after that'
	wait_for -t 10 networks_run 2
}

run_tests "$@"
