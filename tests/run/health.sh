#!/bin/bash
# Health checks: when they are run, what they find, what follows, and what they leave.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

health() { hoy inspect --format '{{.State.Health.Status}}' "$1"; }
is_health() { [ "$(health "$1")" = "$2" ]; }
count() { hoy inspect --format '{{.RestartCount}}' "$1"; }
restarted() { [ "$(count "$1")" -ge "$2" ]; }
is_state() { [ "$(hoy inspect --format '{{.State.Status}}' "$1")" = "$2" ]; }
results() { hoy inspect --format '{{len .State.Health.Log}}' "$1"; }
has_results() { [ "$(results "$1")" -ge "$2" ]; }

alone() { [ -z "$(our_pids)" ]; }
checker() {
	local p
	for p in $(our_pids); do grep -q hoy-health "/proc/$p/comm" 2>/dev/null && echo "$p"; done
}
found() { [ -n "$(checker)" ]; }

# checked NAME CHECK [OPTION...]: a container that is checked all the time.
checked() { hoy run -d --name "$1" --network none --health-cmd "$2" --health-interval 50ms "${@:3}" busybox sleep 1000 >/dev/null || fail run; }

test_healthy_and_unhealthy() { # short rows=user,root,one
	load busybox
	checked c 'echo looking; test ! -e /bad' --health-retries 2
	wait_for is_health c healthy
	run hoy ps --format '{{.Names}} {{.Status}}' --filter health=healthy
	assert_match '^c Up .* \(healthy\)$'
	hoy exec c touch /bad
	wait_for is_health c unhealthy
	run hoy inspect --format '{{(index .State.Health.Log 0).Output}}' c
	assert_has looking
	hoy exec c rm /bad
	wait_for is_health c healthy
	run hoy ps -q --filter health=unhealthy
	assert_out ''
	run hoy events --since 5m --until 0s --filter event=health_status
	assert_has health_status=unhealthy
	run hoy system check
	assert_ok
}

test_starting_first_and_again() {
	load busybox
	hoy run -d --name c --network none --restart always --health-cmd 'sleep 0.3' --health-interval 50ms busybox sleep 1000 >/dev/null || fail run
	assert_eq starting "$(health c)"
	run hoy ps --format '{{.Status}}'
	assert_match '\(starting\)$'
	wait_for is_health c healthy
	hoy restart -t 0 c >/dev/null
	assert_eq starting "$(health c)" 'after a restart'
}

test_no_check_says_so() { # peer_ok
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy healthcheck run c
	assert_rc 125
	run hoy ps -q --filter health=none
	is_peer || assert_ne '' "$out"
	is_peer || { run hoy healthcheck run c; assert_err E-HEALTH-NONE; run hoy wait --condition healthy c; assert_err E-HEALTH-NONE; }
}

test_healthcheck_run() { # short rows=user,root,one
	load busybox
	hoy run -d --name c --network none --health-cmd 'test -e /ok' --health-interval disable --health-retries 1 busybox sleep 1000 >/dev/null || fail run
	sleep 0.3
	assert_eq 0 "$(results c 2>/dev/null || echo 0)" 'checks by itself'
	run hoy healthcheck run c
	assert_rc 1
	assert_out unhealthy
	hoy exec c touch /ok
	run hoy healthcheck run c
	assert_ok
	assert_out ''
	assert_eq healthy "$(health c)"
	hoy stop -t 0 c >/dev/null
	run hoy healthcheck run c
	assert_err '' 'not running'
	run hoy healthcheck run nobody
	assert_err E-CONTAINER-UNKNOWN
}

test_forms_of_the_command() { # peer_ok
	load busybox
	local i=0 cmd
	for cmd in 'test $((1 + 1)) = 2' '["CMD", "true"]' '["true"]' '["CMD-SHELL", "true && true"]'; do
		i=$((i + 1))
		hoy run -d --name "c$i" --network none --health-interval disable --health-cmd "$cmd" busybox sleep 1000 >/dev/null || fail run
		run hoy healthcheck run "c$i"
		assert_ok
	done
	hoy run -d --name none --network none --health-cmd none busybox sleep 1000 >/dev/null || fail run
	run hoy healthcheck run none
	assert_rc 125
}

