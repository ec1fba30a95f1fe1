#!/bin/bash
# --opt com.docker.network.bridge.enable_icc=false: containers of the network reach the gateway and the world, and not each other.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

test_containers_are_kept_apart() {
	local ip
	load busybox
	hoy network create -o com.docker.network.bridge.enable_icc=false apart >/dev/null || fail create
	server_in a --network apart -p 127.0.0.1::80
	ip=$(ip_in a)
	hoy run -d --name b --network apart --cap-add NET_ADMIN --cap-add NET_RAW busybox sleep 1000 >/dev/null || fail run
	run hoy exec b timeout 2 wget -q -O - "http://$ip/"
	assert_ne 0 "$rc" 'from one to the other'
	run hoy exec b timeout 3 arping -c 1 -w 2 -I eth0 "$ip"
	assert_ne 0 "$rc" 'ARP from one to the other'
	# By way of the gateway, which would route it.
	hoy exec b sh -c "ip route add $ip via \$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')" || fail route
	run hoy exec b timeout 2 wget -q -O - "http://$ip/"
	assert_ne 0 "$rc" 'through the gateway'
	assert_lacks 'I am a'
	# What is published is, and the name server answers.
	host_says "$(hoy port a 80/tcp | head -1)" 'I am a' || fail 'published port'
	run hoy exec b nslookup a
	assert_has "$ip"
}

run_tests "$@"
