#!/bin/bash
# Logs: what the container wrote, byte for byte, both streams, partial lines too; while it runs, after it ended, and followed.
. "$(dirname "$0")/../lib.sh"

hoy_logs_have() { hoy logs "$1" 2>&1 | grep -q -- "$2"; }
ended() { [ "$(hoy inspect --format '{{.State.Status}}' "$1")" = exited ]; }
up() { hoy run -d --name c --network none busybox "$@" >/dev/null || fail run; }
done_() { up "$@" && wait_for ended c; }

test_both_streams() { # peer_ok short
	load busybox
	done_ sh -c 'echo out1; echo err1 >&2; echo out2; echo err2 >&2'
	run hoy logs c
	assert_ok
	assert_out "$(printf 'out1\nout2')"
	assert_eq "$(printf 'err1\nerr2')" "$err" stderr
}

test_partial_last_line() { # peer_ok short
	load busybox
	done_ printf 'whole\nno newline at the end'
	hoy logs c >"$T/got"
	printf 'whole\nno newline at the end' >"$T/want"
	is_peer || assert_bytes "$T/want" "$T/got"
	assert_eq 'whole no newline at the end' "$(tr '\n' ' ' <"$T/got" | sed 's/ $//')"
}

test_partial_lines_of_pieces() { # peer_ok
	load busybox
	done_ sh -c 'printf a; sleep 0.2; printf b; sleep 0.2; printf "c\n"; printf d; sleep 0.2; echo'
	run hoy logs c
	assert_out "$(printf 'abc\nd')"
}

test_bytes_are_exact() { # short
	load busybox
	head -c 200000 /dev/urandom >"$HOME/r"
	hoy run -d --name c --network none -v "$HOME:/h:ro" busybox cat /h/r >/dev/null || fail run
	wait_for ended c
	hoy logs c >"$T/got" 2>"$T/goterr"
	assert_bytes "$HOME/r" "$T/got"
	[ ! -s "$T/goterr" ] || fail 'something on stderr'
}

test_long_line() { # peer_ok
	load busybox
	done_ sh -c 'head -c 300000 /dev/zero | tr "\0" x; echo end'
	hoy logs c >"$T/got"
	assert_eq 300004 "$(wc -c <"$T/got")" bytes
}

test_zero_bytes_and_control_characters() {
	load busybox
	done_ printf 'a\0b\r\n\033[31mred\377\n\n\n'
	hoy logs c >"$T/got"
	printf 'a\0b\r\n\033[31mred\377\n\n\n' >"$T/want"
	assert_bytes "$T/want" "$T/got"
}

test_file_format_is_k8s() { # short
	load busybox
	hoy run --name c --network none --log-driver k8s-file busybox sh -c 'echo out; echo err >&2; printf part' >/dev/null 2>&1 || fail run
	local f
	f=$(find "$(store)/containers" -name ctr.log)
	grep -Eq '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9]{2}:[0-9]{2}) stdout F out$' "$f" || fail "no whole line of stdout: $(cat "$f")"
	grep -Eq ' stderr F err$' "$f" || fail "no whole line of stderr: $(cat "$f")"
	grep -Eq ' stdout P part$' "$f" || fail "no partial line: $(cat "$f")"
}

test_tail() { # peer_ok
	load busybox
	done_ seq 1 100
	run hoy logs --tail 3 c
	assert_out "$(printf '98\n99\n100')"
	run hoy logs --tail 0 c
	assert_out ''
	run hoy logs --tail 1000 c
	assert_eq 100 "$(wc -l <"$T/out")" lines
	is_peer && return # -n is --names there, --tail with docker
	run hoy logs -n 1 c
	assert_out 100
}

test_timestamps_and_since() { # peer_ok
	load busybox
	done_ echo line
	run hoy logs -t c
	assert_match '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+) line$'
	run hoy logs --since 1h c
	assert_out line
	run hoy logs --since 2099-01-01T00:00:00Z c
	assert_out ''
	run hoy logs --until 2001-01-01T00:00:00Z c
	assert_out ''
}

test_follow_ends_with_the_container() { # peer_ok short
	load busybox
	up sh -c 'echo one; until [ -e /go ]; do sleep 0.05; done; echo two; printf three'
	$HOY logs -f c >"$T/f" 2>"$T/f.err" &
	local p=$!
	wait_for file_has "$T/f" one
	if file_has "$T/f" two; then fail 'too early'; fi
	hoy exec c touch /go
	wait $p
	assert_eq 0 $? status
	assert_eq "$(printf 'one\ntwo\nthree')" "$(cat "$T/f")" 'followed log'
}

test_follow_of_an_ended_one() { # peer_ok
	load busybox
	done_ echo x
	run timeout 30 $HOY logs -f c
	assert_ok
	assert_out x
}

test_log_of_two_starts() { # peer_ok
	load busybox
	hoy create --name c --network none busybox echo again >/dev/null
	hoy start -a c >/dev/null
	hoy start -a c >/dev/null
	run hoy logs c
	assert_out "$(printf 'again\nagain')"
}

test_much_output_fast() { # peer_ok
	load busybox
	up seq 1 300000
	wait_for ended c
	hoy logs c >"$T/got"
	assert_eq 300000 "$(wc -l <"$T/got")" lines
	assert_eq 300000 "$(tail -1 "$T/got")" 'last line'
	seq 1 300000 | cmp -s - "$T/got" || fail 'the order or the bytes are wrong'
}

test_terminal_output_is_logged() { # peer_ok
	load busybox
	hoy run -dt --name c --network none busybox echo on a terminal >/dev/null || fail run
	wait_for ended c
	run hoy logs c
	assert_has 'on a terminal'
}

test_unknown_container() { # peer_ok
	run hoy logs nosuch
	assert_err '' nosuch
}

test_foreground_writes_the_log_too() { # peer_ok
	load busybox
	run hoy run --name c --network none busybox echo logged
	assert_out logged
	run hoy logs c
	assert_out logged
}

run_tests "$@"
