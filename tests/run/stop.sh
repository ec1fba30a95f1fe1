#!/bin/bash
# stop tells the truth: the kernel drops a signal for which PID 1 of its pid namespace has no handler. Such a container is killed at once, and that is said; every
# other one, and every timeout that was typed or configured, gets its normal grace. What tells them apart is what the programs themselves saw.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

hoy_logs_have() { hoy logs "$1" 2>&1 | grep -q -- "$2"; }
older_than_a_second() { sleep 1.3; }

# up IMAGE COMMAND...: start c, wait until it says ready (if it does).
up() {
	load stop
	run hoy run -d --name c "${opts[@]}" --network none stop "$@"
	assert_ok
}
opts=()

# ended STATUS [TEXT]: c has ended with it, and its log has TEXT.
ended() {
	run hoy wait c
	assert_out "$1"
	[ -z "${2:-}" ] || hoy_logs_have c "$2" || fail "its log lacks '$2': $(hoy logs c 2>&1)"
}

test_sleep_is_killed_at_once_and_said() { # short rows=user,root,one
	up sleep 1000
	older_than_a_second
	local before=$SECONDS
	run hoy stop c
	assert_ok
	[ $((SECONDS - before)) -lt 9 ] || fail 'it waited the whole grace for a signal that the kernel drops'
	assert_out c
	[ -n "$err" ] || fail "it killed in silence: $(last)"
	ended 137
}

test_sleep_with_a_typed_timeout_gets_it() {
	up sleep 1000
	older_than_a_second
	local before=$EPOCHREALTIME
	run hoy stop -t 2 c
	assert_ok
	[ "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a >= 1.8) }')" = 1 ] || fail 'the typed timeout was not honoured'
	ended 137
}

test_sleep_with_a_configured_timeout_gets_it() {
	opts=(--stop-timeout 2)
	up sleep 1000
	older_than_a_second
	local before=$EPOCHREALTIME
	run hoy stop c
	assert_ok
	[ "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a >= 1.8) }')" = 1 ] || fail 'the configured timeout was not honoured'
	ended 137
}

test_a_young_one_gets_its_grace() {
	# Executed less than a second ago: it may yet install its handler.
	# The first signal is lost (nobody listens yet);
	# a stop that sends it again reaches the handler, one that does not waits out its grace. Killing at once would be the lie.
	up /stop/late 15
	local before=$SECONDS
	run hoy stop c
	assert_ok
	run hoy wait c
	[ "$out" = 23 ] || [ $((SECONDS - before)) -ge 9 ] || fail "killed at once, though it had run for less than a second: $(last)"
}

test_sh_with_trap() { # peer_ok short rows=user,root,one
	up sh -c 'trap "echo trapped; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop -t 20 c
	assert_ok
	ended 5 trapped
}

test_sh_with_trap_default_timeout() { # peer_ok
	up sh -c 'trap "echo trapped; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop c
	assert_ok
	ended 5 trapped
}

test_signalfd() { # peer_ok short
	up /stop/signalfd
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop c
	ended 22 'got it'
}

test_sigwait() { # peer_ok short
	up /stop/sigwait
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop c
	ended 21 'got it'
}

test_a_second_thread_waits() { # peer_ok
	up /stop/threads
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop c
	ended 24 'got it'
}

# Its first thread has ended: for /proc it is a zombie.
test_a_second_thread_is_all() { # peer_ok
	load busybox
	hoy run -d --name c --network none -v "$T_FIX/bin/leader:/leader:ro" busybox /leader >/dev/null || fail run
	wait_for hoy_logs_have c ready
	run hoy stop -t 1 c
	assert_ok
	ended 137
	hoy start c >/dev/null || fail start
	run hoy rm -f -t 0 c
	assert_ok
}

test_late_handler() { # peer_ok
	up /stop/late 600
	wait_for hoy_logs_have c starting
	hoy exec c touch /tmp/go
	wait_for hoy_logs_have c ready
	older_than_a_second
	run hoy stop c
	ended 23 'got it'
}

test_ignorer_is_killed_after_the_grace() { # peer_ok rows=user,root,one
	up /stop/ignore
	wait_for hoy_logs_have c ready
	run hoy stop -t 1 c
	assert_ok
	ended 137
}

