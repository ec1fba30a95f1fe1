#!/bin/bash
# Streams and surroundings: stdin open, closed, a file, a pipe; stdout a pipe, full, closed; TERM, HOME and everything else unset.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

test_stdin_is_passed_with_i_only() { # peer_ok short rows=user,root,one
	load busybox
	run sh -c 'printf "one\ntwo" | $1 run --rm -i --network none busybox cat' - "$HOY"
	assert_ok
	assert_out "$(printf 'one\ntwo')"
	run sh -c 'printf "one\ntwo" | $1 run --rm --network none busybox cat' - "$HOY"
	assert_ok
	assert_out ''
}

test_binary_bytes_both_ways() { # peer_ok short rows=user,root,one
	load busybox
	head -c 3000000 /dev/urandom >"$T/bytes"
	run sh -c '$1 run --rm -i --network none busybox cat <"$2"' - "$HOY" "$T/bytes"
	assert_ok
	assert_bytes "$T/bytes" "$T/out"
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run sh -c '$1 exec -i c cat <"$2"' - "$HOY" "$T/bytes"
	assert_ok
	assert_bytes "$T/bytes" "$T/out"
}

test_much_output_at_the_very_end() { # peer_ok
	load busybox
	for _ in 1 2 3; do
		run hoy run --rm --network none busybox sh -c 'seq 1 200000; seq 1 1000 >&2'
		assert_ok
		assert_eq 200000 "$(tail -1 "$T/out")" 'last line'
		assert_eq 200000 "$(wc -l <"$T/out")" 'lines of stdout'
		assert_eq 1000 "$(wc -l <"$T/err")" 'lines of stderr'
	done
}

test_stdin_closed() { # peer_ok
	load busybox
	run sh -c 'exec <&-; $1 run --rm --network none busybox echo fine' - "$HOY"
	assert_ok
	assert_out fine
	run sh -c 'exec <&-; $1 run --rm -i --network none busybox cat' - "$HOY"
	assert_ok
}

test_all_closed() {
	load busybox
	sh -c 'exec <&- >&- 2>&-; exec $1 run --rm --network none -v "$2:/d" busybox sh -c "echo ran >/d/f; exit 4"' - "$HOY" "$HOME"
	assert_eq 4 $? status
	assert_eq ran "$(cat "$HOME/f")" 'what it wrote'
	# Nothing that belongs to the container may have landed in descriptors 0 to 2 of its own.
	load stop
	run sh -c 'exec <&-; exec $1 run --rm --network none stop /stop/probe' - "$HOY"
	assert_ok
	assert_has 'fd=0 /dev/null'
}

test_stdout_is_a_pipe_that_closes() { # peer_ok
	load busybox
	run sh -c '$1 run --rm --network none busybox yes | head -2; exit 0' - "$HOY"
	assert_out "$(printf 'y\ny')"
	wait_for -t 20 nothing_runs
}
nothing_runs() { [ -z "$(hoy ps -q)" ]; }

test_stdout_is_full() {
	load busybox
	[ -w /dev/full ] || skip 'no /dev/full'
	hoy run --rm --network none busybox echo x >/dev/full 2>"$T/err"
	local rc=$?
	[ $rc = 125 ] && grep -q 'hoy: error:.*No space left' "$T/err" || fail "status $rc: $(cat "$T/err")"
	is_peer || grep -q "hint:.*redirected" "$T/err" || fail "the hint is about the store: $(cat "$T/err")"
}

# run -d -i gives no input, and leaves it open for those who attach; it ends with the first of them.
test_detached_input_stays_open() { # peer_ok short
	load busybox
	hoy run -d -i --name c --network none busybox sh -c 'read x; echo "got $x"; cat; echo end' >/dev/null || fail run
	sleep 0.3
	assert_eq running "$(hoy inspect --format '{{.State.Status}}' c)" status
	hoy create -i --name d --network none busybox cat >/dev/null || fail create
	hoy start d >/dev/null || fail start
	sleep 0.3
	assert_eq running "$(hoy inspect --format '{{.State.Status}}' d)" 'status after start'
	run sh -c 'printf "one\ntwo\n" | $1 attach c' - "$HOY"
	assert_out "$(printf 'got one\ntwo\nend')"
	assert_eq 0 "$(hoy wait c)" wait
}

# Nobody can attach to an exec.
test_detached_exec_has_no_input() {
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	hoy exec -d -i c sh -c 'cat; touch /ended' || fail exec
	wait_for hoy exec c test -e /ended
}

# Whoever shares a pipe or a terminal with hoy may have made it non-blocking: a slow reader must lose nothing.
test_stdout_that_does_not_block() {
	local slow='
import os, subprocess, sys, time
r, w = os.pipe()
os.set_blocking(w, False)
p = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
time.sleep(0.5)
n = 0
while b := os.read(r, 65536):
    n += len(b)
print(n, p.wait())'
	load busybox
	# shellcheck disable=SC2086
	run python3 -c "$slow" $HOY run --name c --network none busybox seq 100000
	assert_out '588895 0'
	# shellcheck disable=SC2086
	run python3 -c "$slow" $HOY logs c
	assert_out '588895 0'
}

test_detached_prints_only_the_id_and_lets_go() { # peer_ok short rows=user,root,one
	load busybox
	# A command substitution ends only when every holder of its pipe is gone.
	run timeout 60 bash -c 'x=$($1 run -d --network none busybox sleep 1000) && echo "[$x]"' - "$HOY"
	assert_ok
	assert_match '^\[[0-9a-f]{64}\]$'
}

