#!/bin/bash
# hoy inside of containers of hoy and podman: under the flags that hoy(1) names it works, and what it lacks without each of them it says in one error.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# What the containers around are given: this machine's programs and libraries, hoy, and an image.
given() {
	local d
	printf '%s\n' -v "$(command -v "${HOY%% *}"):/opt/hoy:ro" -v "$T_FIX/busybox.tar:/busybox.tar:ro"
	for d in /usr /lib /lib64 /etc/alternatives; do [ ! -d $d ] || printf '%s\n' -v "$d:$d:ro"; done
}
inside='export PATH=/opt:/usr/sbin:/usr/bin:/sbin:/bin
hoy load -q -i /busybox.tar >/dev/null || exit
hoy run --rm --network none busybox id -u
hoy run --rm --network none --user 7:8 busybox id -g
hoy run --rm busybox sh -c "ip -o -4 addr show eth0 | grep -c inet"
hoy run -d --name c --network none --restart always --health-cmd true --health-interval 50ms busybox sleep 1000 >/dev/null
hoy wait --condition healthy c
hoy exec c sh -c "echo exec; exit 3"
echo $?
hoy commit -q c made >/dev/null && hoy run --rm --network none made echo made
hoy rm -f -t 0 c
hoy system check | sed "s/:.*//"'
expected='0
8
1
-1
exec
3
made
c
clean'

# within ENGINE... -- FLAG...: the script above in a container of the engine.
within() {
	local engine=() volumes
	while [ "$1" != -- ]; do engine+=("$1") && shift; done
	shift
	mapfile -t volumes < <(given)
	run timeout 100 "${engine[@]}" run --rm --network none "${volumes[@]}" "$@" busybox sh -c "$inside"
}
open=(--security-opt seccomp=unconfined --security-opt unmask=ALL)

test_in_hoy() { # short
	local o=(-v store:/root -e HOME=/root)
	[ ! -c /dev/net/tun ] || o+=(--device /dev/net/tun)
	load busybox
	within "$HOY" -- "${open[@]}" "${o[@]}"
	assert_out "$expected"
	# Without a volume there is no overlay: copies, and the note says so. As somebody else than root: one uid only.
	inside='/opt/hoy load -q -i /busybox.tar && /opt/hoy run --rm --network none busybox id -u'
	within "$HOY" -- "${open[@]}" -e HOME=/tmp --user 1000
	assert_ok
	assert_has 0
	assert_err_has 'gets a copy of its image'
}

test_without_the_flags() { # short
	load busybox
	inside='/opt/hoy load -q -i /busybox.tar; /opt/hoy run --rm --network none busybox true'
	within "$HOY" -- -e HOME=/root
	assert_err_has E-NO-USERNS
	assert_err_has 'seccomp=unconfined'
	inside='/opt/hoy load -q -i /busybox.tar && exec /opt/hoy run --rm --network none busybox true'
	within "$HOY" -- -e HOME=/root --security-opt seccomp=unconfined
	assert_rc 125
	assert_err_has E-NESTED
	assert_err_has 'unmask=ALL'
}

test_in_podman() { # rows=user
	need podman runc
	local r # podman wants a short one
	r=$(mktemp -d /tmp/p.XXXXXX)
	local p=(podman --storage-driver vfs --root "$HOME/p" --runroot "$r" --runtime runc --cgroup-manager cgroupfs) o=(-v store:/root -e HOME=/root)
	[ ! -c /dev/net/tun ] || o+=(--device /dev/net/tun)
	export XDG_RUNTIME_DIR=$T/run
	"${p[@]}" load -q -i "$T_FIX/busybox.tar" >/dev/null 2>"$T/err" || fail "podman: $(cat "$T/err")"
	within "${p[@]}" -- "${open[@]}" "${o[@]}"
	assert_out "$expected"
	within "${p[@]}" -- --privileged "${o[@]}"
	assert_out "$expected"
	inside='/opt/hoy load -q -i /busybox.tar && exec /opt/hoy run --rm --network none busybox true'
	within "${p[@]}" -- -e HOME=/root
	assert_rc 125
	assert_err_has E-NESTED
	"${p[@]}" unshare rm -rf "$HOME/p" "$HOME/.local/share/containers" "$r"
	rm -rf "$r"
	kill -9 "$(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")" # podman's, which it leaves
}

run_tests "$@"