test_timeout_zero_kills() { # peer_ok
	up /stop/handler
	wait_for hoy_logs_have c ready
	run hoy stop -t 0 c
	assert_ok
	assert_quiet # what was asked for is no warning
	ended 137
}

test_with_init_the_signal_arrives() { # peer_ok rows=user,root,one
	opts=(--init)
	up sleep 1000
	older_than_a_second
	run hoy stop c
	assert_ok
	ended 143
}

test_kill_signals() { # peer_ok short
	load stop
	local s
	for s in HUP:101 SIGINT:102 10:110 usr2:112 RTMIN+3:137; do
		run hoy run -d --name c --network none stop /stop/handler
		assert_ok
		wait_for hoy_logs_have c ready
		run hoy kill -s "${s%:*}" c
		assert_ok
		run hoy wait c
		assert_out "${s#*:}"
		hoy rm c >/dev/null
	done
	run hoy kill -s NONSENSE c
	assert_rc 125
}

test_kill_of_a_stopped_container() { # peer_ok
	load stop
	hoy run --name c --network none stop true
	run hoy kill c
	assert_rc 125
	run hoy stop c
	assert_ok
}

test_foreground_forwards_signals() { # peer_ok short
	load stop
	$HOY run --name c --network none stop /stop/handler >"$T/fg" 2>&1 &
	local p=$!
	wait_for file_has "$T/fg" ready
	kill -USR1 $p
	wait $p
	assert_eq 110 $? 'status of the client'
	file_has "$T/fg" 'signal 10' || fail "it never saw the signal: $(cat "$T/fg")"
}

test_an_ignored_signal_stays_ignored_when_it_is_forwarded() { # peer_ok
	load stop
	$HOY run --name c --network none stop sh -c 'trap "" TERM HUP; echo ready; while :; do sleep 0.1; done' >"$T/fg" 2>&1 &
	local p=$!
	wait_for file_has "$T/fg" ready
	older_than_a_second
	kill -HUP $p
	kill -TERM $p
	sleep 1
	assert_eq running "$(hoy inspect --format '{{.State.Status}}' c)" 'state after signals that it ignores'
	hoy kill c >/dev/null
	wait $p
	assert_eq 137 $? 'status of the client'
}

test_forwarded_signal_without_a_handler_ends_it() { # short
	load stop
	$HOY run --rm --name c --network none stop sleep 1000 >"$T/fg" 2>&1 &
	local p=$!
	wait_for is_there c
	older_than_a_second
	kill -TERM $p
	wait $p
	assert_eq 143 $? 'status of the client'
	[ -s "$T/fg" ] || fail 'killed in silence'
}
is_there() { [ "$(hoy inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = running ]; }

test_sig_proxy_off() { # peer_ok
	load stop
	$HOY run --name c --sig-proxy=false --network none stop /stop/handler >"$T/fg" 2>&1 &
	local p=$!
	wait_for file_has "$T/fg" ready
	kill -TERM $p
	wait $p
	assert_eq running "$(hoy inspect --format '{{.State.Status}}' c)" 'state after the client was told to end'
	if hoy_logs_have c 'signal 15'; then fail 'the signal was forwarded'; fi
}

test_several_at_once() { # peer_ok rows=user,root,one
	load stop
	local n
	for n in a b d e; do hoy run -d --name $n --network none stop /stop/handler >/dev/null || fail "run $n"; done
	for n in a b d e; do wait_for hoy_logs_have $n ready; done
	run hoy stop -t 20 a b d e
	assert_ok
	assert_eq 'a b d e' "$(printf '%s\n' "$out" | sort | tr '\n' ' ' | sed 's/ $//')" 'printed names'
	run hoy wait a b d e
	assert_eq 4 "$(grep -c '^115$' "$T/out")" 'statuses 115'
}

test_children_of_the_container_die_with_it() { # peer_ok rows=user,root,one
	load stop
	run hoy run -d --name c --network none stop sh -c 'sleep 4711 & setsid sleep 4711 & echo ready; exec /stop/ignore'
	wait_for hoy_logs_have c ready
	run hoy stop -t 0 c
	assert_ok
	wait_for no_process 'sleep 4711'
}
no_process() { for p in $(our_pids); do [ "$(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null)" != "$1 " ] || return 1; done; }

run_tests "$@"