test_empty_environment() { # short
	load busybox
	run env -i PATH="$PATH" HOY_ROOT="$HOY_ROOT" $HOY run --rm --network none busybox echo fine
	assert_ok
	assert_out fine
	run env -i HOY_ROOT="$HOY_ROOT" "$(command -v $HOY)" run --rm --network none busybox echo fine
	assert_ok
	assert_out fine
	run env -u HOME -u TERM -u USER -u LANG $HOY run --rm --network none busybox echo fine
	assert_out fine
}

test_no_home_uses_the_passwd_entry() {
	# Without HOY_ROOT, XDG_DATA_HOME and HOME the store is in the home of the user database.
	run env -i PATH="$PATH" $HOY info --format json
	assert_ok
	assert_has "$(getent passwd "$(id -u)" | cut -d: -f6)/.local/share/hoy"
}

test_managed_from_any_environment() { # short rows=user,root,one
	load busybox
	unset HOY_ROOT
	export XDG_RUNTIME_DIR=$T/run
	load busybox
	run hoy run -d --name c --network none busybox sleep 1000
	assert_ok
	local e
	for e in "env -i PATH=$PATH HOME=$HOME" "env XDG_RUNTIME_DIR=/no/such/dir" "env -u XDG_RUNTIME_DIR" "env TERM=" "setsid"; do
		run $e $HOY ps --format '{{.Names}} {{.State}}'
		assert_out 'c running'
		run $e $HOY exec c echo "by $e"
		assert_out "by $e"
	done
	rm -rf "$T/run"
	run hoy exec c echo after
	assert_out after
	run env -i PATH="$PATH" HOME="$HOME" $HOY stop -t 0 c
	assert_ok
	run env -u XDG_RUNTIME_DIR $HOY rm c
	assert_ok
	untidy
}

test_no_descriptors_leak() { # short rows=user,root,one
	load stop
	run bash -c 'exec 7</etc/passwd 60</ 3>"$2/x"; exec $1 run --rm --network none stop /stop/probe' - "$HOY" "$T"
	assert_ok
	assert_eq 'fd=0 fd=1 fd=2' "$(grep -o '^fd=[0-9]*' "$T/out" | tr '\n' ' ' | sed 's/ $//')" 'open descriptors'
	hoy run -d --name c --network none stop sleep 1000 >/dev/null || fail run
	run bash -c 'exec 7</etc/passwd 60</; exec $1 exec c /stop/probe' - "$HOY"
	assert_eq 'fd=0 fd=1 fd=2' "$(grep -o '^fd=[0-9]*' "$T/out" | tr '\n' ' ' | sed 's/ $//')" 'open descriptors in exec'
}

test_signals_are_not_inherited() {
	load stop
	run sh -c 'trap "" INT TERM HUP PIPE USR1; exec $1 run --rm --network none stop /stop/probe' - "$HOY"
	assert_has 'SigIgn=0000000000000000'
	assert_has 'SigBlk=0000000000000000'
	hoy run -d --name c --network none stop sleep 1000 >/dev/null || fail run
	run sh -c 'trap "" INT TERM HUP PIPE USR1; exec $1 exec c /stop/probe' - "$HOY"
	assert_has 'SigIgn=0000000000000000'
	assert_has 'SigBlk=0000000000000000'
}

test_current_directory_gone() {
	load busybox
	mkdir "$T/gone" && cd "$T/gone" && rmdir "$T/gone"
	run hoy run --rm --network none busybox pwd
	assert_ok
	assert_out /
}

test_umask_does_not_matter() { # rows=user,root,one
	( umask 077 && load busybox )
	run sh -c 'umask 077; exec $1 run --rm --network none -u 1000 busybox sh -c "ls -ld / /etc /dev /dev/null /tmp | cut -c1-10; umask; cat /etc/hosts >/dev/null && echo readable"' - "$HOY"
	assert_ok
	assert_has readable
	assert_has 0022
	assert_has crw-rw-rw-
	assert_has drwxrwxrwt
}

# through CMD...: what goes in must come out.
through() {
	"$@" <"$T/big" >"$T/sum.out" 2>"$T/err" &
	local pid=$!
	wait $pid || fail "$* ended with $?: $(cat "$T/err")"
	assert_bytes "$T/big" "$T/sum.out"
}

test_much_input_and_much_output_at_once() {
	load busybox
	head -c 200000000 /dev/urandom >"$T/big"
	through hoy run --rm -i --network none busybox cat
	hoy run -d --name box --network none busybox sleep 1000 >/dev/null || fail "run -d"
	through hoy exec -i box cat
	rm -f "$T/big" "$T/sum.out"
}

test_slow_reader_gets_everything_and_the_status() { # short
	load busybox
	local n
	for n in 150000 200000 208000 213000 225000 300000; do
		{ hoy run --rm --network none busybox sh -c "head -c $n /dev/zero; exit 7"; echo $? >"$T/status"; } | { sleep 0.2; wc -c >"$T/count"; }
		assert_eq 7 "$(cat "$T/status")" "status behind $n bytes"
		assert_eq "$n" "$(cat "$T/count")" "bytes"
	done
}

test_input_that_nobody_reads_does_not_hold_up_signals() { # short
	load busybox
	mkfifo "$T/yes"
	yes >"$T/yes" 2>/dev/null &
	$HOY run --rm -i --name deaf --network none busybox sh -c 'trap "exit 9" TERM; : >/ready; while :; do sleep 0.1; done' \
		<"$T/yes" >"$T/out" 2>"$T/err" &
	local pid=$! pos='' was=no
	wait_for hoy exec deaf test -e /ready
	# Its pipe is full when the client reads no more.
	until [ "$pos" = "$was" ]; do
		was=$pos
		sleep 0.2
		pos=$(grep rchar "/proc/$pid/io")
	done
	kill -TERM $pid
	wait $pid
	assert_eq 9 $? "status"
}

run_tests "$@"
