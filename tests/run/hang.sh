#!/bin/bash
# A start that hangs: it can be given up, and leaves nothing in the way. Here the supervisor waits for a lock that somebody else holds.
. "$(dirname "$0")/../lib.sh"

hang() {
	mkdir -p "$(store)/u0" || fail mkdir
	rm -f "$T/go"
	flock -o "$(store)/u0" sh -c "until [ -e '$T/go' ]; do sleep 0.05; done" &
	locker=$!
	wait_for locked
}
locked() { ! flock -n "$(store)/u0" true; }
release() {
	touch "$T/go"
	wait $locker
}
supervised() { pgrep -P "$1" >/dev/null; }

# start_then SIGNAL CMD...: the status of a command that gets a signal while its start hangs. Shells let what is in the background ignore SIGINT, nohup SIGHUP.
# shellcheck disable=SC2034
start_then() {
	env --default-signal=HUP,INT,QUIT,TERM "${@:2}" >"$T/out" 2>"$T/err" &
	wait_for supervised $!
	kill "-$1" $!
	wait $!
	rc=$?
}

test_run_ends_by_signals() { # short
	load busybox
	hang
	local s
	for s in INT:130 TERM:143 HUP:129; do
		start_then ${s%:*} $HOY run --name c --network none busybox true
		assert_rc ${s#*:}
		start_then ${s%:*} $HOY run -d --name c --network none busybox true
		assert_rc ${s#*:}
	done
	release
	run hoy ps -aq
	assert_out ''
	run hoy run --rm --name c --network none busybox echo again
	assert_out again
}

test_start_ends_by_signals() {
	load busybox
	hoy create --name c --network none busybox echo over >/dev/null || fail create
	hang
	start_then TERM $HOY start -a c
	assert_rc 143
	start_then INT $HOY start c
	assert_rc 130
	release
	run hoy start -a c
	assert_ok
	assert_out over
}

# Who chose to ignore a signal goes on.
test_ignored_signals() {
	load busybox
	hang
	(trap '' HUP && exec $HOY run -d --name c --network none busybox sleep 1000) >"$T/out" 2>&1 &
	local p=$!
	wait_for supervised $p
	kill -HUP $p
	sleep 0.3
	supervised $p || fail 'the start has ended'
	release
	wait $p || fail "status $?"
	run hoy rm -f -t 0 c
	assert_ok
}

# The terminal is raw by then: Ctrl-C is a byte. What else was typed reaches the command.
test_keys() { # short
	load busybox
	hang
	(sleep 1 && touch "$T/raw") &
	run with_pty 'send=x' "await=$T/raw" 'send=\x03' -- $HOY run --name c -it --network none busybox cat
	assert_rc 130
	release
	hang
	(sleep 1 && touch "$T/go") &
	run with_pty 'send=typed\r' 'expect=got typed' -- $HOY run --rm -it --network none busybox sh -c 'read x; echo got $x'
	assert_ok
	wait
}

run_tests "$@"
