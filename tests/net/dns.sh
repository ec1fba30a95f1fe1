#!/bin/bash
# The name server of a network: names of containers, the servers of the machine, and those who want harm.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=fakehost.bash
. "$(dirname "$0")/fakehost.bash"

# of NAME [FAMILY]: the address that the container sees on eth0.
of() { hoy exec "$1" ip "-${2:-4}" -o addr show eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }'; }
gateway_of() { hoy exec "$1" ip -4 route | sed -n 's/^default via \([^ ]*\) .*/\1/p'; }
network() { hoy network create "$@" >/dev/null || fail "network create $*"; }
sleeper() {
	local name=$1
	shift
	hoy run -d --name "$name" "$@" busybox sleep 1000 >/dev/null || fail "run $name"
}

test_names() { # short rows=user,root,one
	on_fake_host names
}
names() {
	load busybox
	nameserver 127.0.0.53
	network --ipv6 one
	sleeper db --network one --network-alias data --hostname dbhost
	sleeper web --network one --network-alias Data
	client c --network one
	local id
	id=$(hoy inspect --format '{{.Id}}' db)
	for n in db DB db.dns.podman db.one dbhost "${id:0:12}"; do
		ask c "$n"
		got NOERROR "$n. A $(of db)"
	done
	ask c db AAAA
	got NOERROR "db. AAAA $(of db 6)"
	ask c db MX
	got NOERROR
	ask c -x "$(of db)"
	assert_has 'PTR db.'
	ask c -x "$(of db 6)"
	assert_has 'PTR db.'
	ask c -x "$(of db | sed 's/[0-9]*$/250/')"
	got NXDOMAIN
	ask c nobody.dns.podman
	got NXDOMAIN
	ask c host.docker.internal
	got NOERROR 'host.docker.internal. A 169.254.1.2'
	ask c host.containers.internal AAAA
	got NOERROR
	assert_eq 0 "$(was_asked 127.0.0.53 .dns.podman)" 'questions outside'
	assert_eq 0 "$(was_asked 127.0.0.53 'db\|in-addr\|ip6')" 'questions outside'
	# One alias of two: both, in turns.
	ask c data
	local first=$out
	assert_eq 3 "$(printf '%s\n' "$out" | wc -l)" 'lines of an alias of two'
	ask c data
	assert_ne "$first" "$out" 'the order'
	# By the resolver of the C library, with the search list.
	run hoy exec c getent ahostsv4 db
	assert_has "$(of db)"
	run hoy exec c getent hosts "$(of db)"
	assert_has db
	run hoy exec web ping -4 -c 1 -w 5 db
	assert_has "PING db ($(of db))"
	# A name lives as long as its container is there.
	hoy rm -f -t 0 db >/dev/null
	ask c db
	assert_lacks 'A 10.'
	ask c data
	got NOERROR "data. A $(of web)"
}

test_upstream() { # short rows=user,root,one
	on_fake_host upstream
}
upstream() {
	nameserver 127.0.0.53
	nameserver 127.0.0.54
	resolv_conf 127.0.0.53 127.0.0.54
	client c --network bridge
	ask c example.org
	got NOERROR 'example.org. A 127.0.0.53'
	ask c example.org TXT
	got NOERROR 'example.org. TXT "hello"'
	ask c nx.example.org
	got NXDOMAIN
	assert_eq ready "$(cat "$T/127.0.0.54")" 'what the second server has seen'
	ask c servfail.example.org # then the other one is asked too
	got SERVFAIL
	assert_eq 1 "$(was_asked 127.0.0.54 servfail)" 'questions to the second'
	# Over UDP as much as fits into what the asker takes, over TCP all.
	ask c +noedns +ignore big20.example.org
	assert_eq 21 "$(printf '%s\n' "$out" | wc -l)" lines
	ask c +noedns +ignore big60.example.org
	got NOERROR TC
	ask c +bufsize=1200 +ignore big60.example.org
	assert_eq 61 "$(printf '%s\n' "$out" | wc -l)" lines
	ask c +bufsize=512 +ignore big60.example.org
	got NOERROR TC
	ask c big4000.example.org # dig asks again over TCP
	assert_eq 4001 "$(printf '%s\n' "$out" | wc -l)" 'lines of 64 KB'
	ask c +tcp big4000.example.org
	assert_eq 4001 "$(printf '%s\n' "$out" | wc -l)" 'lines of 64 KB'
	ask c +ignore notcp.example.org # a server that cuts, and takes no TCP
	assert_has TC
	run hoy exec c getent ahostsv4 example.org
	assert_has 127.0.0.53
}

# A server that dies: the other one. All dead: an answer that says so, in time.
test_servers_that_die() {
	on_fake_host servers_that_die
}
servers_that_die() {
	nameserver 127.0.0.53
	local first=$NS second
	nameserver 127.0.0.54
	second=$NS
	resolv_conf 127.0.0.53 127.0.0.54
	client c --network bridge
	kill -STOP "$first" # silent
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.54'
	kill -STOP "$second"
	local began=$SECONDS
	ask c b.example.org
	assert_match '^SERVFAIL
EDE 22.*127\.0\.0\.5[34], 127\.0\.0\.5[34]'
	[ $((SECONDS - began)) -le 6 ] || fail "it took $((SECONDS - began)) s"
	kill -CONT "$second"
	ask c d.example.org
	got NOERROR 'd.example.org. A 127.0.0.54'
	kill -9 "$second" # refused
	kill -CONT "$first"
	ask c e.example.org
	got NOERROR 'e.example.org. A 127.0.0.53'
	kill -9 "$first"
	ask c f.example.org
	assert_match '^SERVFAIL
EDE 22'
}

