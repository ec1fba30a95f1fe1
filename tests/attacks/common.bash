# shellcheck shell=bash
# common.bash - what the attack tests share: hostile images made on the spot, and canaries.

# hostile NAME: makes and loads localhost/NAME:latest. Python on stdin adds to `b` (a layer over busybox) and `c` (the config), or sets `layers`.
hostile() {
	craft "$1" && load_crafted "$1"
}

# craft NAME: only makes $T/NAME.tar.
craft() {
	local body
	body=$(cat)
	[ -d "$T_FIX/bin" ] || skip 'no fixtures'
	python3 -B -c '
import sys
sys.path.insert(0, sys.argv[1])
from image import *
bb = busybox_layer(sys.argv[2] + "/bin")
b, c, layers, T = Layer(), {"Env": ["PATH=/bin"], "Cmd": ["sh"]}, None, sys.argv[5]
exec(sys.argv[6])
docker_archive(sys.argv[3], ["localhost/" + sys.argv[4] + ":latest"], layers or [bb, b.bytes()], c)
' "$(dirname "$0")/../fixtures" "$T_FIX" "$T/$1.tar" "$1" "$T" "$body" || fail "craft $1"
}

load_crafted() {
	run hoy load -q -i "$T/$1.tar"
	[ "$rc" = 0 ] || fail "load $1: $(last)"
}

# canary: a directory of the host, $T/host, that no container may read or change.
canary() {
	mkdir -p "$T/host/sub"
	echo 'host canary' >"$T/host/secret"
	look_at_host >"$T/host.before"
}

look_at_host() { find "$T/host" -printf '%p %y %m %s %T@ %C@ %l\n' | sort; }

untouched() {
	look_at_host | cmp -s - "$T/host.before" || fail "the host's directory was changed: $(look_at_host | diff "$T/host.before" - | tail -5)"
	case "${out:-}${err:-}" in *'host canary'*) fail "the host's file was read: $(last)" ;; esac
}

# exchanging DIR: its d and f with to-d and to-f, all the time.
# shellcheck disable=SC2034 # swapper is for who stops it
exchanging() {
	python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
d = os.open(sys.argv[1], os.O_RDONLY)
parent = os.getppid()
while os.getppid() == parent:
    for i in range(1000):
        libc.syscall(316, d, b"d", d, b"to-d", 2)
        libc.syscall(316, d, b"f", d, b"to-f", 2)' "$1" &
	swapper=$!
}

# refused_or_fine: the engine refused (125), or ran the command, which ended with 0.
refused_or_fine() { [ "$rc" = 125 ] || [ "$rc" = 0 ] || fail "neither refused nor fine: $(last)"; }

# engine: the file that is run.
engine() { readlink -f "$(command -v "${HOY%% *}")"; }
