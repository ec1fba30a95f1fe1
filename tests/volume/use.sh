#!/bin/bash
# Volumes in containers: named ones, ones without a name, those of images and of other containers; how they are filled and when they go.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_named() { # peer_ok short
	load busybox
	in_busybox -v data:/d -- sh -c 'echo one >/d/f'
	assert_ok
	in_busybox -v data:/e:ro -- sh -c 'cat /e/f; echo x 2>/dev/null >/e/g || echo refused'
	assert_out "$(printf 'one\nrefused')"
	run hoy volume ls -q
	assert_out data
	in_busybox --mount type=volume,src=data,dst=/d -- cat /d/f
	assert_out one
	in_busybox --mount src=data,dst=/d,ro -- sh -c 'cat /d/f; echo x 2>/dev/null >/d/g || echo refused'
	assert_out "$(printf 'one\nrefused')"
}

test_owner() { # peer_ok rows=user,root
	load busybox
	# Where the image has nothing, the volume is the user's.
	in_busybox -v data:/new -u 1000:1001 -- sh -c 'stat -c %u:%g /new; touch /new/f'
	assert_ok
	assert_out 1000:1001
	# It stays as it is.
	in_busybox -v data:/new -- sh -c 'stat -c %u:%g /new /new/f'
	assert_out "$(printf '1000:1001\n1000:1001')"
}

test_copy_up() { # peer_ok short rows=user,root
	load busybox
	hoy run --name c --network none busybox sh -c '
		mkdir -p /data/sub; echo hello >/data/f; ln -s f /data/l; echo own >/data/sub/g; chown 5:6 /data/sub/g
		chmod 4711 /data/f; chmod 1750 /data; chown 7:8 /data' || fail run
	run hoy commit -q c localhost/filled
	assert_ok
	run hoy run --rm --network none -v v:/data localhost/filled sh -c 'stat -c "%n %u:%g %a" /data /data/* /data/sub/g; cat /data/f; readlink /data/l'
	assert_ok
	assert_has '/data 7:8 1750'
	assert_has '/data/f 0:0 4711'
	assert_has '/data/sub/g 5:6 644'
	assert_has hello
	# Once only: what is in it is its user's (CVE-2020-1726).
	run hoy run --rm --network none -v v:/data localhost/filled sh -c 'rm -r /data/sub; echo mine >/data/f'
	assert_ok
	run hoy run --rm --network none -v v:/data localhost/filled sh -c 'cat /data/f; ls /data'
	assert_out "$(printf 'mine\nf\nl')"
	run hoy run --rm --network none -v v:/data localhost/filled sh -c 'rm -r /data/*'
	run hoy run --rm --network none -v v:/data localhost/filled ls /data
	assert_out ''
	# Not into one that is not empty.
	hoy volume create w >/dev/null
	hoy run --rm --network none -v w:/else busybox touch /else/mine || fail run
	run hoy run --rm --network none -v w:/data localhost/filled ls /data
	assert_out mine
	run hoy run --rm --network none --mount type=volume,src=x,dst=/data busybox true
	run hoy rmi -f localhost/filled
}

test_nocopy() {
	load busybox
	in_busybox -v v:/etc:nocopy -- ls /etc
	assert_lacks passwd
	in_busybox --mount type=volume,src=w,dst=/etc,volume-nocopy -- ls /etc
	assert_lacks passwd
	hoy volume create -o o=nocopy x >/dev/null
	in_busybox -v x:/etc -- ls /etc
	assert_lacks passwd
	in_busybox -v y:/etc -- ls /etc
	assert_has passwd
}

test_copy_up_killed() { # rows=user,one
	load busybox
	hoy volume create v >/dev/null
	# As somebody leaves it who was killed while it was being filled.
	ln -sfn begun "$(store)/volumes/v/copy"
	echo half >"$(store)/volumes/v/_data/passwd"
	mkdir "$(store)/volumes/v/_data/junk"
	in_busybox -v v:/etc -- sh -c 'grep -c root /etc/passwd; ls /etc'
	assert_has 1
	assert_lacks junk
	[ ! -L "$(store)/volumes/v/copy" ] || fail 'still to be filled'
}

