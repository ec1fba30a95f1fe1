#!/bin/bash
# Giving files to a container's user (the option U), and getting them back (own).
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_own_gives_back_what_a_container_has() { # rows=user short
	load busybox
	mkdir -p "$T/d/sub"
	echo x >"$T/d/sub/f"
	ln -s /etc "$T/d/link"
	in_busybox --user 5:6 -v "$T/d:/d:U" -- sh -c 'stat -c "%u %g" /d /d/sub/f; mkdir -m 700 /d/deep; echo y >/d/deep/g'
	assert_out "$(printf '5 6\n5 6')"
	assert_ne "$(id -u)" "$(stat -c %u "$T/d/sub/f")" 'owner outside'
	run hoy own --dry-run "$T/d"
	assert_out "$T/d: 6 would be yours"
	assert_ne "$(id -u)" "$(stat -c %u "$T/d/sub/f")" 'nothing is changed'
	run hoy own "$T/d"
	assert_out "$T/d: 6 are yours now"
	assert_eq "$(id -u)" "$(find "$T/d" -printf '%U\n' | sort -u)" owners
	assert_eq "$(id -g)" "$(find "$T/d" -printf '%G\n' | sort -u)" groups
	rm -r "$T/d" || fail 'they cannot be removed'
}

test_own_follows_no_links() { # rows=user
	load busybox
	mkdir "$T/a" "$T/b"
	touch "$T/b/f"
	in_busybox --user 5 -v "$T/b:/b:U" -- true
	local was
	was=$(stat -c %u "$T/b/f")
	ln -s "$T/b" "$T/a/link"
	run hoy own "$T/a"
	assert_ok
	assert_eq "$was" "$(stat -c %u "$T/b/f")" 'behind a link'
	run hoy own "$T/a/link"
	assert_err E-USAGE link
	run hoy own "$T/none"
	assert_err
	run hoy own /etc/passwd
	assert_ok
	assert_err_has 'files of others'
	run hoy own "$T/b"
	assert_eq "$(id -u)" "$(stat -c %u "$T/b/f")" 'named itself'
}

test_what_is_not_given_away() { # rows=user
	load busybox
	local p
	for p in / "$HOME" "$(dirname "$HOME")" "$(store)" "$(store)/layers"; do
		run hoy create -v "$p:/x:U" busybox true
		assert_err E-MOUNT 'is not given away'
	done
	run hoy create --mount "type=bind,source=/etc,destination=/x,U=true" busybox true
	assert_err E-MOUNT 'uid 0'
	mkdir "$HOME/below"
	in_busybox -v "$HOME/below:/x:U" -- true
	assert_ok
}

test_own_elsewhere() { # rows=one,root
	mkdir "$T/d"
	run hoy own "$T/d"
	[ "$T_ROW" = root ] && assert_err E-USAGE 'chown -R'
	[ "$T_ROW" = root ] || assert_err E-ID-RANGE 'one id only'
}

run_tests "$@"
