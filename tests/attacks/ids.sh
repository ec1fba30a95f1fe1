#!/bin/bash
# Calls that a container with one uid hands to a process of ours to answer (src/monitor/ids.h): nothing it does there may hurt more than itself.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

up() { # ARGS...: container c, its id in $id
	load busybox
	run hoy run -d --name c --network none -v "$T_FIX/bin:/t:ro" "$@"
	assert_ok
	id=$out
}

# pid_of NAME [NUMBER]: of a process that hoy runs.
pid_of() {
	local p
	for p in $(our_pids); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != "$1" ] || printf '%s\n' "$p"
	done | head -1
}
answers() { pid_of hoy-ids | grep -q .; }
other_than() { [ -n "$(pid_of hoy-ids)" ] && [ "$(pid_of hoy-ids)" != "$1" ]; }
logged() { hoy logs c 2>/dev/null | grep -qx "$1"; }

# The container is held up; what is ours is not.
all_is_well() {
	run hoy exec c sh -c 'id -u; su -s /bin/sh app -c "id -u"'
	assert_out "$(printf '0\n1000')"
	run hoy logs c
	assert_ok
	run hoy ps -q
	assert_eq "${id:0:12}" "$out"
}

test_flood() { # rows=one
	local before p
	up busybox sh -c '/t/ids rules; /t/ids flood 6; /t/ids rules; exec sleep 1000'
	wait_for answers
	p=$(pid_of hoy-ids)
	sleep 0.5
	before=$(ls_count "/proc/$(pid_of hoy-supervisor)/fd")
	all_is_well
	wait_for sh -c '[ "$($1 logs c | grep -cx fine)" = 3 ]' - "$HOY"
	assert_eq "$before" "$(ls_count "/proc/$(pid_of hoy-supervisor)/fd")" "the supervisor's descriptors"
	assert_eq "$p" "$(pid_of hoy-ids)" 'the process that answers'
	[ "$(ls_count "/proc/$p/fd")" -le 8 ] || fail "descriptors piled up: $(ls -l "/proc/$p/fd")"
}

# Processes that all want to be somebody else, more than the table holds; when they are gone there is room again.
test_more_ids_than_there_is_room_for() { # rows=one
	up busybox sh -c '/t/ids fill 300; /t/ids rules; exec sleep 1000'
	wait_for logged fine
	run hoy logs c
	assert_out "$(printf '256\nfine')"
	all_is_well
}

test_killed_while_it_waits() { # rows=one
	up busybox sh -c '/t/ids die; /t/ids rules; exec sleep 1000'
	wait_for sh -c '[ "$($1 logs c | grep -cx fine)" = 2 ]' - "$HOY"
	all_is_well
}

test_memory_that_changes_and_forged_limits() { # rows=one
	load busybox
	local what
	for what in race forge links; do
		run hoy run --rm --network none -v "$T_FIX/bin:/t:ro" busybox /t/ids $what
		assert_out fine
	done
}

# Magic links of /proc lead to processes of ours that join, and from there to the host: none is followed, not even the harmless ones.
test_magic_links_are_not_followed() { # rows=one
	up busybox sh -c '/t/ids links; exec sleep 1000'
	wait_for logged fine
	run python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$(store)/containers/$id/upper/tmp/linked"
	assert_out '[]'
}

# A file system of the container's own never answers: whoever walks there stands still.
test_paths_that_never_end() { # rows=one
	[ -w /dev/fuse ] || { load busybox && return; } # a machine without: test_who_answers_stands_still is the same
	up -v /dev/fuse:/dev/fuse --cap-add SYS_ADMIN busybox /t/ids hang /tmp
	wait_for sh -c '$1 logs c | grep -q .' - "$HOY"
	! logged 'no fuse here' || return 0
	wait_for answers
	all_is_well
	run hoy rm -f -t 0 c
	assert_ok
	wait_for nobody_answers
}
nobody_answers() { ! answers; }

test_who_answers_stands_still() { # rows=one
	up busybox sh -c 'su -s /bin/sh app -c "id -u"; while ! [ -e /go ]; do sleep 0.02; done; su -s /bin/sh app -c "id -u"; exec sleep 1000'
	wait_for logged 1000
	local p
	p=$(pid_of hoy-ids)
	assert_ne '' "$p" 'the process that answers'
	kill -STOP "$p"
	run hoy exec c touch /go
	assert_ok
	all_is_well
	kill -CONT "$p"
	wait_for sh -c '[ "$($1 logs c | grep -cx 1000)" = 2 ]' - "$HOY"
	kill -STOP "$p"
	run hoy stop -t 0 c
	assert_ok
	wait_for nobody_answers
}

# Who a process is does not depend on who answers.
test_who_answers_is_killed() { # rows=one
	up busybox su -s /bin/sh app -c 'while sleep 0.05; do id -u >/tmp/n && mv /tmp/n /tmp/now; done'
	wait_for hoy exec c test -e /tmp/now
	local i p
	for ((i = 0; i < 5; i++)); do
		p=$(pid_of hoy-ids)
		kill -9 "$p"
		wait_for other_than "$p"
		run hoy exec c rm -f /tmp/now
		wait_for hoy exec c test -e /tmp/now
		run hoy exec c cat /tmp/now
		assert_out 1000
	done
	# One that is killed again and again: nobody waits for an answer that never comes.
	for ((i = 0; i < 20; i++)); do
		p=$(pid_of hoy-ids)
		[ -z "$p" ] || kill -9 "$p"
		sleep 0.1
	done
	run hoy exec c rm -f /tmp/now
	wait_for hoy exec c test -e /tmp/now
	all_is_well
}

run_tests "$@"