test_bad_values() { # short
	load busybox
	local f
	for f in interval=x timeout=0 timeout=-1s retries=x start-period=-1s on-failure=burn log-destination=nowhere max-log-count=-1 max-log-size=x startup-cmd=true; do
		run hoy create --health-cmd "$([ $f = startup-cmd=true ] || echo true)" "--health-$f" busybox true
		assert_err E-USAGE
	done
	run hoy create --no-healthcheck --health-cmd true busybox true
	assert_err E-USAGE exclude
}

test_a_timeout_kills_all_of_it() { # rows=user,root,one
	load busybox
	checked c 'sleep 777 & sleep 778' --health-timeout 200ms --health-retries 1
	wait_for is_health c unhealthy
	run hoy inspect --format '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' c
	assert_match '^-1 .*exceeded timeout'
	hoy exec c sh -c 'ps | grep -c "sleep 77[78]"' >"$T/n"
	[ "$(cat "$T/n")" -le 3 ] || fail "left: $(hoy exec c ps)"
}

test_output_and_log_are_bounded() {
	load busybox
	checked c 'head -c 1000000 /dev/zero | tr "\0" x' --health-max-log-count 3 --health-max-log-size 100
	wait_for has_results c 3
	sleep 0.3
	assert_eq 3 "$(results c)"
	assert_eq 100 "$(hoy inspect --format '{{(index .State.Health.Log 0).Output}}' c | tr -d '\n' | wc -c)" output
	[ "$(stat -c %s "$HOY_ROOT"/containers/*/health.json)" -le 2000 ] || fail 'health.json grows'
}

test_hostile_output() {
	load busybox
	checked c 'printf "\033[31m\377\000\"}]" '
	wait_for is_health c healthy
	run hoy inspect c
	assert_ok
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$T/out" || fail 'no JSON'
}

test_log_elsewhere() {
	load busybox
	mkdir "$T/logs"
	checked c 'echo there' --health-log-destination "$T/logs"
	wait_for has_results c 1
	grep -q there "$T"/logs/*-healthcheck.log || fail "$(ls "$T/logs")"
	grep -q there "$HOY_ROOT"/containers/*/health.json && fail 'it is here, too'
	checked d 'echo told' --health-log-destination events_logger
	wait_for is_health d healthy
	run hoy events --since 5m --until 0s --filter container=d
	assert_has told
}

test_on_failure_restart() { # rows=user,root,one
	load busybox
	checked c 'test ! -e /bad' --health-retries 1 --health-on-failure restart
	wait_for is_health c healthy
	hoy exec c sh -c 'touch /bad; kill -0 1'
	wait_for restarted c 1
}

test_on_failure_kill_and_stop() {
	load busybox
	checked k false --health-retries 1 --health-on-failure kill
	wait_for is_state k exited
	assert_eq 137 "$(hoy inspect --format '{{.State.ExitCode}}' k)"
	checked s false --health-retries 1 --health-on-failure stop --restart always
	wait_for is_state s exited
	sleep 0.4
	assert_eq 'exited 0' "$(hoy inspect --format '{{.State.Status}} {{.RestartCount}}' s)"
	checked p false --health-retries 1 --health-on-failure kill --restart on-failure
	wait_for restarted p 1
}

test_start_period() {
	load busybox
	checked c false --health-retries 1 --health-start-period 1h --health-start-interval 30ms
	wait_for has_results c 4
	assert_eq starting "$(health c)"
	assert_eq 0 "$(hoy inspect --format '{{.State.Health.FailingStreak}}' c)" streak
}

test_startup_check() {
	load busybox
	checked c 'test -e /never' --health-retries 1 --health-startup-cmd 'test -e /up' --health-startup-interval 30ms
	wait_for has_results c 3
	assert_eq starting "$(health c)"
	hoy exec c touch /up
	wait_for is_health c unhealthy
	checked d true --health-startup-cmd false --health-startup-interval 30ms --health-startup-retries 2
	wait_for restarted d 1
}

