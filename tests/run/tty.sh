#!/bin/bash
# Terminals: -t and -i, window size, Ctrl-C, detach keys, several clients on one container.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

hoy_runs() { [ "$(hoy inspect --format '{{.State.Running}}' "$1")" = true ]; }
hoy_logs_have() { hoy logs "$1" 2>&1 | grep -q -- "$2"; }

# run with_pty: the engine's words, as one command line, after --.
test_size_is_set_before_the_first_output() { # short
	load busybox
	for _ in 1 2 3 4 5; do
		run with_pty -s 41x143 -- $HOY run --rm -it --network none busybox stty size
		assert_ok
		assert_has '41 143'
	done
}

test_a_quick_end_is_not_a_dead_supervisor() { # short
	# The other side may end before it reads what the client says first (its window's size, its input).
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		run with_pty -- $HOY exec -it c true
		assert_ok
		run sh -c 'head -c 500000 /dev/zero | $1 exec -i c sh -c "exit 3"' - "$HOY"
		assert_rc 3
		run sh -c 'head -c 500000 /dev/zero | $1 run --rm -i --network none busybox sh -c "exit 3"' - "$HOY"
		assert_rc 3
	done
}

test_size_follows() { # peer_ok
	load busybox
	run with_pty -s 24x80 'expect=ready' 'size=50x100' 'expect=50 100' -- \
		$HOY run --rm -it --network none busybox sh -c 'trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.1; done'
	assert_rc 3
}

test_size_in_exec() { # peer_ok short
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run with_pty -s 33x99 -- $HOY exec -it c stty size
	assert_ok
	assert_has '33 99'
	run with_pty -s 24x80 'expect=ready' 'size=50x100' 'expect=50 100' -- \
		$HOY exec -it c sh -c 'trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.1; done'
	assert_rc 3
}

test_it_is_a_terminal() { # peer_ok short rows=user,root,one
	load busybox
	run with_pty -- $HOY run --rm -it --network none busybox sh -c 'test -t 0 && test -t 1 && test -t 2 && tty && echo TERM=$TERM'
	assert_ok
	assert_has /dev/
	assert_has TERM=
	run with_pty -- $HOY run --rm --network none busybox sh -c 'test -t 0 || test -t 1 || echo none'
	assert_has none
}

test_interactive_shell() { # peer_ok short rows=user,root,one
	load busybox
	run with_pty 'expect=# ' 'send=echo a$((40+2))b\r' 'expect=a42b' 'send=exit 4\r' -- $HOY run --rm -it --network none busybox sh
	assert_rc 4
}

test_end_of_input_key() { # peer_ok
	load busybox
	run with_pty 'expect=# ' 'send=\x04' -- $HOY run --rm -it --network none busybox sh
	assert_ok
}

test_ctrl_c_with_a_terminal() { # peer_ok
	load busybox
	run with_pty 'expect=ready' 'send=\x03' 'expect=caught' -- $HOY run --rm -it --network none busybox sh -c 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'
	assert_rc 5
}

test_ctrl_c_without_a_terminal_of_its_own() { # peer_ok
	load busybox
	run with_pty 'expect=ready' 'send=\x03' 'expect=caught' -- $HOY run --rm --network none busybox sh -c 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'
	assert_rc 5
	run hoy ps -aq
	assert_out ''
}

test_terminal_is_restored() { # rows=user,root,one
	load busybox
	run with_pty -- sh -c 'stty -a >"$1/b"; $2 run --rm -it --network none busybox true; stty -a >"$1/a"' - "$T" "$HOY"
	assert_ok
	assert_bytes "$T/b" "$T/a"
	# Also when the client dies of a signal that it can catch.
	run with_pty 'expect=ready' -- sh -c 'stty -a >"$1/b"; $2 run --rm -it --name c --network none busybox sh -c "echo ready; sleep 1000" </dev/tty & p=$!; sleep 1; kill -TERM $p; wait $p; stty -a >"$1/a"' - "$T" "$HOY"
	hoy rm -f -t 0 c >/dev/null 2>&1
	assert_bytes "$T/b" "$T/a"
}

test_it_without_a_terminal_degrades_with_one_note() { # short
	load busybox
	printf 'line\n' >"$T/in"
	run sh -c '$1 run --rm -it --network none busybox cat <"$2"' - "$HOY" "$T/in"
	assert_ok
	assert_has line
	assert_eq 1 "$(printf '%s\n' "$err" | grep -c .)" 'lines of notes'
	assert_err_has terminal
	run hoy run --rm -t --network none busybox sh -c 'echo out'
	assert_ok
	assert_has out
}

test_detach_keys() {
	load busybox
	run with_pty 'expect=# ' 'send=\x10\x11' -- $HOY run -it --name c --network none busybox sh
	assert_ok
	hoy_runs c || fail 'the container ended with the client'
	run with_pty 'send=\r' 'expect=# ' 'send=echo still $((1+1)) here\r' 'expect=still 2 here' 'send=\x10\x11' -- $HOY attach c
	assert_ok
	hoy_runs c || fail 'the container ended with the second client'
}

