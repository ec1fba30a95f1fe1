#!/bin/bash
# logs: byte for byte what the container wrote, selected by lines and times, followed to the end; whatever the log file holds.
# others: rows=user
# shellcheck disable=SC2317  # functions called by wait_for
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# ended NAME SCRIPT: a container that has run the script.
ended() {
	hoy run --network none --name "$1" busybox sh -c "$2" >/dev/null 2>&1
}

logfile() { echo "$(store)/containers/$(hoy inspect -f '{{.Id}}' "$1")/ctr.log"; }

test_streams() { # peer_ok short rows=user,root,one
	load busybox
	ended c 'echo one; echo two >&2; sleep 0.1; printf "three\n\nfour"'
	run hoy logs c
	assert_ok
	printf 'one\nthree\n\nfour' | cmp -s - "$T/out" || fail "$(last)"
	assert_eq two "$err"
	run hoy container logs c
	assert_ok
	run hoy create --network none --name new busybox true
	run hoy logs new
	assert_ok
	assert_out ''
}

test_bytes() { # rows=user,root,one
	load busybox
	mkdir "$HOME/d"
	head -c 300000 /dev/urandom >"$HOME/d/random"
	head -c 100000 /dev/zero >>"$HOME/d/random"
	printf 'tail\r\n\n\e[31m' >>"$HOME/d/random"
	hoy run --network none -d --name c -v "$HOME/d:/d:ro" busybox sh -c 'cat /d/random; cat /d/random >&2' >/dev/null || fail run
	hoy wait c >/dev/null
	hoy logs c >"$T/o" 2>"$T/e" || fail logs
	assert_bytes "$HOME/d/random" "$T/o"
	assert_bytes "$HOME/d/random" "$T/e"
}

test_terminal() {
	load busybox
	hoy run --network none -d -t --name c busybox sh -c 'echo out; echo err >&2' >/dev/null || fail run
	hoy wait c >/dev/null
	run hoy logs c
	printf 'out\r\nerr\r\n' | cmp -s - "$T/out" || fail "$(last)"
	assert_quiet
}

test_tail() { # peer_ok
	load busybox
	ended c 'for i in 1 2 3 4 5; do echo $i; done'
	run hoy logs --tail 2 c
	assert_out $'4\n5'
	run hoy logs --tail 0 c
	assert_out ''
	run hoy logs --tail 100 c
	assert_out $'1\n2\n3\n4\n5'
	run hoy logs --tail=-1 c
	assert_out $'1\n2\n3\n4\n5'
	run hoy logs --tail x c
	assert_err
	is_peer && return
	run hoy logs -n 1 c
	assert_out 5
	run hoy logs --tail all c
	assert_out $'1\n2\n3\n4\n5'
}

test_times() { # peer_ok
	load busybox
	ended c 'echo early; sleep 1.2; echo late'
	run hoy logs -t c
	assert_match '^[0-9-]{10}T[0-9:]{8}\.[0-9]+[^ ]* early'
	local early late
	early=$(sed -n 's/ early$//p' "$T/out") late=$(sed -n 's/ late$//p' "$T/out")
	run hoy logs --since "${late%%.*}Z" c
	assert_out late
	if ! is_peer; then # the moment itself belongs to both sides, as with docker; podman takes it from --since
		run hoy logs --since "$late" c
		assert_out late
		run hoy logs --until "$early" c
		assert_out early
	fi
	run hoy logs --since 1h c
	assert_out $'early\nlate'
	is_peer || run hoy logs --until 1h c
	is_peer || assert_out '' # podman 4 takes it for a time to come
	run hoy logs --since "$(($(date +%s) + 100))" c
	assert_out ''
	run hoy logs --since 2001-01-01 --until 2001-01-02T03:04:05 c
	assert_out ''
	run hoy logs --since yesterday c
	assert_err
}

test_several() {
	load busybox
	ended a 'echo one; printf part'
	ended b 'echo two; echo err >&2'
	local ia ib
	ia=$(hoy inspect -f '{{.Id}}' a | cut -c1-12) ib=$(hoy inspect -f '{{.Id}}' b | cut -c1-12)
	run hoy logs --names a b
	assert_out $'a one\na part\nb two'
	assert_eq 'b err' "$err"
	run hoy logs a b
	assert_out "$ia one"$'\n'"$ia part"$'\n'"$ib two"
	ln -s "$(command -v "${HOY%% *}")" "$HOME/podman"
	run "$HOME/podman" logs -n a b
	assert_out $'a one\na part\nb two'
	run hoy logs -l
	assert_out two
	run hoy logs a nobody
	assert_err E-CONTAINER-UNKNOWN
	run hoy logs
	assert_err E-USAGE
	run hoy logs -l a
	assert_err E-USAGE
}

test_unknown() { # peer_ok short
	run hoy logs nobody
	assert_err
}

# Following ends with the container, whatever ends it, and shows everything.
test_follow() {
	load busybox
	hoy run --network none -d --name c busybox sh -c 'echo first; while [ ! -e /go ]; do sleep 0.05; done; echo last >&2; printf end' >/dev/null
	hoy logs -f c >"$T/o" 2>"$T/e" &
	local pid=$!
	wait_for file_has "$T/o" first
	gone $pid && fail 'it did not follow'
	hoy exec c touch /go || fail exec
	wait $pid || fail "status $?"
	assert_eq $'first\nend' "$(cat "$T/o")"
	assert_eq last "$(cat "$T/e")"
	run hoy logs -f c
	assert_out $'first\nend'
}

