#!/bin/bash
# Restart policies: what is started again and when, what stops it, and what stays the same.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

state() { hoy inspect --format '{{.State.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state "$1")" = "$2" ]; }
count() { hoy inspect --format '{{.RestartCount}}' "$1"; }
restarted() { [ "$(count "$1")" -ge "$2" ]; }
supervisor() { hoy inspect --format '{{.State.ConmonPid}}' "$1"; }
logged() { hoy logs c | grep -q "$1"; }
failed() { [ -n "$(hoy inspect --format '{{.State.Error}}' c)" ]; }
sup_of() { sed -n 's/.*"Supervisor": *\([0-9]*\).*/\1/p' "$HOY_ROOT/containers/$1"*/state.json; }

# fast FACTOR: from here on, what waits a minute waits less (tools/fastclock.c).
fast() {
	FASTCLOCK=$T_SCRATCH/fastclock.$(id -u).so
	[ -z "${ASAN_OPTIONS:-}" ] || skip 'a sanitizer build takes no preloading'
	[ -e "$FASTCLOCK" ] || {
		cc -O2 -D_GNU_SOURCE -shared -fPIC -o "$FASTCLOCK.$$" "$(dirname "$0")/../tools/fastclock.c" 2>"$T/cc" || fail "cc: $(cat "$T/cc")"
		mv "$FASTCLOCK.$$" "$FASTCLOCK"
	}
	hoy() { LD_PRELOAD=$FASTCLOCK FAST=$FAST JUMP=${JUMP:-} "$HOY" "$@"; }
	FAST=$1
}

test_on_failure_ends_after_n() { # peer_ok short rows=user,root,one
	load busybox
	run hoy run --name c --network none --restart on-failure:2 busybox sh -c 'echo hi; exit 3'
	assert_rc 3
	wait_for is_state c exited
	wait_for restarted c 2
	wait_for is_state c exited
	run hoy inspect --format '{{.RestartCount}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' c
	assert_out '2 3 on-failure 2'
	run hoy logs c
	assert_out $'hi\nhi\nhi'
}

test_on_failure_takes_success_for_the_end() { # peer_ok short
	load busybox
	run hoy run --name c --network none --restart on-failure busybox sh -c 'echo x >>/f; [ "$(wc -l </f)" -ge 3 ]'
	assert_rc 1
	wait_for restarted c 2
	wait_for is_state c exited
	run hoy inspect --format '{{.RestartCount}} {{.State.ExitCode}}' c
	assert_out '2 0'
}

test_always_until_stopped() { # peer_ok rows=user,root,one
	local p
	load busybox
	for p in always unless-stopped; do
		hoy run -d --name "$p" --network none --restart "$p" busybox sh -c 'echo run; sleep 0.05' >/dev/null || fail run
		wait_for restarted "$p" 2
		run hoy stop -t 2 "$p"
		assert_ok
		assert_eq exited "$(state "$p")" 'after stop'
		local n
		n=$(count "$p")
		sleep 0.6
		assert_eq "exited $n" "$(state "$p") $(count "$p")" 'still'
		run hoy start "$p"
		wait_for restarted "$p" 1
	done
}

test_no_policy_is_no() { # peer_ok
	load busybox
	local p
	for p in no never ''; do
		run hoy run --network none --restart "$p" --name c busybox false
		assert_rc 1
		assert_eq 'exited 0' "$(state c) $(count c)" "$p"
		hoy rm c >/dev/null
	done
}

test_bad_policies() { # peer_ok
	load busybox
	local p
	for p in bogus always:3 on-failure:x on-failure:-1 unless-stopped:1 Always; do
		run hoy create --restart "$p" busybox true
		assert_err
	done
	run hoy run --rm --restart always busybox true
	assert_err
	run hoy run --rm --restart unless-stopped busybox true
	assert_err
	is_peer && return
	assert_err E-USAGE 'exclude each other'
	ln -s "$(command -v "$HOY")" "$T/docker"
	run "$T/docker" run --rm --restart on-failure busybox true
	assert_err E-USAGE 'exclude each other'
	assert_eq 0 "$(ls_count "$HOY_ROOT/containers")"
}

test_rm_with_on_failure() { # short
	load busybox
	mkdir "$T/v"
	run hoy run --rm --network none -v "$T/v:/v" --restart on-failure:2 busybox sh -c 'echo x >>/v/f; exit 5'
	assert_rc 5
	wait_for nothing_left
	assert_eq 3 "$(wc -l <"$T/v/f")" runs
}

test_back_off_is_dockers() {
	load busybox
	hoy run -d --name c --network none --restart always busybox echo x >/dev/null || fail run
	wait_for restarted c 4
	hoy stop c >/dev/null
	# The waits are what is between an end and the next beginning: at least 100, 200, 400, 800 ms. More is the machine's.
	hoy logs -t c | awk -F'[:Z]' '{ t = $2 * 60 + $3 }
		NR > 1 && t > last { if (t - last < want) { print NR, t - last, want; bad = 1 } } NR > 1 { want *= 2 } NR == 1 { want = 0.1 }
		{ last = t } END { exit bad || NR < 5 }' || fail "too soon: $(hoy logs -t c)"
}

# Ten seconds of running begin anew with 100 ms; and it waits a minute at most: a hundred doubled waits would be longer than the world is old.
test_a_calm_run_resets_and_a_minute_is_the_longest() {
	load busybox
	fast 100
	hoy run -d --name c --network none --restart always busybox sh -c 'echo x; sleep 0.15' >/dev/null || fail run
	wait_for restarted c 12 # 15 "seconds" each: with waits that double it would be 400 s of them
	hoy rm -f c >/dev/null
	fast 1000
	hoy run -d --name d --network none --restart always busybox false >/dev/null || fail run
	wait_for restarted d 25 # 10 doublings, then a minute (60 ms) each
}

test_memory_and_descriptors_stay_flat() { # rows=user,root
	load busybox
	fast 10000
	small() { [ "$(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$sup/smaps_rollup")" -le 400 ]; }
	stay() { # the next run goes on: what it needs then
		touch "$T/v/stay"
		wait_for is_state c running
		wait_for small
		echo "$(awk '/^VmData/ { print $2 }' "/proc/$sup/status") $(find "/proc/$sup/fd" | wc -l)"
	}
	mkdir "$T/v"
	hoy run -d --name c --network none -v "$T/v:/v" --restart always busybox sh -c '[ ! -e /v/stay ] || exec sleep 1000' >"$T/id" || fail run
	hoy run -d --name other --network none busybox sleep 1000 >/dev/null || fail run # the program's own pages are not one supervisor's
	local sup data0 fd0 data fd
	sup=$(sup_of "$(cat "$T/id")")
	wait_for restarted c 30
	read -r data0 fd0 < <(stay)
	rm "$T/v/stay"
	kill -9 "$(hoy inspect --format '{{.State.Pid}}' c)"
	wait_for -t 90 restarted c 1000
	read -r data fd < <(stay)
	small || fail "private: $(cat "/proc/$sup/smaps_rollup")"
	note "after 30 restarts $data0 kB of data, $fd0 descriptors; after 1000 $data kB, $fd; private $(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$sup/smaps_rollup") kB"
	# malloc asks for 132 kB at once, which may be now or then
	[ "${data:-0}" -le $((data0 + 160)) ] || fail "it grows: $data0 kB, $data kB"
	[ "$fd" -le "$fd0" ] || fail "descriptors: $fd0, $fd"
}

test_the_wall_clock_may_jump() {
	load busybox
	fast 1
	JUMP=315360000
	hoy run -d --name c --network none --restart always busybox false >/dev/null || fail run
	wait_for restarted c 3
	JUMP=
	run hoy stop c
	assert_ok
}

# Everything below happens while it waits: the waits have become long then.
waiting() {
	hoy run -d --name "$1" --network none --restart always "${@:2}" busybox sh -c 'echo x; exit 7' >"$T/id" || fail run
	wait_for restarted "$1" 4
	wait_for is_state "$1" restarting
}

test_shown_while_it_waits() { # short
	load busybox
	waiting c
	run hoy ps --format '{{.Names}} {{.State}} {{.Status}} {{.Restarts}}'
	assert_match '^c restarting Restarting \(7\) .* ago [4-9]$'
	run hoy inspect --format '{{.State.Restarting}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}}' c
	assert_out 'true false 0 7'
	run hoy ps -q --filter status=restarting
	assert_ok
	assert_ne '' "$out"
	run hoy ps -q --filter restart-policy=always --filter should-start-on-boot=true
	assert_ne '' "$out"
	run hoy attach c
	assert_err '' 'restarting'
	run hoy exec c true
	assert_err '' 'restarting'
	run hoy rm c
	assert_rc 2
	run hoy system check
	assert_ok
}

test_stop_while_it_waits() { # short
	load busybox
	waiting c
	run hoy stop c
	assert_ok
	assert_eq exited "$(state c)"
	[ -z "$(our_pids)" ] || fail "left: $(show_pids $(our_pids))"
	assert_eq 7 "$(hoy inspect --format '{{.State.ExitCode}}' c)" code
}

test_kill_while_it_waits() {
	load busybox
	waiting c
	run hoy kill c
	assert_ok
	assert_eq exited "$(state c)"
}

test_rm_f_while_it_waits() { # short rows=user,root,one
	load busybox
	waiting c
	run hoy rm -f c
	assert_ok
	nothing_left || fail 'something is left'
}

test_start_and_restart_while_it_waits() {
	load busybox
	waiting c
	run hoy start c
	assert_ok
	[ "$(count c)" -le 2 ] || fail "start does not begin anew: $(count c)"
	wait_for restarted c 4
	wait_for is_state c restarting
	run hoy restart c
	assert_ok
	[ "$(count c)" -le 2 ] || fail "restart does not begin anew: $(count c)"
	wait_for restarted c 1
}

test_rename_and_logs_while_it_waits() {
	load busybox
	waiting c
	run hoy rename c d
	assert_ok
	run hoy logs --tail 1 d
	assert_out x
	local n
	n=$(count d)
	wait_for restarted d $((n + 1))
}

test_stop_meets_every_moment() { # short rows=user,root,one
	load busybox
	local i
	for i in 1 2 3 4 5 6 7 8; do
		hoy run -d --name "c$i" --network none --restart always busybox sleep "0.0$i" >/dev/null || fail run
		wait_for restarted "c$i" 1
		sleep "0.1$i"
		run hoy stop "c$i"
		assert_ok
		assert_eq exited "$(state "c$i")" "c$i"
	done
	sleep 0.5
	run hoy ps -q
	assert_out ''
	[ -z "$(our_pids)" ] || fail "left: $(show_pids $(our_pids))"
}

test_kill_by_a_user_is_the_end() { # peer_ok
	load busybox
	hoy run -d --name c --network none --restart always busybox sleep 1000 >/dev/null || fail run
	run hoy kill c
	assert_ok
	wait_for is_state c exited
	sleep 0.4
	assert_eq 'exited 0' "$(state c) $(count c)"
}

test_a_signal_that_it_handles_is_not_the_end() {
	load busybox
	hoy run -d --name c --network none --restart always busybox sh -c 'trap "echo reloaded" HUP; echo up; while [ ! -e /end ]; do sleep 0.02; done; rm /end; exit 1' >/dev/null || fail run
	wait_for logged up
	run hoy kill -s HUP c
	assert_ok
	wait_for logged reloaded
	hoy exec c touch /end
	wait_for restarted c 1
}

test_killed_from_outside_is_started_again() { # short
	load busybox
	hoy run -d --name c --network none --restart on-failure busybox sleep 1000 >/dev/null || fail run
	kill -9 "$(hoy inspect --format '{{.State.Pid}}' c)"
	wait_for restarted c 1
	wait_for is_state c running
}

# The terminal or pipe of who started it is let go at the first end, as docker and podman do; the log and logs -f go on.
test_logs_follow_and_attached_clients() { # short
	load busybox
	hoy create --name c --network none --restart on-failure:2 busybox sh -c 'echo "run $(wc -l </f 2>/dev/null)"; echo x >>/f; exit 1' >/dev/null
	run hoy start -a c
	assert_rc 1
	assert_out 'run '
	hoy logs -f c >"$T/followed" 2>/dev/null
	wait_for is_state c exited
	assert_eq $'run \nrun 1\nrun 2' "$(hoy logs c 2>/dev/null)" log
	assert_eq $'run \nrun 1\nrun 2' "$(cat "$T/followed")" 'logs -f'
}

test_with_a_terminal() {
	load busybox
	run with_pty expect=once -- "$HOY" run -it --name c --network none --restart on-failure:1 busybox sh -c 'tty >/dev/null && echo once; exit 4'
	assert_rc 4
	wait_for restarted c 1
	wait_for is_state c exited
	assert_eq 2 "$(hoy logs c | grep -c once)" 'runs with a terminal'
}

# A client that takes nothing holds up a restart for two seconds, not for ever. (What it does not take is in a pipe and a socket, so the container can end.)
test_a_stuck_client_does_not_hold_it() {
	load busybox
	mkfifo "$T/p"
	exec 7<>"$T/p"
	"$HOY" run --name c --network none --restart always busybox sh -c 'head -c 100000 /dev/zero; echo x >>/f; [ "$(wc -l </f)" = 1 ]' >"$T/p" &
	server $!
	wait_for is_state c running
	wait_for restarted c 1
}

test_timeout_counts_for_each_run() {
	load busybox
	fast 10
	hoy run -d --name c --network none --timeout 3 --restart on-failure:2 busybox sleep 1000 >/dev/null || fail run
	wait_for restarted c 2
	wait_for is_state c exited
	assert_eq 255 "$(hoy inspect --format '{{.State.ExitCode}}' c)" code
}

test_addresses_and_ports_stay() { # rows=user,root
	load busybox
	hoy run -d --name c -p 80 --restart always busybox sh -c 'sleep 0.3' >/dev/null || fail run
	facts() { hoy inspect --format '{{.NetworkSettings.Networks.bridge.IPAddress}} {{.NetworkSettings.Networks.bridge.MacAddress}}' c; hoy port c; }
	wait_for is_state c running
	facts >"$T/one"
	wait_for restarted c 2
	wait_for is_state c running
	facts >"$T/two"
	[ -s "$T/one" ] && cmp "$T/one" "$T/two" || fail "changed: $(cat "$T/one" "$T/two")"
	grep -q '^80/tcp -> ' "$T/two" || fail "no port: $(cat "$T/two")"
}

# It is reached again under its name and port.
test_the_network_works_after_a_restart() { # rows=user,root
	load busybox
	hoy network create n >/dev/null || fail network
	hoy run -d --name srv --network n --restart always busybox sh -c 'echo hello >/tmp/h; timeout 1000 httpd -f -p 80 -h /tmp' >/dev/null || fail run
	for i in 1 2; do
		wait_for is_state srv running
		wait_for hoy run --rm --network n busybox wget -q -O /dev/null http://srv/h
		kill -9 "$(hoy inspect --format '{{.State.Pid}}' srv)"
		wait_for restarted srv "$i"
	done
	wait_for is_state srv running
	hoy rm -f srv >/dev/null
	hoy network rm n >/dev/null
}

test_network_connect_while_it_waits() { # rows=user,root
	load busybox
	hoy network create n >/dev/null || fail network
	hoy run -d --name c --restart always busybox sh -c 'ls /sys/class/net >/nets; exit 1' >/dev/null || fail run
	wait_for restarted c 3
	wait_for is_state c restarting
	run hoy network connect n c
	assert_ok
	local n
	n=$(count c)
	wait_for restarted c $((n + 2))
	run hoy inspect --format '{{len .NetworkSettings.Networks}}' c
	assert_out 2
	hoy rm -f c >/dev/null
	hoy network rm n >/dev/null
}

# Of the supervisor's death while it waits nothing stays but an exited container, which can be started.
test_killed_supervisor_while_it_waits() { # short
	load busybox
	waiting c
	kill -9 "$(sup_of "$(cat "$T/id")")"
	wait_for is_state c exited
	run hoy ps
	assert_lacks restarting
	run hoy start c
	assert_ok
	wait_for restarted c 1
	run hoy system check
	assert_ok
}

# At any moment: between two runs, in the middle of a start, while it runs.
test_kill_nine_at_any_moment() { # rows=user,root,one
	load busybox
	local i id
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		hoy run -d --name "c$i" --network none --restart always busybox sleep 0.01 >"$T/id" || fail run
		id=$(cat "$T/id")
		wait_for restarted "c$i" 1
		sleep "0.$(printf %03d $((i * 37)))"
		kill -9 "$(sup_of "$id")"
		wait_for is_state "c$i" exited
	done
	run hoy start c1
	assert_ok
	hoy rm -f -a >/dev/null
	run hoy system check
	assert_ok
}

# The supervisor is asked to end (the machine goes down): it does not start it again, and nobody has stopped it.
test_shutdown_is_no_stop() {
	load busybox
	hoy run -d --name c --network none --restart unless-stopped busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.02; done' >"$T/id" || fail run
	sleep 0.3
	kill "$(sup_of "$(cat "$T/id")")"
	wait_for is_state c exited
	assert_eq 0 "$(count c)" restarts
	run hoy ps -aq --filter should-start-on-boot=true
	assert_ne '' "$out"
	hoy start c >/dev/null
	hoy stop c >/dev/null
	run hoy ps -aq --filter should-start-on-boot=true
	assert_out ''
}

# What is in the way of a start is told, and it is tried again.
test_a_start_that_fails_is_tried_again() { # rows=user,root
	load busybox
	mkdir "$T/v"
	hoy run -d --name c --network none -v "$T/v:/v" --restart always busybox sleep 0.2 >/dev/null || fail run
	rmdir "$T/v"
	wait_for failed
	mkdir "$T/v"
	local n
	n=$(count c)
	wait_for restarted c $((n + 2))
	wait_for is_state c running
	[ -z "$(hoy inspect --format '{{.State.Error}}' c)" ] || fail 'the error stays'
}

run_tests "$@"
