#!/bin/bash
# Pulls that are cut, killed or done by several at once; full disks, vanished servers, terminals; and what a pull costs, counted.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"
# shellcheck disable=SC2086

# noise: a registry with an image of three layers, 5 MB that do not compress; team/noise:1.
noise() {
	craft <<'P'
import hashlib
def some(name, size):
    return Layer().dir("d").file("d/" + name, hashlib.shake_128(name.encode()).digest(size)).bytes()
docker_archive(T + "/noise.tar", ["localhost/noise:latest"], [busybox_layer(os.environ["T_FIX"] + "/bin"), some("large", 3000000), some("small", 1000000)], {"Cmd": ["sh"], "Env": ["PATH=/bin"]})
P
	registry_start
	registry_push "$T/noise.tar" team/noise:1
	ORIGIN=$REG
}

# relay ARGUMENT...: what stands between; sets VIA and RELAY.
relay() {
	RELAY=$T/relay$((${RELAYS:=0} + 1))
	RELAYS=$((RELAYS + 1))
	mkdir -p "$RELAY"
	python3 -B "$(dirname "$0")/../tools/relay.py" "$RELAY" "$ORIGIN" "$@" </dev/null 2>"$RELAY/err" &
	RELAY_PID=$!
	server $!
	VIA=$(registry_address "$RELAY/log")
}

served() { cat "$RELAY/served"; }
at_least() { [ "$(served)" -ge "$1" ]; }

# family: the processes of the pull that is held, the first one first.
family() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$PULL" '{ pid = $1; sub(/^.*\) /, ""); if ($1 != "Z") up[pid] = $2 }
		END { for (p in up) { q = p; n = 0; while (q != top && q in up && n++ < 20) q = up[q]; if (q == top) print p } }' | sort -n
}

# gone_all PID...: none of them lives.
gone_all() { local p; for p; do ! kill -0 "$p" 2>/dev/null || [ "$(awk '{ sub(/^.*\) /, ""); print $1 }' "/proc/$p/stat" 2>/dev/null)" = Z ] || return 1; done; }

# held BYTES: a pull in the background that waits after so many bytes; sets PULL and FAMILY (all its processes).
held() {
	relay --hold "$1"
	$HOY pull "$VIA/team/noise:1" >"$T/held.out" 2>"$T/held.err" &
	PULL=$!
	wait_for at_least "$1"
	sleep 0.1 # those that unpack what is here are done with it
	FAMILY=$(family)
}

