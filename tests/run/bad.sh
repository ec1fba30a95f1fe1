#!/bin/bash
# Bad surroundings and bad input: each refusal names the thing and the cause in one line, has a hint and an id, is 125, and leaves nothing behind.
. "$(dirname "$0")/../lib.sh"

test_unknown_image() { # short
	run hoy run --pull never nosuchimage true
	assert_err '' nosuchimage
	run hoy image inspect nosuchimage
	assert_rc 125
	assert_err_has nosuchimage
	run hoy image exists nosuchimage
	assert_rc 1
}

test_names_with_bad_bytes() { # short
	load busybox
	leftovers_before
	local n
	for n in '../x' 'a/b' "$(printf 'a\nb')" "$(printf 'a\033[31mb')" "$(printf 'a\377b')" '.' '..' 'a b' "$(head -c 300 /dev/zero | tr '\0' a)"; do
		run hoy create --name "$n" --network none busybox true
		assert_err
		run hoy rm "$n"
		assert_ne 0 "$rc"
		run hoy inspect "$n"
		assert_rc 125
		run hoy run --pull never --network none "$n" true
		assert_err
	done
	run hoy create --hostname "$(printf 'a\nb')" --network none busybox true
	assert_err
	run hoy create --hostname "$(head -c 100 /dev/zero | tr '\0' a)" --network none busybox true
	assert_err
	leftovers_after
}

test_image_labels_do_not_reach_the_terminal() {
	load cfg-labels
	local c
	for c in "images" "image inspect cfg-labels" "ps -a"; do
		hoy create --name "c${#c}" --network none cfg-labels >/dev/null
		run with_pty -- $HOY $c
		if grep -q "$(printf '\033')" "$T/out"; then fail "an escape byte in hoy $c: $(last)"; fi
	done
}

test_full_disk() { # rows=root
	load busybox
	mkdir "$T/small"
	mount -t tmpfs -o size=4m,mode=700 none "$T/small" || skip 'no mount'
	# shellcheck disable=SC2064
	trap "umount -l '$T/small'" EXIT
	export HOY_ROOT=$T/small/store
	load busybox
	run hoy load -i "$T_FIX/stop.tar"
	assert_err E-DISK-FULL
	assert_eq 0 "$(ls_count "$HOY_ROOT/tmp")" 'unfinished work'
	run hoy run --rm --network none busybox echo fine
	assert_out fine
	dd if=/dev/zero of="$T/small/fill" bs=4k >/dev/null 2>&1
	run hoy run --rm --network none busybox echo fine
	[ "$rc" = 0 ] || assert_err E-DISK-FULL
	run hoy images
	assert_ok
	run hoy ps -a
	assert_ok
	run hoy rmi busybox
	assert_ok
	rm "$T/small/fill"
	load busybox
	run hoy run --rm --network none busybox echo fine
	assert_out fine
}

test_log_on_a_full_disk() { # rows=root
	mkdir "$T/small"
	mount -t tmpfs -o size=8m,mode=700 none "$T/small" || skip 'no mount'
	# shellcheck disable=SC2064
	trap "umount -l '$T/small'" EXIT
	export HOY_ROOT=$T/small/store
	load busybox
	run hoy run -d --name c --network none busybox sh -c 'until [ -e /go ]; do sleep 0.05; done; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 7'
	assert_ok
	run hoy exec c touch /go
	assert_ok
	dd if=/dev/zero of="$T/small/fill" bs=4k >/dev/null 2>&1
	# The container goes on and ends by itself; its status is known.
	run hoy wait c
	assert_out 7
	run hoy inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' c
	assert_out 'exited 7 '
	run hoy rm c
	assert_ok
}

test_read_only_home() { # rows=user,one
	mkdir "$HOME/ro"
	chmod 500 "$HOME/ro"
	export HOY_ROOT=$HOME/ro/store
	run hoy run --rm --network none hello
	assert_err '' "$HOME/ro"
	run hoy ps -a
	[ "$rc" = 0 ] || assert_err
	chmod 700 "$HOME/ro"
}

test_home_is_nowhere() { # rows=user,one
	run env -u HOY_ROOT HOME=/nonexistent $HOY run --rm hello
	assert_err E-PERMISSION /nonexistent/.local/share/hoy
	assert_err_has HOY_ROOT
}

test_store_is_a_file() {
	echo x >"$HOME/f"
	HOY_ROOT=$HOME/f run hoy images
	assert_err
	HOY_ROOT=relative/dir run hoy images
	[ "$rc" = 0 ] || assert_err
	rm -rf relative
}

test_odd_home_names() {
	local h
	for h in 'with space' 'co:lon' 'com,ma' 'back\slash' 'quo"te' 'äöü'; do
		mkdir -p "$T/$h"
		export HOY_ROOT="$T/$h/store"
		load busybox
		run hoy run --rm --network none busybox echo fine
		[ "$out" = fine ] || fail "with the store in '$h': $(last)"
		hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail "run -d in '$h'"
		run hoy exec c echo fine
		assert_out fine
		run hoy rm -f -t 0 c
		assert_ok
	done
}

test_very_long_store_path() {
	local h=$T i
	for ((i = 0; i < 12; i++)); do h=$h/$(printf 'd%.0s' $(seq 60)); done
	mkdir -p "$h"
	export HOY_ROOT=$h/store
	load busybox
	run hoy run --rm --network none busybox echo fine
	assert_out fine
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail 'run -d'
	run hoy exec c echo fine
	assert_out fine
	run hoy attach --no-stdin --sig-proxy=false nosuch
	assert_rc 125
	run hoy rm -f -t 0 c
	assert_ok
}

test_low_limits() {
	load busybox
	run bash -c 'ulimit -n 20; exec $1 run --rm --network none busybox echo fine' - "$HOY"
	[ "$out" = fine ] || assert_err
	run bash -c 'ulimit -f 0; exec $1 run --rm --network none busybox echo fine' - "$HOY"
	[ "$out" = fine ] || [ "$rc" -gt 0 ] || fail "$(last)"
	hoy rm -f -a -t 0 >/dev/null 2>&1
	run bash -c 'ulimit -v 20000; exec $1 run --rm --network none busybox echo fine' - "$HOY"
	[ "$out" = fine ] || assert_ne 0 "$rc"
}

test_huge_arguments() {
	load busybox
	local big
	big=$(head -c 100000 /dev/zero | tr '\0' a)
	run hoy run --rm --network none -e "BIG=$big" busybox sh -c 'echo ${#BIG}'
	assert_out 100000
	run hoy run --rm --network none busybox sh -c 'echo ${#1}' - "$big"
	assert_out 100000
}

test_deep_json_config() {
	local d=$T/in
	mkdir "$d"
	python3 - "$T_FIX/../" "$d/deep.tar" <<-'P'
		import io, json, sys, tarfile, hashlib
		def put(t, n, b):
		    i = tarfile.TarInfo(n); i.size = len(b); t.addfile(i, io.BytesIO(b))
		deep = b'{"config":' + b'[' * 10000 + b']' * 10000 + b'}'
		with tarfile.open(sys.argv[2], "w") as t:
		    put(t, "c.json", deep)
		    put(t, "manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["localhost/deep:latest"], "Layers": []}]).encode())
	P
	leftovers_before
	run hoy load -i "$d/deep.tar"
	assert_err
	leftovers_after
}

run_tests "$@"