test_copy_up_xattrs() { # rows=user,root
	need python3
	load busybox
	local d
	d=$(find "$(store)/layers" -path '*/diff/etc/passwd' | head -1)
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.mine", b"yes")' "$d" || fail setxattr
	in_busybox -v v:/etc -- true
	run python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.mine").decode(), os.listxattr(sys.argv[1]))' "$(store)/volumes/v/_data/passwd"
	assert_out "yes ['user.mine']"
}

test_anonymous() { # peer_ok
	load busybox
	in_busybox -v /d -- sh -c 'echo x >/d/f; cat /d/f'
	assert_out x
	run hoy volume ls -q
	assert_out '' # --rm takes it along
	hoy run --network none --name c -v /d -v named:/n busybox true || fail run
	[ "$(hoy volume ls -q | wc -l)" = 2 ] || fail "$(hoy volume ls)"
	hoy rm c >/dev/null
	[ "$(hoy volume ls -q | wc -l)" = 2 ] || fail "gone: $(hoy volume ls)"
	hoy run --network none --name c --mount type=volume,dst=/d -v named:/n busybox true || fail run
	hoy rm -v c >/dev/null
	[ "$(hoy volume ls -q | wc -l)" = 2 ] || fail "rm -v: $(hoy volume ls)"
}

test_anonymous_failed() {
	load busybox
	run hoy run --network none -v /d --name c busybox nosuchcommand
	assert_rc 127
	run hoy volume ls -q
	assert_out ''
	run hoy run --rm --network none -v /d -v "/no/such:/x" busybox true
	assert_rc 125
	run hoy volume ls -q
	assert_out ''
	hoy create --network none -v /d --name taken busybox true >/dev/null
	run hoy create --network none -v /d --name taken busybox true
	assert_rc 125
	[ "$(hoy volume ls -q | wc -l)" = 1 ] || fail "$(hoy volume ls)"
	# --replace takes them along, as podman does.
	run hoy create --replace --network none -v /d --name taken busybox true
	assert_ok
	[ "$(hoy volume ls -q | wc -l)" = 1 ] || fail "$(hoy volume ls)"
}

test_image_volumes() { # peer_ok
	load cfg-volumes
	run hoy run --name c --network none cfg-volumes sh -c 'touch /data/f /home/app/g; grep -c -e " /data " -e " /home/app " /proc/self/mountinfo'
	assert_ok
	assert_out 2
	run hoy inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Driver}};{{end}}' c
	assert_has 'volume /data local;'
	assert_has 'volume /home/app local;'
	hoy rm -v c >/dev/null
	run hoy volume ls -q
	assert_out ''
	run hoy run --rm --network none --image-volume ignore cfg-volumes sh -c 'grep -c " /data " /proc/self/mountinfo'
	assert_out 0
	run hoy run --rm --network none --image-volume tmpfs cfg-volumes sh -c 'grep " /data " /proc/self/mountinfo'
	assert_has tmpfs
	run hoy run --rm --network none --image-volume odd cfg-volumes true
	assert_rc 125
	mkdir "$HOME/d"
	touch "$HOME/d/mine"
	run hoy run --rm --network none -v "$HOME/d:/data" cfg-volumes ls /data
	assert_out mine
}

test_volumes_from() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	echo host >"$HOME/d/h"
	hoy run --network none --name one -v data:/data -v "$HOME/d:/bound:ro" -v /anon --tmpfs /t busybox sh -c 'echo x >/data/f; echo y >/anon/g' || fail run
	in_busybox --volumes-from one -- sh -c 'cat /data/f /bound/h /anon/g; echo z >/data/f2; echo n 2>/dev/null >/bound/n || echo refused; test -d /t || echo no /t'
	assert_out "$(printf 'x\nhost\ny\nrefused\nno /t')"
	in_busybox --volumes-from one:ro -- sh -c 'cat /data/f2; echo n 2>/dev/null >/data/n || echo refused'
	assert_out "$(printf 'z\nrefused')"
	in_busybox --volumes-from one --tmpfs /data -- ls /data
	assert_out ''
	in_busybox --volumes-from nobody -- true
	assert_rc 125
	in_busybox --volumes-from one:odd -- true
	assert_rc 125
	# The volume without a name is still the other's.
	hoy run --network none --rm --volumes-from one busybox true || fail run
	run hoy run --rm --network none --volumes-from one busybox cat /anon/g
	assert_out y
}

