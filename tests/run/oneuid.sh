#!/bin/bash
# One uid only: what programs do with ids and owners succeeds all the same, and looks like it. tests/fixtures/src/ids.c does the calls.
. "$(dirname "$0")/../lib.sh"

ids() { run hoy run --rm --network none -v "$T_FIX/bin:/t:ro" "$@"; }

answerers() { # pids of processes that answer for our containers
	local p
	for p in $(our_pids); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != hoy-ids ] || printf '%s\n' "$p"
	done
}

up() { # ARGS...: a container that sleeps, its id in $id
	run hoy run -d --name c --network none -v "$T_FIX/bin:/t:ro" "$@"
	assert_ok
	id=$out
}

test_the_rules_of_credentials() { # rows=one short
	load busybox
	ids busybox /t/ids rules
	assert_out fine
	ids --init busybox /t/ids rules
	assert_out fine
	ids --security-opt no-new-privileges busybox /t/ids rules
	assert_out fine
	ids --security-opt seccomp=unconfined busybox /t/ids rules
	assert_out fine
	ids --privileged busybox /t/ids rules
	assert_out fine
}

# The same program says the same where the kernel does it.
test_the_rules_are_those_of_the_kernel() { # peer_ok rows=user,root
	load busybox
	ids busybox /t/ids rules
	assert_out fine
}

test_who_may_not_is_refused() { # peer_ok
	load busybox
	ids -u 1000 busybox /t/ids denied
	assert_out fine
	ids --cap-drop ALL busybox /t/ids denied
	assert_out fine
	ids --cap-drop CHOWN --cap-drop SETUID --cap-drop SETGID busybox /t/ids denied
	assert_out fine
}

test_a_profile_that_refuses_wins() { # rows=one
	load busybox
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chown","fchownat","setuid"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}' >p.json
	ids --security-opt seccomp="$PWD/p.json" busybox sh -c 'chown 1 /tmp || su -s /bin/sh app -c id'
	assert_ne 0 "$rc"
	assert_err_has 'Permission denied'
}

test_owners_of_files() { # rows=one short
	load busybox
	ids busybox /t/ids files /tmp
	assert_out fine
	ids busybox /t/ids apk /tmp
	assert_out fine
}

test_owners_are_kept_for_who_makes_a_layer() { # rows=one
	load busybox
	mkdir v
	run hoy run --name c --network none -v "$PWD/v:/v" busybox sh -c '
		mkdir /d && touch /d/f /d/g /d/root /v/f && ln -s f /d/l && chown -R 100:101 /d && chown 5:101 /d/g && chown 0:0 /d/root && chgrp 7 /bin/busybox && chown 1:1 /v/f && chown 3:4 /home/app'
	assert_ok
	local up
	up=$(store)/containers/$(ls "$(store)/containers")/upper
	run python3 -c '
import os, sys
for n in "d", "d/f", "d/g", "d/root", "bin/busybox", "home/app":
    try: print(n, os.getxattr(os.path.join(sys.argv[1], n), "user.hoy.owner").decode())
    except OSError: print(n, "-")' "$up"
	assert_out "d 100:101
d/f 100:101
d/g 5:101
d/root -
bin/busybox 0:7
home/app 3:4"
	# Files of the host are left alone.
	run python3 -c 'import os; print(os.listxattr("v/f"))'
	assert_out '[]'
	# The second start goes on from there.
	run hoy start -a c
	assert_ne 0 "$rc"
	run hoy exec c true
	assert_ne 0 "$rc"
}

test_ids_follow_processes_wherever_they_go() { # rows=one
	load busybox
	ids busybox /t/ids orphan
	assert_out '33 34'
	up busybox sleep 1000
	# The session's own process is gone before its child asks.
	run hoy exec c sh -c '(while [ ! -e /go ]; do sleep 0.02; done; su -s /bin/sh app -c "id -u" >/late.new; id -u >>/late.new; mv /late.new /late) >/dev/null 2>&1 </dev/null &'
	assert_ok
	run hoy exec c touch /go
	wait_for hoy exec c test -e /late
	run hoy exec c cat /late
	assert_out "$(printf '1000\n0')"
	run hoy exec c /t/ids rules
	assert_out fine
	run hoy exec -d c su -s /bin/sh app -c 'id -u >/tmp/d.new; mv /tmp/d.new /tmp/d'
	wait_for hoy exec c test -e /tmp/d
	run hoy exec c cat /tmp/d
	assert_out 1000
	run hoy stop -t 0 c
	wait_for nobody_answers
}
nobody_answers() { [ -z "$(answerers)" ]; }

test_user_by_name_and_number() { # rows=one short
	load busybox
	ids -u app busybox sh -c 'id -u; id -g; id -G; whoami'
	assert_eq "1000 1000 app" "$(sed -n '1p;2p;4p' "$T/out" | tr '\n' ' ' | sed 's/ $//')"
	assert_eq '10 44 1000 2000' "$(sed -n 3p "$T/out" | tr ' ' '\n' | sort -n -u | tr '\n' ' ' | sed 's/ $//')" groups
	ids -u 1000:44 busybox sh -c 'echo $(id -u) $(id -g) $(id -G)'
	assert_out '1000 44 44'
	ids -u 4242 busybox id -u
	assert_out 4242
	ids busybox sh -c 'echo $(id -u) $(id -G); su -s /bin/sh - app -c "id -u; pwd; echo \$HOME"'
	assert_out "$(printf '0 0\n1000\n/home/app\n/home/app')"
}

