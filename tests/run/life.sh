#!/bin/bash
# The life of a container: create, start, ps, inspect, wait, rm, names and ids, one after the other and at once.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

status() { hoy inspect --format '{{.State.Status}}' "$1"; }
is_status() { [ "$(status "$1")" = "$2" ]; }

test_create_start_stop_rm() { # peer_ok short rows=user,root,one
	load busybox
	run hoy create --name c --network none busybox sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
	assert_ok
	assert_match '^[0-9a-f]{64}$'
	assert_eq created "$(status c)" state
	run hoy start c
	assert_ok
	assert_out c
	assert_eq running "$(status c)" state
	run hoy start c
	assert_ok
	run hoy stop -t 20 c
	assert_ok
	assert_eq exited "$(status c)" state
	run hoy inspect --format '{{.State.ExitCode}} {{.State.Running}} {{.State.Pid}}' c
	assert_out '3 false 0'
	run hoy start c
	assert_eq running "$(status c)" 'state after a second start'
	run hoy rm c
	assert_rc 2
	assert_err_has 'running'
	run hoy rm -f -t 0 c
	assert_ok
	run hoy inspect c
	assert_rc 125
}

test_upper_layer_is_kept_between_starts() { # peer_ok rows=user,root,one
	load busybox
	run hoy create --name c --network none busybox sh -c 'echo x >>/f; wc -l </f'
	run hoy start -a c
	assert_out 1
	run hoy start -a c
	assert_out 2
}

test_ids_by_unique_prefix() { # peer_ok short
	load busybox
	run hoy create --network none busybox true
	local id=$out
	local n
	for n in 3 12 40 64; do
		run hoy inspect --format '{{.Id}}' "${id:0:$n}"
		assert_out "$id"
	done
	run hoy inspect --format '{{.Id}}' ''
	assert_ne 0 "$rc"
}

test_a_prefix_of_two_is_refused() {
	load busybox
	local i a='' x
	# Seventeen ids: two of them begin with the same digit.
	for ((i = 0; i < 17; i++)); do hoy create --network none busybox true >>"$T/ids" || fail create; done
	x=$(cut -c1 "$T/ids" | sort | uniq -d | head -1)
	run hoy inspect "$x"
	assert_rc 125
	run hoy rm "$x"
	assert_ne 0 "$rc"
	assert_eq 17 "$(hoy ps -aq | wc -l)" containers
	a=$(hoy ps -aq --no-trunc | sort)
	assert_eq "$(sort "$T/ids")" "$a" 'ids of ps --no-trunc'
}

test_ps_shows_what_is() { # peer_ok short
	load busybox
	run hoy ps
	assert_ok
	assert_has 'CONTAINER ID'
	hoy run -d --name up --network none busybox sleep 1000 >/dev/null || fail run
	hoy create --name new --network none busybox true >/dev/null || fail create
	hoy run --name ended --network none busybox sh -c 'exit 4'
	run hoy ps --format '{{.Names}}'
	assert_out up
	run hoy ps -a --format '{{.Names}} {{.State}}'
	assert_eq 'ended exited|new created|up running|' "$(printf '%s\n' "$out" | sort | tr '\n' '|')" 'ps -a'
	run hoy ps -a --format '{{.Names}}: {{.Status}}'
	assert_has 'up: Up '
	assert_has 'new: Created'
	assert_has 'ended: Exited (4)'
	run hoy ps -a --filter status=exited --format '{{.Names}}'
	assert_out ended
	run hoy ps -a --filter name=u --format '{{.Names}}'
	assert_out up
	run hoy ps -aq --no-trunc
	assert_match '^[0-9a-f]{64}'
	run hoy ps --format json
	assert_ok
	python3 -c 'import json,sys; a=json.load(open(sys.argv[1])); assert len(a)==1 and a[0]["Names"]==["up"], a' "$T/out" || fail "ps --format json: $(last)"
}

