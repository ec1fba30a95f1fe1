#!/bin/bash
# Containers that exchange files and directories for links to the host while somebody reads them: diff, export, commit and cp.
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
	exchanging "$x"
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

# copies PATH: cp of the container's directory PATH in all ways.
copies() {
	echo other >"$T/mine"
	local i
	for ((i = 0; i < 40; i++)); do
		hoy cp "c:$1" "$T/copy$i"
		hoy cp "c:$1/d/secret" "$T/file$i"
		hoy cp -L "c:$1/f" "$T/link$i"
		hoy cp "$T/mine" "c:$1/d/secret"
		hoy cp "$T/mine" "c:$1/f"
	done >/dev/null 2>"$T/errors"
}

test_cp_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	swapping
	copies /x
	stop_swapping
	[ -d "$T/copy0" ] || fail "nothing was copied: $(head -3 "$T/errors")"
	harmless "$T"/copy* "$T"/file* "$T"/link*
}

test_cp_swap_while_it_runs() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	load busybox
	canary
	touch "$T/host/named-on-the-host"
	look_at_host >"$T/host.before"
	mkdir -p "$T/v/d" && echo mine | tee "$T/v/d/secret" >"$T/v/f"
	ln -s "$T/host" "$T/v/to-d"
	ln -s "$T/host/secret" "$T/v/to-f"
	hoy run -d --name c --network none -v "$T/v:/v" busybox sleep 1000 >/dev/null || fail run
	exchanging "$T/v"
	copies /v
	stop_swapping
	hoy rm -f -t 0 c >/dev/null
	harmless "$T"/copy* "$T"/file* "$T"/link*
}

# A tar from outside that wants to leave the directory it is unpacked into.
test_cp_traversal() {
	load busybox
	canary
	hoy run -d --name c --network none -v "$T/host:/host" busybox sleep 1000 >/dev/null || fail run
	hoy exec c mkdir /in || fail mkdir
	python3 -c '
import io, sys, tarfile
def one(name, *entries):
    with tarfile.open(sys.argv[1] + "/" + name + ".tar", "w") as t:
        for path, kind, link in entries:
            i = tarfile.TarInfo(path)
            i.type, i.linkname, i.size = kind, link, 4 if kind == tarfile.REGTYPE else 0
            t.addfile(i, io.BytesIO(b"evil"))
F, S, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
one("up", ("../host/secret", F, ""))
one("through", ("l", S, "/host"), ("l/secret", F, ""))
one("dots", ("l", S, "../host"), ("l/secret", F, ""))
one("hard", ("h", H, "../host/secret"), ("h", F, ""))
one("hardlink", ("l", S, "/host"), ("h", H, "l/secret"), ("h", F, ""))' "$T" || fail python
	for n in up through dots hard hardlink; do
		run hoy cp - c:/in <"$T/$n.tar"
		untouched
	done
	hoy rm -f -t 0 c >/dev/null
}

run_tests "$@"
