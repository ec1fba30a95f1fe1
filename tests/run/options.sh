#!/bin/bash
# The options of run and create, one by one, as seen from inside the container.
. "$(dirname "$0")/../lib.sh"

test_output_and_error_are_apart() { # peer_ok short
	load busybox
	in_busybox -- sh -c 'echo out; echo err >&2'
	assert_ok
	assert_out out
	assert_eq err "$err" stderr
}

test_env() { # peer_ok short
	load busybox
	export FROM_OUTSIDE='taken over' FOX_A=1 FOX_B=2
	in_busybox -e A=1 -e 'B=two words' -e EMPTY= -e FROM_OUTSIDE -e NOT_SET_ANYWHERE --env C=x=y -- env
	assert_ok
	assert_has 'A=1'
	assert_has 'B=two words'
	assert_has 'EMPTY='
	assert_has 'FROM_OUTSIDE=taken over'
	assert_has 'C=x=y'
	assert_lacks NOT_SET_ANYWHERE
	assert_lacks FOX_A
	assert_lacks "HOY"
	in_busybox -e A=1 -e A=2 -- sh -c 'echo $A'
	assert_out 2
}

test_environment_does_not_leak() { # short
	load busybox
	export LEAK_ME=secret LD_PRELOAD='' XDG_RUNTIME_DIR=$T/run
	in_busybox -- env
	assert_lacks LEAK_ME
	assert_lacks XDG_RUNTIME_DIR
	assert_eq 'HOME HOSTNAME PATH' "$(printf '%s\n' "$out" | sed 's/=.*//' | grep -v -x -e TERM -e container | sort | tr '\n' ' ' | sed 's/ $//')" 'names of all variables'
}

test_env_file() { # peer_ok
	load busybox
	printf '# a comment\n\nA=1\n  B=lead\nQUOTED="stays quoted"\nSPACE=a b  \nEMPTY=\nFROM_OUTSIDE\nC=x=y#not a comment\n' >"$T/env"
	export FROM_OUTSIDE=here
	in_busybox --env-file "$T/env" -e A=2 -- env
	assert_ok
	assert_has 'A=2'
	assert_has 'B=lead'
	assert_has 'QUOTED="stays quoted"'
	assert_has 'EMPTY='
	assert_has 'FROM_OUTSIDE=here'
	assert_has 'C=x=y#not a comment'
	in_busybox --env-file "$T/nope" -- env
	assert_err '' nope
	printf '=x\n' >"$T/env"
	in_busybox --env-file "$T/env" -- env
	assert_rc 125
}

test_workdir() { # peer_ok short
	load busybox
	in_busybox -w /home/app -- pwd
	assert_out /home/app
	# docker makes a directory that is not there, podman refuses and names it.
	in_busybox -w /new/deep/dir -- sh -c 'pwd; ls -ld . | cut -c1-10'
	[ "$rc" = 0 ] && assert_out "$(printf '/new/deep/dir\ndrwxr-xr-x')" || assert_err_has /new/deep/dir
	in_busybox -w relative -- pwd
	is_peer || assert_err E-USAGE '--workdir /relative'
	# An exec changes nothing in a container that runs.
	hoy run -d --name w --network none busybox sleep 1000 >/dev/null || fail run
	run hoy exec -w /none/here w pwd
	[ "$rc" -ge 125 ] || fail "exec in a missing directory: $(last)"
	assert_err_has /none/here
	run hoy exec w ls -d /none
	assert_rc 1
	in_busybox -w /etc/passwd -- pwd
	[ "$rc" -ge 125 ] && [ "$rc" -le 127 ] || fail "a file as work directory: $(last)"
}

test_entrypoint() { # peer_ok short
	load cfg-both
	run hoy run --rm --network none cfg-both
	assert_out 'entry and cmd'
	run hoy run --rm --network none cfg-both other
	assert_out 'entry other'
	run hoy run --rm --network none --entrypoint /bin/ls cfg-both -d /etc
	assert_out /etc
	# --entrypoint drops the image's CMD.
	run hoy run --rm --network none --entrypoint echo cfg-both
	assert_out ''
	run hoy run --rm --network none --entrypoint '["echo","json","form"]' cfg-both x
	assert_out 'json form x'
	run hoy run --rm --network none --entrypoint '' cfg-both echo bare
	assert_out bare
	# What is no array of strings is the program's name, and there is one called "[".
	run hoy run --rm --network none --entrypoint '[' cfg-both 1 = 1 ']'
	assert_ok
	run hoy run --rm --network none --entrypoint '["sh", "-c"' cfg-both true
	assert_rc 127
	is_peer || assert_err_has 'whole JSON array'
}

