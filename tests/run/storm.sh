#!/bin/bash
# Many at once.
. "$(dirname "$0")/../lib.sh"

# storm N: N parallel run --rm, each must give its own output and status.
storm() {
	local i pids=()
	for ((i = 0; i < $1; i++)); do
		$HOY run --rm --network none busybox sh -c "echo number $i; exit $((i % 50))" >"$T/o$i" 2>"$T/e$i" &
		pids+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		wait "${pids[i]}"
		assert_eq $((i % 50)) $? "status of number $i: $(cat "$T/e$i")"
		assert_eq "number $i" "$(cat "$T/o$i")" "output of number $i"
		[ ! -s "$T/e$i" ] || is_peer || fail "stderr of number $i: $(cat "$T/e$i")"
	done
}

test_hundred_run_rm() { # short
	load busybox
	leftovers_before
	storm 100
	leftovers_after
}

test_twenty_run_rm_while_one_runs() { # peer_ok
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	storm 20
}

test_thirty_stay_manageable() {
	load busybox
	leftovers_before
	many 30
	leftovers_after
}

test_five_hundred_stay_manageable() { # long
	load busybox
	leftovers_before
	many 500
	leftovers_after
}

# cheap N: what N running containers cost: pages that a supervisor has for itself, and system calls of ps for each.
cheap() {
	local p kb n=0 sum=0
	sleep 1.3 # it gives memory back when nothing has happened for a second
	for p in $(our_pids); do
		[ "$(cat "/proc/$p/comm")" = hoy-supervisor ] || continue
		kb=$(awk '/^Private/ { n += $2 } END { print n }' "/proc/$p/smaps_rollup")
		n=$((n + 1)) sum=$((sum + kb))
	done
	assert_eq "$1" "$n" supervisors
	note "$1 supervisors: $((sum / n)) kB private each"
	[ $((sum / n)) -le 400 ] || fail "a supervisor has $((sum / n)) kB for itself"
	command -v strace >/dev/null || return 0
	n=$(strace -f -qq "$HOY" ps 2>&1 >/dev/null | grep -c '(')
	[ "$n" -le $((12 * $1 + 200)) ] || fail "ps of $1 containers makes $n system calls"
}

many() {
	local i
	for ((i = 0; i < $1; i++)); do hoy run -d --name "n$i" --network none busybox sleep 1000 >/dev/null || fail "number $i"; done
	assert_eq "$1" "$(hoy ps -q | wc -l)" 'running containers'
	cheap "$1"
	run hoy exec "n$(($1 / 2))" echo fine
	assert_out fine
	run hoy stop -t 0 "n$(($1 / 3))"
	assert_ok
	assert_eq $(($1 - 1)) "$(hoy ps -q | wc -l)" 'running containers after one stop'
	run hoy rm -f -a -t 0
	assert_ok
	assert_eq '' "$(hoy ps -aq)" 'containers after rm -a'
}

test_first_containers_at_once() {
	# Nothing exists yet, not even the store: all of them race to make it and the shared user namespace.
	local i pids=()
	for ((i = 0; i < 10; i++)); do
		$HOY run --rm --network none hello >"$T/o$i" 2>"$T/e$i" &
		pids+=($!)
	done
	for ((i = 0; i < 10; i++)); do
		wait "${pids[i]}"
		assert_eq 0 $? "status of number $i: $(cat "$T/e$i")"
	done
}

test_loads_of_one_image_at_once() {
	local i pids=()
	for ((i = 0; i < 6; i++)); do
		$HOY load -q -i "$T_FIX/tree.tar" >/dev/null 2>"$T/e$i" &
		pids+=($!)
	done
	for ((i = 0; i < 6; i++)); do
		wait "${pids[i]}"
		assert_eq 0 $? "status of load $i: $(cat "$T/e$i")"
	done
	assert_eq 1 "$(hoy images -q | wc -l)" images
	assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
}

test_start_stop_churn() { # long
	load busybox
	leftovers_before
	local i pids=()
	for ((i = 0; i < 4; i++)); do
		( for ((j = 0; j < 40; j++)); do
			hoy run -d --name "w$i" --network none busybox sleep 1000 >/dev/null || fail "run in worker $i"
			hoy exec "w$i" true || fail "exec in worker $i"
			hoy rm -f -t 0 "w$i" >/dev/null || fail "rm in worker $i"
		done ) &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail 'a worker failed'; done
	leftovers_after
}

run_tests "$@"
