#!/bin/bash
# Containers that exchange files and directories for links to the host while somebody reads them: diff, export and commit.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# swapping: a container whose directory /x/d and file /x/f are exchanged for links to the host all the time, until stop_swapping.
# The exchange is made in the store, with the rights that root in the container has there: faster than any container can.
swapping() {
	load busybox
	canary
	touch "$T/host/named-on-the-host"
	look_at_host >"$T/host.before"
	hoy run --name c busybox sh -c "mkdir -p /x/d; echo mine >/x/d/secret; echo mine >/x/f; ln -s '$T/host' /x/to-d; ln -s '$T/host/secret' /x/to-f" || fail run
	local x
	x=$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/upper/x
	python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
d = os.open(sys.argv[1], os.O_RDONLY)
parent = os.getppid()
while os.getppid() == parent:
    for i in range(1000):
        libc.syscall(316, d, b"d", d, b"to-d", 2)
        libc.syscall(316, d, b"f", d, b"to-f", 2)' "$x" &
	swapper=$!
}
stop_swapping() {
	kill "$swapper"
	wait "$swapper" 2>/dev/null
}

# harmless FILES...: none of them has the host's content.
harmless() {
	if grep -rqs 'host canary' "$@"; then fail "the host's file was read"; fi
	if grep -rqsa 'named-on-the-host' "$@"; then fail "the host's directory was read"; fi
	untouched
}

test_diff_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	swapping
	local i
	for ((i = 0; i < 60; i++)); do hoy diff c; done >"$T/diffs" 2>"$T/errors"
	for ((i = 0; i < 20; i++)); do hoy diff c busybox; done >>"$T/diffs" 2>>"$T/errors"
	stop_swapping
	grep -q 'A /x/d' "$T/diffs" || fail "nothing was seen: $(head -3 "$T/errors")"
	harmless "$T/diffs"
}

test_export_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	swapping
	local i
	for ((i = 0; i < 40; i++)); do hoy export -o "$T/x$i.tar" c; done >/dev/null 2>"$T/errors"
	stop_swapping
	harmless "$T"/x*.tar
}

test_commit_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	swapping
	local i
	for ((i = 0; i < 60; i++)); do hoy commit c; done >"$T/ids" 2>"$T/errors"
	stop_swapping
	hoy commit c >/dev/null || fail 'commit at rest'
	harmless "$(store)/layers"
	run hoy system check
	assert_ok
}

run_tests "$@"