test_inspect_is_json() { # peer_ok short
	load busybox
	hoy run -d --name c -e A=1 --label l=v -w /tmp -u 0 --hostname h --network none busybox sleep 1000 >/dev/null || fail run
	run hoy inspect c
	assert_ok
	cat >"$T/check.py" <<-'P'
		import json, sys
		a = json.load(open(sys.argv[1]))
		assert isinstance(a, list) and len(a) == 1
		c = a[0]
		assert c["Name"] in ("c", "/c") and len(c["Id"]) == 64, c["Name"]
		assert c["State"]["Running"] is True and c["State"]["Pid"] > 1 and c["State"]["Status"] == "running"
		assert "A=1" in c["Config"]["Env"] and c["Config"]["Labels"]["l"] == "v"
		assert c["Config"]["WorkingDir"] == "/tmp" and c["Config"]["Hostname"] == "h"
		assert c["Config"]["Cmd"] == ["sleep", "1000"], c["Config"]["Cmd"]
		assert c["ImageName"].endswith("busybox:latest")
	P
	python3 "$T/check.py" "$T/out" || fail "inspect: $(head -c 3000 "$T/out")"
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' c)
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = 'sleep 1000 ' ] || fail "State.Pid is not the container's: $pid"
	run hoy inspect c nosuch
	assert_rc 125
}

test_wait_before_and_after() { # peer_ok
	load busybox
	hoy run -d --name c --network none busybox sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 9' >/dev/null || fail run
	$HOY wait c >"$T/w1" 2>&1 &
	local p=$!
	sleep 0.3
	[ ! -s "$T/w1" ] || fail "wait did not wait: $(cat "$T/w1")"
	hoy exec c touch /go
	wait $p
	assert_eq 9 "$(cat "$T/w1")" 'wait that waited'
	run hoy wait c
	assert_out 9
	run hoy wait nosuch
	assert_rc 125
}

test_rm_several_and_unknown() {
	load busybox
	hoy create --name a --network none busybox true >/dev/null
	hoy create --name b --network none busybox true >/dev/null
	run hoy rm a nosuch b
	assert_ne 0 "$rc"
	assert_err_has nosuch
	run hoy ps -aq
	assert_out ''
	run hoy rm nosuch
	assert_rc 1
	run hoy rm -f nosuch
	assert_ok
}

test_rm_all() { # peer_ok
	load busybox
	hoy run -d --name a --network none busybox sleep 1000 >/dev/null
	hoy create --name b --network none busybox true >/dev/null
	run hoy rm -a
	assert_ne 0 "$rc"
	assert_eq a "$(hoy ps -a --format '{{.Names}}')" 'what is left'
	run hoy rm -a -f -t 0
	assert_ok
	assert_eq '' "$(hoy ps -aq)" 'what is left'
}

test_rm_of_a_running_one_by_force_ends_its_processes() { # short rows=user,root,one
	load busybox
	leftovers_before
	hoy run -d --name c --network none busybox sh -c 'sleep 4712 & sleep 4712' >/dev/null || fail run
	run hoy rm -f -t 0 c
	assert_ok
	leftovers_after
}

test_names_are_taken_once() { # short rows=user,root,one
	load busybox
	local i wins=0 pids=''
	for i in 1 2 3 4 5 6 7 8; do
		$HOY create --name same --network none busybox true >/dev/null 2>&1 &
		pids="$pids $!"
	done
	for i in $pids; do wait "$i" && wins=$((wins + 1)); done
	assert_eq 1 "$wins" 'creations that took the name'
	assert_eq 1 "$(hoy ps -aq | wc -l)" containers
	assert_eq 1 "$(ls_count "$(store)/containers")" 'container directories'
}

