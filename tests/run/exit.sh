#!/bin/bash
# Exit statuses: 125 is the engine's; 126 and 127 the command's (not executable, not found); else the command's own; 128+n for signals.
. "$(dirname "$0")/../lib.sh"

in_busybox() { run hoy run --rm --network none busybox "$@"; }

test_status_is_the_commands() { # peer_ok short
	load busybox
	local n
	for n in 0 1 7 77 128 255; do
		in_busybox sh -c "exit $n"
		assert_rc $n
	done
}

test_engine_statuses_pass_through_when_they_are_the_commands() { # peer_ok
	load busybox
	local n
	for n in 125 126 127; do
		in_busybox sh -c "exit $n"
		assert_rc $n
		case $err in *rror:*) fail "an error message for the command's own status: $(last)" ;; esac
	done
}

test_not_found() { # peer_ok short
	load busybox
	in_busybox nosuchcommand
	assert_rc 127
	assert_err_has nosuchcommand
	in_busybox /no/such/file
	assert_rc 127
	in_busybox ./relative
	assert_rc 127
	in_busybox /opt/badinterp
	is_peer || assert_rc 127
}

test_not_executable() { # peer_ok
	load busybox
	in_busybox /opt/noexec
	assert_rc 126
	assert_err_has noexec
	is_peer || assert_err_has 'chmod +x'
	in_busybox /opt/dir
	assert_rc 126
	is_peer || assert_err_has directory
}

test_not_a_program() {
	load busybox
	in_busybox /opt/badformat
	assert_rc 126
	assert_err_has badformat
	assert_err_has '#!'
}

test_path_skips_what_cannot_run() { # peer_ok
	load busybox
	run hoy run --rm --network none -e PATH=/opt:/bin busybox echo found
	assert_out found
	# Found in PATH, but not executable.
	run hoy run --rm --network none -e PATH=/opt busybox noexec
	[ "$rc" = 126 ] || [ "$rc" = 127 ] || fail "wanted 126 or 127: $(last)"
}

test_signal_gives_128_plus() { # peer_ok
	load busybox
	hoy run --name c --network none busybox sleep 1000 >/dev/null 2>&1 &
	local pid=$!
	wait_for hoy_runs c
	hoy kill -s KILL c >/dev/null || fail kill
	wait $pid
	assert_eq 137 $? 'status of the killed container'
	run hoy wait c
	assert_out 137
}
hoy_runs() { [ "$(hoy inspect --format '{{.State.Running}}' "$1")" = true ]; }

test_term_of_a_command_that_catches_nothing_with_init() { # peer_ok
	load busybox
	run hoy run -d --init --name c --network none busybox sleep 1000
	assert_ok
	wait_for hoy_runs c
	run hoy stop -t 20 c
	assert_ok
	run hoy wait c
	assert_out 143
}

test_detached_not_found() { # peer_ok
	load busybox
	run hoy run -d --name c --network none busybox nosuchcommand
	assert_rc 127
	run hoy run -d --rm --name c2 --network none busybox /opt/noexec
	assert_rc 126
	run hoy ps -aq --filter name=c2
	assert_out ''
}

test_exec_statuses() { # peer_ok short
	load busybox
	run hoy run -d --name c --network none busybox sleep 1000
	assert_ok
	run hoy exec c sh -c 'exit 9'
	assert_rc 9
	run hoy exec c nosuchcommand
	assert_rc 127
	run hoy exec c /opt/noexec
	assert_rc 126
	run hoy exec c sh -c 'kill -9 $$'
	assert_rc 137
	run hoy exec nosuchcontainer true
	assert_err
	run hoy exec c
	assert_rc 125
}

test_exec_in_a_stopped_container() { # peer_ok
	load busybox
	run hoy run --name c --network none busybox true
	assert_ok
	run hoy exec c true
	[ "$rc" = 125 ] || is_peer || fail "$(last)"
	is_peer || assert_err '' c
}

test_start_attached_gives_the_status() { # peer_ok
	load busybox
	run hoy create --name c --network none busybox sh -c 'echo out; echo err >&2; exit 5'
	assert_ok
	run hoy start -a c
	assert_rc 5
	assert_out out
	assert_eq err "$err" stderr
	run hoy start c
	assert_ok
	run hoy wait c
	assert_out 5
}

test_engine_errors_are_125() { # peer_ok short
	load busybox
	run hoy run --nonsense busybox
	assert_rc 125
	assert_err_has nonsense
	run hoy run
	assert_rc 125
	run hoy run --pull never nosuchimage
	assert_err '' nosuchimage
	run hoy run --rm -v /no/such/host/path:/x busybox true
	assert_err '' /no/such/host/path
	run hoy run --rm -w relative/path busybox pwd
	is_peer || assert_err '' relative/path
	run hoy nosuchverb
	assert_rc 125
}

test_nothing_is_left_after_a_failed_start() { # short
	load busybox
	leftovers_before
	run hoy run --rm --network none busybox nosuchcommand
	run hoy run --rm --network none busybox /opt/noexec
	run hoy run --rm --network none -v /no/such/host/path:/x busybox true
	run hoy run --rm --network none -u nosuchuser busybox true
	run hoy run --rm --network none --ulimit nonsense=1 busybox true
	leftovers_after
}

test_status_of_many_exits_at_once() { # peer_ok
	load busybox
	local i pids=''
	for i in 1 2 3 4 5 6 7 8; do
		( hoy run --rm --network none busybox sh -c "exit $i" >/dev/null 2>&1; exit $? ) &
		pids="$pids $!"
	done
	i=1
	for p in $pids; do
		wait "$p"
		assert_eq $i $? "status of container $i"
		i=$((i + 1))
	done
}

run_tests "$@"
