#!/bin/bash
# Datagrams of containers to the world: they arrive as they were sent, answers come back from where they were sent to and from nowhere else, errors are honest, and what changes on
# the host needs no restart.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=fake.bash
. "$(dirname "$0")/fake.bash"

test_answers() { # short rows=user,root,one
	local host port
	host=$(host_ip)
	[ -n "$host" ] || skip "the host has no route"
	load busybox
	box c
	port=$(free_udp)
	echo_server "$T/log" 0.0.0.0 "$port"
	for n in 1 1400 1472 1473 9000 65507; do
		in_box c send -n $n -c 2 "$host" "$port"
		assert_eq 2 "$(printf '%s\n' "$out" | grep -c "^answer $n $host $port ttl [0-9]*$")" "answers of $n bytes: $out"
	done
	in_box c send 169.254.1.2 "$port"
	assert_has "answer 8 169.254.1.2 $port"
	run dgram echo "$host" "$port" # the port is taken: the log is of one server
	assert_rc 1
	in_box c send "$host" "$(free_udp)"
	assert_has "refused $host"
	assert_lacks answer
}

test_loopback_of_the_host() { # short
	local port
	[ -n "$(host_ip)" ] || skip "the host has no route"
	load busybox
	box c
	port=$(free_udp)
	echo_server "$T/log" 127.0.0.1 "$port"
	run dgram send 127.0.0.1 "$port"
	assert_has "answer 8"
	# By no name: what the host's sockets would take for loopback, and what leads to the host.
	for a in 169.254.1.2 "$(host_ip)" 0.0.0.1 10.88.0.1; do
		in_box c send -w 1 "$a" "$port"
		assert_lacks answer
	done
	hoy exec --privileged c ip route add 127.0.0.0/8 via 10.88.0.1 2>/dev/null
	for a in ::ffff:127.0.0.1 ::127.0.0.1; do
		run timeout 20 "${HOY%% *}" exec c /dgram send -w 1 "$a" "$port"
		assert_lacks answer
	done
	assert_eq 1 "$(grep -c '^127' "$T/log")" "datagrams that arrived: $(cat "$T/log")"
}

fake_sizes() {
	box c
	world_echo "$T/w4" 0.0.0.0 7000
	world_echo "$T/w6" :: 7001
	for n in 1 1452 1453 1472 1473 8000 65487 65507; do
		in_box c send -n $n 192.168.7.2 7000
		assert_has "answer $n 192.168.7.2 7000 ttl 63"
		assert_lacks other
	done
	for n in 1 1452 1453 8000 65487 65507 65527; do
		in_box c send -n $n fd07::2 7001
		assert_has "answer $n fd07::2 7001 ttl 63"
		assert_lacks other
	done
	# The world sees the host.
	assert_eq '' "$(grep -v '^ready\|^192.168.7.1 ' "$T/w4")"
	assert_eq '' "$(grep -v '^ready\|^fd07::1 ' "$T/w6")"
}
test_all_sizes_both_families() { # rows=user,root,one
	in_fake_host fake_sizes
}

fake_small_mtu() {
	box c --network "$(hoy network create --opt mtu=1500 --ipv6 small)"
	world_echo "$T/w6" :: 7001
	for n in 1452 1453 20000 65507; do
		in_box c send -n $n fd07::2 7001
		assert_has "answer $n fd07::2 7001"
		in_box c send -n $n 192.168.7.2 7001
		assert_lacks answer # the server is IPv6's only
	done
	world_echo "$T/w4" 0.0.0.0 7001
	for n in 1472 1473 20000 65507; do
		in_box c send -n $n 192.168.7.2 7001
		assert_has "answer $n 192.168.7.2 7001"
	done
}
test_small_mtu_of_the_network() {
	in_fake_host fake_small_mtu
}

fake_errors() {
	box c
	for a in 192.168.7.2 fd07::2 192.168.7.1; do
		in_box c send "$a" 7999
		assert_has "refused $a"
	done
	in_box c send 10.99.0.1 9
	assert_has 'net 192.168.7.2'
	in_box c send fd99::1 9
	assert_has 'net fd07::2'
	in_box c send 10.98.0.1 9
	assert_has 'host 192.168.7.2'
	in_box c send 10.97.0.1 9
	assert_has 'prohibited 192.168.7.2'
	# The way: the gateway, the world.
	in_box c send -t 1 10.77.0.1 33434
	assert_has 'ttl 10.88.0.1'
	in_box c send -t 2 10.77.0.1 33434
	assert_has 'ttl 192.168.7.2'
	in_box c send -t 2 fd77::1 33434
	assert_has 'ttl fd07::2'
	# The host has no way itself.
	ip route add unreachable 10.96.0.0/24
	ip route add prohibit 10.95.0.0/24
	in_box c send 10.96.0.1 9
	assert_has 'host 10.88.0.1'
	in_box c send 10.95.0.1 9
	assert_has 'prohibited 10.88.0.1'
	ip route del default
	ip -6 route del default
	in_box c send 10.99.0.1 9
	assert_has 'net 10.88.0.1'
	in_box c send fd99::1 9
	assert_has 'net '
}
test_errors() { # short
	in_fake_host fake_errors
}

