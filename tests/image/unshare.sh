#!/bin/bash
# unshare: a program of this machine that has the ids of containers, and no more rights than its user.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

test_ids() { # peer_ok short
	run hoy unshare id -u
	assert_out 0
	run hoy unshare sh -c 'exit 7'
	assert_rc 7
	run hoy unshare -- sh -c 'echo "$1"' x -y
	assert_out -y
	[ "$T_ROW" = root ] || {
		run hoy unshare cat /proc/self/uid_map
		assert_match "^ *0 +$(id -u) +1"
		touch "$T/mine"
		run hoy unshare stat -c %u "$T/mine"
		assert_out 0
	}
}

# Files of other ids can be handled, and are the user's afterwards.
test_files() { # rows=user
	load busybox
	mkdir "$T/data"
	hoy run --rm -v "$T/data:/data" busybox sh -c 'mkdir -m 700 /data/d; echo 1 >/data/d/f; chown -R 7:8 /data/d'
	rm -rf "$T/data/d" 2>/dev/null && fail 'they are no files of other ids'
	run hoy unshare stat -c '%u %g' "$T/data/d/f"
	assert_out '7 8'
	hoy unshare chown -R 0:0 "$T/data/d" || fail chown
	run cat "$T/data/d/f"
	assert_out 1
}

# hoy inside of it knows where it is: the same store, the same owner form, with containers running and without.
test_hoy_inside() { # short
	load busybox
	run hoy unshare $HOY run --rm busybox id -u
	assert_ok
	assert_out 0
	hoy run -d --name c busybox sh -c 'echo 1 >/one; exec sleep 1000' >/dev/null
	wait_for hoy exec c test -s /one
	run hoy unshare $HOY diff c
	assert_out 'A /one'
	run hoy unshare sh -c "$HOY commit -q c img && $HOY rm -f c && $HOY unshare id -u"
	assert_ok
	run hoy run --rm img cat /one
	assert_out 1
	assert_eq 1 "$(find "$(store)/layers" -maxdepth 1 -name '*.*' ! -name '.*' | sed 's/.*\.//' | sort -u | wc -l)" 'owner forms'
	run env HOY_UNSHARE=sub:1 $HOY run --rm img cat /one
	assert_out 1
	clean
}

test_refusals() { # short
	run hoy unshare --rootless-netns true
	assert_err E-USAGE 'network namespace'
	run hoy unshare no-such-program
	assert_rc 127
	assert_err_has 'no-such-program'
	run hoy unshare /etc
	assert_rc 126
}

# An image as a directory: for all that run in the same unshare, and for nobody else.
test_image_mount() { # short
	load busybox cfg-env
	run hoy image mount busybox
	assert_err E-NOT-UNSHARED 'hoy unshare'
	run hoy image unmount busybox
	assert_err E-NOT-UNSHARED
	# shellcheck disable=SC2016
	run hoy unshare sh -c '
		set -e
		d=$('"$HOY"' image mount busybox)
		test -x "$d/bin/busybox"
		! touch "$d/x" 2>/dev/null
		test "$('"$HOY"' image mount busybox)" = "$d"
		'"$HOY"' image mount
		'"$HOY"' image mount --format json | grep -q "\"mountpoint\": \"$d\""
		ls "$d" >/dev/null
		'"$HOY"' image unmount busybox
		! '"$HOY"' image unmount busybox 2>/dev/null
		test ! -e "$d/bin"
		'"$HOY"' image mount --all >/dev/null
		test "$('"$HOY"' image mount | wc -l)" = 2
		'"$HOY"' image unmount --all >/dev/null
		test -z "$('"$HOY"' image mount)"
		'"$HOY"' image mount busybox >/dev/null'
	assert_ok
	assert_match "^localhost/busybox:latest[[:space:]]$(readlink -f "$(store)")/mounts/[0-9a-f]{64}
[0-9a-f]{64}$"
	[ "$(find "$(store)/mounts" -mindepth 2 | wc -l)" = 0 ] || fail 'the mount is seen outside'
	run hoy unshare "$HOY" image mount
	assert_out ''
	hoy rmi busybox cfg-env >/dev/null || fail rmi
	clean
}

run_tests "$@"
