#!/bin/bash
# The marks of a store, and hoy system reset.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# full_store: an image, a container that runs, one that has ended and left files of another id in a directory that only that id may read.
full_store() {
	local as=1000
	load busybox
	[ "$T_ROW" != one ] || as=0
	hoy run --name ended busybox sh -c "mkdir -p /x/y && echo a >/x/y/f && chown -R $as /x && chmod 700 /x/y /x" || fail 'the first container'
	hoy run -d --name runs busybox sleep 1000 >/dev/null || fail 'the second container'
}

# Network processes end by themselves, just after the last container.
nobody_left() { [ -z "$(our_pids)" ]; }
all_gone() {
	[ ! -e "$(store)" ] || fail "left: $(find "$(store)" | head -5)"
	wait_for -t 20 nobody_left
}

test_a_new_store_is_marked() { # short
	hoy images >/dev/null
	assert_eq 'Signature: 8a477f597d28d172789f06886806bc55' "$(head -1 "$(store)/CACHEDIR.TAG")" 'the first line of CACHEDIR.TAG'
	grep -q 'hoy system reset' "$(store)/README" || fail 'README does not name the command'
	[ -f "$(store)/hoy-store" ] || fail 'no mark'
	mkdir "$T/to"
	tar -C "$HOME" --exclude-caches-all -cf "$T/backup.tar" store
	assert_eq '' "$(tar -tf "$T/backup.tar")" 'what a backup takes'
}

# One made by an older hoy gets the marks when an image is added; nothing else is ever taken for a store.
test_an_older_store_is_marked() {
	local n
	hoy images >/dev/null
	for n in CACHEDIR.TAG README hoy-store; do rm "$(store)/$n"; done
	run hoy system reset -f
	assert_ok # empty: what an interrupted reset leaves
	mkdir -p "$(store)/layers"
	run hoy system reset -f
	assert_err E-STORE-MARK
	chmod 700 "$(store)"
	echo mine >"$(store)/letter"
	load busybox
	[ ! -e "$(store)/hoy-store" ] || fail 'a directory with other files was marked'
	rm "$(store)/letter"
	echo mine >"$(store)/README"
	hoy load -q -i "$T_FIX/busybox.tar" >/dev/null
	[ ! -e "$(store)/hoy-store" ] && [ "$(cat "$(store)/README")" = mine ] || fail 'a README of the user was overwritten'
	printf 'This dir' >"$(store)/README" # as somebody who was killed left it
	hoy load -q -i "$T_FIX/busybox.tar" >/dev/null
	[ -e "$(store)/hoy-store" ] && grep -q 'system reset' "$(store)/README" || fail 'not marked'
	run hoy system reset -f
	assert_ok
	all_gone
}

test_everything_goes() { # short
	full_store
	# What a terminal is told once is remembered in the store, and is the store's.
	run with_pty -- $HOY run --rm busybox true
	run hoy system reset --dry-run
	assert_ok
	assert_match '^Would remove 2 containers \(1 running\), 1 image, [0-9.]+.?[kMG]?B in '
	assert_eq 2 "$(ls_count "$(store)/containers")" 'containers after --dry-run'
	run hoy system reset -f
	assert_ok
	assert_match '^Removed 2 containers \(1 running\), 1 image, [0-9.]+.?[kMG]?B in '
	assert_quiet
	all_gone
	run hoy system reset -f
	assert_ok
	assert_out 'There is no store: nothing to remove'
	load busybox # and on it goes
	run hoy run --rm busybox echo again
	assert_out again
}

test_it_asks() {
	load busybox
	run hoy system reset
	assert_err '' 'hoy system reset --force'
	run with_pty 'expect=\[y/N\]' 'send=n\n' -- "$HOY" system reset
	assert_ok
	[ -d "$(store)/images" ] || fail 'removed after a no'
	run with_pty 'expect=\[y/N\]' 'send=y\n' -- "$HOY" system reset
	assert_ok
	all_gone
}

