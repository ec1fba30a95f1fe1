#!/bin/bash
# restart, rename, container exists, container prune.
. "$(dirname "$0")/../lib.sh"

name_of() { hoy inspect --format '{{.Name}}' "$1" | tr -d /; }
pid_of() { hoy inspect --format '{{.State.Pid}}' "$1"; }
hoy_logs_have() { hoy logs "$1" 2>&1 | grep -q -- "$2"; }

test_restart_starts_again_with_files_and_log() { # peer_ok short
	load busybox
	hoy run -d --name c --network none busybox sh -c 'echo run $(cat /n 2>/dev/null); echo x >>/n; exec sleep 1000' >/dev/null || fail run
	wait_for hoy_logs_have c run
	local before
	before=$(pid_of c)
	run hoy restart -t 0 c
	assert_ok
	assert_out c
	assert_ne "$before" "$(pid_of c)" 'pid after the restart'
	wait_for hoy_logs_have c 'run x'
	run hoy logs c
	assert_out "run
run x"
	hoy rm -f -t 0 c >/dev/null
}

test_restart_starts_what_is_down() { # peer_ok
	load busybox
	hoy create --name a --network none busybox sleep 1000 >/dev/null || fail create
	hoy run --name b --network none busybox true || fail run
	run hoy restart -t 0 a b
	assert_ok
	assert_out 'a
b'
	run hoy inspect --format '{{.State.Running}}' a
	assert_out true
	hoy rm -f -t 0 a b >/dev/null
}

test_restart_goes_on_after_an_unknown_one() {
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy restart -t 0 nope c
	assert_rc 125
	assert_out c
	assert_err_has E-CONTAINER-UNKNOWN
	run hoy restart
	assert_err E-USAGE
	run hoy restart -a c
	assert_err E-USAGE
	run hoy restart -t -5 c
	assert_err E-USAGE
}

test_restart_chooses() {
	load busybox
	hoy run -d --name a --network none -l x=1 busybox sleep 1000 >/dev/null || fail run
	hoy create --name b --network none busybox sleep 1000 >/dev/null || fail create
	local a
	a=$(pid_of a)
	run hoy restart --running -t 0
	assert_ok
	assert_eq "$(hoy inspect --format '{{.Id}}' a)" "$out" 'what was restarted'
	assert_ne "$a" "$(pid_of a)"
	run hoy inspect --format '{{.State.Status}}' b
	assert_out created
	a=$(pid_of a)
	run hoy restart -t 0 --filter label=x=1
	assert_ok
	assert_ne "$a" "$(pid_of a)"
	run hoy restart -l -t 0
	assert_ok
	run hoy inspect --format '{{.State.Status}}' b
	assert_out running
	a=$(pid_of a)
	hoy inspect --format '{{.Id}}' a >"$T/cid"
	run hoy restart --cidfile "$T/cid" -t 0
	assert_ok
	assert_ne "$a" "$(pid_of a)"
	run hoy restart -a -t 0
	assert_eq 2 "$(wc -l <"$T/out")" "all: $(last)"
}

test_restart_sends_the_signal_that_was_asked_for() {
	load busybox
	hoy run -d --name c --network none busybox sh -c 'trap "echo usr1; exit 0" USR1; echo ready; while :; do sleep 0.05; done' >/dev/null || fail run
	wait_for hoy_logs_have c ready
	run hoy restart -s USR1 c
	assert_ok
	wait_for hoy_logs_have c usr1
	hoy rm -f c >/dev/null
}

test_restart_keeps_a_container_of_rm() {
	load busybox
	hoy run -d --rm --name c --network none busybox sh -c 'echo x >>/n; exec sleep 1000' >/dev/null || fail run
	wait_for hoy exec c test -s /n
	run hoy restart -t 0 c
	assert_ok
	# shellcheck disable=SC2317  # called by wait_for
	twice() { [ "$(hoy exec c wc -l /n)" = '2 /n' ]; }
	wait_for twice
	run hoy stop -t 0 c
	assert_ok
	# shellcheck disable=SC2317
	vanished() { ! hoy container exists c; }
	wait_for vanished
}

