#!/bin/bash
# --network and the flags that go with it: what is taken, what is refused with which words, and what a container then has.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

sleeper() { hoy run -d --name "$@" busybox sleep 1000 >/dev/null || fail "run $1"; }
ns_of() { hoy exec "$1" readlink /proc/self/ns/net; }

test_joining_another() { # peer_ok short
	load busybox
	sleeper a --network none
	local ns
	ns=$(ns_of a)
	run hoy run --rm --network container:a busybox readlink /proc/self/ns/net
	assert_out "$ns"
	run hoy run --rm --network container:a busybox ls /sys/class/net
	assert_out lo
	hoy exec -d a nc -l -p 4444 -e echo hello
	wait_for hoy run --rm --network container:a busybox sh -c 'netstat -lnt | grep -q :4444'
	run hoy run --rm --network container:a busybox nc 127.0.0.1 4444
	assert_out hello
	sleeper b --network container:a
	assert_eq "$ns" "$(ns_of b)" 'of a process that comes later'
	run hoy rm a
	assert_ne 0 "$rc"
	hoy rm -f -t 0 b >/dev/null
	run hoy rm -f -t 0 a
	assert_ok
}

test_joining_by_path() {
	load busybox
	sleeper a --network none
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' a)
	run hoy run --rm --network "ns:/proc/$pid/ns/net" busybox readlink /proc/self/ns/net
	assert_out "$(ns_of a)"
	run hoy run --rm --network ns:/proc/self/ns/uts busybox true
	assert_err E-NAMESPACE
	run hoy run --rm --network ns:/no/such busybox true
	assert_err E-SYSTEM /no/such
	sleeper b --network "ns:/proc/$pid/ns/net"
	run hoy run --rm --network container:b busybox readlink /proc/self/ns/net # that one's is the same
	assert_out "$(ns_of a)"
}

test_joining_what_has_none() {
	load busybox
	sleeper a --network host
	run hoy run --rm --network container:a busybox true
	assert_err E-NAMESPACE '--network host is the same'
	hoy create --name b --network none busybox true >/dev/null || fail create
	run hoy run --rm --network container:b busybox true
	assert_err E-NAMESPACE 'not running'
	run hoy run --rm --network container:nope busybox true
	assert_err E-CONTAINER-UNKNOWN
	sleeper c --network none
	run hoy run --rm --network container:c --sysctl net.ipv4.ip_forward=1 busybox true
	assert_err E-SYSCTL 'of another'
}

# An error of the text itself comes before anything is looked up. The unit tests have the rest of the forms.
test_refused_words() { # short
	local row
	for row in '--network none --network host|cannot be one of several' '--network web:ip=1.2.3|not an IP address' \
		'--network none --ip 10.0.0.1|exclude each other' '--network host --network-alias x|exclude each other' \
		'--network web --network db --ip 10.0.0.1|several networks' '--network web:mtu=3|no option' \
		'--link-local-ip 169.254.3.3|link-local' '--network none -p 80:80/sctp|sctp' '--network none -p 80:|no port' \
		'--network none --expose x|1 to 65535' '--network none -p 1:1 -p 1:2|two ports'; do
		# shellcheck disable=SC2086
		run hoy create ${row%%|*} @host true
		assert_err E-USAGE
		assert_err_has "${row#*|}"
	done
}

test_ports_without_a_network() { # peer_ok
	load busybox
	local net
	sleeper a --network none
	for net in none host container:a; do
		run hoy run --rm --network "$net" -p 8080:80 busybox echo ran
		assert_ok
		assert_out ran
		assert_ne '' "$err"
	done
}

run_tests "$@"