test_volumes_from_last() {
	load busybox
	hoy create --network none --name one -v /anon busybox true >/dev/null
	hoy create --network none --name two --volumes-from one busybox true >/dev/null
	hoy rm -v one >/dev/null
	[ "$(hoy volume ls -q | wc -l)" = 1 ] || fail "taken from two: $(hoy volume ls)"
	hoy rm -v two >/dev/null
	run hoy volume ls -q
	assert_out ''
}

test_local_options() {
	load busybox
	mkdir "$HOME/d"
	echo host >"$HOME/d/f"
	hoy volume create -o type=none -o o=bind,noexec -o "device=$HOME/d" b >/dev/null || fail create
	in_busybox -v b:/b -- sh -c 'cat /b/f; grep " /b " /proc/self/mountinfo'
	assert_has host
	assert_has noexec
	rm -r "$HOME/d"
	in_busybox -v b:/b -- true
	assert_rc 125
	assert_err_has mkdir
	hoy volume create -o type=tmpfs -o o=size=1m,mode=1770 t >/dev/null || fail create
	in_busybox -v t:/t -- sh -c 'grep " /t " /proc/self/mountinfo; stat -c %a /t'
	assert_has tmpfs
	assert_has size=1024k
	assert_has 1770
	in_busybox --mount type=volume,src=made,dst=/m,volume-opt=type=tmpfs,volume-opt=o=size=2m,volume-label=x=y -- grep ' /m ' /proc/self/mountinfo
	assert_has size=2048k
	run hoy volume inspect -f '{{.Options.type}} {{.Labels.x}}' made
	assert_out 'tmpfs y'
	in_busybox -v nothere:/x --volume-driver nosuchdriver -- true
	assert_rc 125
}

test_uid_option() { # rows=user,root
	load busybox
	hoy volume create -o o=uid=33,gid=44 v >/dev/null || fail create
	in_busybox -v v:/new -u 5 -- stat -c %u:%g /new
	assert_out 33:44
	hoy volume create -o o=uid=33 w >/dev/null || fail create
	in_busybox -v w:/etc -- stat -c %u:%g /etc /etc/passwd
	assert_out "$(printf '33:0\n0:0')"
}

test_subpath() {
	load busybox
	hoy run --rm --network none -v v:/v busybox sh -c 'mkdir -p /v/a/b; echo part >/v/a/b/f; ln -s / /v/out; ln -s a /v/in; ln -s ../../.. /v/up' || fail run
	in_busybox --mount type=volume,src=v,dst=/m,volume-subpath=a/b -- cat /m/f
	assert_out part
	in_busybox --mount type=volume,src=v,dst=/m,subpath=a/b/f -- cat /m
	assert_out part
	local p
	for p in out out/etc up ../../.. /etc a/../.. nothere; do
		in_busybox --mount "type=volume,src=v,dst=/m,subpath=$p" -- ls /m
		assert_err
	done
	in_busybox --mount type=volume,src=v,dst=/m,subpath=in/b -- cat /m/f
	assert_out part
}

test_names_that_are_paths() { # peer_ok
	load busybox
	local n
	for n in ..foo -x 'a b' "$(printf 'a\nb')" 'é'; do
		in_busybox "--volume=$n:/d" -- true
		assert_rc 125
	done
	run hoy volume ls -q
	assert_out ''
}

test_two_at_once() { # peer_ok
	load busybox
	local i
	for i in 1 2 3 4 5 6; do
		hoy run --rm --network none -v shared:/etc busybox sh -c 'grep -q root /etc/passwd && echo ok' >"$HOME/$i" 2>&1 &
	done
	wait
	assert_eq "$(printf 'ok\nok\nok\nok\nok\nok')" "$(cat "$HOME"/[1-6])"
}

# A volume costs few system calls more than a directory of the host.
test_cost() { # rows=user
	need strace
	load busybox
	mkdir "$HOME/d"
	# A program that is setuid loses that under strace, so another container has to hold the user namespace.
	hoy run -d --network none -v v:/m busybox sleep 1000 >/dev/null || fail run
	local bind volume
	strace -f -o "$T/bind" hoy run --rm --network none -v "$HOME/d:/m" busybox true || fail bind
	strace -f -o "$T/volume" hoy run --rm --network none -v v:/m busybox true || fail volume
	bind=$(wc -l <"$T/bind") volume=$(wc -l <"$T/volume")
	note "system calls: bind $bind, volume $volume"
	[ "$volume" -lt $((bind + 30)) ] || fail "bind $bind, volume $volume"
}

run_tests "$@"
