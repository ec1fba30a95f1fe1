#!/bin/bash
# Stores on ugly ground: a full disk, a file system that cannot be written, another path than before.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# Readers need nothing but to read.
test_read_only() { # rows=user,one short
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	export HOY
	# shellcheck disable=SC2016
	run unshare -Urm bash -c '
		mount --bind "$HOY_ROOT" "$HOY_ROOT" && mount -o remount,ro,bind "$HOY_ROOT" || exit 77
		touch "$HOY_ROOT/x" 2>/dev/null && exit 78
		$HOY ps -a --format "{{.Names}}" || exit 1
		$HOY images --format "{{.Repository}}" || exit 2
		$HOY inspect --format "{{.Name}}" c || exit 3
		$HOY image inspect --format "{{.Os}}" busybox || exit 4
		$HOY system df >/dev/null || exit 5
		$HOY system check >/dev/null || exit 6
		$HOY rmi busybox 2>/dev/null && exit 7
		exit 0'
	[ "$rc" != 77 ] || skip 'no mounts here'
	assert_ok
	assert_out 'c
localhost/busybox
c
linux'
	hoy rm c >/dev/null
}

# On a full disk, what frees space works (rmi alone: image/load/test_full_disk).
test_removing_on_a_full_disk() { # rows=user,one short
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=8m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null && $HOY load -q -i "$T_FIX/cfg-env.tar" >/dev/null || exit 8
		$HOY create --name c busybox true >/dev/null && $HOY create --name d busybox true >/dev/null || exit 8
		$HOY untag cfg-env || exit 8
		head -c 19000000 /dev/zero >"$1/fill" 2>/dev/null && exit 7
		$HOY rm c >/dev/null || exit 6
		$HOY image prune -f >/dev/null || exit 5
		$HOY system check || exit 4
		$HOY system prune -a -f || exit 3
		$HOY system check || exit 2
		test -z "$(ls "$HOY_ROOT/layers")" || exit 1' bash "$T/small"
	assert_ok
	assert_has 'Total reclaimed space: '
	assert_has 'clean: 0 images'
}

# What a newer hoy has made is refused and stays as it is.
test_newer_store() { # short
	load busybox
	echo 2 >"$(store)/hoy-store"
	local before c
	before=$(listing)
	for c in ps images 'run --rm busybox true' 'rmi busybox' 'system prune -f' 'system check' 'system reset -f' 'image inspect busybox'; do
		# shellcheck disable=SC2086
		run hoy $c
		assert_err E-NEWER "$(store)"
	done
	assert_eq "$before" "$(listing)" 'the store'
	run hoy version
	assert_ok
	echo 1 >"$(store)/hoy-store"
	run hoy rmi busybox
	assert_ok
}

# Nothing in the store says where it lies.
test_moved() { # short
	load busybox
	hoy run --name c --network none busybox sh -c 'echo kept >/f' || fail run
	mv "$HOY_ROOT" "$HOME/elsewhere" || fail mv
	export HOY_ROOT=$HOME/elsewhere
	clean
	run hoy run --rm --network none busybox echo whole
	assert_out whole
	hoy start -a c >/dev/null || fail start
	hoy rm c >/dev/null || fail rm
	hoy image prune -a -f >/dev/null || fail prune
	clean
}

run_tests "$@"
