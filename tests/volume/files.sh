#!/bin/bash
# volume export, import, mount and unmount, and volumes that are overlays or images.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# filled NAME: a volume with files of several kinds and owners.
filled() {
	load busybox
	hoy run --rm --network none -v "$1:/v" busybox sh -c 'mkdir /v/d; echo one >/v/f; echo two >/v/d/g; ln -s f /v/l; ln /v/f /v/h; mkfifo /v/p
		chmod 4755 /v/f; chmod 700 /v/d; chown 5:6 /v/d/g' || fail 'fill it'
}

test_export() { # peer_ok short rows=user,root
	filled v
	run hoy volume export v -o "$HOME/v.tar"
	is_peer || run hoy volume export -o "$HOME/v.tar" v
	assert_ok
	run tar -tf "$HOME/v.tar"
	assert_has d/g
	run tar --numeric-owner -tvf "$HOME/v.tar"
	assert_match '5/6 .*d/g'
	assert_match 'rwsr-xr-x'
	hoy volume export v >"$HOME/w.tar" || fail 'export to stdout'
	run tar -xOf "$HOME/w.tar" --wildcards '*d/g'
	assert_out two
	run hoy volume export nope -o "$HOME/x"
	assert_rc 125
	[ ! -e "$HOME/x" ] || fail 'a file is left'
}

test_import() { # short
	filled v
	hoy volume export -o v.tar v || fail export
	gzip -k v.tar
	hoy volume create w >/dev/null
	local how='stat -c "%n %u:%g %a %F" /v /v/* /v/d/g; cat /v/l'
	run hoy run --rm --network none -v v:/v busybox sh -c "$how"
	local want=$out
	for f in v.tar v.tar.gz -; do
		hoy volume rm -f w >/dev/null
		hoy volume create w >/dev/null
		run hoy volume import w "$f" <v.tar
		assert_ok
		run hoy run --rm --network none -v w:/v busybox sh -c "$how"
		assert_out "$want"
	done
	run hoy volume import nope v.tar
	assert_err E-VOLUME-UNKNOWN
	run hoy volume import w /etc/passwd
	assert_rc 125
	# What was imported is not covered by what an image has.
	hoy volume create z >/dev/null
	hoy volume import z v.tar || fail import
	run hoy run --rm --network none -v z:/etc busybox sh -c 'ls /etc | grep -c passwd; cat /etc/f'
	assert_out "$(printf '0\none')"
	hoy volume create -o type=tmpfs mem >/dev/null
	run hoy volume export mem
	assert_err E-VOLUME-OPTION
}

test_import_hostile() {
	need python3
	load busybox
	hoy volume create v >/dev/null
	echo canary >"$HOME/canary"
	python3 - "$HOME" <<'PY' || fail python
import io, os, sys, tarfile
home = sys.argv[1]
t = tarfile.open(home + "/bad.tar", "w")
def link(name, to, kind=tarfile.SYMTYPE):
    i = tarfile.TarInfo(name); i.type = kind; i.linkname = to; t.addfile(i)
def file(name, text):
    i = tarfile.TarInfo(name); i.size = len(text); t.addfile(i, io.BytesIO(text))
link("out", home)
file("out/canary", b"overwritten")
link("abs", "/")
file("abs" + home + "/canary2", b"made")
file("/rooted", b"x")
t.close()
t = tarfile.open(home + "/up.tar", "w")
i = tarfile.TarInfo("../../up"); i.size = 1; t.addfile(i, io.BytesIO(b"x"))
t.close()
PY
	run hoy volume import v bad.tar
	assert_eq canary "$(cat "$HOME/canary")"
	[ ! -e "$HOME/canary2" ] || fail 'written outside'
	[ ! -e /rooted ] || fail 'written to /'
	run hoy volume import v up.tar
	assert_rc 125
	[ ! -e "$(store)/volumes/up" ] && [ ! -e "$(store)/up" ] || fail 'written above'
}

test_mount() {
	filled v
	run hoy volume mount v
	assert_err E-NOT-UNSHARED
	run hoy unshare sh -c 'cat $('"$HOY"' volume mount v)/d/g'
	assert_out two
	hoy volume create -o type=tmpfs -o o=size=1m mem >/dev/null
	mkdir "$HOME/d"
	echo host >"$HOME/d/f"
	hoy volume create -o type=none -o o=bind,ro -o "device=$HOME/d" b >/dev/null
	run hoy unshare sh -ec 'd=$('"$HOY"' volume mount mem); echo x >$d/f; grep -c "$d tmpfs" /proc/mounts; cat $('"$HOY"' volume mount b)/f
		'"$HOY"' volume unmount mem b v; ls $d; '"$HOY"' volume unmount mem || echo again'
	assert_out "$(printf '1\nhost\nmem\nb\nv\nagain')"
	[ -z "$(ls "$(store)/volumes/mem/_data")" ] || fail 'seen outside'
}

test_events() {
	load busybox
	local now
	now=$(date +%s)
	hoy volume create v >/dev/null
	hoy run --rm --network none -v /anon busybox true || fail run
	hoy volume rm v >/dev/null
	hoy volume prune -f >/dev/null
	run hoy events --since "$now" --until "$(date +%s.%N)" --filter type=volume --format '{{.Status}} {{.Name}}'
	assert_match '^create v
create [0-9a-f]{64}
remove [0-9a-f]{64}
remove v
prune'
}

# ---- overlays