test_resolv_conf_changes() {
	on_fake_host resolv_conf_changes
}
resolv_conf_changes() {
	nameserver 127.0.0.53
	nameserver 127.0.0.54
	nameserver 127.0.0.55
	client c --network bridge
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.53'
	resolv_conf 127.0.0.54
	sleep 1.2 # it is looked at once a second
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.54'
	printf 'nameserver 127.0.0.55\n' >/etc/resolv.conf # in place
	sleep 1.2
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.55'
	: >/etc/resolv.conf # as while it is being written
	sleep 1.2
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.55'
	rm /etc/resolv.conf
	sleep 1.2
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.55'
	mkdir /etc/elsewhere && printf 'nameserver 127.0.0.53\n' >/etc/elsewhere/r
	ln -s elsewhere/r /etc/resolv.conf
	sleep 1.2
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.53'
	printf 'nameserver 127.0.0.54\n' >/etc/elsewhere/new && mv /etc/elsewhere/new /etc/elsewhere/r
	sleep 1.2
	ask c a.example.org
	got NOERROR 'a.example.org. A 127.0.0.54'
}

test_no_server() {
	on_fake_host no_server
}
no_server() {
	: >/etc/resolv.conf
	client c --network bridge
	ask c a.example.org
	assert_match '^SERVFAIL
EDE 22.*names no server'
}

# IPv6: the server's own address, and servers of the machine, one by its device.
test_ipv6() {
	on_fake_host ipv6
}
ipv6() {
	load busybox
	nameserver 127.0.0.53
	nameserver ::1
	network --ipv6 six
	sleeper db --network six
	client c --network six
	resolv_conf fe80::1%lo fe80::2%nodevice ::1
	local gw pid
	gw=$(of c 6 | sed 's/::.*/::1/') pid=$(of_host hoy-network)
	ask c "@$gw" db AAAA
	got NOERROR "db. AAAA $(of db 6)"
	ask c "@$gw" +tcp example.org TXT
	got NOERROR 'example.org. TXT "hello"'
	assert_eq 1 "$(was_asked ::1 example.org)" 'questions to the server on ::1'
	assert_eq "$pid" "$(of_host hoy-network)" 'the network process'
}

# --dns: asked for this container only, and never on the machine's loopback device.
test_own_servers() {
	on_fake_host own_servers
}
own_servers() {
	load busybox
	nameserver 127.0.0.53
	nameserver 198.51.100.1
	nameserver 127.0.0.1
	network one
	network --dns 127.0.0.1 three
	sleeper db --network one
	client c --network one --dns 198.51.100.1
	client d --network one
	client e --network one --dns 127.0.0.1
	client f --network three
	local gw
	gw=$(gateway_of c)
	ask c example.org
	got NOERROR 'example.org. A 198.51.100.1'
	ask c db
	got NOERROR "db. A $(of db)"
	ask d example.org
	got NOERROR 'example.org. A 127.0.0.53'
	ask e "@$gw" example.org
	got NOERROR 'example.org. A 127.0.0.53'
	assert_eq ready "$(cat "$T/127.0.0.1")" 'what a server on the loopback device has seen'
	ask f example.org # whoever made the network may mean it
	got NOERROR 'example.org. A 127.0.0.1'
}

# A container in several networks knows the names of all of them, in whatever order.
test_several_networks() {
	on_fake_host several_networks
}
several_networks() {
	load busybox
	nameserver 127.0.0.53
	network one
	network two
	network --internal inner
	sleeper a --network one
	sleeper b --network two
	sleeper i --network inner
	client c --network one --network two --network inner
	for n in a b i; do
		run hoy exec c getent ahostsv4 $n
		assert_has "$(of $n)"
	done
	run hoy exec c getent ahostsv4 example.org
	assert_has 127.0.0.53
	run hoy exec c getent ahostsv4 nx.example.org
	assert_rc 2
}

test_many_questions_over_one_connection() {
	on_fake_host many_questions
}
many_questions() {
	load busybox
	nameserver 127.0.0.53
	network one
	sleeper db --network one
	client c --network one
	local gw
	gw=$(gateway_of c)
	run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 200 db
	assert_out '200 200'
	run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 200 slow.example.org
	assert_out '200 200'
	run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 300 big400.example.org
	assert_out '300 300'
	# The same question of many is asked once.
	: >"$T/127.0.0.53"
	run hoy exec c python3 -B /tools/dnsclient.py burst "$gw" 60 slow.once.example.org
	assert_out 60
	assert_eq 1 "$(was_asked 127.0.0.53 once)" 'questions outside'
	# Whoever asks too much at once is told so. (More datagrams would not fit into a socket's buffer.)
	run hoy exec c python3 -B /tools/dnsclient.py burst "$gw" 200 slow.again.example.org
	assert_out 200
}

# Ten thousand questions leave nothing behind.
test_memory_is_flat() {
	on_fake_host memory_is_flat
}
pss_below() { [ "$(pss "$1")" -lt "$2" ]; }
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
memory_is_flat() {
	load busybox
	nameserver 127.0.0.53
	network one
	sleeper db --network one
	client c --network one
	local gw pid before after _
	gw=$(gateway_of c)
	pid=$(of_host hoy-network)
	hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 1000 db >/dev/null
	before=$(pss "$pid")
	for _ in 1 2 3 4 5; do
		run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 2000 db
		assert_out "2000 2000"
	done
	run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 500 example.org
	assert_out '500 500'
	run hoy exec c python3 -B /tools/dnsclient.py pipeline "$gw" 50 big4000.example.org
	wait_for -t 10 pss_below "$pid" $((before + 500)) # a moment later all is given back
	after=$(pss "$pid")
	note "a network process: $before KB before, $after KB after 10500 questions"
}

fakehost_tests "$@"
