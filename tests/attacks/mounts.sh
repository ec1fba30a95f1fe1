#!/bin/bash
# Mount points and sources that change under the engine's hands.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# Two containers share a directory; one exchanges a directory in it with a link to the host while mounts of the other are made below it.
test_mount_point_race() {
	local i n=100
	[ -z "${T_LONG:-}" ] || n=500
	canary
	load busybox
	mkdir -p "$T/v/x/y" "$T/data" "$T/host/y"
	look_at_host >"$T/host.before"
	echo payload >"$T/data/file"
	ln -s "$T/host" "$T/v/link"
	hoy run -d --name swap -v "$T/v:/v" -v "$T_FIX/bin:/t:ro" busybox /t/swap /v/x /v/link >/dev/null || fail start
	wait_for swapping
	for ((i = 0; i < n; i++)); do
		local how=(-v "$T/data:/v/x/y/z$((i % 7))")
		((i % 2)) || how=(--mount "type=bind,src=$T/data,dst=/v/x/y/z$((i % 7))")
		run hoy run --rm -v "$T/v:/v" "${how[@]}" busybox sh -c 'cat /v/x/secret /v/link/secret'
		refused_or_exit
		case $out in *'host canary'*) fail "round $i read the host's file" ;; esac
	done
	untouched
	[ -z "$(find "$T/host" -name 'z*')" ] || fail 'stray mount points on the host'
}
swapping() { hoy logs swap 2>/dev/null | grep -q swapping; }
refused_or_exit() { [ "$rc" = 125 ] || [ "$rc" -le 1 ] || fail "neither refused nor run: $(last)"; }

# The same with tmpfs, from the side of a directory made by the engine.
test_tmpfs_point_race() {
	local i
	canary
	load busybox
	mkdir -p "$T/v/x"
	ln -s "$T/host" "$T/v/link"
	hoy run -d --name swap -v "$T/v:/v" -v "$T_FIX/bin:/t:ro" busybox /t/swap /v/x /v/link >/dev/null || fail start
	wait_for swapping
	for i in {1..60}; do
		run hoy run --rm -v "$T/v:/v" --tmpfs "/v/x/new$((i % 5))/deep" busybox true
		[ "$rc" = 125 ] || [ "$rc" = 0 ] || fail "$(last)"
	done
	untouched
}

test_mount_points_through_links() { # short rows=user,root,one
	canary
	hostile links <<'P'
b.sym("out", "/../../../../../../../../.." + T + "/host").sym("abs", T + "/host").sym("loop", "loop").dir("d").sym("d/up", "../../..")
P
	mkdir "$T/data"
	echo payload >"$T/data/file"
	local at
	for at in /out/new /abs/new /out /abs /d/up/tmp/new /loop/x /d/../../../tmp/new; do
		run hoy run --rm -v "$T/data:$at" links cat "$at/file"
		[ "$rc" = 125 ] || assert_out payload
		run hoy run --rm -v "$T/data/file:$at/f" links cat "$at/f"
		[ "$rc" = 125 ] || assert_out payload
		run hoy run --rm --tmpfs "$at" links true
		refused_or_fine
	done
	untouched
}

# The source is opened once: what is mounted is what was there, never what the name leads to later.
test_source_swap() {
	local i
	load busybox
	mkdir -p "$T/s/a"
	echo inside >"$T/s/a/file"
	printf 'outside\n' >"$T/file"
	mkdir "$T/other" && printf 'outside\n' >"$T/other/file"
	ln -s "$T/other" "$T/s/b"
	"$T_FIX/bin/swap" "$T/s/a" "$T/s/b" >/dev/null &
	local swapper=$!
	for i in {1..60}; do
		run hoy run --rm -v "$T/s/a:/m" busybox sh -c 'cat /m/file; readlink /m; ls -d /m/..'
		[ "$rc" = 125 ] || assert_match '^(inside|outside)'
	done
	kill "$swapper"
	wait "$swapper" 2>/dev/null
	assert_eq 'a b' "$(find "$T/s" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd' ')" 'names beside the source'
}

# So it is looked up by its name once, by the process that mounts it.
test_source_is_opened_once() { # rows=root
	need strace
	load busybox
	mkdir "$T/source"
	hoy run -d --name holder busybox sleep 1000 >/dev/null || fail start
	local how
	for how in "-v $T/source:/m" "--mount type=bind,src=$T/source,dst=/m,ro"; do
		# shellcheck disable=SC2086
		run strace -f -qq -e trace=%file -o "$T/trace" $HOY run --rm $how busybox true
		assert_ok
		assert_eq 1 "$(grep -c "\"$T/source\".* = [0-9]" "$T/trace")" "how often the source was opened: $(grep -F "$T/source\"" "$T/trace")"
	done
}

