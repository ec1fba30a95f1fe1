#!/bin/bash
# The local form of logs, which is the default: small, bounded, exact, read from its end, and side by side with k8s-file.
# others: rows=user
# shellcheck disable=SC2317  # functions called by wait_for
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

logdir() { echo "$(store)/containers/$(hoy inspect -f '{{.Id}}' "$1")"; }

test_default() { # short rows=user,root,one
	load busybox
	hoy run --name c --network none busybox echo hi >/dev/null || fail run
	run hoy inspect -f '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}' c
	assert_out 'local 20.97MB'
	[[ $(sed -n 2p "$(logdir c)/ctr.log") =~ ^0\>hi$ ]] || fail "$(cat "$(logdir c)/ctr.log")"
	[[ $(sed -n 1p "$(logdir c)/ctr.log") =~ ^@[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$ ]] || fail "$(cat "$(logdir c)/ctr.log")"
	run hoy info -f '{{.Host.LogDriver}}'
	assert_out local
	run hoy create --name d --network none --log-opt "path=$T/d.log" busybox true
	run hoy inspect -f '{{.HostConfig.LogConfig.Type}}' d
	assert_out k8s-file
	run hoy create --name e --network none --log-driver local --log-opt max-size=-1 busybox true
	assert_ok
	run hoy inspect -f '{{.HostConfig.LogConfig.Size}}' e
	assert_out 0B
}

# Lines of 80 bytes take at most a tenth more than they are.
test_size() {
	load busybox
	hoy run --name c --network none busybox sh -c 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); printf "%079d\n" $i; done' >/dev/null || fail run
	local n
	n=$(stat -c %s "$(logdir c)/ctr.log")
	note "400000 bytes of output in lines of 80 take $n"
	[ "$n" -le 440000 ] || fail "$n bytes"
	assert_eq 5000 "$(hoy logs c | wc -l)" lines
}

test_bytes_and_a_long_line() { # rows=user,one
	load busybox
	mkdir "$HOME/d"
	head -c 3000000 /dev/urandom >"$HOME/d/random"
	{ printf '\n'; head -c 10000000 /dev/zero | tr '\0' x; printf '\n\0end'; } >>"$HOME/d/random"
	hoy run --network none -d --name c -v "$HOME/d:/d:ro" busybox cat /d/random >/dev/null || fail run
	hoy wait c >/dev/null
	hoy logs c >"$T/o" || fail logs
	assert_bytes "$HOME/d/random" "$T/o"
	hoy logs --tail 1 c >"$T/o"
	printf '\0end' | cmp -s - "$T/o" || fail 'the last line'
	assert_eq 10000001 "$(($(hoy logs --tail 2 c | wc -c) - 4))" 'bytes of the line before it'
}

test_times() {
	load busybox
	hoy run --network none --name c busybox sh -c 'echo early; sleep 1.2; echo late; echo err >&2' >/dev/null 2>&1
	run hoy logs -t c
	assert_match '^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}000Z early'
	local late
	late=$(sed -n 's/ late$//p' "$T/out")
	run hoy logs --since "${late%%.*}Z" c
	assert_out late
	run hoy logs --since "$late" c
	assert_out late
	run hoy logs --until "${late%%.*}Z" c
	assert_out early
	run hoy logs -t --tail 2 c
	assert_out "$late late"
	run hoy logs --tail 1 --since "$late" c
	assert_eq err "$err"
}

# A log of the other form goes on in this one, and the other way round.
test_both_forms() { # rows=user,root,one
	load busybox
	hoy run --network none --name c --log-driver k8s-file busybox echo one >/dev/null || fail run
	local f
	f=$(logdir c)/ctr.log
	grep -q ' stdout F one' "$f" || fail "$(cat "$f")"
	printf '@2026-01-02T03:04:05.000000Z\n0>two\n10>three\n' >>"$f"
	hoy start c >/dev/null && hoy wait c >/dev/null
	run hoy logs c
	assert_out $'one\ntwo\nthree\none'
	run hoy logs -t --tail 2 c
	assert_match '^2026-01-02T03:04:05.000064000Z three'
}