test_what_is_no_store_is_refused() { # short
	mkdir -p "$T/data/images" "$HOME/deep"
	echo precious >"$T/data/images/photo"
	chmod 700 "$T/data"
	run hoy --root "$T/data" system reset -f
	assert_err E-STORE-MARK
	# A mark that is a link, or whose owner is another, is none.
	ln -s /etc/passwd "$T/data/hoy-store"
	run hoy --root "$T/data" system reset -f
	assert_err E-STORE-MARK
	[ -e "$T/data/images/photo" ] || fail 'a file that is not ours was removed'
	# The home directory and what is above it, even with a mark.
	touch "$HOME/hoy-store" "$T/hoy-store"
	chmod go-w "$HOME" "$T"
	run hoy --root "$HOME" system reset -f
	assert_err E-STORE-MARK 'home directory'
	run hoy --root "$T" system reset -f
	assert_err E-STORE-MARK 'home directory'
	run hoy --root "$HOME/deep/.." system reset -f
	assert_err E-STORE-MARK 'home directory'
	run hoy --root / system reset -f
	assert_err
	run hoy --root "$HOME/nowhere" system reset -f
	assert_ok
	[ ! -e "$HOME/nowhere" ] || fail 'a store was made'
}

test_links_are_not_followed() { # short
	load busybox
	mkdir -p "$T/host/images"
	echo precious >"$T/host/images/photo"
	rm -rf "$(store)/tmp" "$(store)/cnames"
	ln -s "$T/host" "$(store)/tmp"
	ln -s ../../../host/images "$(store)/cnames"
	ln -s "$T/host" "$(store)/blobs/link"
	echo mine >"$(store)/letter"
	run hoy system reset -f
	assert_ok
	assert_err_has 'letter is not hoy'
	[ -e "$T/host/images/photo" ] || fail 'a link was followed'
	assert_eq letter "$(ls -A "$(store)")" 'what is left'
}

test_a_store_behind_a_link() {
	mkdir -m 700 "$T/disk"
	ln -s "$T/disk" "$HOME/link"
	export HOY_ROOT=$HOME/link
	load busybox
	run hoy system reset -f
	assert_ok
	assert_eq '' "$(ls -A "$T/disk")" 'what is left'
	[ -L "$HOME/link" ] || fail 'the link is gone'
}

# Killed at any moment, run again it finishes.
test_killed_half_way() {
	local after
	for after in 0.001 0.003 0.006 0.01 0.02 0.04; do
		full_store
		timeout -s KILL "$after" $HOY system reset -f >/dev/null 2>&1
		run hoy system reset -f
		assert_ok
		wait_for nothing_runs
		all_gone
	done
}
nothing_runs() { [ -z "$(our_pids)" ]; }

# From a session that cannot have the other ids: what can go goes, the reason is said, and the next one finishes.
test_from_a_session_with_one_uid() { # rows=user
	full_store
	hoy rm -f -t 0 runs >/dev/null
	run setpriv --no-new-privs $HOY system reset -f
	assert_err E-RESET-IDS
	[ -e "$(store)/hoy-store" ] || fail 'the mark is gone'
	run hoy system reset -f
	assert_ok
	all_gone
}

test_full_disk() { # rows=root
	# shellcheck disable=SC2016
	run unshare -m bash -c '
		mkdir -p "$HOME/full" && mount -t tmpfs -o size=24m full "$HOME/full"
		export HOY_ROOT=$HOME/full/store
		$1 load -q -i "$2" >/dev/null && $1 run -d --name c busybox sleep 1000 >/dev/null || exit 9
		head -c 40000000 /dev/zero >"$HOME/full/fill" 2>/dev/null
		for i in $(seq 2000); do : >"$HOME/full/fill.$i" || break; done 2>/dev/null
		$1 system reset -f || exit
		ls -A "$HOME/full" | grep -v fill' - "$HOY" "$T_FIX/busybox.tar"
	assert_rc 1
	assert_match 'Removed 1 container '
	wait_for nothing_runs
}

run_tests "$@"
