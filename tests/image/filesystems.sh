#!/bin/bash
# The store on other file systems than the tests' own: what is pulled, run, committed and removed is the same everywhere.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# on TYPE [MOUNT OPTION...]: the store lies on a new file system of that type.
on() {
	local type=$1
	shift
	need "mkfs.$type"
	grep -qw "$type" /proc/filesystems || modprobe -q "$type" 2>/dev/null || skip "no $type in this kernel"
	truncate -s 400M "$T/disk" && mkdir "$T/mnt" && "mkfs.$type" -q "$T/disk" >/dev/null 2>&1 || fail "mkfs.$type"
	mount -o loop "$@" "$T/disk" "$T/mnt" 2>/dev/null || skip "cannot mount $type"
	trap 'umount "$T/mnt"' EXIT
	export HOY_ROOT=$T/mnt/store
}

# everything: what each file system has to do.
everything() {
	load tree
	run hoy run --name c --network none tree sh -c 'echo hi >/f; rm -r /home; mkdir /home; mv /opt /opt2; stat -c %u:%g /etc/shadow'
	assert_out 0:42
	run hoy diff c
	assert_has 'A /opt2/dir'
	assert_has 'D /home/app'
	hoy commit -q c new >/dev/null || fail commit
	run hoy run --rm --network none new sh -c 'cat /f; ls /home /opt2/dir'
	assert_ok
	assert_has hi
	hoy save -o "$T/new.tar" new || fail save
	hoy rm c >/dev/null && hoy rmi -f new tree >/dev/null || fail rm
	hoy load -q -i "$T/new.tar" >/dev/null || fail load
	assert_eq hi "$(hoy run --rm --network none new cat /f)" 'loaded again'
	hoy rmi -f new >/dev/null || fail rmi
	wait_for no_tmp
	clean
}

# copied: the same with a copy of the image in place of an overlay: the store lies on an overlay whose upper directory is here.
copied() {
	mkdir "$T/mnt/l" "$T/mnt/u" "$T/mnt/w" "$T/over"
	mount -t overlay overlay -o "userxattr,lowerdir=$T/mnt/l,upperdir=$T/mnt/u,workdir=$T/mnt/w" "$T/over" 2>/dev/null || return 0
	HOY_ROOT=$T/over/store everything
	umount "$T/over"
}

test_btrfs() { # rows=root
	on btrfs
	assert_eq true "$(hoy info -f '{{index .Store.GraphStatus "Reflinks"}}')" reflinks
	everything
	copied
}
test_xfs() { # rows=root
	on xfs
	assert_eq true "$(hoy info -f '{{index .Store.GraphStatus "Reflinks"}}')" reflinks
	everything
	copied
}
test_ext4() { # rows=root
	on ext4
	everything
	copied
}

# no_attributes OPTION...: a directory behind FUSE without user xattrs, as NFS has it.
no_attributes() {
	need bindfs
	mkdir "$T/low" "$T/mnt"
	bindfs --xattr-none "$@" "$T/low" "$T/mnt" 2>/dev/null || skip 'no FUSE here'
	trap 'umount "$T/mnt"' EXIT
	export HOY_ROOT=$T/mnt/store
}
test_no_xattrs() { # rows=root
	no_attributes
	everything
	assert_eq vfs "$(hoy info -f '{{.Store.GraphDriverName}}')" driver
	umount "$T/mnt"
}
test_no_owners() { # rows=root
	no_attributes --chown-deny --chgrp-deny
	run hoy load -q -i "$T_FIX/tree.tar"
	assert_err E-PERMISSION 'gives files to nobody else'
	clean
	umount "$T/mnt"
}

run_tests "$@"