test_programs_of_busybox() { # peer_ok
	load busybox
	ids busybox sh -e -c '
		adduser -D -u 1234 joe 2>/dev/null || { echo joe:x:1234:1234::/home/joe:/bin/sh >>/etc/passwd; echo joe:x:1234: >>/etc/group; mkdir /home/joe; }
		chown -R joe:joe /home/joe; su -s /bin/sh joe -c "id -u; id -g"
		install -o 5 -g 6 -m 4755 /bin/busybox /tmp/x && [ -u /tmp/x ]
		mkdir /tmp/t /tmp/u; touch /tmp/t/a; chown 7:8 /tmp/t/a; tar -C /tmp -cf /tmp/t.tar t; tar -C /tmp/u -xpf /tmp/t.tar; [ -e /tmp/u/t/a ]
		cd /tmp && find t | cpio -o -H newc >/tmp/t.cpio 2>/dev/null; mkdir /tmp/w && cd /tmp/w && cpio -i -d </tmp/t.cpio 2>/dev/null; [ -e t/a ]
		chroot / /bin/sh -c true; id -u'
	assert_out "$(printf '1234\n1234\n0')"
}

test_an_archive_with_devices_and_owners() { # rows=one
	load busybox
	mkdir v
	python3 -c '
import tarfile
t = tarfile.open("v/a.tar", "w")
for name, type, dev in ("null", tarfile.CHRTYPE, (1, 3)), ("sda", tarfile.BLKTYPE, (8, 0)), ("f", tarfile.FIFOTYPE, (0, 0)), ("d", tarfile.DIRTYPE, (0, 0)):
    i = tarfile.TarInfo(name); i.type = type; i.devmajor, i.devminor = dev; i.uid = 33; i.gid = 44; i.mode = 0o750
    t.addfile(i)' || fail archive
	ids -v "$PWD/v:/v:ro" busybox sh -c 'cd /tmp && tar -xpf /v/a.tar && ls && stat -c %a null d'
	assert_ok
	assert_quiet
	assert_out "$(printf 'd\nf\nnull\nsda\n750\n750')"
}

test_info_says_it() { # rows=one
	run hoy info
	assert_has 'Other ids: answered by hoy'
	run hoy info --format '{{.Host.UserNamespace.Form}} {{.Host.UserNamespace.IdsAnswered}}'
	assert_out 'one true'
}

# Processes of a user namespace of their own, and containers that share the host's processes.
test_other_namespaces() { # rows=one
	load busybox
	ids --privileged busybox sh -c 'unshare -Ur id -u; su -s /bin/sh app -c "id -u"'
	assert_out "$(printf '0\n1000')"
	ids --pid host busybox sh -c 'su -s /bin/sh app -c "id -u"; chown 5 /tmp; id -u'
	assert_out "$(printf '1000\n0')"
}

# A shell or true asks who it is, and changes nothing: no process is started for that.
test_asking_starts_no_process() { # rows=one
	load busybox
	up busybox sh -c 'id -u; touch /ready; exec sleep 1000'
	wait_for hoy exec c test -e /ready
	assert_eq '' "$(answerers)"
	run hoy exec c chown 5 /tmp
	assert_ok
	assert_eq '' "$(answerers)" # one of an exec ends with it
}

private_kb() { awk '/^Private_(Clean|Dirty)/ { n += $2 } END { print n + 0 }' "/proc/$1/smaps_rollup"; }

settled() { [ "$(private_kb "$1")" -le 400 ]; } # after a second without calls

test_memory_of_what_answers() { # rows=one
	load busybox
	up busybox sh -c 'su -s /bin/sh app -c "id -u"; exec sleep 1000'
	wait_for file_has "$(store)/containers/$id/ctr.log" 1000
	local p kb
	p=$(answerers)
	assert_eq 1 "$(printf '%s\n' "$p" | wc -l)" 'processes that answer'
	wait_for settled "$p"
	kb=$(private_kb "$p")
	[ "$kb" -gt 0 ] && [ "$kb" -le 400 ] || fail "the answering process has $kb KB of its own"
}

# The notes that the supervisor has to write are read by nobody, and answers come all the same.
test_blocked_output_holds_up_no_answer() { # rows=one
	load busybox
	mkdir v
	mkfifo out
	$HOY run --rm --name c --network none -v "$PWD/v:/v" busybox sh -c '
		while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done & 
		sleep 1; id -u >/v/a; su -s /bin/sh app -c "id -u >/v/b"; chown 1 /tmp && touch /v/done; wait' >out 2>err &
	local pid=$!
	exec 9<out # opened, never read
	wait_for test -e v/done
	assert_eq '0 1000' "$(cat v/a v/b | tr '\n' ' ' | sed 's/ $//')"
	hoy rm -f -t 0 c >/dev/null || fail rm
	exec 9<&-
	wait $pid
	:
}

run_tests "$@"
