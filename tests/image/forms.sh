#!/bin/bash
# One store, two ways to own files: an image that was loaded with subordinate ids runs with one uid only, and the other way round.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

one() { setpriv --no-new-privs $HOY "$@"; }
layers() { find "$(store)/layers" -maxdepth 1 -name "*.$1" | wc -l; }

test_from_ranges_to_one() { # short rows=user
	need setpriv
	load busybox skopeo-zstd
	local sum n
	assert_eq 0 "$(layers one)" 'layers of form one'
	run one run --rm busybox sh -c 'cat /etc/passwd | head -n 1; stat -c %u /bin/busybox'
	assert_ok
	assert_match '^root'
	for n in busybox skopeo-zstd; do
		run one run --rm $n echo ran
		assert_out ran
		sum=$(hoy save $n | sha256sum)
		assert_eq "$sum" "$(one save $n | sha256sum)" "$n saved by the other"
	done
	n=$(find "$(store)/layers" -printf '%p %i %C@\n' | sort | sha256sum)
	run one run --rm busybox echo again
	assert_out again
	assert_eq "$n" "$(find "$(store)/layers" -printf '%p %i %C@\n' | sort | sha256sum)" 'nothing is made twice'
	clean
	one rmi -f busybox skopeo-zstd >/dev/null || fail rmi
	assert_eq '0 0' "$(layers one) $(layers sub)" 'layers after rmi'
	clean
}

test_from_one_to_ranges() { # short rows=user
	need setpriv
	local f
	for f in busybox tree sparse; do one load -q -i "$T_FIX/$f.tar" >/dev/null || fail "load $f"; done
	assert_eq 0 "$(layers sub)" 'layers of form sub'
	run hoy run --rm tree sh -c 'stat -c "%u:%g %a" /t/owned'
	local wanted=$out
	assert_ok
	for f in busybox tree sparse; do
		run hoy run --rm $f echo ran
		assert_out ran
		assert_eq "$(one save $f | sha256sum)" "$(hoy save $f | sha256sum)" "$f saved by the other"
	done
	hoy rmi -f tree >/dev/null
	load tree
	run hoy run --rm tree sh -c 'stat -c "%u:%g %a" /t/owned'
	assert_out "$wanted"
	clean
}

# Many at once: one of them makes the layer, the others wait for it.
test_at_once() { # rows=user
	need setpriv
	load busybox
	local i pids=''
	for i in 1 2 3 4 5 6; do
		(one run --rm busybox echo $i >"$T/out.$i" 2>&1) &
		pids="$pids $!"
	done
	for i in $pids; do wait "$i" || fail 'a run failed'; done
	for i in 1 2 3 4 5 6; do assert_eq $i "$(cat "$T/out.$i")" "output of $i"; done
	assert_eq "$(layers sub)" "$(layers one)" 'layers'
	clean
}

# A file of another uid that nobody else may read: the error names it, a blob that was kept makes up for it, and so does a load.
test_what_cannot_be_read() { # short rows=user
	need setpriv
	load tree
	run one run --rm tree true
	assert_err E-LAYER-FORM
	assert_err_has t/owned
	assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
	run one save -o "$T/x.tar" tree
	assert_err E-LAYER-FORM
	[ ! -e "$T/x.tar" ] || fail 'an archive was written'
	clean
	hoy save --format oci-dir --compress -o "$T/blobs" tree || fail save
	hoy rmi -f tree >/dev/null
	hoy load -q -i "$T/blobs" >/dev/null || fail load
	run one run --rm tree echo 'from the blob'
	assert_out 'from the blob'
	hoy rmi -f tree >/dev/null
	load tree
	one load -q -i "$T_FIX/tree.tar" >/dev/null || fail 'load from there'
	run one run --rm tree echo 'from there'
	assert_out 'from there'
	clean
}

test_damaged_source() { # rows=user
	need setpriv
	load busybox
	local d
	d=$(echo "$(store)"/layers/*.sub)
	printf X | dd of="$d/diff/bin/busybox" bs=1 seek=5000 conv=notrunc 2>/dev/null
	run one run --rm busybox true
	assert_err E-LAYER-REBUILD
	assert_eq 0 "$(layers one)" 'layers of form one'
	assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
}

run_tests "$@"
