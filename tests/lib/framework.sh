#!/bin/bash
# The framework tests itself: what it reports as failed must be what failed. Needs no engine.
. "$(dirname "$0")/../lib.sh"

# inner NAME BODY: a test file of one test, run by a framework of its own below this one. Its TAP is in out.
inner() {
	mkdir -p "$T/in/x"
	printf '. %s\n%s() { %s\n%s\n}\nrun_tests "$@"\n' "$LIB" "$1" "${3:-}" "$2" >"$T/in/x/f.sh"
	run env -u HOY_ROOT T_SCRATCH="$T/in" T_LIMIT=10 bash "$T/in/x/f.sh"
}
LIB=$(readlink -f "$(dirname "$0")/../lib.sh")

test_pass_and_fail() { # short
	inner test_a 'assert_eq 1 1' && assert_has 'ok 1 - test_a'
	assert_ok
	inner test_a 'assert_eq 1 2'
	assert_has 'not ok 1 - test_a'
	assert_rc 1
	inner test_a '( fail inside ); true'
	assert_has 'not ok 1'
	inner test_a 'exit 3'
	assert_has 'not ok 1'
	inner test_a 'skip because'
	assert_has 'ok 1 - test_a # SKIP because'
}

test_leftover_process_is_found() {
	local t=77.$$
	inner test_a "setsid sleep $t & sleep 0.1" && fail_if_ok
	assert_has 'still running: '
	pgrep -f "^sleep $t\$" >/dev/null && fail 'the leftover was not killed'
	return 0
}
fail_if_ok() { [ "$rc" != 0 ] || fail "passed: $(last)"; }

test_leftover_files_are_found() {
	inner test_a 'mkdir -p "$HOY_ROOT/tmp"; leftovers_before; : >"$HOY_ROOT/tmp/x"; leftovers_after'
	assert_has 'left behind'
	inner test_a 'mkdir -p "$HOY_ROOT/tmp"; : >"$HOY_ROOT/tmp/x"; hoy() { :; }'
	assert_has 'left behind'
}

test_hang_is_ended() {
	mkdir -p "$T/in/x"
	printf '. %s\ntest_a() {\nsleep 78\n}\nrun_tests "$@"\n' "$LIB" >"$T/in/x/f.sh"
	run env T_SCRATCH="$T/in" T_LIMIT=1 bash "$T/in/x/f.sh"
	assert_has 'not ok 1'
	assert_has 'did not end within'
}

test_marks_select() {
	inner test_a : '# rows=root'
	[ "$T_ROW" = root ] && assert_has 'ok 1' || assert_out '1..0'
	inner test_a : '# long'
	[ -n "${T_LONG:-}" ] || assert_out '1..0'
}

test_assert_err_is_strict() {
	inner test_a 'run sh -c "echo hoy: error: x >&2; echo \"  hint: y (E-TEST)\" >&2; exit 125"; HOY=hoy assert_err E-TEST'
	assert_ok
	inner test_a 'run sh -c "echo hoy: error: x >&2; exit 125"; HOY=hoy assert_err'
	assert_rc 1
	inner test_a 'run sh -c "echo hoy: error: x >&2; echo \"  hint: y (E-TEST)\" >&2; exit 1"; HOY=hoy assert_err'
	assert_rc 1
}

test_pty() { # short
	run with_pty -s 33x111 -- stty size
	assert_ok
	assert_has '33 111'
	run with_pty 'send=abc\r' 'expect=got abc' -- sh -c 'read x; echo got $x; exit 7'
	assert_rc 7
	run with_pty 'expect=never there' -- true
	assert_rc 99
	run with_pty 'expect=ready' 'send=\x03' -- sh -c 'echo ready; exec sleep 60'
	assert_rc 130
}

run_tests "$@"
