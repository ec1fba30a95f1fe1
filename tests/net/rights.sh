#!/bin/bash
# What is allowed where: ports below 1024 on the host, and everything in the container's own network.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# A free low port of the host.
low_port() {
	local p
	for p in 871 873 875 877 879; do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { printf '%s\n' $p && return; }
	done
	skip 'no free low port'
}

answer_of() { timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && cat <&3" 2>/dev/null; }
says() { [ "$(answer_of "$1")" = "$2" ]; }

network_pids() {
	local p
	for p in $(our_pids); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" != hoy-network ] || printf '%s\n' "$p"; done
}

test_root_publishes_low_ports() { # rows=root
	load busybox
	local port
	port=$(low_port)
	run hoy run -d --name low --network bridge -p "$port:80" -p "$port:80/udp" busybox nc -ll -p 80 -e echo here
	assert_ok
	wait_for says "$port" here
	# The process that holds them dies: the next one must have them too, though it could not open them.
	local p
	for p in $(network_pids); do kill -9 "$p"; done
	wait_for says "$port" here
	run hoy run --rm --network bridge -p "$port:80" busybox true
	assert_err E-PORT-TAKEN
	hoy rm -f -t 0 low >/dev/null
	answer_of "$port" && fail 'the port is still open'
	run hoy run --rm --network bridge -p "$port:80" busybox true
	assert_ok
}

test_others_are_told_what_helps() { # rows=user,one
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 871 ] || skip 'everybody may open low ports here'
	load busybox
	run hoy run --rm --network bridge -p 871:80 busybox true
	assert_err E-PORT-RIGHTS ip_unprivileged_port_start
}

test_the_container_may_do_everything_in_its_own() { # short
	load busybox
	local net
	for net in none bridge; do
		run hoy run --rm --network $net busybox cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range
		assert_match $'^0\n0[[:space:]]+(65535|0)$'
		run hoy run --rm --network $net --sysctl net.ipv4.ip_unprivileged_port_start=512 busybox cat /proc/sys/net/ipv4/ip_unprivileged_port_start
		assert_out 512
	done
}

# The host's loopback is reached where the network was made so, by the host's name only.
test_host_loopback_where_asked_for() {
	need socat
	load busybox
	local port=$((20000 + RANDOM % 10000))
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" 'EXEC:echo here' 2>"$T/socat" &
	server $!
	wait_for says $port here
	ask() { run hoy run --rm --network "$1" busybox sh -c "nc -w 3 $2 $port"; }
	hoy network create -o allow_host_loopback=true open >/dev/null
	ask open host.containers.internal
	assert_out here
	ask open 127.0.0.1
	assert_out ''
	ask bridge host.containers.internal
	assert_out ''
	run hoy network create -o allow_host_loopback=perhaps other
	assert_err
}

run_tests "$@"
