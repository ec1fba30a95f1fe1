#!/bin/bash
# mount and unmount: the files of a container as a directory, inside of hoy unshare.
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

test_stopped() {
	load busybox
	hoy run --name c --network none busybox sh -c 'echo mine >/f; rm /bin/true; chown 0 /f' || fail run
	run hoy unshare sh -c 'd=$('"$HOY"' mount c); cat $d/f; [ -e $d/bin/true ] || echo gone; [ -e $d/bin/sh ] && echo there
		echo x 2>/dev/null >$d/f || echo read-only; stat -c %u $d/f; '"$HOY"' mount | grep -c "$d"; '"$HOY"' unmount c >/dev/null; ls $d 2>/dev/null | wc -l'
	assert_ok
	assert_out 'mine
gone
there
read-only
0
1
0'
	assert_eq none "$(ls -A "$(store)/mounts")" mounts/
	run hoy start -a c
	assert_ok
}

test_running() {
	load busybox
	hoy run -d --name c --network none busybox sleep 100 >/dev/null || fail run
	run hoy unshare sh -c 'd=$('"$HOY"' mount c); echo $d; echo new >$d/new; '"$HOY"' mount --format json; '"$HOY"' unmount c'
	assert_rc 125
	assert_match "^/proc/$(hoy inspect -f '{{.State.Pid}}' c)/root"
	assert_has '"Names"'
	assert_err_has E-NOT-MOUNTED
	run hoy exec c cat /new
	assert_out new
}

test_ends_with_the_unshare() {
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	run hoy unshare sh -c "$HOY mount -l >/dev/null; kill -9 \$\$"
	run hoy rm c
	assert_ok
	run hoy system check
	assert_ok
}

test_refused() {
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	run hoy mount c
	assert_err E-NOT-UNSHARED 'hoy unshare'
	run hoy unshare "$HOY" mount nobody
	assert_err E-CONTAINER-UNKNOWN
	run hoy unshare "$HOY" mount -a c
	assert_err E-USAGE
	run hoy unshare "$HOY" unmount
	assert_err E-USAGE
	run hoy unshare "$HOY" unmount -a
	assert_ok
	run hoy container init c
	assert_err E-ABSENT 'hoy start'
}

run_tests "$@"
