#!/bin/bash
# system check finds what should not be, and calls a store clean that only a killed process has left things in.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# faulty KIND TEXT: the check has one fault of this kind with this text.
faulty() {
	run hoy system check
	assert_rc 125
	assert_err_has E-STORE-DAMAGED
	case $out in "$1 "*"$2"* | *$'\n'"$1 "*"$2"*) ;; *) fail "no fault '$1 ... $2': $(last)" ;; esac
	run hoy system check --format json
	assert_rc 125
	printf '%s' "$out" | python3 -c 'import json, sys; assert any(not f["Leftover"] for f in json.load(sys.stdin))' || fail "json: $(last)"
}

hex() { hoy image inspect -f '{{.Id}}' busybox; }

test_clean() { # short rows=user,root,one
	run hoy system check
	assert_ok
	load busybox layers127
	hoy create --name c busybox true >/dev/null || fail create
	run hoy system check
	assert_ok
	assert_has '2 images'
	run hoy system check --format json
	assert_out '[]'
	run hoy system check --quiet
	assert_out ''
	# -q is podman's --quick.
	run hoy system check -q
	assert_ok
	assert_has '2 images'
}

test_faults_of_images() { # short
	untidy
	load busybox
	local s id
	s=$(store) id=$(hex)
	mv "$s/images/$id" "$T/link"
	faulty name 'does not exist'
	assert_has_not_clean
	mv "$T/link" "$s/images/$id"
	mv "$s/blobs/sha256/$id" "$T/config"
	faulty image 'config cannot be read'
	printf x | cat "$T/config" - >"$s/blobs/sha256/$id"
	faulty image 'config has changed'
	mv "$T/config" "$s/blobs/sha256/$id"
	ln -s nonsense "$s/images/$(printf '0%.0s' {1..64})"
	faulty image 'no link to a manifest'
	rm "$s/images/$(printf '0%.0s' {1..64})"
	mkdir "$T/away"
	mv "$s"/layers/*.* "$T/away"
	faulty image 'is missing'
	mv "$T"/away/* "$s/layers"
	run hoy system check
	assert_ok
}
assert_has_not_clean() { case $out in *clean:*) fail "clean and faulty: $(last)" ;; esac }

test_faults_of_the_rest() {
	untidy
	load busybox
	local s
	s=$(store)
	ln -s 'sha256:zz' "$s/names/localhost/busybox/:bad"
	faulty name 'no link to an image id'
	rm "$s/names/localhost/busybox/:bad"
	mkdir -p "$s/layers/$(printf '1%.0s' {1..64}).sub/diff"
	faulty layer 'no image and no container'
	rm -r "$s/layers/$(printf '1%.0s' {1..64}).sub"
	mkdir "$s/layers/odd"
	faulty layer 'no digest'
	rmdir "$s/layers/odd"
	: >"$s/blobs/sha256/$(printf '2%.0s' {1..64})"
	faulty blob 'no image and no container'
	rm "$s/blobs/sha256/$(printf '2%.0s' {1..64})"
	mkdir -p "$s/containers/$(printf '3%.0s' {1..64})"
	faulty container ''
	rm -r "$s/containers/$(printf '3%.0s' {1..64})"
	run hoy system check
	assert_ok
}

# What a killed process leaves is named, is no fault, and goes with the next command that writes.
test_leftovers() { # short
	load busybox
	local s
	s=$(store)
	mkdir -p "$s/tmp/abandoned/deep" "$s/layers/$(printf '1%.0s' {1..64}).sub/diff"
	cp "$s"/layers/[!1]*/meta "$s/layers/$(printf '1%.0s' {1..64}).sub/"
	: >"$s/images/.add-0123456789abcdef"
	run hoy system check
	assert_ok
	assert_has 'leftover: tmp abandoned'
	assert_has 'leftover: layer 1111'
	(
		flock 9
		exec 8<"$s/tmp/abandoned"
		flock 8
		run hoy system check
		assert_lacks 'tmp abandoned'
	) 9>"$T/lock"
	load empty
	run hoy system check
	assert_ok
	assert_lacks leftover
	[ ! -e "$s/layers/$(printf '1%.0s' {1..64}).sub" ] || fail 'the layer stayed'
	[ ! -e "$s/tmp/abandoned" ] || fail 'the directory stayed'
}

# A damaged image does not take its neighbours' layers with it, and can be removed.
test_removing_what_is_damaged() { # short
	load busybox empty
	local s id
	s=$(store) id=$(hex)
	: >"$s/blobs/sha256/$id"
	run hoy run --rm busybox true
	assert_err E-IMAGE-BAD
	run hoy images
	assert_ok
	run hoy rmi empty
	assert_ok
	[ -n "$(ls "$s/layers")" ] || fail 'layers were removed on a guess'
	run hoy rmi busybox
	assert_ok
	load busybox
	run hoy run --rm busybox true
	assert_ok
	hoy rmi busybox >/dev/null
	clean
}

# What only reading finds: changed content.
test_full() { # short
	untidy
	load busybox skopeo-oci
	run hoy system check --full
	assert_ok
	assert_has 'clean: 2 images'
	local s layer blob
	s=$(store)
	layer=$(dirname "$(find "$s/layers" -path '*/diff/bin/busybox' | head -n 1)")/busybox
	blob=$(find "$s/blobs/sha256" -size +100k | head -n 1)
	cp -p "$layer" "$T/saved"
	chmod u+w "$layer"
	printf X | dd of="$layer" bs=1 seek=5000 conv=notrunc 2>/dev/null
	run hoy system check
	assert_ok
	run hoy system check --full
	assert_rc 125
	assert_has 'cannot be made again'
	cp -p "$T/saved" "$layer"
	printf X | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
	run hoy system check
	assert_ok
	run hoy system check --full --format json
	assert_rc 125
	assert_has 'it has changed: the digest is wrong'
	printf more >>"$blob"
	run hoy system check
	assert_rc 125
	assert_has 'the manifest of image'
}

run_tests "$@"
