#!/bin/bash
# pause and unpause, where the container has no cgroup: SIGSTOP. By the freezer: tests/vm.
. "$(dirname "$0")/../lib.sh"

start() { # NAME [COMMAND...]
	local name=$1
	shift
	[ $# -gt 0 ] || set -- sh -c 'sleep 1000 & while :; do sleep 0.05; date +%s%N >/beat; done'
	hoy run -d --name "$name" --network none busybox "$@" >/dev/null || fail "run $name"
	pid=$(hoy inspect -f '{{.State.Pid}}' "$name")
}

# The states of PID 1 and of its children, as letters.
states() { # PID
	local p
	for p in "$1" $(cat /proc/"$1"/task/*/children); do
		sed 's/.*) //; s/ .*//' "/proc/$p/stat" 2>/dev/null
	done | sort -u | tr -d '\n'
}
stands() { [ "$(states "$pid")" = T ]; }

test_pause_and_unpause() { # short
	load busybox
	start c
	run hoy pause c
	assert_ok
	assert_out c
	assert_err_has SIGSTOP
	stands || fail "processes run: $(states "$pid")"
	run hoy ps --format '{{.State}} {{.Status}}'
	assert_out 'paused Paused'
	run hoy inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' c
	assert_out 'paused true false'
	run as_docker ps --format '{{.State}} {{.Status}}'
	assert_match '^paused Up .*\(Paused\)$'
	assert_eq c "$(hoy ps -q --filter status=paused --format '{{.Names}}')"
	assert_eq '' "$(hoy ps -q --filter status=running)"
	run hoy exec c true
	assert_err E-CONTAINER-PAUSED 'is paused'
	run hoy start c
	assert_err E-CONTAINER-PAUSED
	run hoy pause c
	assert_err E-CONTAINER-PAUSED 'paused already'
	run hoy rm c
	assert_rc 2
	assert_err_has E-CONTAINER-RUNNING
	run hoy top c
	assert_ok
	run hoy unpause c
	assert_ok
	assert_out c
	assert_quiet
	stands && fail 'it still stands'
	run hoy exec c echo fine
	assert_out fine
	run hoy unpause c
	assert_err E-CONTAINER-PAUSED 'not paused'
	assert_eq 'pause unpause' "$(sed -n 's/.*"action":"\(pause\|unpause\)".*/\1/p' "$(store)/events" | tr '\n' ' ' | sed 's/ $//')"
	run hoy rm -f -t 0 c
	run hoy pause c
	assert_err E-CONTAINER-UNKNOWN
	hoy create --name d busybox true >/dev/null
	run hoy pause d
	assert_err E-CONTAINER-NOT-RUNNING
	run hoy unpause d
	assert_err E-CONTAINER-NOT-RUNNING
	run hoy pause
	assert_err E-USAGE
}

test_what_was_stopped_stays_so() {
	load busybox
	start c sh -c 'sleep 1000 & kill -STOP $!; echo $! >/pid; while :; do sleep 0.05; done'
	wait_for hoy exec c test -s /pid
	run hoy pause c
	assert_ok
	stands || fail "processes run: $(states "$pid")"
	run hoy unpause c
	assert_ok
	run hoy exec c sh -c 'sed "s/.*) //; s/ .*//" /proc/$(cat /pid)/stat; sed "s/.*) //; s/ .*//" /proc/1/stat'
	assert_match '^T'
	case $out in *T*T*) fail "PID 1 stands: $out" ;; esac
}

test_all_latest_and_filter() {
	load busybox
	start a sleep 1000
	start b sleep 1000
	hoy create --name d busybox true >/dev/null
	run hoy pause --all
	assert_ok
	assert_eq 2 "$(hoy ps -q --filter status=paused | wc -l)"
	assert_eq 1 "$(printf '%s\n' "$err" | grep -c SIGSTOP)"
	run hoy unpause --filter name=a
	assert_ok
	assert_eq b "$(hoy ps --filter status=paused --format '{{.Names}}')"
	run hoy pause --all
	assert_eq 2 "$(hoy ps -q --filter status=paused | wc -l)"
	run hoy unpause -a
	assert_eq 0 "$(hoy ps -q --filter status=paused | wc -l)"
	hoy rm d >/dev/null
	run hoy pause -l
	assert_ok
	assert_eq b "$(hoy ps --filter status=paused --format '{{.Names}}')"
}

test_ends_while_paused() {
	load busybox
	local how
	for how in 'stop c' 'stop -t 0 c' 'kill c' 'kill -s TERM c' 'rm -f c' 'restart -t 5 c'; do
		start c sh -c 'trap "exit 7" TERM; while :; do sleep 0.05; done'
		wait_for sh -c "grep -q 'SigCgt:.*[4567cdef]...$' /proc/$pid/status"
		hoy pause c >/dev/null 2>&1 || fail pause
		# shellcheck disable=SC2086
		run hoy $how
		assert_ok
		case $how in
		'stop c' | 'kill -s TERM c') wait_for sh -c "hoy() { $HOY \"\$@\"; }; [ \"\$(hoy inspect -f '{{.State.Status}} {{.State.ExitCode}}' c)\" = 'exited 7' ]" ;;
		'stop -t 0 c' | 'kill c') assert_eq 'exited 137' "$(hoy inspect -f '{{.State.Status}} {{.State.ExitCode}}' c)" "$how" ;;
		restart*) assert_eq running "$(hoy inspect -f '{{.State.Status}}' c)" "$how" ;;
		esac
		[ -z "$(find "$(store)/containers" -maxdepth 2 -name paused)" ] || fail "a mark stays after $how"
		hoy rm -f -t 0 c >/dev/null 2>&1
	done
	run hoy system check
	assert_ok
}

# Whoever paused it may be killed at any moment: then it is paused, or an unpause makes it whole.
test_killed_on_the_way() {
	load busybox
	start c
	local i
	for i in 1 2 3 4 5 6 7 8; do
		hoy pause c >/dev/null 2>&1 &
		sleep 0.00$i
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		# a child of the command may be at it still: what counts is what is known of one that stands
		if stands && [ "$(hoy inspect -f '{{.State.Status}}' c)" = running ] && stands; then fail "it stands, and nobody knows (round $i)"; fi
		[ "$(hoy inspect -f '{{.State.Status}}' c)" = running ] || {
			run hoy unpause c
			assert_ok
		}
	done
	run hoy exec c true
	assert_ok
}

test_commit_holds_and_lets_go() {
	load busybox
	start c
	run hoy commit -q --pause c one
	assert_ok
	stands && fail 'it stands after the commit'
	hoy pause c >/dev/null 2>&1
	run hoy commit -q --pause c two
	assert_ok
	stands || fail 'the commit let a paused container go on'
	hoy unpause c >/dev/null
}

test_a_later_run_is_not_paused() {
	load busybox
	start c
	hoy pause c >/dev/null 2>&1
	kill -KILL "$(hoy inspect -f '{{.State.ConmonPid}}' c)"
	wait_for sh -c "! [ -e /proc/$pid/cwd ]"
	run hoy start c
	assert_ok
	assert_eq running "$(hoy inspect -f '{{.State.Status}}' c)"
	run hoy exec c true
	assert_ok
}

run_tests "$@"
