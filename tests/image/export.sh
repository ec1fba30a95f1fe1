#!/bin/bash
# export: the whole of a container as a tar, as other programs take it; never a file of the host.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

test_whole() { # peer_ok short
	load busybox
	hoy run --name c busybox sh -c 'echo new >/etc/new; rm /etc/passwd; mkdir -p /d; echo x >/d/f; chmod 4755 /d/f; ln /d/f /d/hard; ln -s f /d/link; chown 7:8 /d' || fail run
	run hoy export -o "$T/x.tar" c
	assert_ok
	assert_out ''
	hoy export c >"$T/y.tar" || fail 'to standard output'
	assert_bytes "$T/x.tar" "$T/y.tar"
	run tar --numeric-owner -tvf "$T/x.tar"
	assert_match '7/8 .* d/'
	assert_match '-rwsr-xr-x .* d/f'
	assert_match 'd/link -> f'
	assert_match 'd/hard link to d/f'
	assert_has bin/busybox
	assert_has etc/new
	assert_lacks etc/passwd
	assert_lacks .wh.
	run hoy import -q "$T/x.tar" flat
	assert_ok
	run hoy run --rm flat cat /etc/new
	assert_out new
	hoy rm c >/dev/null
}

# Mount points are empty, running or not; and the order is that of the names.
test_running() { # short
	load busybox
	mkdir "$T/host"
	echo secret >"$T/host/file"
	hoy run -d --name c -v "$T/host:/mnt" busybox sh -c 'echo 1 >/one; chmod 0 /one; exec sleep 1000' >/dev/null
	wait_for hoy exec c test -e /one
	run sh -c 'hoy() { "$@"; }; '"$HOY"' export c | tar -tf -'
	assert_has one
	assert_has mnt/
	assert_lacks mnt/file
	assert_lacks proc/1
	assert_eq "$out" "$(printf '%s\n' "$out" | awk '{ n = gsub("/", "\001"); print }' | LC_ALL=C sort | tr '\001' /)" 'the order'
	hoy rm -f c >/dev/null
	clean
}

test_refusals() {
	load busybox
	hoy create --name c busybox true >/dev/null
	run with_pty -- $HOY export c
	assert_has 'not written to a terminal'
	run hoy export nosuch
	assert_err E-CONTAINER-UNKNOWN
	run hoy export busybox
	assert_err E-CONTAINER-UNKNOWN
	mkdir "$T/dir"
	run hoy export -o "$T/dir" c
	assert_err
	run hoy export -o "$T/none/x.tar" c
	assert_err
	run hoy export -o /dev/full c
	assert_err
	hoy create --name h @host true >/dev/null
	run hoy export h
	assert_err E-HOST-ROOT
	clean
}

run_tests "$@"