# Memory that containers share has the limit that it was made with, and is gone with them.
test_joined_memory_is_bounded() { # short rows=user,root,one
	load busybox
	hoy run -d --name a --network none --shm-size 1m busybox sleep 1000 >/dev/null || fail start
	run hoy run --rm --network none --ipc container:a --cap-add SYS_ADMIN --security-opt seccomp=unconfined busybox sh -c \
		'mount -o remount,size=0 /dev/shm; dd if=/dev/zero of=/dev/shm/x bs=1M count=8; wc -c </dev/shm/x'
	[ "$out" -le 1048576 ] || fail "more than its limit: $out"
	run hoy exec a sh -c 'wc -c </dev/shm/x'
	[ "$out" -le 1048576 ] || fail "more than its limit: $out"
	hoy run -d --name b --network none --ipc container:a busybox sleep 1000 >/dev/null || fail start
	local pid ns
	pid=$(hoy inspect --format '{{.State.Pid}}' b)
	ns=$(readlink "/proc/$pid/ns/ipc")
	hoy rm -f -t 0 a b >/dev/null || fail rm
	assert_eq '' "$(find /proc/[0-9]*/ns/ipc -maxdepth 0 -lname "$ns" 2>/dev/null)" 'who holds the shared memory'
}

# A read-only volume stays so, for mounts below the source too.
test_readonly_volume() { # short rows=user,root,one
	load busybox
	mkdir -p "$T/ro/sub"
	run hoy run --rm -v "$T/ro:/m:ro" busybox sh -c 'echo x >/m/f; echo x >/m/sub/f; mount -o remount,rw /m; echo x >/m/g; rm -rf /m/sub; chmod 777 /m'
	assert_eq '' "$(find "$T/ro" -type f)" 'written files'
	[ -d "$T/ro/sub" ] || fail 'removed from a read-only volume'
	# What is mounted below the source, here a directory that everybody may write to.
	if [ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d /dev)" ]; then
		run hoy run --rm -v /dev:/m:ro busybox sh -c "echo x >/m/shm/hoy-test.$$"
		if [ -e /dev/shm/hoy-test.$$ ]; then rm -f /dev/shm/hoy-test.$$ && fail 'written below a read-only volume'; fi
	fi
	run hoy run --rm --read-only busybox sh -c 'echo x >/f; echo x >/etc/passwd; mount -o remount,rw /; echo x >/g; ls /f /g'
	assert_out ''
}

# In a user namespace of its own, inside, a process is an administrator: but what the container got read-only or masked is locked there.
test_locked_mounts() { # rows=user,root,one
	load busybox
	mkdir "$T/ro"
	echo payload >"$T/ro/file"
	run hoy run --rm --security-opt seccomp=unconfined -v "$T/ro:/m:ro" busybox unshare -Urm sh -c \
		'mount -t tmpfs t /tmp && echo administrator; mount -o remount,rw,bind /m; echo x >/m/f; umount /m; ls /m; umount /proc/interrupts; wc -c </proc/interrupts; umount /proc/sys; echo x >/proc/sys/kernel/hostname; mount -o remount,rw,bind /proc/sys; echo x >/proc/sys/kernel/hostname; hostname'
	assert_has administrator
	assert_has file
	assert_eq '0' "$(printf '%s\n' "$out" | sed -n 3p)" 'bytes of the masked file'
	assert_ne x "$(printf '%s\n' "$out" | tail -1)" 'host name'
	assert_eq file "$(ls -A "$T/ro")" 'files in the read-only volume'
}

# The engine's own files in a directory that the container can write to: a link put there leads nowhere.
test_own_files_in_a_volume() { # short rows=user,root,one
	load busybox
	canary
	mkdir "$T/v"
	chmod 777 "$T/v" "$T/host" && chmod 666 "$T/host/secret"
	look_at_host >"$T/host.before"
	run hoy run -d --name c --pidfile "$T/v/pid" --log-opt path="$T/v/log" --log-opt max-size=2k -v "$T/v:/v" busybox \
		sh -c "cd /v && sleep 0.3 && ln -sf $T/host/secret pid && ln -sf $T/host/secret log.new && ln -sf $T/host/secret log.1 && seq 2000 && touch done; exec sleep 1000"
	assert_ok
	wait_for test -e "$T/v/done"
	hoy restart -t 0 c >/dev/null
	hoy rm -f -t 0 c >/dev/null
	untouched
	rm -f "$T/v/log"
	ln -s "$T/host/secret" "$T/v/log"
	run hoy run --name c --log-opt path="$T/v/log" busybox echo written
	untouched
}

# What somebody has mounted below the store is not the store's, be it of the same file system.
test_removal_leaves_mounts() { # rows=root
	local at
	load busybox
	canary
	hoy create --name c busybox true >/dev/null || fail create
	for at in tmp/x containers/x/upper; do
		mkdir -p "$(store)/$at/m"
		# shellcheck disable=SC2016
		run unshare -m sh -c 'mount --bind "$3" "$2" && exec $1 system reset -f' - "$HOY" "$(store)/$at/m" "$T/host"
		assert_err E-SYSTEM 'Invalid cross-device link'
		assert_err_has 'unmount it first'
		untouched
	done
	run hoy system reset -f
	assert_ok
}

run_tests "$@"