partial() { find "$(store)/blobs/partial" -type f -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'; }

test_goes_on_where_it_stopped() { # short rows=user,root,one
	noise
	held 2000000
	kill -9 "$PULL"
	wait_for gone_all $FAMILY
	run hoy system check
	assert_ok
	local got
	got=$(partial)
	[ "$got" -gt 1000000 ] || fail "only $got bytes were kept"
	hoy load -q -i "$T_FIX/busybox.tar" >/dev/null || fail load
	assert_eq "$got" "$(partial)" 'what another command leaves of it'
	relay
	run hoy pull "$VIA/team/noise:1"
	assert_ok
	[ "$(served)" -lt $((5200000 - got + 200000)) ] || fail "$(served) bytes were served, $got had come before"
	[ ! -e "$(store)/blobs/partial" ] || fail 'pieces are left'
	run hoy run --rm "$VIA/team/noise:1" sh -c 'cat /d/* | wc -c'
	assert_out 4000000
	clean
}

# Whoever of the processes dies: the others end, the error is one, and the next pull brings it.
test_killed_whoever_it_is() { # rows=user,root
	local i n one
	noise
	held 500000
	n=$(wc -l <<<"$FAMILY")
	[ "$n" -ge 4 ] || fail "only $n processes"
	for ((i = 1; i <= n; i++)); do
		[ "$i" = 1 ] || held 500000
		# a worker may be done, and another one in its place; done and not waited for yet, too
		one=$(sed -n "${i}p" <<<"$FAMILY")
		if grep -q '^State:.Z' "/proc/$one/status" 2>/dev/null || ! kill -9 "$one" 2>/dev/null; then kill -9 "$PULL"; fi
		wait_for gone_all $FAMILY
		wait "$PULL" && fail "nobody noticed that process $i of $n was killed"
		run hoy load -q -i "$T_FIX/empty.tar"
		assert_ok
		clean
	done
	relay
	run hoy pull "$VIA/team/noise:1"
	assert_ok
	clean
}

test_interrupted() {
	noise
	relay --hold 2000000
	# A name like it is no advice for who interrupts.
	load busybox
	hoy tag busybox "$VIA/team/noise:2" || fail tag
	run with_pty -s 20x60 "expect=fetching" 'send=\x03' eof -- env TERM=xterm "$(command -v "$HOY")" pull "$VIA/team/noise:1"
	assert_rc 130
	assert_has 'interrupted by SIGINT'
	assert_lacks 'did you mean'
	clean
	[ "$(partial)" -gt 0 ] || fail 'nothing was kept'
}

test_server_vanishes() {
	noise
	held 2000000
	kill -9 "$RELAY_PID"
	run eval 'wait "$PULL"; rc=$?; grep -v ^Pulling "$T/held.err" >&2; (exit $rc)'
	assert_err
	wait_for gone_all $FAMILY
	clean
}

# A piece that is wrong costs a second fetch, and no more.
test_wrong_piece_and_wrong_blob() {
	local f
	noise
	held 2000000
	kill -9 "$PULL"
	wait_for gone_all $FAMILY
	for f in "$(store)"/blobs/partial/*; do printf 'wrong' | dd of="$f" bs=1 seek=100 conv=notrunc status=none; done
	run hoy pull "$ORIGIN/team/noise:1"
	assert_ok
	clean
	run hoy run --rm "$ORIGIN/team/noise:1" sh -c 'cat /d/* | wc -c'
	assert_out 4000000
}

test_several_at_once() {
	local i
	noise
	relay --rate 4000000
	for i in 1 2 3; do
		hoy pull -q "$VIA/team/noise:1" >"$T/o$i" 2>"$T/e$i" || fail "pull $i: $(cat "$T/e$i")" &
		eval "p$i=\$!"
	done
	# shellcheck disable=SC2154
	wait "$p1" "$p2" "$p3"
	[ "$(served)" -lt 5600000 ] || fail "$(served) bytes were served for three pulls of 5.2 MB"
	cmp -s "$T/o1" "$T/o2" && cmp -s "$T/o1" "$T/o3" || fail 'different ids'
	clean
	[ ! -e "$(store)/blobs/partial" ] || fail 'pieces are left'
}

# While a pull hangs, everything else answers (CVE-2021-20291 is about a lock held by it).
test_others_work_meanwhile() {
	noise
	load busybox
	held 2000000
	run timeout 5 $HOY ps -a
	assert_ok
	run timeout 5 $HOY images -q
	assert_ok
	run timeout 5 $HOY run --rm --network none busybox echo fine
	assert_out fine
	run timeout 5 $HOY tag busybox other
	assert_ok
	run timeout 5 $HOY rmi other
	assert_ok
	: >"$RELAY/go"
	wait "$PULL" || fail "$(cat "$T/held.err")"
	clean
}

test_full_disk() { # rows=user,one
	noise
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		for size in 4m 8m; do
			mount -t tmpfs -o size=$size,mode=700 small "$1" || exit 9
			export HOY_ROOT=$1/store
			$HOY pull -q "$2" && exit 7
			[ -z "$(ls "$HOY_ROOT/layers" 2>/dev/null)" ] || exit 5
			[ ! -e "$HOY_ROOT/blobs/partial" ] || exit 4
			$HOY system check || exit 3
		done' bash "$T/small" "$ORIGIN/team/noise:1"
	assert_ok
	assert_eq 2 "$(grep -c '(E-DISK-FULL)' "$T/err")" 'refusals'
	assert_err_has 'are to be fetched, but'
	# what turns out on the way has its numbers too
	tr -s ' \n' ' ' <"$T/err" | grep -Eq 'it needs more than [0-9]+ MB, and .*/small/store has room for 8 MB' || fail "no need and have: $(last)"
}

# A file system that can hold no more files, but much more of their bytes.
test_no_more_files() { # rows=user,one
	registry_start
	registry_push busybox team/app:1
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=90m,nr_inodes=60,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY pull -q "$2" && exit 7
		$HOY system check || exit 3' bash "$T/small" "$REG/team/app:1"
	assert_ok
	assert_err_has '(E-DISK-FULL)'
	tr -s ' \n' ' ' <"$T/err" | grep -Eq 'small/store has room for 9[0-9] MB, but for [0-9]+ files only' || fail "not what is missing: $(last)"
}

test_terminal() {
	noise
	relay --rate 2000000
	run with_pty -s 20x70 'expect=fetching' size=8x30 eof -- env TERM=xterm "$(command -v "$HOY")" pull "$VIA/team/noise:1"
	assert_ok
	assert_has 'of 3 layers'
	assert_has '[='
	assert_match 'Pulled .*: 3 layers'
	# nothing but moving up and erasing
	LC_ALL=C sed 's/\x1b\[[0-9]*A\|\x1b\[J//g' "$T/out" | LC_ALL=C grep -q $'\x1b' && fail "other escapes: $(cat -v "$T/out" | tail -5)"
	hoy rmi -f "$VIA/team/noise:1" >/dev/null
	run with_pty eof -- env TERM=dumb "$(command -v "$HOY")" pull "$VIA/team/noise:1"
	assert_ok
	LC_ALL=C grep -q $'\x1b' "$T/out" && fail 'escapes on a dumb terminal'
	hoy rmi -f "$VIA/team/noise:1" >/dev/null
	run hoy pull "$VIA/team/noise:1"
	assert_ok
	LC_ALL=C grep -q $'\x1b' "$T/err" "$T/out" && fail 'escapes in a pipe'
	assert_eq 2 "$(wc -l <"$T/err")" 'lines of a pull into a pipe'
	run with_pty eof -- env TERM=xterm "$(command -v "$HOY")" load -i "$T/noise.tar"
	assert_ok
	assert_has 'Loaded image: localhost/noise:latest'
}

# What it costs: one sync of the file system, no program but the id helpers, and nothing of it when there is nothing to do.
test_calls() { # rows=user,one
	need strace
	noise
	load busybox
	hoy run -d --network none busybox sleep 1000 >/dev/null || fail 'run of the holder'
	run strace -f -qq -e trace=execve,execveat,fsync,fdatasync,syncfs,sync -o "$T/trace" $HOY pull -q "$ORIGIN/team/noise:1"
	assert_ok
	assert_eq 1 "$(grep -c 'syncfs(' "$T/trace")" 'syncs of the file system'
	assert_eq 1 "$(grep -c 'exec.* = 0' "$T/trace")" 'programs'
	[ "$(grep -cE '(fsync|fdatasync)\(' "$T/trace")" -le 8 ] || fail "syncs: $(grep sync "$T/trace")"
	run strace -f -qq -o "$T/trace" $HOY pull -q "$ORIGIN/team/noise:1"
	assert_ok
	assert_eq 0 "$(grep -cE 'sync(fs)?\(' "$T/trace")" 'syncs when there is nothing to do'
	assert_eq 1 "$(grep -cE '(fork|clone3?)\(.*= [0-9]+$|clone3? resumed.*= [0-9]+$' "$T/trace" | head -1)" 'processes'
	grep -q 'CLONE_NEWUSER\|setns(' "$T/trace" && fail 'a user namespace for nothing'
	:
}

run_tests "$@"