test_restart_twice_at_once() {
	load busybox
	local i
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	for i in 1 2 3 4; do
		hoy restart -t 0 c >/dev/null 2>"$T/err$i" &
	done
	wait
	grep -hE "E-(INTERNAL|WORKER-GONE)" "$T"/err* && fail 'a restart broke'
	wait_for hoy exec c true
}

test_rename() { # peer_ok short
	load busybox
	hoy run -d --name a --network none busybox sleep 1000 >/dev/null || fail run
	run hoy rename a b
	assert_ok
	assert_out ''
	assert_eq b "$(name_of b)"
	run hoy ps --format '{{.Names}}'
	assert_out b
	run hoy container exists a
	assert_rc 1
	run hoy rename a c
	assert_rc 125
	# The old name is free.
	hoy create --name a --network none busybox true >/dev/null || fail 'the old name is not free'
	run hoy rename b a
	assert_rc 125
	run hoy rename b b
	assert_ok
	run hoy rename b 'x/y'
	assert_rc 125
	hoy stop -t 0 b >/dev/null || fail stop
	assert_eq b "$(name_of b)" 'the name after it ended'
	hoy start b >/dev/null || fail start
	assert_eq b "$(name_of b)" 'the name after another start'
	hoy rm -f -t 0 a b >/dev/null
}

no_names() { [ -z "$(ls "$(store)/cnames")" ]; }

test_rename_of_rm_leaves_no_name() {
	load busybox
	hoy run -d --rm --name a --network none busybox sleep 1000 >/dev/null || fail run
	hoy rename a b || fail rename
	hoy kill b >/dev/null || fail kill
	wait_for no_names
	hoy create --name b --network none busybox true >/dev/null || fail 'the name is not free'
	hoy rename b c || fail rename
	hoy rm c >/dev/null || fail rm
	assert_eq '' "$(ls "$(store)/cnames")" 'names'
}

test_rename_race_has_one_winner() {
	load busybox
	local i
	for i in 1 2 3 4 5 6; do
		hoy create --name "c$i" --network none busybox true >/dev/null || fail create
	done
	for i in 1 2 3 4 5 6; do
		hoy rename "c$i" winner 2>/dev/null &
	done
	wait
	run hoy ps -a --format '{{.Names}}'
	assert_eq 1 "$(grep -c '^winner$' "$T/out")" 'winners'
	assert_eq 6 "$(wc -l <"$T/out")" 'containers'
	assert_eq "$(sort "$T/out")" "$(find "$(store)/cnames" -type l -printf "%f\n" | sort)" 'the names taken'
	# One container to many names: it has the last one, and only that.
	for i in 1 2 3 4 5 6; do
		hoy rename winner "n$i" 2>/dev/null &
	done
	wait
	run hoy ps -a --format '{{.Names}}'
	assert_eq 6 "$(wc -l <"$T/out")" 'containers'
	assert_eq "$(sort "$T/out")" "$(find "$(store)/cnames" -type l -printf "%f\n" | sort)" 'the names taken'
}

test_rename_that_was_killed_leaves_a_name_that_can_be_had() {
	load busybox
	local id
	id=$(hoy create --name a --network none busybox true) || fail create
	ln -s "$id" "$(store)/cnames/b" # as if it had been killed after taking the new name
	assert_eq a "$(name_of b)"
	hoy create --name b --network none busybox true >/dev/null || fail 'the left-over name cannot be had'
	hoy rename b c || fail rename
	hoy rename a b || fail rename
}

test_container_exists() { # peer_ok short
	load busybox
	local id
	id=$(hoy create --name c --network none busybox true) || fail create
	for i in c "$id" "${id:0:12}"; do
		run hoy container exists "$i"
		assert_ok
		assert_out ''
	done
	run hoy container exists nope
	assert_rc 1
	assert_quiet
	run hoy container exists --external c
	assert_ok
	run hoy container exists
	assert_rc 125
	hoy rm c >/dev/null
}

