#!/bin/bash
# Containers on one network: what one that may do anything to its device (NET_RAW, NET_ADMIN, --privileged) sends under the names of others,
# and what it tries against the bridge that connects them.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

here=$(dirname "$(readlink -f "$0")")

# scene [OPTION...]: three containers on the default network; the first one gets the options. Each of the others writes down what arrives.
scene() {
	local c
	need python3
	[ -x "$T_FIX/bin/frames" ] || skip 'no fixtures'
	load busybox
	mkdir "$T/o"
	for c in victim third; do
		hoy run -d --name $c --network bridge --cap-add NET_RAW -v "$T_FIX/bin:/t:ro" -v "$T/o:/o" busybox sh -c "exec /t/frames see eth0 >/o/$c" >/dev/null || fail "run $c"
		wait_for file_has "$T/o/$c" ready
	done
	hoy run -d --name me --network bridge -v "$T_FIX/bin:/t:ro" "$@" busybox sleep 1000 >/dev/null || fail 'run me'
	everybody=()
	for c in me victim third; do everybody+=("$c=$(addresses $c)"); done
	everybody+=("gate=$(gateway)")
}

# addresses NAME: MAC,IPv4,IPv6 as the container sees them.
addresses() {
	hoy exec "$1" sh -c 'cat /sys/class/net/eth0/address; ip -o addr show dev eth0' | awk '
		NR == 1 { mac = $1 } $3 == "inet" { four = $4 } $3 == "inet6" && $4 !~ /^fe80/ { six = $4 }
		END { sub("/.*", "", four); sub("/.*", "", six); print mac "," four "," six }'
}

gateway() {
	hoy exec me sh -c 'ip route; ip -6 route; ping -c 1 -W 1 "$(ip route | sed -n "s/^default via \([^ ]*\).*/\1/p")" >/dev/null; cat /proc/net/arp' | awk '
		$1 == "default" && $3 !~ /:/ { four = $3 } $1 == "default" && $3 ~ /:/ { six = $3 } $1 == four { mac = $4 }
		END { print mac "," four "," six }'
}

frames_of() { python3 -B "$here/frames.py" "$1" "${everybody[@]}" || fail "frames $1"; }

# sends KIND: what is in frames.py under that name, from me.
sends() {
	# shellcheck disable=SC2046
	hoy exec me /t/frames send eth0 $(frames_of "$1") || fail "send $1"
}

text_hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
saw() { file_has "$T/o/$1" "$(text_hex "$2")"; }

# arrived NAME: the texts SPOOF-... in what the container saw.
arrived() {
	python3 -c '
import re, sys
for line in open(sys.argv[1]):
    raw = line.strip()
    if raw != "ready":
        for t in re.findall("SPOOF-[a-z0-9-]*", bytes.fromhex(raw).decode("latin-1")): print(t)' "$T/o/$1" | grep . | sort -u
}

# nothing_of KIND: these do not arrive; honest frames that were sent behind them do.
nothing_of() {
	local n
	sends "$1"
	sends honest
	wait_for saw victim HONEST-end
	for n in ip4 broadcast arp ip6 local advert ask; do saw victim HONEST-$n || fail "lost: HONEST-$n"; done
	assert_eq '' "$(arrived victim)" "what arrived of $1"
	assert_eq '' "$(arrived third)" "what arrived of $1 at the third"
}

test_mac_and_ipv4() { # short rows=user,root,one
	scene --cap-add NET_RAW
	nothing_of mac_and_ip4
}

test_arp() {
	scene --cap-add NET_RAW
	nothing_of in_arp
}

test_ipv6_and_neighbours() {
	scene --cap-add NET_RAW
	nothing_of in_ip6
}

test_router_and_dhcp_server() {
	scene --cap-add NET_RAW
	nothing_of router
}

test_tags_and_other_protocols() {
	scene --cap-add NET_RAW
	nothing_of others
}

test_privileged() { # rows=user,root,one
	local kind
	scene --privileged
	for kind in mac_and_ip4 in_arp in_ip6 router others; do nothing_of $kind; done
}

# Who is behind which port is told to the bridge; what a container sends teaches it nothing. (Frames to 01:80:c2:00:00:0X pass no rules.)
test_bridge_learns_nothing() {
	scene --privileged
	hoy exec -d me sh -c 'exec /t/frames see eth0 >/tmp/seen'
	wait_for hoy exec me grep -q ready /tmp/seen
	sends learning
	# The third, which means the victim.
	everybody=("me=$(addresses third)" "victim=$(addresses victim)" "third=$(addresses me)" "gate=$(gateway)")
	# shellcheck disable=SC2046
	hoy exec third /t/frames send eth0 $(frames_of honest) || fail 'send'
	wait_for saw victim HONEST-broadcast
	saw victim HONEST-ip4 || fail 'what was for the victim did not come'
	run hoy exec me grep -c "$(text_hex HONEST-ip4)" /tmp/seen
	assert_out 0
}

# Other addresses on the device, by the kernel's own means.
test_changed_device() { # rows=user,root
	local v4
	scene --cap-add NET_ADMIN --cap-add NET_RAW
	v4=$(addresses victim | cut -d, -f2)
	hoy exec victim nc -l -p 7000 -e true & # whatever reaches it is seen by frames too
	server $!
	run hoy exec me sh -c "ip addr add 10.88.200.200/16 dev eth0 && ip addr show dev eth0"
	assert_has 10.88.200.200
	run hoy exec me timeout 3 arping -c 2 -w 2 -I eth0 -s 10.88.200.200 "$v4"
	assert_ne 0 "$rc" 'an address of its own choice'
	run hoy exec me timeout 3 arping -c 2 -w 2 -I eth0 "$v4"
	assert_ok
	run hoy exec me sh -c 'ip link set eth0 down && ip link set eth0 address 0a:58:aa:bb:cc:dd && ip link set eth0 up'
	assert_ok
	run hoy exec me timeout 3 arping -c 2 -w 2 -I eth0 "$v4"
	assert_ne 0 "$rc" 'a MAC of its own choice'
}

# The kernel numbers namespaces that devices lead to; requests can name such a number. They need power over that namespace.
test_namespace_behind_the_device() { # rows=user,root
	scene --privileged
	run hoy exec me /t/frames reach dummy bridge macvlan veth
	assert_ok
	assert_match 'look 0: (Operation not permitted|Permission denied)'
	assert_lacks DONE
	assert_eq '' "$(printf '%s\n' "$out" | grep '^[a-z ]* 0:' | grep -Ev 'not permitted|denied')" 'answers for the namespace behind eth0'
	sends honest
	wait_for saw victim HONEST-end
}

run_tests "$@"
