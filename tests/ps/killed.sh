#!/bin/bash
# What ps and inspect say after kill -9 of any process that has to do with a container, measured against /proc: nothing is shown as running that
# does not run, nothing that runs is missing, and all ways to ask agree; from the first moment on, without any command that repairs.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

start_of() { awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }
ppid_of() { awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$1/stat"; }
lives() { [ -n "$2" ] && [ "$(start_of "$1")" = "$2" ] && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null; }

ended() { ! lives "$@"; }
all_ended() {
	local n pid start sup sup_start
	while read -r n pid start sup sup_start; do
		wait_for ended "$sup" "$sup_start"
		wait_for ended "$pid" "$start"
	done <"$T/all"
}

# One container of each kind, as "name pid start supervisor start" in $T/all.
fleet() {
	local n pid sup
	load busybox
	hoy run -d --name plain --network none busybox sleep 1000 >/dev/null &&
		hoy run -d --name host --network host busybox sleep 1000 >/dev/null &&
		hoy run -d --name reaped --init busybox sleep 1000 >/dev/null &&
		hoy run -d --name tty -it busybox sh >/dev/null &&
		hoy run -d --name input -i busybox cat >/dev/null &&
		hoy run -d --name passing --rm busybox sleep 1000 >/dev/null &&
		hoy create --name idle busybox true >/dev/null || fail 'start'
	hoy run --name over busybox true || fail 'start'
	for n in plain host reaped tty input passing; do
		pid=$(hoy inspect --format '{{.State.Pid}}' $n)
		sup=$(ppid_of "$pid")
		echo "$n $pid $(start_of "$pid") $sup $(start_of "$sup")"
	done >"$T/all"
}

# truthful WHEN: what is running by /proc runs by ps and inspect. Only what has not changed meanwhile is judged: a process that was alive before and
# after the question, or dead before it. A first process that outlives its supervisor for a moment is listed, but not as running.
# One that is dead while its supervisor lives is not judged: that one may not have had the processor since.
truthful() {
	local n pid start sup sup_start was up inspected listed
	while read -r n pid start sup sup_start; do
		was=dead
		if lives "$pid" "$start"; then
			was=orphaned && lives "$sup" "$sup_start" && was=alive
		elif lives "$sup" "$sup_start"; then
			continue
		fi
		up=$(hoy ps -a --filter "name=^$n\$" --format '{{.State}} {{.Status}}')
		inspected=$(hoy inspect --format '{{.State.Running}} {{.State.Status}} {{.State.Pid}}' "$n" 2>/dev/null)
		listed=$(hoy ps --format '{{.Names}}' | grep -cx "$n")
		if [ $was != alive ]; then
			case $up in running*) fail "$1: $n is shown as '$up', but its supervisor or its first process is dead" ;; esac
			case $inspected in *true* | *running*) fail "$1: inspect says '$inspected' of $n, which does not run" ;; esac
			[ $was = orphaned ] || [ "$listed" = 0 ] || fail "$1: ps lists $n, which does not run"
		elif lives "$pid" "$start" && lives "$sup" "$sup_start"; then
			case $up in 'running Up '*) ;; *) fail "$1: $n is shown as '$up', but runs" ;; esac
			assert_eq "true running $pid" "$inspected" "$1: inspect of $n"
			assert_eq 1 "$listed" "$1: lines of ps about $n"
		fi
	done <"$T/all"
	assert_eq 'created' "$(hoy ps -a --filter name=idle --format '{{.State}}')" "$1: state of the one that was never started"
	assert_eq 'Exited (0)' "$(hoy ps -a --filter name=over --format '{{.Status}}' | cut -d' ' -f1,2)" "$1: state of the one that ended"
}

# kill_each COLUMN: the supervisors (4) or the first processes (2), one after the other.
kill_each() {
	local line
	while read -r -a line; do
		kill -9 "${line[$1]}"
		truthful "right after the kill of ${line[0]}"
	done <"$T/all"
	all_ended
	truthful 'when all have ended'
	run hoy ps -q
	assert_out ''
	run hoy ps -a --format '{{.Names}} {{.State}} {{.ExitCode}}'
	for line in plain host reaped tty input; do assert_has "$line exited 137"; done
	hoy rm -f idle >/dev/null # a command that writes: what --rm promised is kept then
	run hoy ps -a --format '{{.Names}}'
	assert_lacks passing
	hoy start plain >/dev/null || fail 'start again'
	assert_eq plain "$(hoy ps --format '{{.Names}}')" 'what runs'
}

test_first_processes() { # short
	fleet
	truthful 'before'
	kill_each 1
}

test_supervisors() {
	fleet
	kill_each 3
}

# Monitors of exec, clients, and what was executed: the containers run on.
test_bystanders() {
	local pid
	fleet
	hoy exec plain sleep 2000 >/dev/null 2>&1 &
	local client=$!
	hoy exec -d host sleep 2001
	$HOY attach --no-stdin tty >/dev/null 2>&1 &
	local attached=$!
	$HOY logs -f input >/dev/null 2>&1 &
	local logs=$!
	wait_for running_inside plain 'sleep 2000'
	wait_for running_inside host 'sleep 2001'
	for pid in $(our_pids); do
		case $( (tr '\0' ' ' <"/proc/$pid/cmdline") 2>/dev/null) in
		*'sleep 200'*) kill -9 "$pid" && truthful "right after the kill of an exec ($pid)" ;;
		esac
	done
	for pid in "$client" "$attached" "$logs"; do
		kill -9 "$pid" 2>/dev/null
		truthful 'right after the kill of a client'
	done
	assert_eq 6 "$(hoy ps -q | wc -l)" 'running containers'
}
running_inside() { hoy top "$1" 2>/dev/null | grep -q "$2"; }

# Everything at once, as the out-of-memory killer or a logout does it.
test_all_at_once() {
	fleet
	# shellcheck disable=SC2046
	kill -9 $(our_pids)
	truthful 'after all were killed'
	all_ended
	truthful 'when all have ended'
	run hoy ps -q
	assert_out ''
}

run_tests "$@"