test_no_command_at_all() { # peer_ok
	load cfg-nocommand
	run hoy run --rm --network none cfg-nocommand
	is_peer || assert_err
	run hoy run --rm --network none cfg-nocommand echo x
	assert_out x
}

test_hostname() { # peer_ok short
	load busybox
	in_busybox --hostname my-host -- sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
	assert_out "$(printf 'my-host\nmy-host\nmy-host')"
	run hoy create --network none busybox hostname
	local id=$out
	run hoy start -a "$id"
	assert_out "${id:0:12}"
}

test_hosts_file_knows_the_container() { # peer_ok
	load busybox
	in_busybox --hostname my-host -- cat /etc/hosts
	assert_has '127.0.0.1'
	assert_has 'localhost'
}

test_label() { # peer_ok
	load busybox
	run hoy create --name c --label a=1 --label 'b=with space' --label noval -l c=x=y busybox
	assert_ok
	run hoy inspect --format '{{.Config.Labels.a}}|{{.Config.Labels.b}}|{{.Config.Labels.noval}}|{{.Config.Labels.c}}' c
	assert_out '1|with space||x=y'
	run hoy ps -a -q --filter label=a=1
	assert_match '^[0-9a-f]{12}$'
	run hoy ps -a -q --filter label=a=2
	assert_out ''
}

test_bind_mount() { # peer_ok short
	load busybox
	mkdir "$HOME/d"
	echo hello >"$HOME/d/f"
	in_busybox -v "$HOME/d:/mnt/x" -- sh -c 'cat /mnt/x/f; echo back >/mnt/x/g'
	assert_out hello
	assert_eq back "$(cat "$HOME/d/g")" 'written in the container'
	in_busybox -v "$HOME/d:/mnt/x:ro" -- sh -c 'echo no >/mnt/x/h'
	assert_ne 0 "$rc"
	[ ! -e "$HOME/d/h" ] || fail 'ro was written to'
	in_busybox -v "$HOME/d/f:/etc/issue:ro" -- cat /etc/issue
	assert_out hello
	(cd "$HOME" && run hoy run --rm --network none -v ./d:/x busybox cat /x/f && assert_out hello)
	in_busybox -v "$HOME/d:relative" -- true
	assert_rc 125
	in_busybox -v "$HOME/d:/x:nonsense" -- true
	assert_rc 125
}

test_bind_over_a_directory_of_the_image_and_twice() { # peer_ok
	load busybox
	mkdir "$HOME/a" "$HOME/b"
	echo a >"$HOME/a/f"
	echo b >"$HOME/b/f"
	in_busybox -v "$HOME/a:/home" -v "$HOME/b:/home/inner" -- sh -c 'cat /home/f /home/inner/f'
	assert_out "$(printf 'a\nb')"
	in_busybox -v "$HOME/a:/home" -v "$HOME/b:/home" -- true
	assert_rc 125
}

test_tmpfs() { # peer_ok
	load busybox
	in_busybox --tmpfs /scratch --tmpfs /small:size=64k,mode=0700,noexec -- sh -c 'grep -c " /scratch tmpfs" /proc/mounts; ls -ld /small | cut -c1-10; grep " /small " /proc/mounts; dd if=/dev/zero of=/small/x bs=1k count=200 2>/dev/null && echo fits'
	assert_has 1
	assert_has drwx------
	assert_has noexec
	assert_has size=64k
	assert_lacks fits
}

test_read_only() { # peer_ok short
	load busybox
	in_busybox --read-only -- sh -c 'touch /x 2>/dev/null && echo root-written; touch /tmp/x && echo tmp-ok; touch /dev/shm/x && echo shm-ok; touch /run/x && echo run-ok'
	assert_lacks root-written
	assert_has tmp-ok
	assert_has shm-ok
	assert_has run-ok
}

test_init_can_be_joined() { # peer_ok
	load busybox
	hoy run -d --name c --init -u 7 --network none busybox sleep 1000 >/dev/null || fail run
	run hoy exec c id -u
	assert_out 7
	run hoy exec -u 0 c id -u
	assert_out 0
}

test_exec_with_the_network_of_the_host() { # peer_ok
	load busybox
	hoy run -d --name c --network host busybox sleep 1000 >/dev/null || fail run
	run hoy exec c echo joined
	assert_out joined
}

