#!/bin/bash
# macvlan and ipvlan: a device beside one of the machine's, for those who may.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

test_only_root_may() { # rows=user,one
	load busybox
	hoy network create -d macvlan --opt parent=eth0 --subnet 10.77.1.0/24 m >/dev/null || fail create
	run hoy run --rm --network m busybox true
	assert_err E-NETWORK-PARENT root
	no_network_runs || fail 'a network process runs'
	server_in a --network bridge
	run hoy network connect m a
	assert_err E-NETWORK-PARENT
	run hoy exec a ls /sys/class/net
	assert_lacks eth1
}

# machine_device: a device of the machine that exists as long as the test; its other end is in a namespace of its own.
machine_device() {
	ip link add hoyt0 type veth peer name hoyt1 || fail 'no veth device'
	ip link set hoyt0 up && ip link set hoyt1 up
}

test_macvlan() { # rows=root
	load busybox
	need ip
	machine_device
	(
		hoy network create -d macvlan --opt parent=hoyt0 --subnet 10.77.1.0/24 --gateway 10.77.1.1 m >/dev/null || fail create
		server_in a --network m
		server_in b --network m --network bridge
		no_network_runs && fail 'no process for the bridge'
		assert_eq 'I am a' "$(fetch b "$(ip_in a)")" 'over the device of the machine'
		run hoy exec a ip -4 route
		assert_has 'default via 10.77.1.1'
		run hoy exec a cat /sys/class/net/eth0/address
		assert_eq "$(hoy inspect --format '{{.NetworkSettings.Networks.m.MacAddress}}' a)" "$out" MAC
		hoy network disconnect m b || fail disconnect
		run hoy exec b sh -c 'ls /sys/class/net; ip route'
		assert_lacks 10.77
		hoy stop -t 0 a >/dev/null && hoy start a >/dev/null || fail 'start again'
		hoy network connect m b || fail connect
		assert_eq 'I am a' "$(fetch b "$(ip_in a)")" 'after it was connected'
		server_in c --network bridge
		run hoy network connect m c # it was started without
		assert_err E-NETWORK-PARENT
		hoy network create -d macvlan --opt parent=nosuch --subnet 10.77.2.0/24 n >/dev/null 2>&1 || exit 0
		run hoy run --rm --network n busybox true
		assert_rc 125
		assert_err_has nosuch
	)
	ip link del hoyt0
}

run_tests "$@"
