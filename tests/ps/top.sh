#!/bin/bash
# top: the processes of a container, in the columns of podman and of ps.
. "$(dirname "$0")/../lib.sh"

up() {
	load busybox
	hoy run -d --name c --network none "$@" busybox sh -c 'sleep 1001 & exec sleep 1000' >/dev/null || fail run
	wait_for has_two
}
# shellcheck disable=SC2317  # called by wait_for
has_two() { [ "$(hoy top c args | grep -c '^sleep 100')" = 2 ]; }

test_default_columns() { # peer_ok short
	up
	run hoy top c
	assert_ok
	assert_match '^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND'
	assert_match 'root +1 +0 +[0-9]+\.[0-9]+ +[0-9.]+m?s +\? +[0-9.]+m?s +sleep 1000'
	assert_match 'root +[0-9]+ +1 .*sleep 1001'
	hoy rm -f -t 0 c >/dev/null
}

test_descriptors() { # peer_ok rows=user,root
	up -u 1000:1000
	run hoy top c pid ppid user group args
	assert_ok
	assert_match '^PID +PPID +USER +GROUP +COMMAND'
	assert_match '1 +0 +app +app +sleep 1000'
	run hoy top c user,pid,seccomp,capeff
	assert_match 'app +1 +filter +none'
	run hoy top c %U %p %a
	assert_match '^USER +PID +COMMAND'
	hoy rm -f -t 0 c >/dev/null
}

test_every_descriptor_prints_something() {
	up
	local d
	for d in args capamb capbnd capeff capinh capprm comm etime group groups hgroup hgroups hpid huser label nice pcpu pgid pid ppid \
		rgroup rss ruser seccomp state stime time tty user vsz; do
		run hoy top c "$d"
		assert_ok
		assert_eq 3 "$(wc -l <"$T/out")" "lines of $d"
	done
}

test_numbers_of_the_host() {
	up
	run hoy top c hpid
	assert_ok
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' c)
	assert_has "$pid"
	run hoy top c huser
	[ "$T_ROW" = user ] && assert_has "$(id -un)"
	ln -s "$(command -v "$HOY")" "$T/docker"
	run "$T/docker" top c
	assert_match '^UID +PID +PPID +C +STIME +TTY +TIME +CMD'
	assert_match "root +$pid .*sleep 1000"
	run "$T/docker" top c -o pid,cmd
	assert_match "$pid +sleep 1000"
	run "$T/docker" top c pid
	assert_err E-USAGE
}

test_options_of_ps() {
	up
	run hoy top c -ef
	assert_ok
	assert_match '^UID +PID +PPID +C +STIME +TTY +TIME +CMD'
	assert_match 'root +1 +0 .*sleep 1000'
	run hoy top c aux
	assert_match '^USER +PID +%CPU +%MEM +VSZ +RSS +TTY +STAT +START +TIME +COMMAND'
	assert_match 'root +1 .*S.* sleep 1000'
	run hoy top c -o pid,user,etime,cmd
	assert_match '^ *PID +USER +ELAPSED +CMD'
	run hoy top c -eo pid,args
	assert_match '^ *PID +COMMAND'
	hoy rm -f -t 0 c >/dev/null
}

test_headings() {
	up
	run hoy top c -o pid=,args=
	assert_ok
	assert_lacks PID
	assert_has 'sleep 1000'
	run hoy top c --no-headers -o pid=X
	assert_out '1
2'
	run hoy top c -o pid=NUMBER
	assert_match '^NUMBER'
}

test_processes_of_exec_and_of_namespaces_below() {
	up
	hoy exec -d c sleep 1002 || fail exec
	hoy exec -d c unshare -U -p -f sleep 1003 >/dev/null 2>&1
	# shellcheck disable=SC2317
	has_exec() { hoy top c args | grep -q '^sleep 1002'; }
	wait_for has_exec
	run hoy top c pid ppid args
	assert_match '[0-9]+ +0 +sleep 1002'
	# Another container's processes are not there.
	hoy run -d --name d --network none busybox sleep 2000 >/dev/null || fail run
	run hoy top c args
	assert_lacks 2000
	run hoy top -l args
	assert_out 'COMMAND
sleep 2000'
}

test_shared_pid_namespace() {
	up --pid host
	run hoy top c args
	assert_out 'COMMAND
sleep 1000
sleep 1001'
}

test_refusals() {
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	run hoy top c
	assert_err E-CONTAINER-NOT-RUNNING
	run hoy top nope
	assert_err E-CONTAINER-UNKNOWN
	run hoy top
	assert_err E-USAGE
	hoy run -d --name r --network none busybox sleep 1000 >/dev/null || fail run
	for words in nope -Z --forest '-o nope' '-o' - 'pid nope' aux0; do
		# shellcheck disable=SC2086  # words
		run hoy top r $words
		assert_err E-USAGE
	done
}

test_users_of_one_id() { # rows=one
	up -u 1000
	run hoy top c user,pid
	assert_ok
	assert_match 'app +1'
}

run_tests "$@"
