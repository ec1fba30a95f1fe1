#!/bin/bash
# The supervisor and the store against hostile output, other users and full disks.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

supervisor_of() {
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' "$1")
	awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$pid/stat"
}

# A line without end, NUL bytes, a lot of both: every byte is accounted for and the supervisor stays small.
test_log_flood() {
	local sup
	load busybox
	hoy run -d --name c --network none busybox sh -c 'head -c 20000000 /dev/zero | tr "\0" y; head -c 1000000 /dev/zero; echo; sleep 1000' >/dev/null || fail start
	wait_for flood_is_logged
	assert_eq 21000001 "$(hoy logs c | wc -c)" 'bytes in the log'
	assert_eq 20000000 "$(hoy logs c | tr -cd y | wc -c)" 'bytes of the line'
	sup=$(supervisor_of c)
	[ "$(awk '/^(RssAnon|VmHWM):/ { if ($1 == "RssAnon:") print $2 }' "/proc/$sup/status")" -lt 16384 ] || fail 'the supervisor grew'
	run hoy stop -t 0 c
	assert_ok
}
# With a limit a flood takes no more of the disk than that, whatever it is made of, and the end of it is there.
test_log_flood_rotated() { # short
	local sup what
	load busybox
	for what in 'yes "some text"' 'tr "\\0" y </dev/zero' 'cat /dev/zero' 'cat /dev/urandom'; do
		hoy run -d --name c --network none --log-opt max-size=200k --log-opt max-file=2 busybox sh -c "$what | head -c 20000000; echo; echo the end; sleep 1000" >/dev/null || fail start
		wait_for flood_has_ended
		[ "$(du -sb --apparent-size "$(store)/containers/$(hoy inspect -f '{{.Id}}' c)" | cut -f1)" -lt 500000 ] || fail "bytes on disk after $what"
		sup=$(supervisor_of c)
		[ "$(awk '/^RssAnon:/ { print $2 }' "/proc/$sup/status")" -lt 16384 ] || fail 'the supervisor grew'
		hoy rm -f c >/dev/null || fail rm
	done
}
# shellcheck disable=SC2317  # called by wait_for
flood_has_ended() { hoy logs --tail 1 c 2>/dev/null | grep -qx 'the end'; }
flood_is_logged() { [ "$(hoy logs c 2>/dev/null | wc -c)" -ge 21000001 ]; }

test_store_is_private() { # short
	load busybox
	assert_eq 700 "$(stat -c %a "$(store)")" 'mode of the store'
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	[ -z "$(find "$(store)/containers" -type s -perm /077 2>/dev/null | while read -r s; do [ "$(stat -c %a "$(dirname "$s")")" = 700 ] || echo "$s"; done)" ] ||
		fail 'a socket that others can reach by its own mode and its directory'
}

# A store that somebody else owns or may write to is not trusted.
test_foreign_store_is_refused() { # rows=user,one short
	HOY_ROOT=/tmp run hoy ps
	assert_err
	[ ! -e /tmp/containers ] && [ ! -e /tmp/layers ] || fail 'a store was made in /tmp'
	HOY_ROOT=/usr run hoy images
	[ "$rc" = 125 ] || [ -z "$out" ] || fail "$(last)"
	mkdir -m 0777 "$T/open"
	chmod 777 "$T/open"
	HOY_ROOT=$T/open run hoy images
	[ "$rc" = 125 ] || assert_eq 700 "$(stat -c %a "$T/open")" 'mode of a store that was open to all'
}

# Paths longer than a socket address can hold.
test_long_store_path() { # short
	local d
	d=$T/$(printf 'd%.0s' {1..150})/$(printf 'e%.0s' {1..100})
	mkdir -p "$d" && chmod 700 "$d"
	export HOY_ROOT=$d XDG_RUNTIME_DIR=$d
	load busybox
	hoy run -d -i --name a busybox sh -c 'read x; echo got $x' >/dev/null || fail start
	echo line >"$T/line"
	$HOY attach a <"$T/line" >"$T/attached" || fail 'attach'
	assert_eq 'got line' "$(cat "$T/attached")" 'what was attached to'
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	run hoy exec c echo joined
	assert_out joined
	run hoy stop -t 0 c
	assert_ok
	run hoy rm c
	assert_ok
}

# Another user of the machine cannot reach a container's socket.
test_other_user_cannot_attach() { # rows=root short
	local s
	load busybox
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	s=$(find "$(store)/containers" -type s | head -1)
	[ -n "$s" ] || skip 'no socket'
	chmod o+x "$T" "$HOME"
	run setpriv --reuid 65534 --regid 65534 --clear-groups python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    os.chdir(os.path.dirname(sys.argv[1]))  # the path may be too long for an address
    s.connect("attach"); print("connected")
except PermissionError:
    print("refused")' "$s"
	assert_out refused
}

# The disk of the log is full: the container goes on, and can be stopped and removed.
test_log_disk_full() { # rows=root
	load busybox
	run unshare -m bash -c '
		set -e
		mkdir -p "$HOME/full"
		mount -t tmpfs -o size=24m full "$HOME/full"
		export HOY_ROOT=$HOME/full/store
		'"$HOY"' load -q -i "$1" >/dev/null
		'"$HOY"' run -d --name c busybox sh -c "while :; do head -c 100000 /dev/zero | tr \"\\0\" z; echo; echo alive >/tmp/beat; done" >/dev/null
		head -c 40000000 /dev/zero >"$HOME/full/fill" 2>/dev/null || :
		sleep 2
		'"$HOY"' exec c rm /tmp/beat
		for i in $(seq 100); do sleep 0.1; '"$HOY"' exec c test -e /tmp/beat && break; done
		'"$HOY"' exec c test -e /tmp/beat
		echo goes on
		'"$HOY"' stop -t 0 c >/dev/null && echo stopped
		'"$HOY"' rm c >/dev/null && echo removed
	' - "$T_FIX/busybox.tar"
	assert_has 'goes on'
	assert_has stopped
	assert_has removed
}

run_tests "$@"