# A restart is no end of a log that is followed; the end after it is.
test_follow_over_a_restart() {
	load busybox
	local o
	for o in --rm ''; do
		# shellcheck disable=SC2086  # no word if it is empty
		hoy run --network none -d $o --name c busybox sh -c 'echo begins; trap "exit 0" TERM; while [ ! -e /go ]; do sleep 0.05; done; echo ends' >/dev/null || fail run
		hoy logs -f c >"$T/o" &
		local pid=$!
		wait_for file_has "$T/o" begins
		hoy restart c >/dev/null || fail restart
		begun() { [ "$(grep -c begins "$T/o")" = "$1" ]; }
		wait_for begun 2
		hoy restart c >/dev/null || fail restart
		wait_for begun 3
		hoy exec c touch /go || fail exec
		wait $pid || fail "status $?"
		assert_eq $'begins\nbegins\nbegins\nends' "$(cat "$T/o")"
		[ -n "$o" ] || [ ! -e "$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/keep" ] || fail 'the mark of a restart stays'
		hoy rm -f c >/dev/null 2>&1
	done
}

# A restart that was cut off by a kill leaves a mark; who follows then is not held for ever, and the next start takes it away.
test_mark_of_a_restart_that_was_killed() {
	load busybox
	hoy run --network none -d --name c busybox sleep 1000 >/dev/null || fail run
	local d
	d=$(store)/containers/$(hoy inspect -f '{{.Id}}' c)
	: >"$d/keep"
	hoy stop -t 0 c >/dev/null
	run timeout 20 $HOY logs -f c
	assert_ok
	hoy start c >/dev/null
	[ ! -e "$d/keep" ] || fail 'the mark stays'
	run hoy system check
	assert_ok
	hoy rm -f -t 0 c >/dev/null
}

test_follow_of_what_vanishes() {
	load busybox
	hoy run --network none -d --rm --name c busybox sh -c 'echo first; while [ ! -e /go ]; do sleep 0.05; done; echo last' >/dev/null
	hoy logs -f c >"$T/o" &
	local pid=$!
	wait_for file_has "$T/o" first
	hoy exec c touch /go || fail exec
	wait $pid || fail "status $?"
	assert_eq $'first\nlast' "$(cat "$T/o")"
}

test_follow_of_what_is_killed() {
	load busybox
	hoy run --network none -d --name c busybox sh -c 'echo first; sleep 1000' >/dev/null
	hoy run --network none -d --name d busybox sh -c 'echo other; sleep 1000' >/dev/null
	hoy logs -f --tail 1 c d >"$T/o" &
	local pid=$!
	wait_for file_has "$T/o" first
	wait_for file_has "$T/o" other
	hoy rm -f -t 0 c d >/dev/null 2>&1 || fail rm
	wait $pid || fail "status $?"
	assert_eq 2 "$(wc -l <"$T/o")"
}

# Nobody reads any more: the follower ends, though the container says nothing.
test_follow_into_a_closed_pipe() {
	load busybox
	hoy run --network none -d --name c busybox sh -c 'echo first; sleep 1000' >/dev/null
	hoy logs -f c | head -1 >"$T/o"
	assert_eq first "$(cat "$T/o")"
	hoy logs -f --until "$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%SZ)" c >"$T/o" || fail 'until'
	assert_eq first "$(cat "$T/o")"
}

test_broken_log() { # short rows=user,root,one
	load busybox
	ended c 'echo good'
	local f
	f=$(logfile c)
	printf '\n\0\377binary\n2026-01-02T03:04:05Z stdout\nx stdout F y\n' >>"$f"
	printf '2026-01-02T03:04:05.000000000Z stderr F torn' >>"$f"
	hoy logs c >"$T/o" 2>"$T/e" || fail "status $?"
	printf 'good\n\n\0\377binary\n2026-01-02T03:04:05Z stdout\nx stdout F y\n' | cmp -s - "$T/o" || fail "$(od -c "$T/o")"
	assert_eq torn "$(cat "$T/e")"
	hoy logs -t --tail 3 c >"$T/o" 2>"$T/e" || fail "status $?"
	printf '2026-01-02T03:04:05Z stdout\nx stdout F y\n' | cmp -s - "$T/o" || fail "$(od -c "$T/o")"
	: >"$f"
	run hoy logs --tail 5 c
	assert_ok
	assert_out ''
	rm "$f" && mkfifo "$f"
	run timeout 10 $HOY logs c
	assert_ne 124 "$rc" 'a FIFO for a log: status'
	rm "$f" && ln -s /etc/passwd "$f"
	run hoy logs c
	assert_err
}

# A line of half a gigabyte needs no more memory than a short one.
test_huge_line() {
	load busybox
	ended c 'echo good'
	local f
	f=$(logfile c)
	printf '2026-01-02T03:04:05.000000000Z stdout F ' >>"$f"
	truncate -s +512M "$f"
	printf '\n2026-01-02T03:04:05.000000000Z stdout F end\n' >>"$f"
	(
		ulimit -v 60000
		hoy logs c | tail -c 5 >"$T/o"
		[ "${PIPESTATUS[0]}" = 0 ] || fail 'the whole'
		hoy logs --tail 1 c >"$T/p" || fail 'its end'
	)
	printf '\nend\n' | cmp -s - "$T/o" || fail 'the end of the whole'
	assert_eq end "$(cat "$T/p")"
}

test_color_of_several() {
	load busybox
	hoy run --name a --network none busybox echo one >/dev/null || fail run
	hoy run --name b --network none busybox echo two >/dev/null || fail run
	run hoy logs --color --names a b
	assert_ok
	assert_out "$(printf '\033[31ma\033[0m one\n\033[32mb\033[0m two')"
	run hoy logs --names a b
	assert_out 'a one
b two'
	run hoy logs --color a
	assert_out one
}

run_tests "$@"
