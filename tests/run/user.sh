#!/bin/bash
# User, group, home, PATH, work directory and command: resolved as docker and podman do.
. "$(dirname "$0")/../lib.sh"

as() { # USER COMMAND...
	local u=$1
	shift
	run hoy run --rm --network none -u "$u" busybox "$@"
}

# The numbers are those of tests/fixtures/image.py: app is 1000:1000, in wheel(10), video(44), extra(2000).
test_ids_of_a_name() { # peer_ok short
	load busybox
	as app sh -c 'id -u; id -g; id -G'
	assert_ok
	assert_eq 1000 "$(sed -n 1p "$T/out")"
	assert_eq 1000 "$(sed -n 2p "$T/out")"
	assert_eq '10 44 1000 2000' "$(sed -n 3p "$T/out" | tr ' ' '\n' | sort -n -u | tr '\n' ' ' | sed 's/ $//')" groups
}

test_ids_of_a_number_with_a_passwd_entry() { # peer_ok
	load busybox
	as 1000 sh -c 'id -u; id -g; id -G; echo $HOME'
	assert_eq 1000 "$(sed -n 1p "$T/out")"
	assert_eq 1000 "$(sed -n 2p "$T/out")"
	assert_eq '10 44 1000 2000' "$(sed -n 3p "$T/out" | tr ' ' '\n' | sort -n -u | tr '\n' ' ' | sed 's/ $//')" groups
	assert_eq /home/app "$(sed -n 4p "$T/out")" HOME
}

test_ids_of_a_number_without_one() { # peer_ok
	load busybox
	as 4242 sh -c 'id -u; id -g; id -G; echo $HOME; pwd'
	assert_out "$(printf '4242\n0\n0\n/\n/')"
}

test_explicit_groups() { # peer_ok
	load busybox
	as 1000:44 sh -c 'id -u; id -g; id -G'
	assert_out "$(printf '1000\n44\n44')"
	as app:video sh -c 'id -u; id -g; id -G'
	assert_out "$(printf '1000\n44\n44')"
	as 4242:4343 sh -c 'id -u; id -g; id -G'
	assert_out "$(printf '4242\n4343\n4343')"
	as app:2000 id -g
	assert_out 2000
}

# As docker and podman have it since CVE-2022-2989 and CVE-2022-36109.
test_the_own_group_is_among_the_groups() { # peer_ok short rows=user,root
	local want user
	load busybox
	while read -r user want; do
		as "$user" sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status
		assert_eq "$want" "${out% }" "groups of $user"
	done <<-'E'
		app 10 44 1000 2000
		1000:2000 2000
		4242 0
		4242:77 77
		0 0
	E
}

test_root_by_default() { # peer_ok short
	load busybox
	run hoy run --rm --network none busybox sh -c 'id -u; id -g; echo $HOME'
	assert_out "$(printf '0\n0\n/root')"
	as root id -u
	assert_out 0
	as 0:0 id -u
	assert_out 0
}

test_unknown_names_are_refused() { # peer_ok
	load busybox
	local u
	for u in nosuchuser app:nosuchgroup 1000:nosuchgroup nosuchuser:44; do
		as "$u" true
		[ "$rc" = 125 ] || [ "$rc" = 126 ] && is_peer || assert_err '' "$u"
	done
	as -1 true
	[ "$rc" = 126 ] && is_peer || assert_err
	as 99999999999 true
	[ "$rc" = 126 ] && is_peer || assert_err
}

test_home() { # peer_ok
	load busybox
	as app sh -c 'echo $HOME; pwd'
	assert_out "$(printf '/home/app\n/')"
	as nohome sh -c 'echo $HOME'
	[ -z "$out" ] || assert_out /
	as weird sh -c 'echo $HOME; pwd'
	assert_out "$(printf '/does/not/exist\n/')"
	run hoy run --rm --network none -u app -e HOME=/elsewhere busybox sh -c 'echo $HOME'
	assert_out /elsewhere
}

test_user_of_the_image() { # peer_ok
	load cfg-user-name cfg-user-uid cfg-user-uidgid cfg-user-namegroup cfg-user-numeric-unknown cfg-user-unknown
	local i
	for i in cfg-user-name cfg-user-uid; do
		run hoy run --rm --network none $i sh -c 'echo $(id -u) $(id -g)'
		assert_out '1000 1000'
	done
	for i in cfg-user-uidgid cfg-user-namegroup; do
		run hoy run --rm --network none $i sh -c 'echo $(id -u) $(id -g)'
		assert_out '1000 44'
	done
	run hoy run --rm --network none cfg-user-numeric-unknown sh -c 'echo $(id -u) $(id -g)'
	assert_out '4242 4343'
	run hoy run --rm --network none cfg-user-unknown true
	[ "$rc" = 126 ] && is_peer || assert_err '' nobodyhere
	run hoy run --rm --network none -u 0 cfg-user-name id -u
	assert_out 0
}

