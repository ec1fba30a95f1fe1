#!/bin/bash
# What save writes: the very layers that were loaded, readable by everybody, the same bytes each time; and nothing where it cannot.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

manifest_digest() { hoy images --digests --format '{{.Digest}}' "$1"; }

# Each layer of a docker-archive is called by its diffID, which is its sha256.
layers_fit() {
	local f n=0
	for f in $(tar tf "$1" | grep '\.tar$'); do
		assert_eq "${f%.tar}" "$(tar xOf "$1" "$f" | sha256sum | cut -d' ' -f1)" "layer $f of $1"
		n=$((n + 1))
	done
	[ "$n" -gt 0 ] || fail "$1 holds no layer"
}

test_layers_come_back_byte_for_byte() { # short rows=user,root,one
	local n id digest
	for n in busybox tree sparse layers127 scratch docker-legacy podman-docker skopeo-zstd oci-plain; do
		[ -f "$T_FIX/$n.tar" ] || continue
		load "$n"
		id=$(id_of "$n")
		run hoy save -o "$T/$n.tar" "$n"
		assert_ok
		[ "$n" = scratch ] || layers_fit "$T/$n.tar"
		hoy save "$n" | cmp - "$T/$n.tar" || fail "$n: two saves differ"
		digest=$(manifest_digest "$n")
		hoy rmi -f "$n" >/dev/null || fail "rmi $n"
		run hoy load -i "$T/$n.tar"
		assert_out "Loaded image: localhost/$n:latest"
		assert_eq "$id" "$(id_of "$n")" "id of $n"
		case $n in busybox | tree | docker-legacy | podman-docker) assert_eq "$digest" "$(manifest_digest "$n")" "manifest of $n" ;; esac
		hoy save "$n" | cmp - "$T/$n.tar" || fail "$n: saved after the load it differs"
	done
	clean
}

# Blobs that were kept go out as they came: the manifest keeps its digest.
test_oci_keeps_digests() { # short
	local n digest
	for n in podman-oci skopeo-oci skopeo-zstd oci-plain docker-modern; do
		[ -f "$T_FIX/$n.tar" ] || continue
		load "$n"
		digest=$(manifest_digest "$n")
		run hoy save --format oci-archive -o "$T/$n.oci" "$n"
		assert_ok
		run hoy save --format oci-dir -o "$T/$n.dir" "$n"
		assert_ok
		tar tf "$T/$n.oci" | grep -q "blobs/sha256/${digest#sha256:}" || fail "$n: its manifest is another"
		[ -f "$T/$n.dir/blobs/sha256/${digest#sha256:}" ] || fail "$n: its manifest is another in the directory"
		(cd "$T/$n.dir/blobs/sha256" && sha256sum -- * | awk '$1 != $2 { exit 1 }') || fail "$n: a blob is not what its name says"
		hoy rmi -f "$n" >/dev/null
		run hoy load -i "$T/$n.oci"
		assert_out "Loaded image: localhost/$n:latest"
		assert_eq "$digest" "$(manifest_digest "$n")" "manifest of $n"
		hoy rmi -f "$n" >/dev/null
		run hoy load -i "$T/$n.dir"
		assert_eq "$digest" "$(manifest_digest "$n")" "manifest of $n from its directory"
	done
	clean
}