test_of_the_image() { # short
	load busybox
	hoy create --name b busybox sleep 1000 >/dev/null
	hoy commit -q -c 'HEALTHCHECK --interval=50ms CMD ["echo", "fine"]' b img >/dev/null || fail commit
	hoy run -d --name c --network none img >/dev/null || fail run
	wait_for is_health c healthy
	run hoy inspect --format '{{json .Config.Healthcheck.Test}} {{.Config.Healthcheck.Interval}}' c
	assert_has '["CMD","echo","fine"]'
	hoy run -d --name d --network none --no-healthcheck img >/dev/null || fail run
	run hoy healthcheck run d
	assert_err E-HEALTH-NONE
}

test_not_while_paused() {
	load busybox
	checked c true --health-max-log-count 0
	wait_for has_results c 2
	hoy pause c >/dev/null || fail pause
	sleep 0.3
	local n
	n=$(results c)
	run hoy healthcheck run c
	assert_err '' paused
	run hoy wait --condition paused c
	assert_out -1
	sleep 0.5
	[ "$(results c)" -le $((n + 1)) ] || fail "checked meanwhile: $n, $(results c)"
	hoy unpause c >/dev/null
	wait_for has_results c $((n + 2))
	assert_eq healthy "$(health c)"
}

# Whoever dies takes the check along.
test_nothing_is_left() { # rows=user,root,one
	load busybox
	checked c 'sleep 1000' --health-timeout 100s
	sleep 0.3
	run hoy rm -f c
	assert_ok
	nothing_left || fail "left: $(show_pids $(our_pids))"
	checked d 'sleep 1000' --health-timeout 100s
	sleep 0.3
	kill -9 "$(hoy inspect --format '{{.State.ConmonPid}}' d)"
	wait_for alone
}

test_a_killed_checker_is_a_failure() {
	load busybox
	checked c 'sleep 1000' --health-timeout 100s --health-retries 1 --health-on-failure kill
	wait_for found
	# shellcheck disable=SC2046
	kill -9 $(checker)
	wait_for is_state c exited
}

test_with_one_uid_ids_are_answered() { # rows=one
	load busybox
	checked c 'touch /f && chown 42:42 /f && chmod 600 /f'
	wait_for is_health c healthy
}

# A check that is changed while the container runs counts at once.
test_update() { # short
	load busybox
	checked c true
	wait_for is_health c healthy
	run hoy update --health-cmd 'echo "${MARK:-none}"; false' --health-retries 1 -e MARK=changed c
	assert_out c
	assert_quiet
	wait_for is_health c unhealthy
	run hoy inspect --format '{{(index .State.Health.Log 0).Output}}{{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.Interval}}' c
	assert_out "$(printf 'changed\n1 50000000')"
	run hoy update --no-healthcheck c
	assert_ok
	run hoy healthcheck run c
	assert_err E-HEALTH-NONE
	run hoy update --health-retries 2 c
	assert_err E-HEALTH-NONE --health-cmd
	hoy update --health-cmd false --health-interval disable c >/dev/null || fail update
	run hoy healthcheck run c
	assert_rc 1
	run hoy healthcheck run --ignore-result c
	assert_ok
	hoy restart -t 0 c >/dev/null
	run hoy inspect --format '{{.Config.Healthcheck.Test}}' c
	assert_out '[CMD-SHELL false]'
	run hoy update --health-interval never c
	assert_err E-USAGE 30s
	hoy rm -f -t 0 c >/dev/null
}

test_update_of_what_does_not_run() { # rows=user short
	load busybox
	hoy create --name c -e A=1 -e B=2 --ulimit nofile=100:200 busybox sh -c 'echo "$A$B$C"; ulimit -n; ulimit -Hn' >/dev/null
	run hoy update -e A=9 --env C=3 --unsetenv B --ulimit nofile=50:60 -l
	assert_ok
	run hoy start -a c
	assert_out "$(printf '93\n50\n60')"
	run hoy inspect --format '{{.Config.Env}}' c
	assert_has A=9
	assert_lacks B=2
	run hoy update --health-cmd true c
	assert_ok
	run hoy inspect --format '{{.Config.Healthcheck.Test}} {{.Config.Env}}' c
	assert_has 'CMD-SHELL true'
	assert_has A=9
	run hoy update --memory-swappiness 1 c
	assert_err E-ABSENT
}

run_tests "$@"