fake_narrow() {
	ip link set w0 mtu 1280
	world ip link set w1 mtu 1280
	box c
	world_echo "$T/w4" 0.0.0.0 7000
	# Meant as it says: 1,400 bytes that nobody may cut.
	in_box c send -n 1372 192.168.7.2 7000
	assert_has 'too big 1280'
	assert_lacks answer
	# The container's kernel knows now, and cuts itself.
	in_box c send -n 1372 192.168.7.2 7000
	assert_has 'answer 1372'
	in_box c send -n 1372 -d 2 192.168.7.2 7000
	assert_lacks answer
	# Others may be cut.
	in_box c send -n 1372 -d 0 192.168.7.2 7000
	assert_has 'answer 1372'
	in_box c send -n 4000 192.168.7.2 7000
	assert_has 'answer 4000'
	in_box c send -n 1300 fd07::2 7999
	assert_has 'too big 1280'
}
test_narrow_path() {
	in_fake_host fake_narrow
}

# One port of the host towards all: what a STUN server sees is what a peer sees.
fake_same_port() {
	box c
	for p in 7000 7001; do
		world_echo "$T/w$p" 192.168.7.2 $p "at $p "
	done
	in_box c send -S 7001 192.168.7.2 7000
	assert_eq 2 "$(printf '%s\n' "$out" | grep -c answer)" "answers: $out"
	assert_eq "$(awk '/^192/ { print $2 }' "$T/w7000")" "$(awk '/^192/ { print $2 }' "$T/w7001")" port
}
test_same_port_towards_all() {
	in_fake_host fake_same_port
}

fake_changes() {
	box c
	world ip addr add 10.66.0.1/32 dev lo
	world_echo "$T/w" 10.66.0.1 7000
	# One socket of the container all the time.
	hoy exec c /dgram send -c 500 -i 0.05 -w 0.1 10.66.0.1 7000 >"$T/box" &
	local sender=$!
	wait_for file_has "$T/box" answer
	ip route del default
	wait_for file_has "$T/box" 'net 10.88.0.1'
	# It is back, over another link and with another address.
	ip link add v0 type veth peer name v1 netns "$WORLD"
	ip addr add 192.168.8.1/24 dev v0
	ip link set v0 up
	world ip addr add 192.168.8.2/24 dev v1
	world ip link set v1 up
	ip route add default via 192.168.8.2
	ip addr flush dev w0
	wait_for file_has "$T/w" 192.168.8.1
	local n
	n=$(grep -c answer "$T/box")
	wait_for more_answers "$n"
	kill $sender 2>/dev/null
	hoy kill c >/dev/null
	wait $sender
}
more_answers() { [ "$(grep -c answer "$T/box")" -gt "$1" ]; }
test_routes_and_addresses_change() {
	in_fake_host fake_changes
}

test_thousands_of_flows() {
	local host port pid before
	host=$(host_ip)
	[ -n "$host" ] || skip "the host has no route"
	load busybox
	box c
	port=$(free_udp)
	echo_server "$T/log" 0.0.0.0 "$port"
	in_box c many "$host" "$port" 20
	pid=$(network_pids)
	before=$(awk '/^Pss_Dirty/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
	in_box c many "$host" "$port" 3000
	assert_has '3000 answers'
	assert_eq "$pid" "$(network_pids)" "the network process"
	note "dirty memory of the network process before 3,000 flows: ${before:-?} KB"
	hoy rm -f -t 0 c >/dev/null
	wait_for no_network_runs
}

test_descriptors_run_out() { # rows=user,root
	local host port
	host=$(host_ip)
	[ -n "$host" ] || skip "the host has no route"
	load busybox
	port=$(free_udp)
	echo_server "$T/log" 0.0.0.0 "$port"
	(
		ulimit -Sn 200 && ulimit -Hn 200 && box c
	) || exit 1
	in_box c many "$host" "$port" 1000
	assert_has '1000 answers'
}

test_member_that_leaves() {
	local host port
	host=$(host_ip)
	[ -n "$host" ] || skip "the host has no route"
	load busybox
	box keeper
	box c
	port=$(free_udp)
	echo_server "$T/log" 0.0.0.0 "$port"
	in_box c many "$host" "$port" 50
	hoy rm -f -t 0 c >/dev/null
	# Another one gets its address, and none of its flows.
	box d
	in_box d many "$host" "$port" 50
	assert_has '50 answers'
	in_box keeper send "$host" "$port"
	assert_has answer
}

run_tests "$@"
