#!/bin/bash
# kill -9 of any process of ours, and a machine that was switched off: the next command tells the truth and cleans up; no manual step exists.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

status() { hoy inspect --format '{{.State.Status}}' "$1"; }
pid_of() { hoy inspect --format '{{.State.Pid}}' "$1"; }
ppid_of() { awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$1/stat"; }
start_one() { hoy run -d --name c "$@" --network none busybox sleep 1000 >/dev/null || fail run; }
no_state_left() { [ -z "$(hoy ps -aq)" ]; }

test_init_killed() { # short rows=user,root,one
	load busybox
	start_one
	kill -9 "$(pid_of c)"
	run hoy wait c
	assert_out 137
	assert_eq exited "$(status c)" state
	run hoy start c
	assert_ok
	assert_eq running "$(status c)" state
}

test_init_killed_with_rm() {
	load busybox
	leftovers_before
	start_one --rm
	kill -9 "$(pid_of c)"
	wait_for no_state_left
	leftovers_after
}

test_supervisor_killed() { # short rows=user,root,one
	load busybox
	leftovers_before
	start_one
	local pid sup
	pid=$(pid_of c)
	sup=$(ppid_of "$pid")
	kill -9 "$sup"
	# PID 1 gets a parent-death signal; what survives is shown as Lost and ended by the next writing command.
	wait_for -t 10 gone "$sup"
	local s
	s=$(status c)
	case $s in running) fail 'shown as running without its supervisor' ;; esac
	run hoy rm -f -t 0 c
	assert_ok
	gone "$pid" || wait_for -t 10 gone "$pid"
	leftovers_after
}

test_supervisor_killed_then_started_again() {
	load busybox
	start_one
	kill -9 "$(ppid_of "$(pid_of c)")"
	wait_for not_running c
	run hoy start c
	assert_ok
	assert_eq running "$(status c)" state
	run hoy exec c echo fine
	assert_out fine
}
not_running() { [ "$(status "$1")" != running ]; }

test_supervisor_killed_with_rm() { # rows=user,root,one
	load busybox
	leftovers_before
	start_one --rm
	local pid
	pid=$(pid_of c)
	kill -9 "$(ppid_of "$pid")"
	wait_for -t 10 gone "$pid"
	# The next writing command removes what --rm promised to remove, or shows it as ended; then rm works.
	hoy ps -a >/dev/null
	hoy rm -f -t 0 c >/dev/null 2>&1
	run hoy ps -aq
	assert_out ''
	leftovers_after
}

# Whoever has the container locked when its end should be seen to, that must not be forgotten.
test_supervisor_killed_and_the_lock_held() {
	load busybox
	need flock
	leftovers_before
	start_one --rm
	local sup pid dir
	pid=$(pid_of c)
	sup=$(ppid_of "$pid")
	dir=$(store)/containers/$(hoy inspect --format '{{.Id}}' c)
	kill -9 "$sup"
	wait_for -t 10 gone "$pid"
	wait_for -t 10 gone "$sup"
	exec 8<"$dir"
	flock 8 || fail 'lock'
	hoy stop --all >/dev/null
	exec 8<&-
	wait_for -t 5 removed_by_stop
	leftovers_after
}
removed_by_stop() { hoy stop --all && no_state_left; }

test_attached_client_learns_of_a_killed_supervisor() {
	load busybox
	$HOY run --name c --network none busybox sleep 1000 >"$T/o" 2>"$T/e" &
	local p=$!
	wait_for is_running c
	kill -9 "$(ppid_of "$(pid_of c)")"
	wait $p
	local rc=$?
	[ $rc = 125 ] || [ $rc = 137 ] || fail "status $rc: $(cat "$T/e")"
}
is_running() { [ "$(status "$1")" = running ]; }

test_foreground_client_killed() {
	load busybox
	$HOY run --name c --network none busybox sleep 1000 >/dev/null 2>&1 &
	local p=$!
	wait_for is_running c
	kill -9 $p
	wait $p 2>/dev/null
	assert_eq running "$(status c)" 'state after the client died'
	run hoy exec c echo fine
	assert_out fine
	run hoy stop -t 0 c
	assert_ok
}

# The shell that started them is killed: no container minds.
test_parent_shell_killed() {
	load busybox
	setsid bash -c "$HOY run --name c --network none busybox sleep 1000 & $HOY run -d --name d --network none busybox sleep 1000; sleep 0.1; kill -9 \$\$" >/dev/null 2>&1
	wait_for is_running c
	assert_eq running "$(status d)" state
	run hoy exec c echo fine
	assert_out fine
	run hoy rm -f -t 0 c d
	assert_ok
}

test_foreground_client_with_rm_killed() { # rows=user,root,one
	load busybox
	leftovers_before
	$HOY run --rm --name c --network none busybox sleep 1000 >/dev/null 2>&1 &
	local p=$!
	wait_for is_running c
	kill -9 $p
	wait $p 2>/dev/null
	run hoy stop -t 0 c
	assert_ok
	wait_for no_state_left
	leftovers_after
}

test_exec_monitor_and_client_killed() { # rows=user,root,one
	load busybox
	start_one
	local p
	our_pids >"$T/b"
	$HOY exec c sleep 4713 >/dev/null 2>&1 &
	p=$!
	wait_for process_there 'sleep 4713'
	kill -9 $p
	wait $p 2>/dev/null
	# Without its monitor an exec session does not go on for ever.
	for p in $(comm -13 "$T/b" <(our_pids)); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline") in *"$HOY"*) kill -9 "$p" ;; esac
	done
	assert_eq running "$(status c)" state
	run hoy exec c echo fine
	assert_out fine
	run hoy rm -f -t 0 c
	assert_ok
}
process_there() { pgrep -f "^$1\$" >/dev/null; }