# A torn end, as a power cut leaves it: what was whole is there, and what comes later is whole.
test_torn_end() {
	load busybox
	hoy run --network none --name c busybox echo good >/dev/null || fail run
	local f end
	f=$(logdir c)/ctr.log
	cp "$f" "$T/log"
	for end in '1' '1z' '1z>' '1z>tor' '@20' '@2026-01-02T03:04:05.000000Z'; do
		{ cat "$T/log" && printf '%s' "$end"; } >"$f"
		run hoy logs c
		assert_ok
		assert_match '^good'
		hoy start c >/dev/null && hoy wait c >/dev/null
		run hoy logs --tail 1 c
		assert_out good
	done
}

test_killed_in_a_line() {
	load busybox
	local i
	for i in 1 2 3; do
		hoy run -d --name "c$i" --network none --log-opt max-size=3k busybox sh -c 'i=0; while :; do i=$((i+1)); printf "line "; echo $i; done' >/dev/null || fail run
		sleep "0.$i"
		kill -9 "$(hoy inspect -f '{{.State.ConmonPid}}' "c$i")"
		run hoy logs "c$i"
		assert_ok
		sed -i '1d;$d' "$T/out"
		[ -s "$T/out" ] || fail 'nothing is left of the log'
		awk '(NR > 1 && $2 != last + 1) || $1 != "line" { exit 1 } { last = $2 }' "$T/out" || fail "not whole: $(head -3 "$T/out")"
		run hoy logs -t --tail 3 "c$i"
		assert_match '^20[0-9-]{8}T'
	done
	hoy rm -f -t 0 c1 c2 c3 >/dev/null 2>&1
}

# A log that nobody bounds holds a gigabyte, and gives it back.
test_a_gigabyte() { # long rows=user
	load busybox
	hoy run -d --name c --network none --log-opt max-size=-1 busybox sh -c 'yes "a line of a log, as long as such lines are in general, which is about 80 bytes." | head -c 1073741824' >/dev/null || fail run
	hoy wait c >/dev/null
	yes "a line of a log, as long as such lines are in general, which is about 80 bytes." | head -c 1073741824 | sha256sum >"$T/want"
	hoy logs c | sha256sum >"$T/got"
	assert_bytes "$T/want" "$T/got"
}

# What a reader needs does not grow with what it reads.
test_memory_of_the_reader() {
	load busybox
	hoy run -d --name c --network none --log-opt max-size=-1 busybox sh -c 'yes "a line of a log, as long as such lines are in general, which is about 80 bytes." | head -c 64000000' >/dev/null || fail run
	hoy wait c >/dev/null
	(
		ulimit -v 60000
		[ "$(hoy logs c | wc -c)" = 64000000 ] || fail 'the whole'
		[ "$(hoy logs --tail 100000 c | wc -l)" = 100000 ] || fail 'its end'
	)
}

# One container that writes all the time keeps no other waiting, nor the commands about itself.
test_flood_starves_nobody() {
	load busybox
	hoy run -d --name flood --network none --log-opt max-size=100k busybox yes >/dev/null || fail run
	hoy run -d --name calm --network none busybox sh -c 'while :; do echo tick; sleep 0.1; done' >/dev/null || fail run
	ticked() { [ "$(hoy logs calm | wc -l)" -ge 5 ]; }
	wait_for ticked
	run timeout 30 $HOY exec flood echo alive
	assert_out alive
	run timeout 30 $HOY stop -t 0 flood
	assert_ok
	[ "$(du -k --total "$(logdir flood)"/ctr.log* | awk 'END { print $1 }')" -le 700 ] || fail "$(ls -l "$(logdir flood)")"
	hoy rm -f -t 0 calm >/dev/null
}

test_details() {
	load busybox
	hoy run --name c --network none -l "a=1" -l b=$'x\ny' -e V=7 -e SECRET=s --log-opt labels=a,b,none --log-opt env=V,NONE busybox echo hi >/dev/null || fail run
	run hoy logs --details c
	assert_out 'a=1,b=x\ny,V=7 hi'
	run hoy logs -t --details c
	assert_match '^20[^ ]* a=1,b=x\\ny,V=7 hi$'
	run hoy logs c
	assert_out hi
	hoy run --name d --network none -l a=1 busybox echo hi >/dev/null || fail run
	run hoy logs --details d
	assert_out hi
	run hoy run --log-opt labels-regex=. busybox true
	assert_err E-USAGE
}

run_tests "$@"
