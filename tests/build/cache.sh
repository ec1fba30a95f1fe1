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

run_tests "$@"
