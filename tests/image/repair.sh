#!/bin/bash
# system check --repair: what can be had again comes back; what cannot goes only by force.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# mends [FLAG...]: a repair leaves the store clean.
mends() {
	run hoy system check --repair "$@"
	assert_ok
	assert_has 'repaired: '
	clean
}

works() {
	run hoy run --rm --network none busybox echo whole
	assert_out whole
}

# move FROM TO, inside the store, for files of other owners too.
away() { mv "$@" || fail "mv $*"; }

test_flags() { # short
	run hoy system check -q
	assert_ok
	run hoy system check -r -q -m 1h
	assert_ok
	run hoy system check --force
	assert_err E-USAGE
	run hoy system check --quick --full
	assert_err E-USAGE
}

test_links_come_back() { # short
	load busybox cfg-env
	local s id
	s=$(store) id=$(id_of busybox)
	rm "$s/images/$id"
	mends
	works
	rm "$s/images/$id"
	ln -s nonsense "$s/images/$id"
	mends
	works
	ln -s nonsense "$s/images/$(printf '0%.0s' {1..64})"
	ln -s 'sha256:zz' "$s/names/localhost/busybox/:bad"
	ln -s "sha256:$(printf '4%.0s' {1..64})" "$s/names/localhost/busybox/:lost"
	mends
	works
	assert_eq 'localhost/busybox:latest localhost/cfg-env:latest' "$(names)"
}

# A layer that is gone or from an earlier boot, with its blob kept.
test_layers_come_back() { # short rows=user,root,one
	[ -f "$T_FIX/skopeo-oci.tar" ] || skip 'no fixture skopeo-oci'
	hoy load -q -i "$T_FIX/skopeo-oci.tar" >/dev/null || fail load
	local s l id
	s=$(store) id=$(hoy images -q --no-trunc | head -1)
	mkdir "$T/away"
	away "$s"/layers/*.* "$T/away"
	run hoy system check
	assert_rc 125
	mends
	for l in "$s"/layers/*.*; do printf 'another boot' >"$l/unsynced"; done
	run hoy system check
	assert_rc 125
	mends
	run hoy run --rm --network none "$id" /bin/busybox echo whole
	assert_out whole
}

# Of an earlier boot and without a blob: it is read, and believed if it is whole; what is lost goes only by force.
test_without_a_blob() { # short
	load busybox empty
	local s l
	s=$(store)
	for l in "$s"/layers/*.*; do printf 'another boot' >"$l/unsynced"; done
	run hoy system check
	assert_rc 125
	mends
	works
	mkdir "$T/away"
	away "$s"/layers/*.* "$T/away"
	rm -f "$s"/blobs/partial/*
	find "$s/blobs/sha256" -size +100k -delete
	run hoy system check -r
	assert_rc 125
	assert_has 'is missing'
	assert_err_has -- '--force'
	run hoy image exists busybox
	assert_ok
	run hoy system check -r -f
	assert_ok
	run hoy image exists busybox
	assert_rc 1
	clean
}

test_lost_documents() { # short
	load busybox cfg-env
	local s id
	s=$(store) id=$(id_of cfg-env)
	: >"$s/blobs/sha256/$id"
	run hoy system check --repair
	assert_rc 125
	run hoy system check --repair --force
	assert_ok
	run hoy image exists cfg-env
	assert_rc 1
	works
	clean
}

test_containers() { # short
	load busybox
	local s c
	s=$(store)
	hoy create --name good --network none busybox echo good >/dev/null || fail create
	c=$(hoy create --name bad --network none busybox true) || fail create
	rm "$s/containers/$c/state.json"
	ln -s "$(printf '5%.0s' {1..64})" "$s/cnames/gone"
	ln -s nonsense "$s/cnames/odd"
	run hoy system check --repair
	assert_rc 125
	assert_has 'repaired: container gone'
	assert_has 'repaired: container odd'
	[ -d "$s/containers/$c" ] || fail 'it went without force'
	mends --force
	[ ! -e "$s/containers/$c" ] || fail 'it stayed'
	[ ! -L "$s/cnames/bad" ] || fail 'its name stayed'
	run hoy start -a good
	assert_out good
	hoy rm good >/dev/null
}

test_leftovers_and_strays() { # short
	load busybox
	local s
	s=$(store)
	mkdir -p "$s/tmp/abandoned" "$s/layers/$(printf '1%.0s' {1..64}).sub/diff" "$s/blobs/partial"
	: >"$s/blobs/sha256/$(printf '2%.0s' {1..64})"
	: >"$s/images/.add-0123456789abcdef"
	mends
	[ ! -e "$s/tmp/abandoned" ] || fail 'tmp stayed'
	assert_eq 1 "$(ls_count "$s/layers")" layers
	works
}

test_damaged_contents() { # short
	[ -f "$T_FIX/skopeo-oci.tar" ] || skip 'no fixture skopeo-oci'
	hoy load -q -i "$T_FIX/skopeo-oci.tar" >/dev/null || fail load
	local s file blob id
	s=$(store) id=$(hoy images -q --no-trunc | head -1)
	file=$(find "$s/layers" -path '*/diff/bin/busybox' | head -n 1)
	chmod u+w "$file"
	printf X | dd of="$file" bs=1 seek=5000 conv=notrunc 2>/dev/null
	run hoy system check --full
	assert_rc 125
	run hoy system check --full --repair
	assert_ok
	run hoy run --rm --network none "$id" /bin/busybox echo whole
	assert_out whole
	blob=$(find "$s/blobs/sha256" -size +100k | head -n 1)
	chmod u+w "$blob"
	printf X | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
	run hoy system check --full --repair
	assert_ok
	[ ! -e "$blob" ] || fail 'the damaged copy stayed'
	run hoy system check --full
	assert_ok
	run hoy run --rm --network none "$id" /bin/busybox echo whole
	assert_out whole
}

# Nothing that others are about is touched.
test_beside_others() { # short
	load busybox
	local p i
	(for i in {1..10}; do
		$HOY load -q -i "$T_FIX/cfg-env.tar" >/dev/null || echo load >>"$T/bad"
		[ "$($HOY run --rm --name n$i --network none busybox echo whole 2>&1)" = whole ] || echo run >>"$T/bad"
		$HOY rmi cfg-env >/dev/null || echo rmi >>"$T/bad"
	done) &
	p=$!
	while kill -0 $p 2>/dev/null; do
		mkdir -p "$(store)/tmp/abandoned"
		run hoy system check --repair
		assert_ok
	done
	[ ! -s "$T/bad" ] || fail "failed beside a repair: $(sort "$T/bad" | uniq -c)"
	run hoy system check -r
	works
	clean
}

run_tests "$@"
