#!/bin/bash
# Published UDP ports: the container sees its clients, answers leave from where the client asked, and each client has its own way.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=fake.bash
. "$(dirname "$0")/fake.bash"

# udp_server NAME ADDRESS OPTION...: a container that answers on its port 9000.
udp_server() {
	local name=$1 at=$2
	shift 2
	hoy run -d --name "$name" -v "$T_TOOLS/dgram:/dgram:ro" --network bridge "$@" busybox /dgram echo "$at" 9000 >/dev/null || fail "run $name"
	wait_for logged "$name" ready
}
logged() { hoy logs "$1" 2>&1 | grep -qF -- "$2"; }
send() {
	run "$T_TOOLS/dgram" send "$@"
	assert_ok
}
from_world() {
	run world "$T_TOOLS/dgram" send "$@"
	assert_ok
}

test_here() { # short rows=user,root,one
	local p q
	load busybox
	p=$(free_udp)
	udp_server s 0.0.0.0 -p "$p:9000/udp" -p 127.0.0.1::9000/udp
	for n in 1 1472 65507; do
		send -n $n 127.0.0.1 "$p"
		assert_has "answer $n 127.0.0.1 $p"
		assert_lacks other
	done
	# Loopback would be the container itself to it: it sees the gateway.
	assert_eq '' "$(hoy logs s | grep -v '^ready\|^10\.88\.0\.1 ')" "clients that the container saw"
	q=$(hoy port s 9000/udp | sed -n 's/^127.0.0.1://p')
	[ -n "$q" ] || fail "hoy port: $(hoy port s)"
	send 127.0.0.1 "$q"
	assert_has "answer 8 127.0.0.1 $q"
	if [ -n "$(host_ip)" ]; then
		send -w 1 "$(host_ip)" "$q"
		assert_lacks answer
		send "$(host_ip)" "$p"
		assert_has "answer 8 $(host_ip) $p"
		wait_for logged s "$(host_ip) "
	fi
	run hoy run --rm --network bridge -p "$p:1/udp" busybox true
	assert_err '' "$p"
	hoy rm -f -t 0 s >/dev/null
	send "127.0.0.1" "$p"
	assert_has 'refused'
}

fake_clients() {
	udp_server s 0.0.0.0 -p 7000:9000/udp -p 7001:9000/udp
	udp_server six :: -p 7006:9000/udp
	from_world -b 5555 192.168.7.1 7000
	assert_has 'answer 8 192.168.7.1 7000'
	wait_for logged s '192.168.7.2 5555 8'
	from_world -b 5556 fd07::1 7006
	assert_has 'answer 8 fd07::1 7006'
	wait_for logged six 'fd07::2 5556 8'
	# The host has more than one address.
	ip addr add 192.168.7.9/24 dev w0
	ip addr add fd07::9/64 dev w0 nodad
	from_world 192.168.7.9 7000
	assert_has 'answer 8 192.168.7.9 7000'
	from_world fd07::9 7006
	assert_has 'answer 8 fd07::9 7006'
	# One socket of a client asks two ports, and two addresses: each answer comes from where it was asked for.
	from_world -b 5557 -S 7001 -c 3 192.168.7.1 7000
	assert_eq 3 "$(printf '%s\n' "$out" | grep -c '^answer 8 192.168.7.1 7000 ')" "answers of the first port: $out"
	assert_eq 3 "$(printf '%s\n' "$out" | grep -c '^answer 8 192.168.7.1 7001 ')" "answers of the second port: $out"
	from_world -b 5557 192.168.7.9 7000
	assert_has 'answer 8 192.168.7.9 7000'
	for n in 1472 1473 8000 65507; do
		from_world -n $n 192.168.7.1 7000
		assert_has "answer $n 192.168.7.1 7000"
		from_world -n $n fd07::1 7006
		assert_has "answer $n fd07::1 7006"
		assert_lacks other
	done
	run world "$T_TOOLS/dgram" many 192.168.7.1 7000 600
	assert_has '600 answers'
}
test_clients() { # short rows=user,root,one
	in_fake_host fake_clients
}

fake_ranges() {
	hoy run -d --name s -v "$T_TOOLS/dgram:/dgram:ro" --network bridge -p 7010-7012:9000-9002/udp -p 192.168.7.1:7020:9000/udp -p '[fd07::1]:7021:9003/udp' busybox sh -c \
		'/dgram echo 0.0.0.0 9000 a & /dgram echo 0.0.0.0 9001 b & /dgram echo 0.0.0.0 9002 c & exec /dgram echo :: 9003 d' >/dev/null || fail run
	wait_for logged s ready
	for i in 0 1 2; do
		wait_for answered_by_world 9 192.168.7.1 701$i
	done
	wait_for answered_by_world 9 192.168.7.1 7020
	wait_for answered_by_world 9 fd07::1 7021
	send -w 1 127.0.0.1 7020
	assert_lacks answer
	from_world -w 1 fd07::1 7020
	assert_lacks answer
}
answered_by_world() { world "$T_TOOLS/dgram" send -w 1 "$2" "$3" | grep -q "^answer $1 $2 $3 "; }
test_ranges_and_addresses() {
	in_fake_host fake_ranges
}

fake_late() {
	hoy run -d --name s -v "$T_TOOLS/dgram:/dgram:ro" --network bridge -p 7000:9000/udp busybox sleep 1000 >/dev/null || fail run
	from_world -w 0.5 -b 5555 -c 3 192.168.7.1 7000
	assert_lacks answer
	# It listens only now: the client that was there before is served as any other.
	hoy exec -d s /dgram echo 0.0.0.0 9000
	wait_for answered_from 5555
	# A container that is back has its clients back.
	hoy restart -t 0 s >/dev/null || fail restart
	hoy exec -d s /dgram echo 0.0.0.0 9000
	wait_for answered_from 5555
}
answered_from() { world "$T_TOOLS/dgram" send -w 0.5 -b "$1" 192.168.7.1 7000 | grep -q '^answer'; }
test_nobody_listens_yet() {
	in_fake_host fake_late
}

# The network's own side: a client inside of another container, by the host's address.
fake_hairpin() {
	udp_server s 0.0.0.0 -p 7000:9000/udp
	box c
	in_box c send 192.168.7.1 7000
	assert_has 'answer 8 192.168.7.1 7000'
	in_box c send 169.254.1.2 7000
	assert_has 'answer 8 169.254.1.2 7000'
	in_box s send 192.168.7.1 7000
	assert_has 'answer 8 192.168.7.1 7000'
}
test_through_the_host() {
	in_fake_host fake_hairpin
}

run_tests "$@"