test_overlay() { # rows=user,root
	load busybox
	mkdir -p "$HOME/d/sub"
	echo host >"$HOME/d/f"
	in_busybox -v "$HOME/d:/m:O" -- sh -c 'cat /m/f; echo new >/m/f; rm -r /m/sub; touch /m/g; ls /m; cat /m/f'
	assert_out "$(printf 'host\nf\ng\nnew')"
	[ "$(cat "$HOME/d/f")" = host ] && [ -d "$HOME/d/sub" ] && [ ! -e "$HOME/d/g" ] || fail 'the source was changed'
	hoy run --name c --network none -v "$HOME/d:/m:O" busybox sh -c 'ls /m; touch /m/here' >"$T/first" || fail run
	run hoy start -a c
	assert_out "$(cat "$T/first")" # begins anew
	filled v
	in_busybox -v v:/m:O -- sh -c 'echo x >/m/f; rm /m/l; cat /m/f'
	assert_out x
	in_busybox -v v:/m -- cat /m/l
	assert_out one
	in_busybox -v "$HOME/d/f:/m:O" -- true
	assert_err E-MOUNT directory
}

test_overlay_kept() { # rows=user,root
	load busybox
	mkdir "$HOME/d" "$HOME/up" "$HOME/work"
	echo host >"$HOME/d/f"
	in_busybox -v "$HOME/d:/m:O,upperdir=$HOME/up,workdir=$HOME/work" -- sh -c 'echo new >/m/g'
	assert_ok
	[ "$(cat "$HOME/up/g")" = new ] || fail 'not kept'
	in_busybox -v "$HOME/d:/m:O,upperdir=$HOME/up,workdir=$HOME/work" -- cat /m/g /m/f
	assert_out "$(printf 'new\nhost')"
	in_busybox -v "$HOME/d:/m:O,upperdir=/no/such,workdir=/no/such" -- true
	assert_err
}

test_image_mount() { # rows=user,one,root
	load busybox cfg-volumes
	run hoy run --rm --network none --mount type=image,src=cfg-volumes,dst=/i busybox sh -c 'ls /i | head -1; touch /i/x 2>/dev/null || echo refused'
	assert_match '^bin
refused$'
	run hoy run --rm --network none --mount type=image,src=cfg-volumes,dst=/i,rw=true busybox sh -c 'touch /i/x && rm /i/etc/passwd && ls /i/x'
	assert_out /i/x
	run hoy run --rm --network none --mount type=image,src=cfg-volumes,dst=/i,subpath=etc busybox grep -c root /i/passwd
	assert_out 1
	run hoy run --rm --network none --mount type=image,src=cfg-volumes,dst=/i,subpath=etc/passwd busybox grep -c root /i
	assert_out 1
	run hoy run --rm --network none --mount type=image,src=nosuch,dst=/i busybox true
	assert_err
	# The image is in use.
	hoy create --name c --network none --mount type=image,src=cfg-volumes,dst=/i busybox true >/dev/null || fail create
	run hoy rmi cfg-volumes
	assert_rc 2
	assert_err_has c
	run hoy image prune -af
	run hoy start -a c
	assert_ok
	run hoy inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.RW}}{{end}}' c
	assert_match '^image .*cfg-volumes.* false$'
}

test_other_types() {
	load busybox
	in_busybox --mount type=ramfs,dst=/r -- sh -c 'grep " /r " /proc/self/mountinfo; echo x >/r/f; cat /r/f'
	assert_has ramfs
	assert_has x
	in_busybox --mount type=devpts,dst=/pts2,max=3,mode=0600 -- sh -c 'grep " /pts2 " /proc/self/mountinfo; ls /pts2'
	assert_has devpts
	assert_has mode=600
	assert_has ptmx
	mkdir "$HOME/g"
	echo a >"$HOME/g/x1"
	echo b >"$HOME/g/x2"
	echo c >"$HOME/g/y"
	in_busybox --mount "type=glob,src=$HOME/g/x*,dst=/m,ro" -- sh -c 'cd /m; cat *; ls; echo z 2>/dev/null >x1 || echo refused'
	assert_out "$(printf 'a\nb\nx1\nx2\nrefused')"
	in_busybox --mount "type=glob,src=$HOME/g/x?" -- cat "$HOME/g/x2"
	assert_out b
}

# A read-only tree with a writable place in it, and the other way round.
test_holes() { # peer_ok
	load busybox
	mkdir -p "$HOME/ro/hole" "$HOME/rw/inner"
	in_busybox -v "$HOME/ro:/m:ro" -v "$HOME/rw:/m/hole" -- sh -c 'touch /m/hole/f && echo in; touch /m/x 2>/dev/null || echo refused'
	assert_out "$(printf 'in\nrefused')"
	in_busybox -v "$HOME/rw:/m" -v data:/m/inner:ro -- sh -c 'touch /m/g && echo in; touch /m/inner/x 2>/dev/null || echo refused'
	assert_out "$(printf 'in\nrefused')"
	in_busybox --read-only -v data:/w -- sh -c 'touch /w/f && echo in; touch /x 2>/dev/null || echo refused'
	assert_out "$(printf 'in\nrefused')"
}

test_hole_that_is_missing() {
	load busybox
	mkdir "$HOME/ro"
	in_busybox -v "$HOME/ro:/m:ro" -v data:/m/hole -- true
	assert_err '' 'read-only'
	assert_err_has 'make /m/hole in its source'
}

test_propagation_and_flags() {
	load busybox
	in_busybox -v v:/m -- grep ' /m ' /proc/self/mountinfo
	assert_has nosuid,nodev
	in_busybox -v v:/m:suid,dev,noexec -- grep ' /m ' /proc/self/mountinfo
	assert_has noexec
	assert_lacks nosuid
	run as_docker run --rm --network none -v v:/m busybox grep ' /m ' /proc/self/mountinfo
	assert_lacks nosuid
	in_busybox -v v:/m:rslave,z -- grep ' /m ' /proc/self/mountinfo
	assert_ok
}

run_tests "$@"
