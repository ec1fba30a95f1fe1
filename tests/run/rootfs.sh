#!/bin/bash
# --rootfs, --systemd, and what stands in for parts of hoy: --init-path, --chrootdirs, --personality.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# tree: a root file system in $T/rf.
tree() {
	load busybox
	hoy create --name tmp busybox >/dev/null && hoy export -o "$T/rf.tar" tmp && hoy rm tmp >/dev/null || fail export
	mkdir "$T/rf" && tar -x -C "$T/rf" -f "$T/rf.tar" || fail unpack
}

test_a_directory_as_root() { # short
	tree
	run hoy run --network none --name c --rootfs "$T/rf" sh -c 'id -u; echo written >/f; cat /proc/sys/kernel/hostname | wc -c'
	assert_out "$(printf '0\n13')"
	assert_eq written "$(cat "$T/rf/f")" 'the directory itself'
	[ -O "$T/rf/f" ] || fail 'the file is not ours'
	run hoy inspect --format '{{.Rootfs}} {{.Image}}|{{.ImageName}}' c
	assert_out "$T/rf |$T/rf"
	run hoy start -a c
	assert_out "$(printf '0\n13')"
	echo new >"$T/rf/g"
	run hoy export c
	run sh -c "hoy export c | tar -tf - | grep -c '^[fg]$'"
	assert_out 2
	run hoy cp c:/g -
	assert_ok
	run hoy cp "$T/rf/g" c:/h
	assert_ok
	assert_eq new "$(cat "$T/rf/h")" 'copied in'
	run hoy diff c
	assert_err E-HOST-ROOT 'hoy import'
	run hoy commit c i
	assert_err E-HOST-ROOT 'hoy import'
	run hoy rm c
	assert_ok
	[ -f "$T/rf/f" ] || fail 'rm took the directory'
}

test_a_directory_below_an_overlay() { # short
	tree
	run hoy run --network none --name c --rootfs "$T/rf:O" sh -c 'cat /f; echo written >/f; rm /bin/ls; cat /f'
	assert_out written
	[ ! -e "$T/rf/f" ] || fail 'it was written'
	[ -e "$T/rf/bin/ls" ] || fail 'it was removed'
	run hoy start -a c
	assert_out written # what the first run has written is gone
	assert_err_has "can't open"
	run hoy run -d --network none --name d --read-only --rootfs "$T/rf:O" sleep 1000
	assert_ok
	run hoy export d
	assert_err E-HOST-ROOT 'hoy cp'
	run hoy exec d touch /x
	assert_rc 1
	hoy rm -f -t 0 d >/dev/null
}

test_other_ids_in_a_directory() { # rows=user,root
	tree
	run hoy run --network none --rm --userns keep-id --rootfs "$T/rf" sh -c 'id -u; stat -c %u /bin; echo x >/tmp/k'
	assert_out "$(printf '%s\n%s' "$(id -u)" "$(id -u)")"
	[ -O "$T/rf/tmp/k" ] || fail 'the file is not ours'
}

test_what_is_no_root() { # rows=user short
	load busybox
	run hoy run --rootfs "$T/nope" true
	assert_err E-MOUNT 'no --rootfs'
	run hoy run --rootfs / true
	assert_err E-MOUNT @host
	: >"$T/file"
	run hoy run --rootfs "$T/file" true
	assert_err E-MOUNT 'hoy import'
	run hoy run --rootfs "$T:idmap" true
	assert_err E-MOUNT 'keep-id'
	mkdir "$T/empty"
	run hoy run --rootfs "$T/empty"
	assert_err E-NO-COMMAND '--rootfs'
	run hoy run --network none --rootfs "$T/empty" true
	assert_rc 127
	ln -s / "$T/empty/dev2" && rmdir "$T/empty/dev" && ln -s / "$T/empty/dev"
	run hoy run --network none --rootfs "$T/empty" true
	assert_err E-ROOTFS
}

# mounted PATH: the options of what is mounted there, as the container has said.
mounted() { printf '%s\n' "$out" | sed -n "s|^[^ ]* on $1 type \([^ ]*\) (\(.*\))|\1 \2|p"; }

