#!/bin/bash
# Volume plugins by docker's protocol: one of our own, ones that answer nonsense, and rclone's.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

here=$(cd "$(dirname "$0")" && pwd)

# plugin NAME [EVIL]: starts one.
plugin() {
	need python3
	dir=$HOME/.config/hoy/plugins
	mkdir -p "$dir" "$T/base"
	rm -f "$dir/$1.sock"
	python3 "$here/plugin.py" "$dir/$1.sock" "$T/base" ${2:+"$2"} &
	server $!
	wait_for test -S "$dir/$1.sock"
}
calls() { grep -v -e Activate -e Get -e List "$T/base/calls" | tr '\n' ';'; }

test_create_and_remove() { # short
	plugin mine
	run hoy volume create -d mine -o a=b v
	assert_ok
	assert_out v
	run hoy volume ls --format '{{.Driver}} {{.Name}}'
	assert_out 'mine v'
	run hoy volume inspect -f '{{.Mountpoint}}' v
	assert_out "$T/base/v"
	run hoy volume create -d mine -o bad=1 w
	assert_err E-VOLUME-PLUGIN 'no option'
	run hoy volume exists w
	assert_rc 1
	run hoy volume rm v
	assert_ok
	assert_eq 'VolumeDriver.Create v;VolumeDriver.Create w;VolumeDriver.Remove v;' "$(calls)"
	run hoy volume create -d nosuch v
	assert_err E-VOLUME-DRIVER
}

test_mounted_while_it_runs() { # rows=user,root
	load busybox
	plugin mine
	local id
	id=$(hoy run -d --init --network none --volume-driver mine -v v:/v --name c busybox sh -c '[ -s /v/f ] || echo x >/v/f; sleep 1000') || fail run
	wait_for test -s "$T/base/v/f"
	assert_eq "VolumeDriver.Create v;VolumeDriver.Mount v ${id:0:12};" "$(calls)"
	run hoy inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Driver}}{{end}}' c
	assert_out 'volume v mine'
	run hoy volume rm v
	assert_rc 2
	hoy stop -t 0 c >/dev/null
	assert_eq "VolumeDriver.Create v;VolumeDriver.Mount v ${id:0:12};VolumeDriver.Unmount v ${id:0:12};" "$(calls)"
	hoy start c >/dev/null || fail start
	hoy rm -f -t 0 c >/dev/null
	[ "$(grep -c Unmount "$T/base/calls")" = 2 ] || fail "$(calls)"
	run hoy run --rm --network none -v v:/v busybox cat /v/f
	assert_out x
	[ "$(grep -c Unmount "$T/base/calls")" = 3 ] || fail "$(calls)"
	# One that does not start is unmounted too.
	run hoy run --rm --network none -v v:/v busybox nosuchcommand
	assert_rc 127
	[ "$(grep -c Unmount "$T/base/calls")" = 4 ] || fail "$(calls)"
}

test_supervisor_killed() { # rows=user
	load busybox
	plugin mine
	hoy run -d --network none --volume-driver mine -v v:/v --name c busybox sleep 1000 >/dev/null || fail run
	kill -9 "$(sed 's/.*"Supervisor":\([0-9]*\).*/\1/' "$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/state.json")"
	hoy rm -f c >/dev/null || fail rm
	[ "$(grep -c Unmount "$T/base/calls")" = 1 ] || fail "$(calls)"
}

test_spec_files() {
	load busybox
	plugin mine
	mv "$dir/mine.sock" "$T/there.sock"
	echo "unix://$T/there.sock" >"$dir/mine.spec"
	run hoy volume create -d mine a
	assert_ok
	rm "$dir/mine.spec"
	printf '{"Name": "mine", "Addr": "unix://%s"}' "$T/there.sock" >"$dir/mine.json"
	run hoy volume create -d mine b
	assert_ok
	echo 'tcp://127.0.0.1:1' >"$dir/far.spec"
	run hoy volume create -d far c
	assert_err E-VOLUME-PLUGIN 'no unix socket'
	for n in ../x /etc/passwd "$(printf 'a\nb')"; do
		run hoy volume create -d "$n" d
		assert_err E-VOLUME-DRIVER
	done
}

test_hostile_answers() { # short
	load busybox
	plugin good
	hoy volume create -d good v >/dev/null || fail create
	local evil
	for evil in json deep long array 500 empty kind; do
		plugin "bad$evil" "$evil"
		run hoy volume create -d "bad$evil" x
		assert_err E-VOLUME-PLUGIN
	done
	for evil in '' relative ../../etc "/$(printf 'x%.0s' $(seq 5000))" "$(printf '/a\nb')" /no/such/directory; do
		plugin badmount "mount=$evil"
		hoy volume rm -f m >/dev/null 2>&1
		hoy volume create -d badmount m >/dev/null || fail 'create m'
		run hoy run --rm --network none -v m:/m busybox true
		assert_rc 125
		LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$T/err" && fail 'control bytes in the error'
		plugin badmount
		hoy volume create -d badmount other >/dev/null
		rm -rf "$(store)/volumes/m" # the new plugin has never heard of it
	done
	run hoy volume ls -q
	assert_has v
}

test_reload() {
	plugin mine
	hoy volume create -d mine a >/dev/null || fail create
	hoy volume create keep >/dev/null
	plugin mine names # has forgotten a, and knows none; what it says besides is nonsense
	run hoy volume reload
	assert_ok
	run hoy volume ls -q
	assert_out keep
	(cd "$dir" && curl -s --unix-socket mine.sock -d '{"Name":"new"}' http://x/VolumeDriver.Create) >/dev/null || fail curl
	run hoy volume reload
	assert_ok
	run hoy volume ls --format '{{.Name}} {{.Driver}}'
	assert_out "$(printf 'keep local\nnew mine')"
}

test_rclone() { # rows=user
	need rclone fusermount3
	[ -w /dev/fuse ] || skip 'no FUSE for users'
	load busybox
	dir=$HOME/.config/hoy/plugins
	mkdir -p "$dir" "$HOME/remote" "$T/rclone" "$HOME/.config/rclone"
	cd "$dir" || fail cd # a socket's address has 108 bytes for a path
	rclone serve docker --socket-addr /proc/self/cwd/rclone.sock --base-dir "$T/rclone/mnt" --cache-dir "$T/rclone/cache" 2>"$T/rclone/log" &
	server $!
	wait_for test -S "$dir/rclone.sock"
	run hoy volume create -d rclone -o type=local -o path="$HOME/remote" r
	assert_ok
	run hoy run --rm --network none -v r:/r busybox sh -c 'echo hello >/r/f; cat /r/f; grep -c " /r fuse" /proc/mounts'
	assert_ok
	assert_out "$(printf 'hello\n1')"
	wait_for test -s "$HOME/remote/f"
	assert_eq hello "$(cat "$HOME/remote/f")"
	if grep -q "$T/rclone/mnt" /proc/mounts; then fail 'still mounted'; fi
	run hoy volume rm r
	assert_ok
	[ -e "$HOME/remote/f" ] || fail 'the files are gone'
}

run_tests "$@"
