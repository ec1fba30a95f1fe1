#!/bin/bash
# Echo requests of containers: through ping sockets where the host lets its users have them, else silence; errors as the network says them.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=fake.bash
. "$(dirname "$0")/fake.bash"

fake_ping() {
	echo '0 0' >/proc/sys/net/ipv4/ping_group_range
	box c
	for a in 192.168.7.2 fd07::2 192.168.7.1; do
		for n in 0 8 1400 1472 3000 65507; do
			in_box c ping -n $n -c 2 "$a"
			assert_eq 2 "$(printf '%s\n' "$out" | grep -c "^answer $n $a ttl [0-9]*$")" "answers of $n bytes from $a: $out"
		done
	done
	in_box c ping 169.254.1.2
	assert_has 'answer 8 169.254.1.2'
	in_box c ping 10.88.0.1
	assert_has 'answer 8 10.88.0.1'
	# Two at once with one id, from two containers.
	box d
	hoy exec d /dgram ping -c 50 192.168.7.2 >"$T/d" &
	local other=$!
	in_box c ping -c 50 192.168.7.2
	wait $other
	assert_eq 50 "$(printf '%s\n' "$out" | grep -c '^answer 8 192.168.7.2 ttl [0-9]*$')" "answers: $out"
	assert_eq 50 "$(grep -c '^answer 8 192.168.7.2 ttl [0-9]*$' "$T/d")" "answers of the other"
}
test_answers() { # short rows=user,root,one
	in_fake_host fake_ping
}

fake_ping_errors() {
	echo '0 0' >/proc/sys/net/ipv4/ping_group_range
	run hoy info
	assert_lacks Ping:
	run hoy info --format '{{.Host.Network.Ping}}'
	assert_out true
	box c
	in_box c ping 10.99.0.1
	assert_has 'net 192.168.7.2'
	in_box c ping 10.98.0.1
	assert_has 'host 192.168.7.2'
	in_box c ping 10.97.0.1
	assert_has 'prohibited 192.168.7.2'
	in_box c ping fd99::1
	assert_has 'net fd07::2'
	in_box c ping -t 1 10.77.0.1
	assert_has 'ttl 10.88.0.1'
	in_box c ping -t 2 10.77.0.1
	assert_has 'ttl 192.168.7.2'
	in_box c ping -t 2 fd77::1
	assert_has 'ttl fd07::2'
	ip route del default
	in_box c ping 10.99.0.1
	assert_has 'net 10.88.0.1'
	ip link set w0 mtu 1280
	world ip link set w1 mtu 1280
	in_box c ping -n 1300 192.168.7.2
	assert_has 'too big 1280'
	in_box c ping -n 1300 192.168.7.2
	assert_has 'answer 1300'
}
test_errors() {
	in_fake_host fake_ping_errors
}

fake_ping_nowhere() {
	echo '0 0' >/proc/sys/net/ipv4/ping_group_range
	box c
	for a in 0.0.0.1 255.255.255.255 224.0.0.1; do
		run hoy exec c /dgram ping "$a"
		assert_lacks answer
	done
}
# What a new namespace of the kernel has: nobody may.
fake_ping_denied() {
	run hoy info
	assert_has 'Ping: no, until root runs: sysctl -w net.ipv4.ping_group_range='
	run hoy info --format '{{.Host.Network.Ping}}'
	assert_out false
	box c
	in_box c ping 192.168.7.2
	assert_out nothing
	in_box c ping 10.88.0.1
	assert_has answer
}
test_nowhere() {
	in_fake_host fake_ping_nowhere
}

test_denied() { # rows=user,root,one
	in_fake_host fake_ping_denied
}

run_tests "$@"
