#!/bin/bash
# The build cache: of this machine, and of others.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

context() {
	mkdir -p "$T/c"
	printf '%s\n' 'FROM busybox AS one' 'RUN echo one >/one' 'FROM busybox' 'COPY --from=one /one /one' 'RUN echo two >/two' >"$T/c/Dockerfile"
}

# all_cached: every RUN and COPY of the last run came from the cache.
all_cached() { assert_eq 3 "$(grep -c -e '--> Using cache' <<<"$out")" "steps cached: $out"; }

# A new store with the base alone.
other_store() {
	export HOY_ROOT=$T/$1
	load busybox
}

test_local() { # short
	load busybox
	context
	run hoy build -t x --cache-to "type=local,dest=$T/cache" "$T/c"
	assert_ok
	local id=${out##*$'\n'}
	run hoy images -q
	assert_eq 2 "$(wc -l <<<"$out")" 'no image of the cache is left'
	run hoy build -t x --cache-to "type=local,dest=$T/cache,mode=min" "$T/c"
	assert_ok
	run hoy build -q --cache-to "type=local,dest=$T/cache" "$T/c"
	assert_ok
	(
		other_store other
		run hoy build -t x --cache-from "type=local,src=$T/cache" "$T/c"
		assert_ok
		all_cached
		assert_eq "$id" "${out##*$'\n'}"
		run hoy run --rm x cat /one /two
		assert_out 'one
two'
		run hoy images -q
		assert_eq 2 "$(wc -l <<<"$out")" 'no image of the cache is left'
		run hoy system check
		assert_ok
	) || exit
	mkdir "$T/mine"
	touch "$T/mine/file"
	run hoy build -q --cache-to "type=local,dest=$T/mine" "$T/c"
	assert_err E-BUILD-CACHE
	[ -e "$T/mine/file" ] || fail 'somebody else'\''s directory'
	# no cache is no failure
	run hoy build -q --cache-from "type=local,src=$T/nothing" "$T/c"
	assert_ok
	for type in gha s3 azblob inline; do
		run hoy build -q --cache-to type=$type "$T/c"
		assert_err E-ABSENT
	done
}

test_registry() { # short
	load busybox
	context
	registry_start
	run hoy build -t x --cache-to "type=registry,ref=$REG/team/app:cache" "$T/c"
	assert_ok
	local id=${out##*$'\n'}
	registry_push busybox team/plain:1
	(
		other_store other
		run hoy build -t x --cache-from "$REG/team/none" --cache-from "$REG/team/plain:1" --cache-from "type=registry,ref=$REG/team/app:cache" "$T/c"
		assert_ok
		assert_err_has 'holds no build cache of hoy'
		all_cached
		assert_eq "$id" "${out##*$'\n'}"
		run hoy images -a --format '{{.Repository}}'
		case $out in *team*) fail "a name of the cache is left: $out" ;; esac
	) || exit
}

# CVE-2024-24557 and its like: an image that is pulled or loaded, or a record that was tampered with, never stands for a step.
test_poison() { # short
	load busybox
	context
	run hoy build -q -t victim "$T/c"
	assert_ok
	# an image that says to be the result of the same steps, with other files
	mkdir "$T/evil"
	printf '%s\n' 'FROM victim' 'RUN echo evil >/two' >"$T/evil/Dockerfile"
	run hoy build -q -t evil "$T/evil"
	assert_ok
	hoy save -o "$T/evil.tar" evil || fail save
	(
		other_store other
		run hoy load -q -i "$T/evil.tar"
		assert_ok
		run hoy build -t y "$T/c"
		assert_ok
		case $out in *'Using cache'*) fail "a loaded image gave a step: $out" ;; esac
		run hoy run --rm y cat /two
		assert_out two
		# the record of one step under the key of another
		local d f first=
		d=$(store)/build/cache
		for f in "$d"/*; do
			[ -n "$first" ] && cp "$first" "$f"
			first=$f
		done
		run hoy build -t y "$T/c"
		assert_ok
		run hoy run --rm y cat /one /two
		assert_out 'one
two'
		for f in "$d"/*; do
			echo '{' >"$f"
		done
		run hoy build -t y "$T/c"
		assert_ok
		case $out in *'Using cache'*) fail "a broken record gave a step: $out" ;; esac
	) || exit
}

run_tests "$@"