# A number that the image does not know has an entry in the container, not in what lies below.
test_entry_for_an_unknown_number() { # peer_ok
	load busybox
	run hoy run --name c --network none -u 4321 busybox sh -c 'grep 4321 /etc/passwd; whoami; ls -l /etc/passwd | cut -c1-10'
	assert_out "$(printf '4321:*:4321:0:container user:/:/bin/sh\n4321\n-rw-r--r--')"
	run hoy run --rm --network none -u 0 busybox grep -c container /etc/passwd
	assert_out 0
	mkdir "$HOME/e" && echo 'x:x:9:9::/:/bin/sh' >"$HOME/e/passwd"
	run hoy run --rm --network none -u 4321 -v "$HOME/e/passwd:/etc/passwd" busybox cat /etc/passwd
	assert_out 'x:x:9:9::/:/bin/sh'
	assert_eq 'x:x:9:9::/:/bin/sh' "$(cat "$HOME/e/passwd")" 'the file of the host'
}

test_mtab() { # peer_ok
	load busybox
	run hoy run --rm --network none busybox sh -c 'readlink /etc/mtab; grep -c " / " /etc/mtab'
	assert_out "$(printf '/proc/mounts\n1')"
}

# Users are looked up before anything is hidden.
test_masked_passwd() {
	load busybox
	run hoy run --rm --network none -u app --security-opt mask=/etc/passwd busybox sh -c 'id -u; wc -c </etc/passwd'
	assert_out "$(printf '1000\n0')"
}

test_no_passwd_in_the_image() { # peer_ok
	load scratch
	run hoy run --rm --network none -u 1234 scratch
	assert_ok
	assert_has uid=1234
	assert_has gid=0
	run hoy run --rm --network none scratch
	assert_has uid=0
	run hoy run --rm --network none -u app scratch
	[ "$rc" = 126 ] && is_peer || assert_rc 125
}

test_path_of_the_image_and_without() { # peer_ok
	load cfg-env cfg-env-nopath
	run hoy run --rm --network none cfg-env sh -c 'echo $PATH; echo $A; echo $B'
	assert_out "$(printf '/opt:/bin\n1\ntwo words')"
	run hoy run --rm --network none cfg-env-nopath sh -c 'echo $PATH'
	assert_out /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	run hoy run --rm --network none -e A=changed cfg-env sh -c 'echo $A'
	assert_out changed
}

test_workdir_of_the_image() { # peer_ok
	load cfg-workdir
	run hoy run --rm --network none cfg-workdir
	assert_out /made/on/demand
	run hoy run --rm --network none -w /tmp cfg-workdir
	assert_out /tmp
}

test_workdir_through_a_descriptor_is_refused() { # short
	load cfg-workdir-fd busybox
	local n
	run hoy run --rm --network none cfg-workdir-fd
	[ "$rc" != 0 ] || assert_out /proc/self/fd/8
	case $out in */home* | */tmp*) fail "outside: $(last)" ;; esac
	for n in 3 4 5 6 7 8 9 10 11 12; do
		run hoy run --rm --network none -w /proc/self/fd/$n busybox sh -c 'cat ../../../../../etc/hostname ../../etc/shadow ./etc/passwd 2>/dev/null; ls'
		case $out in *"$(hostname)"* | *"$(tail -1 /etc/passwd)"*) fail "the host is visible: $(last)" ;; esac
	done
}

test_null_fields() { # peer_ok
	load cfg-null
	run hoy run --rm --network none cfg-null echo fine
	assert_out fine
}

test_exec_as_a_user() { # peer_ok
	load busybox
	run hoy run -d --name c -u app -e A=1 -w /tmp --network none busybox sleep 1000
	assert_ok
	run hoy exec c sh -c 'echo $(id -u) $(id -g) $HOME $A; pwd'
	assert_out "$(printf '1000 1000 /home/app 1\n/tmp')"
	run hoy exec -u 0 c sh -c 'echo $(id -u) $HOME'
	assert_out '0 /root'
	run hoy exec -u 1000:44 c sh -c 'echo $(id -u) $(id -g)'
	assert_out '1000 44'
	run hoy exec -w /etc -e B=2 c sh -c 'pwd; echo $A $B'
	assert_out "$(printf '/etc\n1 2')"
	run hoy exec -u nosuchuser c true
	is_peer || assert_err '' nosuchuser
}

test_one_uid_maps_self_to_the_user() { # rows=one
	load busybox
	as 1000 sh -c 'id -u; echo ok >/tmp/f && cat /tmp/f'
	assert_ok
	assert_out "$(printf '1000\nok')"
	as app id -un
	assert_out app
}

test_one_uid_knows_owners() { # rows=one
	load busybox
	run hoy run --rm --network none busybox sh -c 'touch /f && chown 1000:1000 /f && echo chowned; su app -c "id -u"'
	assert_out "$(printf 'chowned\n1000')"
}

run_tests "$@"
