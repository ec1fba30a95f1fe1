#!/bin/bash
# network update: other name servers, at once, for containers that run.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=fakehost.bash
. "$(dirname "$0")/fakehost.bash"

test_at_once() { # short
	on_fake_host at_once
}
at_once() {
	local before
	nameserver 127.0.0.53
	nameserver 127.0.0.54
	nameserver 127.0.0.55
	hoy network create --dns 127.0.0.54 n >/dev/null || fail create
	client c --network n
	before=$(network_pids)
	ask c example.org
	got NOERROR 'example.org. A 127.0.0.54'
	run hoy network update --dns-drop 127.0.0.54 --dns-add 127.0.0.55 n
	assert_ok
	ask c example.org
	got NOERROR 'example.org. A 127.0.0.55'
	run hoy network update --dns-drop 127.0.0.55 n
	assert_ok
	ask c example.org
	got NOERROR 'example.org. A 127.0.0.53'
	ask c c
	got NOERROR 'c. A 10.89.0.2'
	assert_eq "$before" "$(network_pids)" 'the network process'
	hoy restart -t 0 c >/dev/null || fail restart
	ask c example.org
	got NOERROR 'example.org. A 127.0.0.53'
	run hoy network rm -f -t 0 n
	assert_ok
}

fakehost_tests "$@"