test_starts_at_once_start_once() { # rows=user,root,one
	load busybox
	hoy create --name c --network none -v "$HOME:/h" busybox sh -c 'echo started >>/h/starts; sleep 1000' >/dev/null || fail create
	local i pids=''
	for i in 1 2 3 4 5 6; do
		$HOY start c >/dev/null 2>&1 &
		pids="$pids $!"
	done
	for i in $pids; do wait "$i"; done
	wait_for test -s "$HOME/starts"
	sleep 0.3
	assert_eq 1 "$(wc -l <"$HOME/starts")" starts
}

test_container_in_use_keeps_its_image() { # peer_ok
	load busybox
	hoy create --name c --network none busybox echo still here >/dev/null || fail create
	run hoy rmi busybox
	assert_ne 0 "$rc"
	run hoy start -a c
	assert_out 'still here'
}

test_command_that_ends_at_once_detached() { # peer_ok
	load busybox
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		run hoy run -d --name c --network none busybox true
		assert_ok
		run hoy wait c
		assert_out 0
		run hoy rm c
		assert_ok
	done
}

test_wrong_names_get_the_nearest() {
	load busybox
	hoy create --name webserver --network none busybox true >/dev/null
	run hoy start webservr
	assert_err '' webserver
	run hoy run --netwrk none busybox true
	assert_err '' network
	run hoy strat webserver
	assert_err '' start
	run hoy run --pull never busybx true
	assert_err '' busybox
}

test_rm_by_force_of_what_ends_by_itself() { # short
	load busybox
	local i id
	for i in 1 2 3 4 5 6 7 8; do
		id=$(hoy run -d --network none busybox sleep "0.0$i") || fail "run -d"
		run hoy rm -f "$id"
		assert_ok
	done
	nothing_left || fail "left: $(ls "$(store)"/*)"
}

test_rm_by_force_while_it_starts() { # rows=user,root,one
	load busybox
	local i
	for i in 1 2 3 4 5 6; do
		hoy create --name c --network none busybox sleep 1000 >/dev/null || fail "create"
		hoy start c >/dev/null 2>&1 &
		run hoy rm -f c
		assert_ok
		wait
	done
	nothing_left || fail "left: $(ls "$(store)"/*)"
}

test_trees_of_any_depth_are_removed() { # rows=user,root,one
	load busybox
	run hoy run --rm --network none busybox sh -c 'i=0; while [ $i -lt 1500 ]; do mkdir d && cd -P d 2>/dev/null; i=$((i+1)); done'
	assert_ok
	wait_for nothing_left
}

test_create_that_cannot_tell_its_id_leaves_nothing() { # short
	load busybox
	run hoy create --cidfile "$T/no/such/dir" --network none busybox true
	assert_err
	nothing_left || fail "left: $(ls "$(store)"/*)"
}

test_exec_while_it_ends() {
	load busybox
	local i
	for i in 1 2 3 4 5 6 7 8; do
		hoy run -d --name c --network none busybox sleep 0.1 >/dev/null || fail "run -d"
		rc=0
		while [ "$rc" = 0 ]; do run hoy exec c true; done
		[ "$rc" = 137 ] || assert_err E-CONTAINER-NOT-RUNNING
		hoy rm -f c >/dev/null || fail "rm"
	done
}

# The reader of a client's output has gone to sleep; that must not keep the container.
test_rm_by_force_with_a_stuck_client() {
	load busybox
	mkfifo "$T/slow"
	sleep 1000 <>"$T/slow" &
	local reader=$! client
	$HOY run --name c --network none busybox sh -c 'while :; do head -c 1000000 /dev/zero; done' >"$T/slow" 2>"$T/err" &
	client=$!
	wait_for hoy exec c true
	run hoy rm -f c
	assert_ok
	nothing_left_of_c || fail "left: $(ls "$(store)"/*)"
	kill $reader
	wait $client
	wait $reader 2>/dev/null
	:
}
nothing_left_of_c() { [ -z "$(hoy ps -aq)" ]; }

run_tests "$@"