test_init() { # peer_ok
	load busybox
	# With --init, PID 1 reaps and is not the command.
	in_busybox --init -- sh -c 'echo $$; (sleep 0.1 &) ; sleep 0.5; ps -o stat | grep -c Z'
	assert_lacks "$(printf '1\n')x"
	[ "${out%%$'\n'*}" != 1 ] || fail "the command is PID 1: $(last)"
	assert_eq 0 "${out##*$'\n'}" zombies
	in_busybox --init -- sh -c 'exit 6'
	assert_rc 6
	in_busybox -- sh -c 'echo $$'
	assert_out 1
}

test_cidfile() { # peer_ok
	load busybox
	run hoy run -d --cidfile "$T/cid" --network none busybox sleep 1000
	assert_ok
	assert_eq "$out" "$(cat "$T/cid")" cidfile
	assert_match '^[0-9a-f]{64}$'
	# docker refuses a file that exists, podman writes it anew: never may it name another container.
	run hoy run -d --cidfile "$T/cid" --network none busybox sleep 1000
	[ "$rc" = 125 ] || assert_eq "$out" "$(cat "$T/cid")" cidfile
}

# Scripts write --name "$NAME" whether or not there is one.
test_empty_values_are_as_not_given() { # peer_ok
	load busybox
	in_busybox --name '' --hostname '' --user '' --workdir '' --cidfile '' --pull '' -- sh -c 'id -u; pwd; hostname | wc -c'
	assert_out "$(printf '0\n/\n13')"
	hoy run -d --name c --network none -u app busybox sleep 1000 >/dev/null || fail run
	run hoy exec -u '' -w '' c sh -c 'id -u; pwd'
	assert_out "$(printf '1000\n/')"
}

test_name_and_replace() { # peer_ok short
	load busybox
	run hoy run -d --name twin --network none busybox sleep 1000
	assert_ok
	local first=$out
	run hoy run -d --name twin --network none busybox sleep 1000
	assert_err '' twin
	run hoy run -d --name twin --replace --network none busybox sleep 1001
	assert_ok
	assert_ne "$first" "$out"
	run hoy ps -a --format '{{.Names}}'
	assert_out twin
	run hoy create --name 'bad/name' busybox
	assert_rc 125
	run hoy create --name '-dash' busybox
	assert_rc 125
	run hoy create --name "$(printf 'esc\033[31m')" busybox
	assert_rc 125
	is_peer || assert_err
	run hoy create --name 'ok_name.1-x' busybox
	assert_ok
}

test_rm_removes() { # peer_ok
	load busybox
	run hoy run --rm --name gone --network none busybox true
	run hoy ps -aq
	assert_out ''
	run hoy run --name stays --network none busybox true
	run hoy ps -a --format '{{.Names}}'
	assert_out stays
}

test_stop_signal() { # peer_ok
	load stop
	run hoy run -d --name c --stop-signal USR1 --network none stop /stop/handler
	assert_ok
	wait_for hoy_logs_have c ready
	run hoy stop -t 20 c
	assert_ok
	run hoy wait c
	assert_out 110
	run hoy run --stop-signal NONSENSE --network none stop true
	assert_rc 125
}
hoy_logs_have() { hoy logs "$1" 2>&1 | grep -q -- "$2"; }

test_stop_signal_of_the_image() { # peer_ok
	load cfg-stopsignal
	run hoy run -d --name c --network none cfg-stopsignal
	assert_ok
	wait_for hoy_logs_have c ready
	run hoy stop -t 20 c
	run hoy wait c
	assert_out 110
}

test_stop_timeout() { # peer_ok
	load stop
	run hoy run -d --name c --stop-timeout 1 --network none stop /stop/ignore
	assert_ok
	wait_for hoy_logs_have c ready
	run hoy stop c
	assert_ok
	run hoy wait c
	assert_out 137
}

test_ulimit() { # peer_ok
	load busybox
	in_busybox --ulimit nofile=64:128 --ulimit core=0 -- sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
	assert_out "$(printf '64\n128\n0')"
	in_busybox --ulimit nofile=100 -- sh -c 'ulimit -Sn; ulimit -Hn'
	assert_out "$(printf '100\n100')"
	in_busybox --ulimit nonsense=1 -- true
	assert_rc 125
	in_busybox --ulimit nofile=20:10 -- true
	assert_rc 125
}

test_pull_policies() { # peer_ok
	load busybox
	local p
	for p in never missing; do
		run hoy run --rm --network none --pull $p busybox echo $p
		assert_out $p
	done
	run hoy run --rm --network none --pull never nosuchimage true
	assert_err '' nosuchimage
	run hoy run --rm --network none --pull sometimes busybox true
	assert_rc 125
}