test_killed_while_starting() { # short rows=user,root,one
	load busybox
	leftovers_before
	local i p
	# The client dies at ever later moments of a start.
	for ((i = 0; i < 25; i++)); do
		$HOY run -d --rm --network none busybox sleep 1000 >/dev/null 2>&1 &
		p=$!
		sleep "0.00$((i % 10))"
		kill -9 $p
		wait $p 2>/dev/null
	done
	hoy run --rm --network none busybox true >/dev/null 2>&1 || fail 'the next run'
	run hoy rm -f -a -t 0
	assert_ok
	run hoy system check
	assert_ok
	leftovers_after
}

test_killed_while_loading() { # rows=user,root,one
	leftovers_before
	local i p
	for ((i = 0; i < 12; i++)); do
		$HOY load -q -i "$T_FIX/layers127.tar" >/dev/null 2>&1 &
		p=$!
		sleep "0.0$((i * 2))"
		kill -9 $p
		wait $p 2>/dev/null
	done
	load layers127
	run hoy run --rm --network none layers127 cat /n/last
	assert_out 126
	run hoy system check
	assert_ok
	wait_for no_tmp
	run hoy rmi -f layers127
	assert_ok
	wait_for no_layers
}

no_tmp() { [ "$(ls_count "$(store)/tmp")" = 0 ]; }
no_layers() { [ "$(ls_count "$(store)/layers")" = 0 ]; }

test_damaged_record() {
	load busybox
	hoy create --name c --network none busybox echo again >/dev/null || fail create
	hoy create --name d --network none busybox true >/dev/null || fail create
	local f
	for f in "$(store)"/containers/*/state.json; do printf '{"Id": 7' >"$f"; done
	run hoy start -a c
	assert_ok
	assert_out again
	run hoy rm d
	assert_ok
	run hoy rm c
	assert_ok
	assert_eq 0 "$(ls_count "$(store)/cnames")" 'names left'
}

test_reboot() { # short rows=user,root,one
	load busybox
	start_one
	local pid sup f
	pid=$(pid_of c)
	sup=$(ppid_of "$pid")
	kill -9 "$sup" "$pid" 2>/dev/null
	wait_for gone "$pid"
	# After a reboot: no process, another boot id, and the pids belong to somebody else.
	f=$(find "$(store)/containers" -name state.json)
	cp "$f" "$T/state"
	grep -q "$(cat /proc/sys/kernel/random/boot_id)" "$f" || fail "the state has no boot id: $(cat "$f")"
	sed "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-1111-2222-3333-444444444444/; s/\"pid\": *$pid\b/\"pid\": $$/" "$T/state" >"$f"
	run hoy ps --format '{{.Names}}'
	assert_out ''
	run hoy ps -a --format '{{.Names}} {{.State}}'
	case $out in 'c exited' | 'c lost' | 'c stopped') ;; *) fail "after a reboot: $(last)" ;; esac
	run hoy start c
	assert_ok
	assert_eq running "$(status c)" 'state after the start'
	kill -0 $$ || fail 'it killed a stranger'
}

test_reboot_with_rm() {
	load busybox
	leftovers_before
	start_one --rm
	local pid f
	pid=$(pid_of c)
	kill -9 "$(ppid_of "$pid")" "$pid" 2>/dev/null
	wait_for gone "$pid"
	f=$(find "$(store)/containers" -name state.json)
	[ -n "$f" ] && sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-1111-2222-3333-444444444444/" "$f"
	run hoy run --rm --network none busybox true
	assert_ok
	hoy rm -f -t 0 c >/dev/null 2>&1
	leftovers_after
}

test_pid_used_again() { # rows=user,root,one
	load busybox
	start_one
	local pid f
	pid=$(pid_of c)
	kill -9 "$(ppid_of "$pid")" "$pid" 2>/dev/null
	wait_for gone "$pid"
	f=$(find "$(store)/containers" -name state.json)
	# Same boot, the pid lives again as another process: the start time tells them apart.
	sed -i "s/\"pid\": *$pid\b/\"pid\": $$/" "$f"
	run hoy ps --format '{{.Names}}'
	assert_out ''
	run hoy stop -t 0 c
	run hoy rm -f -t 0 c
	assert_ok
	kill -0 $$ || fail 'it killed a stranger'
}

test_store_readable_after_damage() {
	load busybox
	untidy
	start_one
	hoy create --name good --network none busybox true >/dev/null
	local f bad
	f=$(store)/containers/$(hoy inspect --format '{{.Id}}' c)/state.json
	for bad in '' '{' 'null' '[]' '{"pid":"text"}' "$(head -c 2000 /dev/zero | tr '\0' '[')"; do
		printf '%s' "$bad" >"$f"
		run timeout 20 $HOY ps -a --format '{{.Names}}'
		assert_ok
		assert_has good
		run timeout 20 $HOY inspect c
		[ "$rc" = 0 ] || { assert_rc 125 && assert_err_has E-JSON; }
	done
	run hoy rm -f -t 0 good
	assert_ok
}

test_runtime_directory_removed_under_a_living_container() {
	load busybox
	start_one
	rm -rf "$T/run"
	run hoy exec c echo fine
	assert_out fine
	run hoy stop -t 0 c
	assert_ok
}

run_tests "$@"
