#!/bin/bash
# The wall clock jumps ten years forth and back, at every other look: what waits, counts and is written down goes on.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# jumping SECONDS: hoy, whose clock is that much off every other time. (Its supervisors have it too.)
jumping() {
	[ -z "${ASAN_OPTIONS:-}" ] || skip 'a sanitizer build takes no preloading'
	JUMPING=$T/fastclock.so JUMP=$1
	[ -e "$JUMPING" ] || cc -O2 -D_GNU_SOURCE -shared -fPIC -o "$JUMPING" "$(dirname "$0")/../tools/fastclock.c" 2>"$T/cc" || fail "cc: $(cat "$T/cc")"
	hoy() { LD_PRELOAD=$JUMPING FAST=1 JUMP=$JUMP timeout 60 "$HOY" "$@"; }
}
state() { hoy inspect --format "{{.State.$1}}" c; }

jumps() {
	load busybox
	jumping "$1"
	hoy run -d --name c --network none --restart on-failure:3 --health-cmd 'test -e /ok' --health-interval 50ms --health-retries 2 busybox \
		sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; sleep 0.01; done; touch /ok; while [ ! -e /fail ]; do sleep 0.05; done; rm /fail; exit 1' >/dev/null || fail run
	# Health: what it waits for is time that has passed.
	run hoy wait --condition healthy c
	assert_ok
	hoy exec c rm /ok || fail exec
	run hoy wait --condition unhealthy c
	assert_ok
	# Back-off of a restart.
	hoy exec c touch /fail || fail exec
	wait_for restarted_once
	wait_for file_has "$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/ctr.log" 'line 10'
	run hoy ps --format '{{.Names}} {{.State}}'
	assert_out 'c running'
	# Logs and events have whatever times they have; reading them ends, and leaves nothing out.
	run hoy logs --since 1970-01-01T00:00:00Z c
	[ "$(grep -c '^line' "$T/out")" -ge 11 ] || fail "lines: $(last)"
	run hoy logs --since 2100-01-01T00:00:00Z c
	assert_out ''
	run hoy logs --tail 3 -t c
	assert_eq 3 "$(wc -l <"$T/out")" 'lines of the tail'
	run hoy events --stream=false --since 1970-01-01T00:00:00Z --filter event=start --format '{{.Name}}'
	assert_eq 2 "$(grep -cx c "$T/out")" 'events of its starts'
	(hoy logs -f c >"$T/followed"; echo ended >>"$T/followed") &
	run hoy stop -t 1 c
	assert_ok
	wait_for file_has "$T/followed" ended
	assert_eq exited "$(state Status)" state
	run hoy run --rm --network none --timeout 1 --stop-timeout 0 busybox sleep 1000
	[ "$rc" != 124 ] && [ "$rc" != 0 ] || fail "--timeout: $(last)"
	run hoy system df
	assert_ok
	run hoy container prune -f --filter until=1h
	assert_ok
	run hoy image prune -a -f --filter until=200000h
	assert_ok
	run hoy system check
	assert_ok
}
restarted_once() { [ "$(state Status)" = running ] && [ "$(hoy inspect --format '{{.RestartCount}}' c)" = 1 ]; }

test_forth() { # rows=user,root
	jumps 315360000
}

test_back() {
	jumps -315360000
}

run_tests "$@"