test_prepared_for_systemd() { # short
	load busybox
	run hoy run --network none --name c --systemd=always --shm-size-systemd 8m -v "$T:/tmp" busybox sh -c 'mount; echo "uuid=$container_uuid"'
	assert_ok
	local p m
	for p in /run /run/lock /var/log/journal; do
		m=$(mounted $p)
		case "$m" in tmpfs\ rw,*size=8192k*) ;; *) fail "$p: $m" ;; esac
	done
	case "$(mounted /tmp)" in *size=8192k*) fail 'the mount of the user was replaced' ;; esac
	case "$(mounted /sys/fs/cgroup)" in cgroup2\ rw,* | tmpfs\ ro,*) ;; *) fail "cgroups: $(mounted /sys/fs/cgroup)" ;; esac
	local id
	id=$(hoy inspect --format '{{.Id}}' c)
	assert_has "uuid=${id:0:32}"
	run hoy inspect --format '{{.Config.SystemdMode}} {{.Config.StopSignal}}' c
	assert_out 'true SIGRTMIN+3'
	run hoy create --systemd=always --stop-signal INT --name d busybox true
	run hoy inspect --format '{{.Config.StopSignal}}' d
	assert_out SIGINT
}

test_what_is_taken_for_systemd() { # rows=user short
	load busybox
	local word want
	for word in /sbin/init:true /usr/lib/systemd/systemd:true systemd:true /usr/bin/init:false sh:false; do
		want=${word#*:}
		hoy create --replace --name c busybox "${word%:*}" >/dev/null || fail create
		run hoy inspect --format '{{.Config.SystemdMode}}' c
		assert_out "$want"
	done
	hoy create --replace --name c --systemd=false busybox /sbin/init >/dev/null
	run hoy inspect --format '{{.Config.SystemdMode}}' c
	assert_out false
	as_docker create --name e busybox /sbin/init >/dev/null
	run hoy inspect --format '{{.Config.SystemdMode}}' e
	assert_out false
	run hoy create --systemd=perhaps busybox true
	assert_err E-USAGE always
	run hoy create --shm-size-systemd 1m busybox true
	assert_err E-USAGE --systemd=always
	run hoy create --systemd=always --shm-size-systemd much busybox true
	assert_err E-USAGE 64m
}

test_an_init_of_the_user() {
	load busybox
	[ -x /usr/bin/tini-static ] || skip 'no tini'
	in_busybox --init --init-path /usr/bin/tini-static -- sh -c 'cat /proc/1/comm; tr "\0" " " </proc/1/cmdline'
	assert_out "$(printf 'hoy-init\n/run/hoy-init -- sh -c cat /proc/1/comm; tr "\\0" " " </proc/1/cmdline ')"
	in_busybox --init --init-path /usr/bin/tini-static --entrypoint sh -- -c 'exit 7'
	assert_rc 7
	in_busybox --init-path /usr/bin/tini-static -- true
	assert_err E-USAGE 'add --init'
	in_busybox --init --init-path "$T" -- true
	assert_err E-USAGE linked
}

test_further_roots() { # short
	load busybox
	in_busybox --chrootdirs /srv/a,/b -- sh -c 'cmp /etc/hosts /srv/a/etc/hosts && cmp /etc/hostname /b/etc/hostname && test -f /b/etc/resolv.conf && echo same'
	assert_out same
	in_busybox --chrootdirs relative -- true
	assert_err E-USAGE absolute
	in_busybox --chrootdirs /proc/self/root -- true
	assert_rc 125
}

test_personality() { # short
	load busybox
	hoy run -d --name c --network none --personality LINUX32 busybox sleep 1000 >/dev/null || fail run
	run hoy exec c uname -m
	case "$out" in i686 | armv8l | armv7l) ;; *) fail "$(last)" ;; esac
	hoy rm -f -t 0 c >/dev/null
	in_busybox --personality linux -- uname -m
	assert_out "$(uname -m)"
	in_busybox --personality amiga -- true
	assert_err E-USAGE LINUX32
}

run_tests "$@"