test_detach_keys_of_choice() {
	load busybox
	run with_pty 'expect=# ' 'send=ab' -- $HOY run -it --detach-keys a,b --name c --network none busybox sh
	assert_ok
	hoy_runs c || fail 'ended'
	run with_pty 'send=\r' 'expect=# ' 'send=\x18x' -- $HOY attach --detach-keys ctrl-x,x c
	assert_ok
	hoy_runs c || fail 'ended'
	run hoy run -it --detach-keys nonsense,keys --network none busybox true
	assert_rc 125
}

test_detach_keys_eat_no_ordinary_key() { # peer_ok
	load busybox
	# A ctrl-p that is not followed by ctrl-q reaches the container: od shows it.
	run with_pty 'expect=ready' 'send=a\x10b\x10\x10c\r' 'expect=0a' -- $HOY run --rm -it --network none busybox sh -c 'stty -icanon -echo; echo ready; dd bs=1 count=7 2>/dev/null | od -An -tx1'
	assert_ok
	assert_has '61 10 62 10 10 63 0a'
}

test_detach_keys_can_be_switched_off() { # peer_ok
	load busybox
	run with_pty 'expect=ready' 'send=\x10\x11x' 'expect=78' -- $HOY run --rm -it --detach-keys '' --network none busybox sh -c 'stty raw -echo; echo ready; dd bs=1 count=3 2>/dev/null | od -An -tx1'
	assert_ok
	assert_has '10 11 78'
}

test_two_clients_see_and_speak() {
	load busybox
	hoy run -dit --name c --network none busybox sh >/dev/null || fail run
	with_pty 'send=\r' 'expect=# ' "touch=$T/one-ready" "await=$T/two-ready" 'send=echo from-$((0+1))\r' 'expect=from-1' 'expect=from-2' 'send=\x10\x11' -- $HOY attach c >"$T/one" 2>&1 &
	local p1=$!
	with_pty "await=$T/one-ready" 'send=\r' 'expect=# ' "touch=$T/two-ready" 'expect=from-1' 'send=echo from-$((1+1))\r' 'expect=from-2' 'send=\x10\x11' -- $HOY attach c >"$T/two" 2>&1 &
	local p2=$!
	wait $p1
	assert_eq 0 $? "first client: $(cat -v "$T/one")"
	wait $p2
	assert_eq 0 $? "second client: $(cat -v "$T/two")"
	hoy_runs c || fail 'ended'
}

test_container_outlives_a_killed_client() {
	load busybox
	run with_pty 'expect=# ' kill=9 -- $HOY run -it --name c --network none busybox sh
	assert_rc 137
	hoy_runs c || fail 'the container ended with its client'
	run with_pty 'send=\r' 'expect=# ' 'send=exit 3\r' -- $HOY attach c
	assert_rc 3
}

test_hangup_of_the_terminal() { # rows=user,root,one
	load busybox
	# The client ends; a shell that was told of the hangup ends too, a program that does not care stays.
	run with_pty 'expect=# ' hangup -- $HOY run -it --name c --network none busybox sh
	assert_ne 99 "$rc"
	run with_pty 'expect=ready' hangup -- $HOY run -it --name d --network none busybox sh -c 'trap "" HUP; echo ready; while :; do sleep 0.1; done'
	assert_ne 99 "$rc"
	hoy_runs d || fail "it ended: $(hoy ps -a)"
}

test_signals_are_for_a_client_with_a_terminal() {
	load busybox
	# Not for the container, as with docker: it goes on, and the terminal is put right.
	run with_pty 'expect=# ' -- sh -c '$1 run -it --name c --network none busybox sh </dev/tty & p=$!; sleep 1; kill -HUP $p; wait $p; echo status $?' - "$HOY"
	assert_has 'status 129'
	hoy_runs c || fail 'the container ended with its client'
}

test_attach_gives_the_status_and_no_stdin_of_a_container_without() {
	load busybox
	hoy run -d --name c --network none busybox sh -c 'until [ -e /go ]; do sleep 0.05; done; echo now; exit 6' >/dev/null || fail run
	hoy attach c >"$T/att" 2>"$T/att.err" &
	local p=$!
	sleep 0.5
	hoy exec c touch /go
	wait $p
	assert_eq 6 $? 'status by attach'
	assert_eq now "$(cat "$T/att")" 'output by attach'
}

test_start_a_of_a_running_one_attaches() { # peer_ok
	load busybox
	hoy run -d --name c --network none busybox sh -c 'until [ -e /go ]; do sleep 0.05; done; echo now; exit 6' >/dev/null || fail run
	hoy start -a c >"$T/att" 2>"$T/att.err" &
	local p=$!
	sleep 0.5
	hoy exec c touch /go
	wait $p
	assert_eq 6 $? "status: $(cat "$T/att.err")"
	assert_eq now "$(cat "$T/att")" output
}

test_exec_with_a_terminal() { # peer_ok rows=user,root,one
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run with_pty 'expect=# ' 'send=echo a$((40+2))b\r' 'expect=a42b' 'send=exit 4\r' -- $HOY exec -it c sh
	assert_rc 4
	run with_pty 'expect=ready' 'send=\x03' 'expect=caught' -- $HOY exec -it c sh -c 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'
	assert_rc 5
}

run_tests "$@"
