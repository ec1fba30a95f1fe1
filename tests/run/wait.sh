#!/bin/bash
# wait: its conditions, several containers, and that nothing is polled.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

sleeper() { hoy run -d --name "$1" --network none "${@:2}" busybox sleep 1000 >/dev/null || fail run; }
# waiting WORD...: hoy wait in the background; its pid is $W, its output in $T/waited.
waiting() {
	"$HOY" wait "$@" >"$T/waited" 2>&1 &
	W=$!
	server "$W"
	sleep 0.3
	kill -0 "$W" 2>/dev/null || fail "it does not wait: $(cat "$T/waited")"
}
waited() {
	wait_for gone "$W"
	assert_eq "$1" "$(cat "$T/waited")" 'what it prints'
}

test_the_end() { # peer_ok short rows=user,root,one
	load busybox
	hoy run -d --name c --network none busybox sh -c 'sleep 0.3; exit 7' >/dev/null || fail run
	run hoy wait c
	assert_out 7
	run hoy wait --condition stopped c
	assert_out 7
	run hoy wait --condition exited,running c
	assert_out 7
}

test_running_and_created() { # peer_ok
	load busybox
	hoy create --name c --network none busybox sleep 1000 >/dev/null
	run hoy wait --condition created --condition configured c
	assert_out -1
	hoy start c >/dev/null
	run hoy wait --condition running c
	assert_out -1
}

test_running_is_told() { # short
	load busybox
	hoy create --name c --network none busybox sleep 1000 >/dev/null
	waiting --condition running c
	hoy start c >/dev/null
	waited -1
}

test_exit_removed_next_exit() { # short
	load busybox
	sleeper c
	waiting --condition exited c
	hoy kill c >/dev/null
	waited 137
	hoy start c >/dev/null
	waiting --condition next-exit c
	hoy kill c >/dev/null
	waited 137
	waiting --condition next-exit c
	hoy start c >/dev/null
	hoy kill c >/dev/null
	waited 137
	waiting --condition removed c
	hoy rm c >/dev/null
	waited 137
}

test_code_of_what_removes_itself() { # short
	load busybox
	hoy run -d --rm --name c --network none busybox sh -c 'sleep 0.6; exit 9' >/dev/null || fail run
	run hoy wait --condition removed c
	assert_out 9
	hoy run -d --rm --name c --network none busybox sh -c 'sleep 0.6; exit 9' >/dev/null || fail run
	run hoy wait --condition not-running c
	assert_out 9
}

test_health() { # short rows=user,root,one
	load busybox
	sleeper c --health-cmd 'test -e /ok' --health-interval 50ms --health-retries 1
	run hoy wait --condition unhealthy c
	assert_out -1
	waiting --condition healthy c
	hoy exec c touch /ok
	waited -1
	waiting --condition unhealthy,exited c
	hoy kill c >/dev/null
	waited 137
}

test_restarting() {
	load busybox
	hoy run -d --name c --network none --restart always busybox sh -c 'sleep 0.2; exit 3' >/dev/null || fail run
	run hoy wait c
	assert_out 3
	run hoy wait --condition restarting c
	assert_out -1
	run hoy wait --condition next-exit c
	assert_out 3
}

test_several_and_unknown_ones() { # peer_ok
	load busybox
	local i
	for i in 1 2 3; do hoy run -d --name "c$i" --network none busybox sh -c "sleep 0.$i; exit $i" >/dev/null || fail run; done
	run hoy wait c3 c1 c2
	assert_out $'3\n1\n2'
	run hoy wait --ignore nobody
	assert_ok
	assert_out -1
	run hoy wait nobody
	assert_ne 0 "$rc"
	run hoy wait --condition bogus c1
	assert_rc 125
	run hoy wait
	assert_rc 125
}

test_bad_interval() {
	run hoy wait --interval x c
	assert_err E-USAGE
	run hoy wait --interval 0s c
	assert_err E-USAGE
}

# While nothing happens it makes no system call.
test_it_sleeps() {
	need strace
	load busybox
	sleeper c --health-cmd true --health-interval disable
	strace -f -c -o "$T/calls" timeout 3 "$HOY" wait --condition healthy c >/dev/null 2>&1 &
	server $!
	wait_for test -s "$T/calls"
	[ "$(awk '$NF == "poll" { print $4 }' "$T/calls")" -le 3 ] || fail "it polls: $(cat "$T/calls")"
}

test_a_killed_supervisor_is_seen() { # rows=user,root,one
	load busybox
	sleeper c
	waiting --condition exited c
	kill -9 "$(hoy inspect --format '{{.State.ConmonPid}}' c)"
	waited 137
}

test_the_first_of_several() { # short
	load busybox
	local n
	for n in slow quick; do hoy run -d --name $n --network none busybox sleep 1000 >/dev/null || fail run; done
	hoy wait --exit-first-match slow quick >"$T/code" &
	hoy kill quick >/dev/null
	wait $!
	assert_eq 137 "$(cat "$T/code")" code
	run hoy wait --exit-first-match --condition running,paused slow quick
	assert_out -1
	run hoy wait --exit-first-match slow nobody
	assert_rc 125
	hoy rm -f -t 0 slow quick >/dev/null
}

run_tests "$@"
