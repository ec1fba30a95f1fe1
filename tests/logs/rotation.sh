#!/bin/bash
# Logs of limited size: no file grows beyond its limit, and no reader loses a line or sees one twice.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

ended() { [ "$(hoy inspect --format '{{.State.Status}}' "$1")" = exited ]; }
logdir() { echo "$(store)/containers/$(hoy inspect -f '{{.Id}}' "$1")"; }
# numbers N [PAUSE-EVERY]: a program that counts to N.
count='i=0; while [ $i -lt $N ]; do i=$((i+1)); echo "line $i of the log, with some more text behind it"; done'

test_files_stay_below_the_limit() { # short rows=user,root,one
	load busybox
	hoy run --name c --network none --log-opt max-size=10k --log-opt max-file=2 -e N=2000 busybox sh -c "$count" >/dev/null || fail run
	local d
	d=$(logdir c)
	assert_eq 'ctr.log
ctr.log.1' "$(find "$d" -name 'ctr.log*' -printf '%f\n' | sort)" files
	[ -z "$(find "$d" -name 'ctr.log*' -size +20)" ] || fail "too large: $(ls -l "$d")"
	run hoy logs c
	assert_ok
	# The end of what was written, without a gap.
	sed -i 1d "$T/out" # its beginning may have fallen off
	local first
	first=$(sed -n '1s/line \([0-9]*\) .*/\1/p' "$T/out")
	[ "$first" -gt 1 ] || fail 'nothing was dropped'
	assert_eq "$(seq "$first" 2000)" "$(sed 's/line \([0-9]*\) .*/\1/' "$T/out")" 'lines'
	run hoy inspect -f '{{.HostConfig.LogConfig.Size}}' c
	assert_out 10.24kB
}

test_number_of_files() {
	load busybox
	hoy run --name c --network none --log-opt max-size=4k --log-opt max-file=5 -e N=2000 busybox sh -c "$count" >/dev/null || fail run
	assert_eq 5 "$(find "$(logdir c)" -name 'ctr.log*' | wc -l)" files
	run hoy logs c
	sed -i 1d "$T/out" # its beginning may have fallen off
	local first
	first=$(sed -n '1s/line \([0-9]*\) .*/\1/p' "$T/out")
	assert_eq "$(seq "$first" 2000)" "$(sed 's/line \([0-9]*\) .*/\1/' "$T/out")" 'lines'
	hoy run --name d --network none --log-opt max-size=4k --log-opt max-file=1 -e N=2000 busybox sh -c "$count" >/dev/null || fail run
	assert_eq 1 "$(find "$(logdir d)" -name 'ctr.log*' | wc -l)" files
	run hoy logs --tail 3 d # as many as the newest file has
	assert_eq 2000 "$(sed -n '$s/line \([0-9]*\) .*/\1/p' "$T/out")" 'the last line'
}

test_tail_and_since_across_files() {
	load busybox
	hoy run --name c --network none --log-opt max-size=4k --log-opt max-file=20 -e N=500 busybox sh -c "$count" >/dev/null || fail run
	local n
	for n in 0 1 10 77 150 499 500 5000; do
		run hoy logs --tail "$n" c
		assert_ok
		assert_eq "$(seq 500 | tail -n "$n")" "$(sed 's/line \([0-9]*\) .*/\1/' "$T/out")" "--tail $n"
	done
	run hoy logs --since 1h c
	assert_eq 500 "$(wc -l <"$T/out")" '--since'
	run hoy logs --until 1h c
	assert_eq 0 "$(wc -l <"$T/out")" '--until'
}

# A follower that is there from the start sees every line once, whatever the files do meanwhile.
test_follow_over_rotations() { # short
	load busybox
	local files
	for files in 1 2 3; do
		hoy run -d --name "c$files" --network none --log-opt max-size=8k --log-opt "max-file=$files" -e N=3000 busybox sh -c "
			while [ ! -e /go ]; do sleep 0.05; done
			i=0; while [ \$i -lt 3000 ]; do i=\$((i+1)); echo \"line \$i of the log, with some more text behind it\"; [ \$((i % 60)) != 0 ] || sleep 0.05; done
			" >/dev/null || fail run
		hoy logs -f "c$files" >"$T/got$files" 2>"$T/goterr$files" &
		hoy logs -f "c$files" >"$T/also$files" 2>/dev/null &
		hoy exec "c$files" touch /go || fail exec
	done
	wait
	for files in 1 2 3; do
		if grep -q 'is missing' "$T/goterr$files"; then continue; fi # a machine so slow that files fell off before they were read
		seq 3000 >"$T/want"
		sed 's/line \([0-9]*\) .*/\1/' "$T/got$files" >"$T/have"
		assert_bytes "$T/want" "$T/have"
	done
	! grep -q 'is missing' "$T"/goterr2 "$T"/goterr3 || fail 'a follower lost lines that it had time for'
}

