# shellcheck shell=bash
# fake.bash - a host that a test makes for itself: a network namespace with one neighbour, where routes can go and links can be narrow.

# in_fake_host FUNCTION: runs it there. The host has w0 with 192.168.7.1/24 and fd07::1/64, and its default routes lead to its neighbour, the world: 192.168.7.2
# and fd07::2, a namespace that `world COMMAND` enters. The world sends 10.77.0.0/24 and fd77::/64 back, refuses 10.98.0.0/24 (unreachable) and
# 10.97.0.0/24 (prohibited), and knows nothing else. ICMP is not limited in rate. The function is root there (in the rows of ordinary users by a user
# namespace), so the engine has one uid only, or all in the row root. Containers have to be gone at its end.
in_fake_host() {
	local how=(unshare -Urn)
	[ "$T_ROW" != root ] || how=(unshare -n)
	"${how[@]}" bash -c "$(declare -p T T_ROW T_TOOLS T_FIX T_GUARD T_SHELL T_MAIN HOY; declare -f)
		GET='${GET:-}'; fake_make && $1; hoy rm -af -t 0 >/dev/null" || fail "in the fake host: $1"
	[ ! -s "$T/why" ] || exit 1
}

fake_make() {
	unshare -n sleep 1000 &
	WORLD=$!
	server $WORLD
	wait_for another_net $WORLD
	ip link set lo up
	ip link add w0 type veth peer name w1 netns $WORLD || skip "no veth"
	ip addr add 192.168.7.1/24 dev w0
	ip addr add fd07::1/64 dev w0 nodad
	ip link set w0 up
	fake_routes
	world sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 0 >/proc/sys/net/ipv4/icmp_ratemask; echo >/proc/sys/net/ipv6/icmp/ratemask
		echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects'
	echo 0 >/proc/sys/net/ipv4/icmp_ratemask
	world ip link set lo up
	world ip addr add 192.168.7.2/24 dev w1
	world ip addr add fd07::2/64 dev w1 nodad
	world ip link set w1 up
	world ip route add 10.77.0.0/24 via 192.168.7.1
	world ip -6 route add fd77::/64 via fd07::1
	world ip route add unreachable 10.98.0.0/24
	world ip route add prohibit 10.97.0.0/24
	load busybox
}
fake_routes() {
	ip route add default via 192.168.7.2
	ip -6 route add default via fd07::2
}
another_net() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
world() { nsenter -t "$WORLD" -n "$@"; }

# dgram VERB ...: the tool, here. box NAME [OPTION...]: a container that can run it as /dgram, and may ping. in_box NAME ARGUMENT...: runs it there.
dgram() { "$T_TOOLS/dgram" "$@"; }
box() {
	local name=$1
	shift
	hoy run -d --name "$name" --cap-add NET_RAW -v "$T_TOOLS/dgram:/dgram:ro" --network bridge "$@" busybox sleep 1000 >/dev/null || fail "run $name"
}
in_box() {
	local name=$1
	shift
	run timeout 30 "${HOY%% *}" exec "$name" /dgram "$@"
	assert_ok
}
# echo_server FILE ADDRESS PORT [LABEL]: answers in the background, and logs whom. world_echo: there.
echo_server() {
	local file=$1
	shift
	"$T_TOOLS/dgram" echo "$@" >"$file" 2>&1 &
	server $!
	wait_for file_has "$file" ready
}
world_echo() {
	local file=$1
	shift
	nsenter -t "$WORLD" -n "$T_TOOLS/dgram" echo "$@" >"$file" 2>&1 &
	server $!
	wait_for file_has "$file" ready
}
# The host's own address, with which it speaks to the world.
host_ip() { ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p'; }
free_udp() { python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 0)); print(s.getsockname()[1])'; }