test_prune() { # peer_ok short
	load busybox
	local a b
	a=$(hoy create --name a --network none -l keep busybox true) || fail create
	b=$(hoy create --name b --network none busybox true) || fail create
	hoy run -d --name r --network none busybox sleep 1000 >/dev/null || fail run
	run hoy container prune </dev/null
	assert_rc 125
	run hoy container prune -f --filter nope=1
	assert_rc 125
	run hoy container prune -f --filter until=1h
	assert_ok
	assert_out ''
	run hoy container prune -f --filter 'label!=keep'
	assert_ok
	assert_out "$b"
	printf 'n\n' | hoy container prune >"$T/out" 2>/dev/null || fail "no: $(cat "$T/out")"
	hoy container exists a || fail 'it was removed though the answer was no'
	printf 'y\n' | hoy container prune >"$T/out" 2>/dev/null || fail 'yes'
	grep -q "$a" "$T/out" || fail "not removed: $(cat "$T/out")"
	run hoy ps -aq
	assert_eq 1 "$(wc -l <"$T/out")" 'what is left'
	hoy rm -f -t 0 r >/dev/null
}

test_prune_dry_run_and_docker() {
	load busybox
	local a
	a=$(hoy create --name a --network none busybox true) || fail create
	run hoy container prune --dry-run
	assert_ok
	assert_out "$a"
	hoy container exists a || fail 'a dry run removed it'
	run hoy container prune </dev/null
	assert_err E-USAGE 'nobody answered'
	ln -s "$(command -v "$HOY")" "$T/docker"
	run "$T/docker" container prune -f
	assert_ok
	assert_out "Deleted Containers:
$a

Total reclaimed space: 0B"
	run "$T/docker" container prune -f
	assert_out 'Total reclaimed space: 0B'
}

test_a_young_sleep_is_not_waited_for() {
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	local before=$SECONDS
	run hoy stop c
	assert_ok
	[ $((SECONDS - before)) -lt 8 ] || fail 'it waited the whole grace for a process that has no handler'
	assert_err_has 'no handler'
}

# --all together with --filter means those of all that fit, most of all where things are removed.
test_all_that_fit() {
	load busybox
	local n
	for n in a b; do hoy create --name $n --label name=$n --network none busybox sleep 1000 >/dev/null || fail create; done
	hoy start --all --filter label=name=a >/dev/null || fail start
	run hoy ps --format '{{.Names}}'
	assert_out a
	hoy start b >/dev/null
	hoy stop -t 0 --all --filter label=name=b >/dev/null || fail stop
	run hoy ps --format '{{.Names}}'
	assert_out a
	hoy rm -f -t 0 --all --filter label=name=a >/dev/null || fail rm
	run hoy ps -a --format '{{.Names}}'
	assert_out b
	hoy rm b >/dev/null
}

test_clone() { # short
	load busybox
	hoy run -d --name web --network none --hostname there -e A=1 -l k=v -v data:/d --pull never --cidfile "$T/cid" busybox sleep 1000 >/dev/null || fail run
	hoy exec web touch /written
	run hoy container clone web
	assert_ok
	assert_eq "$out" "$(hoy inspect -f '{{.Id}}' web-clone)" id
	run hoy inspect -f '{{.Config.Hostname}} {{.Config.Labels.k}} {{.State.Status}} {{(index .Mounts 0).Name}} {{.Path}}' web-clone
	assert_out 'there v created data sleep'
	run hoy container clone --run web other
	assert_ok
	run hoy exec other sh -c 'echo $A; ls /written'
	assert_has 1
	assert_rc 1
	run hoy container clone web
	assert_ok
	hoy container exists web-clone1 || fail 'no further name'
	run hoy container clone --destroy web x
	assert_err E-CONTAINER-RUNNING force
	run hoy container clone --destroy --force web x localhost/busybox:latest
	assert_ok
	hoy container exists web && fail 'it was not removed'
	run hoy inspect -f '{{.ImageName}}' x
	assert_out localhost/busybox:latest
	run hoy container clone --name a x b
	assert_err E-USAGE
	run hoy container clone nobody
	assert_rc 125
	hoy rm -f -t 0 other x web-clone web-clone1 >/dev/null
}

run_tests "$@"
