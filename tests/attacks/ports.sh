#!/bin/bash
# What is passed on between the host's network and a container's: who a client is, where ports are opened, and what of the host stays out of reach.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Two ports of the host, one for the host's own server and one to be published.
ports() {
	# shellcheck disable=SC2046
	set -- $(python3 -c '
import socket
v = [socket.socket() for _ in range(3)]
for s in v: s.bind(("", 0))
print(*(s.getsockname()[1] for s in v))')
	secret=$1 open=$2 local=$3
}

# A server of the host on its loopback, whose answer is the address that it sees.
on_loopback() {
	local a
	for a in 127.0.0.1 ::1; do
		"$T_TOOLS/stream" serve $a "$secret" >"$T/on.$a" &
		wait_for test -s "$T/on.$a" # "ready", or the error: no IPv6
	done
}

box() {
	load busybox
	hoy run -d --name box --network bridge -v "$T_TOOLS:/t:ro" "$@" busybox sh -c '/t/stream serve 0.0.0.0 4000 & exec /t/stream serve :: 4000' >/dev/null || fail 'run box'
	# shellcheck disable=SC2317
	up() { [ "$(hoy logs box 2>/dev/null | grep -c ready)" = 2 ]; }
	wait_for up
}

# CVE-2021-20199: an application that trusts 127.0.0.1 trusts everybody.
test_source_is_never_loopback() {
	local to
	ports
	box -p "$open:4000" -p "127.0.0.1:$local:4000" -p "[::1]:$local:4000"
	for to in "127.0.0.1 $open" "127.0.0.1 $local" "127.3.4.5 $open" "::1 $open" "::1 $local"; do
		# shellcheck disable=SC2086
		run "$T_TOOLS/stream" ask $to peer
		case $to,$out in ::1*,*UNREACH | ::1*,*assign*) continue ;; esac # no IPv6 here
		assert_ok
		case $out in 127.* | ::1 | ::ffff:127.*) fail "through $to the client is $out" ;; esac
		[ -n "$out" ] || fail "no answer through $to"
	done
}

# listeners: TCP and UDP ports of the host that no namespace hides: all that are open, "ADDRESS:PORT" as the kernel writes them.
listeners() {
	awk 'FNR > 1 && ($4 == "0A" || FILENAME ~ /udp/) { print $2 }' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null | sort
}
# ours: those of them that a process of this test has.
ours() {
	local p
	for p in $(our_pids); do
		find "/proc/$p/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null
	done | sed 's/socket:\[\(.*\)\]/\1/' | sort -u >"$T/inodes"
	awk -v inodes="$T/inodes" 'BEGIN { while ((getline i < inodes) > 0) own[i] } FNR > 1 && ($4 == "0A" || FILENAME ~ /udp/) && $10 in own { print $2 }' \
		/proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null | sort -u
}

# CVE-2021-4024: what is asked for is opened, where it is asked for, and nothing else.
test_nothing_else_listens() {
	local hex
	ports
	box -p "127.0.0.1:$local:4000"
	hex=$(printf '%04X' "$local")
	listeners | grep -q ":$hex\$" || fail 'not published'
	assert_eq "0100007F:$hex" "$(listeners | grep ":$hex\$")" 'where the port is open'
	# The network process hides its descriptors; whoever may look finds that port only.
	[ "$(id -u)" != 0 ] || assert_eq "0100007F:$hex" "$(ours)" 'all that listens'
	assert_eq '' "$(find "$(store)" -type s -perm /077 -not -path '*/upper/*')" 'sockets for others'
	run "$T_TOOLS/stream" ask "$(ip -4 -o addr show scope global up | awk '{ sub("/.*", "", $4); print $4; exit }')" "$local"
	assert_out REFUSED
}

# Services that listen on the host's loopback only trust all of its users, but not its containers.
test_host_loopback() {
	local a
	ports
	box --cap-add NET_ADMIN
	on_loopback
	# Its own loopback device is no way around: without it, such packets would have to leave by the gateway.
	hoy exec box sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet' 2>/dev/null
	for a in 127.0.0.1 127.0.0.2 0.0.0.0 0.0.0.1 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 169.254.1.2 10.0.2.2 \
		"$(hoy exec box ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')"; do
		run hoy exec box /t/stream -t 3 ask "$a" "$secret" peer
		case $rc,$out in 0,*) fail "$a leads to the host's loopback: the client is $out" ;; esac
	done
}

# The same by packets of its own making, as no kernel would send them: they go to the gateway.
test_host_loopback_by_raw_packets() {
	local a own own6
	ports
	box --cap-add NET_ADMIN --cap-add NET_RAW
	on_loopback
	# shellcheck disable=SC2317
	connections() { awk -v p="$(printf ':%04X' "$secret")" '($3 ~ p "$" || $2 ~ p "$") && $4 != "0A" { n++ } END { print n + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
	own=$(hoy exec box ip -4 -o addr show eth0 | sed 's/.*inet \([0-9.]*\).*/\1/')
	own6=$(hoy exec box ip -6 -o addr show eth0 scope global | sed -n 's/.*inet6 \([0-9a-f:]*\).*/\1/p')
	sends() { run hoy exec box /t/stream syns "$@" && assert_out 'ok 50'; }
	sends "$own" 127.0.0.1 "$secret" 50 192.0.2.1
	sends "$own" 0.0.0.0 "$secret" 50 192.0.2.1
	if [ -n "$own6" ]; then
		for a in ::1 :: ::ffff:127.0.0.1 ::127.0.0.1; do sends "$own6" $a "$secret" 50 2001:db8::1; done
	fi
	# What was sent before this has been looked at.
	run hoy exec box /t/stream -t 3 ask 169.254.1.2 "$secret"
	assert_eq 0 "$(connections)" 'connections to the loopback of the host'
}

run_tests "$@"
