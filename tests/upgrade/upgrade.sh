#!/bin/bash
# hoy is replaced while containers run: what the one before started (tests/upgrade/base says which) is managed by this one, and the old program
# is gone by then.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# old_store: made by the old program, which is then deleted. Containers: lines (talks, listens), shell (has a terminal), init, ended, new.
old_store() {
	[ -x "$T_FIX/old/hoy" ] || skip 'no build of the commit in tests/upgrade/base'
	mkdir "$T/old"
	cp "$T_FIX/old/hoy" "$T/old/hoy"
	local old=$T/old/hoy
	$old load -q -i "$T_FIX/busybox.tar" >/dev/null && $old load -q -i "$T_FIX/podman-oci.tar" >/dev/null || fail 'load with the old hoy'
	$old run -d -i --name lines --label made.by=old -v "$T/old:/o" busybox sh -c 'echo begins; while read x; do echo "got $x"; done; sleep 1000' >/dev/null &&
		$old run -d -it --name shell busybox sh >/dev/null &&
		$old run -d --init --name init busybox sleep 1000 >/dev/null || fail 'run with the old hoy'
	$old run --name ended busybox sh -c 'echo said; exit 7'
	[ $? = 7 ] || fail 'run of the one that ends'
	$old create --name new busybox echo hello >/dev/null || fail 'create with the old hoy'
	rm "$T/old/hoy"
}

test_containers_of_the_build_before() {
	old_store
	run hoy ps -a --format '{{.Names}} {{.Status}}'
	assert_ok
	for want in 'lines Up ' 'shell Up ' 'init Up ' 'ended Exited (7)' 'new Created'; do assert_has "$want"; done
	run hoy inspect --format '{{.State.Status}} {{.State.ExitCode}} {{index .Config.Labels "made.by"}} {{len .Mounts}}' lines
	assert_out 'running 0 old 1'
	run hoy logs ended
	assert_out said
	run hoy start -a new
	assert_out hello
	run hoy restart -t 0 init
	assert_ok
	run hoy exec init echo in it
	assert_out 'in it'
	run hoy kill lines
	assert_ok
	assert_eq 137 "$(hoy wait lines)" 'status of the killed one'
	run hoy start lines
	assert_ok
	wait_for file_in_logs lines 2 begins
	run hoy rm -f -t 0 lines shell init ended new
	assert_ok
	run hoy ps -aq
	assert_out ''
	run hoy system check
	assert_ok
}
# file_in_logs NAME COUNT TEXT
file_in_logs() { [ "$(hoy logs "$1" 2>/dev/null | grep -c "$3")" -ge "$2" ]; }

# The old supervisor speaks the old protocol.
test_talk_with_supervisors_of_the_build_before() {
	old_store
	echo line >"$T/line"
	$HOY attach lines <"$T/line" >"$T/attached" 2>&1 &
	wait_for file_has "$T/attached" 'got line'
	kill -9 $!
	run with_pty 'send=echo a$((1+1))b\r' 'expect=a2b' 'send=exit 3\r' -- "$HOY" attach shell
	assert_rc 3
	run with_pty 'expect=# ' 'send=tty; exit 4\r' 'expect=/dev/pts' -- "$HOY" exec -it init sh
	assert_rc 4
	run hoy exec -i lines cat <"$T/line"
	assert_out line
	run hoy top init
	assert_has 'sleep 1000'
	run hoy rename init other
	assert_ok
	run hoy stop -t 0 other lines
	assert_ok
	run hoy ps --format '{{.Names}}'
	assert_out ''
}

namespace_of_supervisor() {
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' "$1")
	readlink "/proc/$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$pid/stat")/ns/user"
}

# Both share one user namespace; images and layers are used as they lie there.
test_images_of_the_build_before() {
	old_store
	run hoy run --rm busybox echo runs
	assert_out runs
	run hoy run --rm podman-oci echo runs
	assert_out runs
	hoy run -d --name mine busybox sleep 1000 >/dev/null || fail 'run beside the old ones'
	[ "$T_ROW" != user ] || assert_eq "$(namespace_of_supervisor lines)" "$(namespace_of_supervisor mine)" 'user namespace of the supervisors'
	run hoy images --format '{{.Repository}}'
	assert_has localhost/busybox
	run hoy image inspect busybox
	assert_ok
	hoy load -q -i "$T_FIX/podman-oci.tar" >/dev/null || fail 'load again'
	run hoy save -o "$T/saved.tar" busybox
	assert_ok
	run hoy rmi -f podman-oci
	assert_ok
	run hoy system reset -f
	assert_ok
	[ ! -e "$(store)" ] || fail 'the old store was not removed'
}

run_tests "$@"
