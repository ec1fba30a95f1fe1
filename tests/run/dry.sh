#!/bin/bash
# --dry-run of run, create and rm: all is looked at, nothing is done.
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

all_files() { (cd "$(store)" && find . -path ./events -prune -o -print | sort); }

test_run_prints_the_config() {
	load busybox
	all_files >"$T/before"
	local c
	for c in run create; do
		run hoy $c --dry-run --name c -v vol:/v -p 8080:80 --cidfile "$HOME/cid" --memory 64m busybox sh -c 'echo here'
		assert_ok
		assert_has '"Name": "c"'
		assert_has '"echo here"'
		assert_has '"Destination": "/v"'
		printf '%s' "$out" | python3 -m json.tool >/dev/null || fail 'no JSON'
	done
	all_files >"$T/after"
	assert_bytes "$T/before" "$T/after"
	[ ! -e "$HOME/cid" ] || fail 'the cidfile was written'
	run hoy ps -aq
	assert_out ''
}

test_run_finds_what_is_wrong() {
	load busybox
	run hoy run --dry-run --ulimit nope=1 busybox true
	assert_err E-USAGE 'unknown limit'
	run hoy run --dry-run --pull never nowhere true
	assert_err E-IMAGE-UNKNOWN
	run hoy run --dry-run nowhere.invalid/x true
	assert_ok
	assert_out ''
	assert_err_has 'would be pulled'
	run hoy run --dry-run --pull always busybox true
	assert_ok
	assert_err_has 'would be asked'
}

test_rm_says_what_would_go() {
	load busybox
	hoy create --name a --network none busybox true >/dev/null || fail create
	hoy create --name b --network none --requires a busybox true >/dev/null || fail create
	hoy run -d --name up --network none busybox sleep 100 >/dev/null || fail run
	run hoy rm --dry-run b
	assert_ok
	assert_out b
	run hoy rm --dry-run a
	assert_err E-CONTAINER-IN-USE
	run hoy rm --dry-run up
	assert_rc 2
	assert_err_has 'is running'
	run hoy rm --dry-run -f up
	assert_out up
	run hoy rm --dry-run --depend a
	assert_has a
	run hoy ps -aq
	assert_eq 3 "$(printf '%s\n' "$out" | wc -l)" containers
}

run_tests "$@"
