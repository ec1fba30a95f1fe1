#!/bin/bash
# What a container sends to the world, and what the world sends it unasked: packets that lie about themselves, answers of strangers, addresses that mean the host.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../net/lib.bash
. "$(dirname "$0")/../net/lib.bash"
# shellcheck source=../net/fake.bash
. "$(dirname "$0")/../net/fake.bash"

corpus=$(readlink -f "$(dirname "$0")/../fuzz/packet")

# The shapes that broke other user-space network stacks (tests/fuzz/packet), from a real container; and a datagram that claims to be longer than its packet:
# what lay in memory behind it must not go out.
fake_malformed() {
	local pid me mac claim
	box c -v "$T/corpus:/corpus:ro"
	me=$(ip_in c)
	world_echo "$T/w" 192.168.7.2 7000
	in_box c send 192.168.7.2 7000
	assert_has 'answer 8'
	pid=$(network_pids)
	mac=$(hoy exec c sh -c 'ping -c 1 -W 1 10.88.0.1 >/dev/null; cat /proc/net/arp' | awk '$1 == "10.88.0.1" { print $4 }')
	run hoy exec c sh -c "exec /dgram frames eth0 $mac /corpus/*"
	assert_ok
	assert_match '^[0-9]{2,} sent'
	# UDP length 1,400, sum 0 (none was made), 9 bytes of a body.
	claim=$(python3 -c 'import socket, sys; print((bytes([0x45, 0, 0, 37, 0, 1, 0, 0, 64, 17, 0, 0]) + socket.inet_aton(sys.argv[1]) + socket.inet_aton("192.168.7.2")
		+ (5000).to_bytes(2, "big") + (7000).to_bytes(2, "big") + (1400).to_bytes(2, "big") + bytes(2) + b"overstate").hex())' "$me")
	in_box c raw 192.168.7.2 "$claim"
	in_box c raw 192.168.7.2 "$(printf '%s' "$claim" | sed 's/0578/0011/')" # the same, honest: it arrives
	wait_for file_has "$T/w" ' 9'
	in_box c send 192.168.7.2 7000
	assert_has 'answer 8'
	assert_eq '' "$(grep -v '^ready\| 8$\| 9$' "$T/w")" "datagrams that came out"
	assert_eq "$pid" "$(network_pids)" "the network process"
}
test_malformed_packets() { # rows=user,root
	need python3
	cp -r "$corpus" "$T/corpus"
	chmod -R a+rX "$T/corpus"
	in_fake_host fake_malformed
}

fake_stranger() {
	local port
	box c
	world ip addr add 192.168.7.3/24 dev w1
	world_echo "$T/w" 192.168.7.2 7000
	hoy exec c /dgram send -k 4 192.168.7.2 7000 >"$T/box" &
	local sender=$!
	wait_for file_has "$T/box" answer
	port=$(awk '/^192/ { print $2 }' "$T/w")
	# Another host, another port of the same host, and the host itself.
	world "$T_TOOLS/dgram" send -n 100 -w 0.2 192.168.7.1 "$port" >/dev/null
	cat >"$T/from.py" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind((sys.argv[1], 7000))
		s.sendto(b"x" * 101, ("192.168.7.1", int(sys.argv[2])))
	END
	world python3 "$T/from.py" 192.168.7.3 "$port"
	dgram send -n 102 -w 0.2 192.168.7.1 "$port" >/dev/null
	wait $sender
	assert_eq 1 "$(grep -c answer "$T/box")" "what came in: $(cat "$T/box")"
}
test_answers_of_a_stranger() {
	in_fake_host fake_stranger
}

# Only 169.254.1.2 is the host. The rest of 169.254/16, where clouds tell secrets (169.254.169.254), is not the host, and is reached only where the network was made so.
fake_metadata() {
	local a
	box c
	echo_server "$T/log" 0.0.0.0 7080
	in_box c send 169.254.1.2 7080
	assert_has 'answer 8 169.254.1.2 7080'
	for a in 169.254.169.254 169.254.1.1 169.254.1.3 169.254.0.1; do
		in_box c send -w 1 "$a" 7080
		assert_lacks answer
	done
	assert_eq 1 "$(grep -c '^192' "$T/log")" "datagrams that reached the host: $(cat "$T/log")"
	# The host has a route there.
	world ip addr add 169.254.169.254/32 dev lo
	world_echo "$T/w" 169.254.169.254 7080
	ip route add 169.254.169.254/32 via 192.168.7.2
	in_box c send -w 1 169.254.169.254 7080
	assert_lacks answer
	assert_eq 0 "$(grep -c '^192' "$T/w")" 'datagrams that came through'
	hoy network create -o allow_link_local=true asked >/dev/null
	box d
	hoy network disconnect bridge d && hoy network connect asked d
	in_box d send 169.254.169.254 7080
	assert_has 'answer 8 169.254.169.254 7080'
}
test_metadata_address() {
	in_fake_host fake_metadata
}

# The host's loopback by datagrams and echo requests: not by the name of the host, not by what its sockets would take for it.
fake_loopback() {
	local a
	echo '0 0' >/proc/sys/net/ipv4/ping_group_range
	box c --privileged
	echo_server "$T/four" 127.0.0.1 7080
	echo_server "$T/six" ::1 7080
	hoy exec --privileged c sh -c 'ip route add 0.0.0.0/8 via 10.88.0.1; ip -6 route add ::/96 via fe80::1 dev eth0; true' 2>/dev/null
	for a in 169.254.1.2 10.88.0.1 192.168.7.1 0.0.0.0 0.0.0.1 ::ffff:127.0.0.1 ::127.0.0.1 fd07::1; do
		run timeout 20 "${HOY%% *}" exec c /dgram send -w 0.5 "$a" 7080
		assert_lacks answer
	done
	assert_eq 'ready ready' "$(cat "$T/four" "$T/six" | tr '\n' ' ' | sed 's/ $//')" "what reached the loopback"
	run "$T_TOOLS/dgram" send 127.0.0.1 7080
	assert_has answer
}
test_loopback_of_the_host() { # rows=user,root,one
	in_fake_host fake_loopback
}

run_tests "$@"