test_caps() { # peer_ok
	load stop
	run hoy run --rm --network none stop /stop/probe
	assert_has 'CapEff=00000000800405fb'
	assert_has 'CapBnd=00000000800405fb'
	run hoy run --rm --network none --cap-drop ALL stop /stop/probe
	assert_has 'CapEff=0000000000000000'
	assert_has 'CapBnd=0000000000000000'
	run hoy run --rm --network none --cap-drop all --cap-add chown stop /stop/probe
	assert_has 'CapEff=0000000000000001'
	run hoy run --rm --network none --cap-add NONSENSE stop true
	assert_rc 125
	# A user that is not root has no effective capabilities.
	run hoy run --rm --network none -u 1000 stop /stop/probe
	assert_has 'CapEff=0000000000000000'
	assert_has 'Seccomp=2'
}

# What the kernel shows without a profile: with one uid there is a filter that hands calls about ids over (it refuses nothing).
no_profile() { [ "$T_ROW" = one ] && ! is_peer && echo 2 || echo 0; }

test_no_new_privileges() { # peer_ok
	load stop
	run hoy run --rm --network none --security-opt no-new-privileges stop /stop/probe
	assert_has NoNewPrivs=1
	run hoy run --rm --network none --security-opt seccomp=unconfined stop /stop/probe
	assert_has Seccomp=$(no_profile)
	run hoy run --rm --network none --security-opt nonsense=1 stop true
	assert_rc 125
}

test_privileged() { # peer_ok
	load stop
	run hoy run --rm --network none --privileged stop /stop/probe
	assert_has Seccomp=$(no_profile)
	run hoy run --rm --network none --privileged stop sh -c 'mkdir /m && mount -t tmpfs x /m && echo mounted'
	assert_out mounted
	run hoy run --rm --network none stop sh -c 'mkdir /m && mount -t tmpfs x /m && echo mounted'
	assert_lacks mounted
}

test_network_host_and_none() { # peer_ok
	load busybox
	run hoy run --rm --network none busybox sh -c 'ls /sys/class/net'
	assert_out lo
	run hoy run --rm --network host busybox sh -c 'readlink /proc/self/ns/net'
	assert_out "$(readlink /proc/self/ns/net)"
	run hoy run --rm --network nonsense busybox true
	assert_rc 125
}

test_flags_stop_at_the_image() { # peer_ok short
	load busybox
	in_busybox -- echo -d --rm --name x
	assert_out '-d --rm --name x'
	run hoy run --rm --network=none -e=A=1 busybox sh -c 'echo "$A"'
	[ "$rc" = 0 ] || is_peer || fail "$(last)"
}

test_combined_short_flags() { # peer_ok
	load busybox
	run hoy run -itd --name c --network none busybox sh
	assert_ok
	run hoy inspect --format '{{.Config.Tty}} {{.Config.OpenStdin}}' c
	assert_out 'true true'
}

test_quiet_on_success() { # short
	load busybox
	in_busybox -- true
	assert_ok
	assert_out ''
	assert_quiet
	run hoy run --rm busybox true
	assert_ok
	[ "$(printf '%s' "$err" | grep -c '')" -le 1 ] || fail "more than one note: $(last)"
}

test_same_result_by_the_name_podman() {
	load busybox
	ln -s "$(command -v $HOY)" "$T/podman"
	ln -s "$(command -v $HOY)" "$T/docker"
	local n
	for n in podman docker; do
		run "$T/$n" run --rm --network none busybox echo by $n
		assert_ok
		assert_out "by $n"
	done
}

test_host_root() {
	run hoy run --rm --network none @host cat /etc/os-release
	assert_ok
	assert_eq "$(cat /etc/os-release)" "$out" '/etc/os-release'
	echo secret >"$HOME/secret"
	run hoy run --rm --network none @host sh -c "ls -A /home /root 2>/dev/null; cat $HOME/secret 2>/dev/null"
	assert_lacks secret
	[ "$T_ROW" = root ] || assert_lacks "$(id -un)"
	run hoy run --rm --network none @host sh -c 'touch /usr/new /new && echo private-layer; rm -f /etc/os-release 2>/dev/null; :'
	assert_has private-layer
	[ ! -e /usr/new ] && [ -e /etc/os-release ] || fail 'the host was changed'
}

test_empty_root() {
	mkdir "$HOME/b"
	cp "$T_FIX/bin/busybox" "$HOME/b/"
	run hoy run --rm --network none -v "$HOME/b:/b:ro" @empty /b/busybox ls /
	assert_ok
	assert_has b
	assert_lacks usr
}

test_hello() { # short
	run hoy run --rm hello
	assert_ok
	assert_has hoy
	[ "${#out}" -gt 100 ] || fail "it explains nothing: $(last)"
}

run_tests "$@"