test_directories() {
	local n=busybox
	load $n
	hoy save --format docker-dir -o "$T/d" $n || fail 'docker-dir'
	assert_eq "$(manifest_digest $n)" "sha256:$(sha256sum <"$T/d/manifest.json" | cut -d' ' -f1)" 'manifest'
	grep -q '^Directory Transport' "$T/d/version" || fail 'version'
	local id
	id=$(hoy images -q --no-trunc $n)
	hoy rmi $n >/dev/null || fail rmi
	run hoy load -q -i "$T/d"
	assert_out "Loaded image: $id"
	hoy tag "$id" $n || fail tag
	assert_eq "$(manifest_digest $n)" "sha256:$(sha256sum <"$T/d/manifest.json" | cut -d' ' -f1)" 'manifest of what was loaded'
	skopeo copy -q "oci:$T_FIX/skopeo-layout" "dir:$T/theirs" || skopeo copy -q "oci-archive:$T_FIX/skopeo-oci.tar" "dir:$T/theirs" || fail skopeo
	run hoy load -q -i "$T/theirs"
	assert_ok
	run hoy run --rm --network none "${out#Loaded image: }" echo ran
	assert_out ran
	printf x >>"$T/theirs/manifest.json"
	run hoy load -q -i "$T/theirs"
	assert_err E-IMAGE-BAD
	run hoy save --format oci-dir --compress -o "$T/c" $n
	assert_ok
	grep -q 'tar+gzip' "$T"/c/blobs/sha256/* || fail 'no compressed layer'
	[ -z "$(find "$T/c" -name '*.part')" ] || fail 'a part is left'
	run hoy load -i "$T/c"
	assert_out "Loaded image: localhost/$n:latest"
	run hoy run --rm $n echo ran
	assert_out ran
	mkdir "$T/empty" && hoy save --format oci-dir -o "$T/empty" $n || fail 'an empty directory'
	touch "$T/mine"
	mkdir "$T/full" && touch "$T/full/mine"
	run hoy save --format oci-dir -o "$T/full" $n
	assert_err E-USAGE
	run hoy save --format docker-dir -o "$T/mine" $n
	assert_err E-USAGE
	[ -f "$T/full/mine" ] && [ -f "$T/mine" ] || fail 'something is gone'
	run hoy save --format oci-dir $n
	assert_err E-USAGE
	run hoy save --compress -o "$T/x" $n
	assert_err E-USAGE
	clean
}

test_several_images_and_names() { # short
	load busybox stop
	run hoy save -m -o "$T/both.tar" busybox stop localhost/busybox
	assert_ok
	run hoy save -m --format oci-archive -o "$T/both.oci" busybox stop
	assert_ok
	run hoy save -o "$T/names.tar" busybox other:1 quay.io/some/name
	assert_ok
	hoy rmi -f busybox stop >/dev/null
	for f in both.tar both.oci; do
		hoy load -q -i "$T/$f" >/dev/null || fail "load $f"
		assert_eq 'localhost/busybox:latest localhost/stop:latest' "$(names)" "names of $f"
		hoy rmi -f busybox stop >/dev/null
	done
	hoy load -q -i "$T/names.tar" >/dev/null
	assert_eq 'localhost/busybox:latest localhost/other:1 quay.io/some/name:latest' "$(names)" names
	local id
	id=$(id_of busybox)
	hoy save -o "$T/id.tar" "${id#sha256:}" || fail 'save by id'
	tar xOf "$T/id.tar" manifest.json | grep -q '"RepoTags":\[\]' || fail 'a name for an image that was given by its id'
	run hoy save -m --format docker-dir -o "$T/d" busybox nothere
	assert_err E-IMAGE-UNKNOWN
	[ ! -e "$T/d" ] || fail 'something was written'
}

test_other_tools_read_it() {
	need skopeo
	load busybox podman-oci
	local f
	hoy save -o "$T/d.tar" busybox
	hoy save --format oci-archive -o "$T/o.tar" podman-oci
	hoy save --format oci-archive -o "$T/p.tar" busybox
	hoy save --format oci-dir -o "$T/odir" podman-oci
	hoy save --format docker-dir -o "$T/ddir" podman-oci
	assert_eq "$(manifest_digest busybox)" "$(skopeo inspect docker-archive:"$T/d.tar" --format '{{.Digest}}')" 'docker-archive'
	assert_eq "$(manifest_digest podman-oci)" "$(skopeo inspect oci-archive:"$T/o.tar" --format '{{.Digest}}')" 'oci-archive'
	assert_eq "$(manifest_digest podman-oci)" "$(skopeo inspect oci:"$T/odir" --format '{{.Digest}}')" 'oci-dir'
	for f in docker-archive:"$T/d.tar" oci-archive:"$T/p.tar" oci:"$T/odir":localhost/podman-oci:latest dir:"$T/ddir"; do
		rm -rf "$T/copy"
		skopeo copy -q "$f" "dir:$T/copy" || fail "skopeo copy $f"
	done
	if command -v umoci >/dev/null; then
		umoci ls --layout "$T/odir" >/dev/null || fail 'umoci ls'
	fi
}

# On a terminal standard error tells how far it is, in a window of its own and never in the archive; elsewhere nothing is said.
test_progress() {
	local exe
	exe=$(command -v "$HOY")
	load busybox
	run hoy save -o "$T/plain.tar" busybox
	assert_ok
	assert_eq '' "$out$err" 'said without a terminal'
	# The reader waits until something was shown.
	run with_pty -s 20x70 'expect=writing' "touch=$T/go" eof -- env TERM=xterm bash -c \
		"set -o pipefail; \"\$1\" save busybox | { until [ -e '$T/go' ]; do sleep 0.05; done; cat >'$T/piped.tar'; }" bash "$exe"
	assert_ok
	assert_has 'of 1 layers'
	assert_match 'Saved busybox: 1 layer,'
	cmp "$T/plain.tar" "$T/piped.tar" || fail 'progress is in the archive'
	LC_ALL=C sed 's/\x1b\[[0-9]*A\|\x1b\[J//g' "$T/out" | LC_ALL=C grep -q $'\x1b' && fail "other escapes: $(cat -v "$T/out" | tail -5)"
	for format in docker-archive oci-archive 'oci-dir --compress' docker-dir; do
		rm -rf "$T/x"
		# shellcheck disable=SC2086
		run with_pty eof -- env TERM=xterm "$exe" save --format $format -o "$T/x" busybox
		assert_ok
		assert_match 'Saved busybox: 1 layer,'
	done
	run with_pty eof -- env TERM=xterm "$exe" save -q -o "$T/quiet.tar" busybox
	assert_ok
	assert_eq '' "$out" 'with --quiet'
	run with_pty eof -- env TERM=dumb "$exe" save -o "$T/dumb.tar" busybox
	assert_ok
	assert_eq '' "$out" 'on a dumb terminal'
	clean
}

test_where_it_goes() {
	load busybox
	run with_pty -- $HOY save busybox
	assert_rc 125
	run with_pty -- $HOY save -o /dev/tty busybox
	assert_rc 125
	run bash -c "$HOY save busybox | head -c 5 >/dev/null; echo \${PIPESTATUS[0]}"
	assert_out 141
	assert_eq '' "$err" 'stderr'
	run hoy save -o /dev/null busybox
	assert_ok
	run hoy save -o "$T/nodir/x.tar" busybox
	assert_err E-
	run hoy save -o "$T" busybox
	assert_err E-
	echo old >"$T/real"
	ln -s real "$T/link"
	hoy save -o "$T/link" busybox || fail 'through a link'
	[ -L "$T/link" ] && tar tf "$T/real" manifest.json >/dev/null || fail 'the link was replaced'
	run hoy save busybox nothere -o
	assert_rc 125
	run hoy save nothere
	assert_err E-IMAGE-UNKNOWN
}

layer_dir() { find "$(store)/layers" -mindepth 1 -maxdepth 1 -type d | head -n 1; }

# A file that was changed in the store is an error, and the file that stood where the archive was to go is still there.
test_changed_layer() { # short rows=user,root,one
	local d
	load busybox
	d=$(layer_dir)
	chmod u+w "$d/diff/bin/busybox"
	printf X | dd of="$d/diff/bin/busybox" bs=1 seek=5000 conv=notrunc 2>/dev/null
	echo old >"$T/out.tar"
	run hoy save -o "$T/out.tar" busybox
	assert_err E-LAYER-REBUILD
	assert_eq old "$(cat "$T/out.tar")" 'the old file'
	run hoy save --format oci-dir -o "$T/outdir" busybox
	assert_err E-LAYER-REBUILD
	assert_eq "$T/out.tar" "$(find "$T" -maxdepth 1 -name '*out*' ! -name out)" 'what is left'
	run bash -c "$HOY save busybox | tar t | grep -c manifest.json"
	assert_out 0
}

test_layers_of_earlier_builds() { # rows=user,root,one
	load busybox skopeo-oci
	local d
	for d in "$(store)"/layers/*.*; do rm -f "$d/recipe"; done
	run hoy save -o "$T/x.tar" busybox
	assert_err E-LAYER-REBUILD
	case $err in *'earlier release'*) ;; *) fail "$(last)" ;; esac
	run hoy save -o "$T/y.tar" skopeo-oci
	assert_ok
	layers_fit "$T/y.tar"
}

test_interrupted() {
	load busybox
	mkfifo "$T/fifo"
	exec 9<>"$T/fifo" # takes a pipe's worth, then no more
	$HOY save -o "$T/fifo" busybox 2>"$T/err" &
	local pid=$!
	sleep 0.3
	kill -TERM $pid
	wait $pid
	assert_eq 143 $? status
	exec 9>&-
	clean
}

run_tests "$@"