test_long_lines_go_on_in_the_next_file() {
	load busybox
	hoy run --name c --network none --log-opt max-size=20k --log-opt max-file=50 busybox sh -c \
		'dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr "\0" x; echo; echo end' >/dev/null || fail run
	hoy logs c >"$T/got"
	{ head -c 300000 /dev/zero | tr '\0' x; printf '\nend\n'; } >"$T/want"
	assert_bytes "$T/want" "$T/got"
	run hoy logs --tail 1 c
	assert_out end
	assert_eq 300005 "$(hoy logs --tail 2 c | wc -c)" 'bytes of two lines'
}

test_kill_at_any_moment() { # rows=user,root,one
	load busybox
	local i sup
	for i in 1 2 3 4 5 6; do
		hoy run -d --name "c$i" --network none --log-opt max-size=3k --log-opt max-file=4 busybox sh -c \
			'i=0; while :; do i=$((i+1)); echo "line $i"; done' >/dev/null || fail run
		sup=$(hoy inspect -f '{{.State.ConmonPid}}' "c$i")
		sleep "0.$i"
		kill -9 "$sup"
		run hoy logs "c$i"
		assert_ok
		# Whole lines, one after the other.
		sed -i '1d;$d' "$T/out"
		awk '(NR > 1 && $2 != last + 1) { exit 1 } { last = $2 }' "$T/out" || fail "c$i: $(awk 'NR > 1 && $2 != last + 1 { print NR, last, $0; exit } { last = $2 }' "$T/out")"
		[ -s "$T/out" ] || fail 'nothing is left of the log'
		hoy start "c$i" >/dev/null || fail start
		sleep 0.2
		hoy kill "c$i" >/dev/null
		run hoy logs --tail 1 "c$i"
		assert_match 'line [0-9]+$' # behind the piece of a line that the kill left, if nothing else came
	done
}

test_left_out_numbers() { # what a kill between two renames leaves
	load busybox
	hoy run --name c --network none --log-opt max-size=3k --log-opt max-file=4 -e N=300 busybox sh -c "$count" >/dev/null || fail run
	local d
	d=$(logdir c)
	cp "$d/ctr.log.1" "$T/one"
	hoy logs c >"$T/before"
	mv "$d/ctr.log.3" "$d/ctr.log.4"
	mv "$d/ctr.log.2" "$d/ctr.log.3"
	run hoy logs c
	assert_bytes "$T/before" "$T/out"
	rm "$d/ctr.log"
	run hoy logs c
	assert_ok
	[ -s "$T/out" ] || fail 'nothing without the newest file'
	run hoy logs --tail 2 c
	assert_eq 2 "$(wc -l <"$T/out")" lines
}

test_rotated_log_elsewhere() {
	load busybox
	hoy run --name c --network none --log-opt "path=$T/my.log" --log-opt max-size=4k -e N=300 busybox sh -c "$count" >/dev/null || fail run
	[ -s "$T/my.log" ] && [ -s "$T/my.log.1" ] || fail "files: $(ls "$T")"
	run hoy logs --tail 1 c
	assert_has 'line 300 '
	run hoy inspect -f '{{.LogPath}}' c
	assert_out "$T/my.log"
	mkfifo "$T/fifo"
	for bad in "$T/fifo" "$T" /dev/null /nonexistent/x; do
		run timeout 20 $HOY run --rm --network none --log-opt "path=$bad" busybox true
		assert_err
	done
}

test_no_log() {
	load busybox
	run hoy run --name c --network none --log-driver none busybox echo hi
	assert_out hi
	run hoy logs c
	assert_err E-NO-LOG
	assert_eq '' "$(find "$(logdir c)" -name 'ctr.log*')" 'log files'
	run hoy inspect -f '{{.HostConfig.LogConfig.Type}}' c
	assert_out none
}

test_refusals() {
	load busybox
	local bad
	for bad in max-size max-size= max-size=x max-size=0 tag=x nope=1 compress=true path=; do
		run hoy create --network none --log-opt "$bad" busybox true
		assert_err E-USAGE
	done
	for bad in syslog gelf nope; do
		run hoy create --network none --log-driver "$bad" busybox true
		assert_err E-USAGE
	done
	run hoy create --network none --log-driver k8s-file --log-opt max-file=2 busybox true
	assert_err E-USAGE
	for bad in max-file=0 max-file=101 max-file=x; do
		run hoy create --network none --log-opt max-size=1m --log-opt "$bad" busybox true
		assert_err E-USAGE
	done
	run hoy create --network none --log-driver json-file --log-opt max-size=-1 busybox true
	assert_ok
}

run_tests "$@"
