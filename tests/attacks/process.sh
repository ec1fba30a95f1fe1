#!/bin/bash
# What a hostile process in a container tries against the engine, and what the engine must not hand to it.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# The engine's own program, owned by and writable for the user who is root in the container: the worst case.
own_engine() {
	mkdir -p "$T/bin"
	cp "$(engine)" "$T/bin/hoy" && chmod 755 "$T/bin/hoy"
	HOY=$T/bin/hoy
	sum=$(sha256sum <"$T/bin/hoy")
}
engine_is_unchanged() {
	assert_eq "$sum" "$(sha256sum <"$T/bin/hoy")" 'sum of the engine'
	assert_eq 755 "$(stat -c %a "$T/bin/hoy")" 'mode of the engine'
}

test_exe_overwrite_by_exec() {
	local i root
	load busybox
	own_engine
	# In a root with a loader for it the engine's program runs; in one without, there is only the moment in which a process joins.
	for root in busybox @host; do
		hoy run -d --name c -v "$T_FIX/bin:/t:ro" "$root" sh -c '/t/grab grab busybox sh dash bash true cat >/tmp/out' >/dev/null || fail 'start'
		hoy exec c sh -c 'printf "#!/proc/self/exe\n" >/tmp/self; chmod 755 /tmp/self; ln -s /proc/self/exe /tmp/link' || fail 'prepare'
		for i in 1 2 3 4 5 6; do
			hoy exec c /tmp/self >/dev/null 2>&1
			hoy exec c /tmp/link --version >/dev/null 2>&1
			hoy exec c /proc/self/exe --version >/dev/null 2>&1
			hoy exec c true || fail "exec $i"
		done
		run hoy exec c cat /tmp/out
		assert_ok
		assert_eq '' "$(printf '%s\n' "$out" | grep 'WRITTEN.*hoy')" "what was written in $root"
		engine_is_unchanged
		hoy rm -f -t 0 c >/dev/null || fail rm
	done
}

# Where the engine runs as a program of the container, its file can be had: it must be a copy, or not writable at all.
test_exe_overwrite_while_it_runs() { # short
	own_engine
	mkdir "$T/o"
	hoy run -d --name c -v "$T/o:/o" -v "$T_FIX/bin:/t:ro" @host sh -c '/t/grab grab sh dash bash >/o/out' >/dev/null || fail 'start'
	mkfifo "$T/input"
	hoy exec -i c /proc/self/exe load <"$T/input" >/dev/null 2>&1 &
	exec 5>"$T/input"
	wait_for grep -q '^held .*hoy' "$T/o/out"
	sleep 1
	# The container's own files are its to write.
	assert_eq '' "$(grep 'WRITTEN.*hoy' "$T/o/out")" 'what was written'
	exec 5>&-
	wait
	engine_is_unchanged
}

test_exe_as_command() {
	local root
	load busybox
	own_engine
	for root in busybox @host; do
		run hoy run --rm "$root" /proc/self/exe --version
		run hoy run --rm --entrypoint /proc/self/exe "$root"
		run hoy run --rm -v "$T/bin/hoy:/h:ro" "$root" sh -c 'echo x >>/h; chmod 777 /h'
	done
	engine_is_unchanged
}

# Neither the canary nor the store, of which the engine holds directories open until late.
inside() {
	assert_lacks canary
	assert_lacks config.json
	assert_lacks layers
}

test_workdir_through_fd() {
	local n
	canary
	load busybox cfg-workdir-fd
	cd "$T/host" || fail cd
	exec 60<"$T/host"
	for n in {3..23} 60; do
		run hoy run --rm -w "/proc/self/fd/$n" busybox sh -c 'pwd; cat secret ../secret; ls . .. ../..'
		inside
		run hoy run --rm -w "/proc/self/fd/$n/sub" busybox sh -c 'cat ../secret'
		assert_lacks canary
	done
	run hoy run --rm cfg-workdir-fd sh -c 'cat secret; pwd'
	assert_lacks canary
	untouched
}

test_exec_workdir_through_fd() {
	local n
	canary
	load busybox
	cd "$T/host" || fail cd
	exec 60<"$T/host"
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	for n in {3..13} 60; do
		run hoy exec -w "/proc/self/fd/$n" c sh -c 'pwd; cat secret ../secret; ls . .. ../..'
		inside
	done
	untouched
}

test_no_leaked_descriptors() { # short
	load scratch busybox
	mkdir -p "$T/host"
	exec 60<"$T/host" 61<"$T" 9<"$HOME"
	local flags
	for flags in '' -i; do
		# shellcheck disable=SC2086
		run hoy run --rm $flags scratch
		assert_ok
		assert_eq '0 1 2' "$(printf '%s\n' "$out" | sed -n 's/^fd=\([0-9]*\) .*/\1/p' | paste -sd' ')" "descriptors of run $flags"
	done
	# shellcheck disable=SC2086
	run with_pty -- $HOY run --rm -it scratch
	assert_eq '0 1 2' "$(printf '%s\n' "$out" | sed -n 's/^fd=\([0-9]*\) .*/\1/p' | paste -sd' ')" 'descriptors of run -it'
	hoy run -d --name d scratch >/dev/null || fail start
	hoy wait d >/dev/null
	assert_eq '0 1 2' "$(hoy logs d | sed -n 's/^fd=\([0-9]*\) .*/\1/p' | paste -sd' ')" 'descriptors of run -d'
	hoy run -d --name c -v "$T_FIX/bin:/t:ro" busybox sleep 1000 >/dev/null || fail start
	run hoy exec c /t/probe
	assert_eq '0 1 2' "$(printf '%s\n' "$out" | sed -n 's/^fd=\([0-9]*\) .*/\1/p' | paste -sd' ')" 'descriptors of exec'
	run hoy run --rm --init scratch
	assert_eq '0 1 2' "$(printf '%s\n' "$out" | sed -n 's/^fd=\([0-9]*\) .*/\1/p' | paste -sd' ')" 'descriptors of run --init'
	# Nor does the process beside it, the reaper of --init, hold any.
	hoy run -d --name i --init busybox sleep 1000 >/dev/null || fail start
	run hoy exec i sh -c 'ls /proc/1/fd | tr "\n" " "'
	case $out in '' | '0 1 2 ') ;; *) fail "descriptors of the reaper: $out" ;; esac
}

test_no_environment_leak() { # short
	load busybox
	export SECRET_OF_CALLER=leaked
	run hoy run --rm busybox sh -c 'env; cat /proc/1/environ'
	assert_ok
	assert_lacks leaked
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	run hoy exec c sh -c 'env; cat /proc/[0-9]*/environ'
	assert_lacks leaked
}

# The reaper of --init never becomes a program of the container: it must not hold or show what the engine knows.
test_reaper_holds_nothing() { # short
	load busybox
	local e other
	other=$(engine)
	own_engine
	mkdir "$T/data"
	export SECRET_OF_CALLER=leaked
	for e in "$HOY" "$other"; do
		run "$e" run --rm --init -e TOKEN=leaked -v "$T/data:/d" busybox sh -c \
			'unset TOKEN; cat /proc/1/cmdline | tr "\0" " "; cat /proc/1/environ; ls -l /proc/1/fd /proc/1/cwd /proc/1/exe; grep ^Cap /proc/1/status'
		assert_lacks leaked
		assert_lacks "$T"
		assert_match 'CapPrm:[[:space:]]0000000000000020'
		assert_match 'CapInh:[[:space:]]0000000000000000'
		assert_match 'CapBnd:[[:space:]]00000000800405fb'
	done
	run hoy run --rm --init busybox sh -c 'kill -0 1 && sleep 100 & kill $!; wait; exit 7'
	assert_rc 7
}

caps_of() { printf '%s\n' "$out" | sed -n "s/^$1=//p"; }

test_inheritable_and_ambient_empty() { # short
	load busybox
	local who
	for who in '' '-u 0' '-u 1000'; do
		[ "$T_ROW$who" != 'one-u 1000' ] || continue
		# shellcheck disable=SC2086
		run hoy run --rm $who -v "$T_FIX/bin:/t:ro" busybox /t/probe
		assert_ok
		assert_eq 0000000000000000 "$(caps_of CapInh)" "inheritable of run $who"
		assert_eq 0000000000000000 "$(caps_of CapAmb)" "ambient of run $who"
		assert_eq 00000000800405fb "$(caps_of CapBnd)" "bounding of run $who"
		case $who in
		*1000) assert_eq 0000000000000000 "$(caps_of CapEff)" "effective of run $who" ;;
		*) assert_eq 00000000800405fb "$(caps_of CapEff)" "effective of run $who" ;;
		esac
		assert_eq 2 "$(caps_of Seccomp)" "seccomp of run $who"
		assert_eq 0 "$(caps_of NoNewPrivs)" "no_new_privs of run $who"
	done
}

test_exec_keeps_limits() { # short
	load busybox
	hoy run -d --name c --cap-drop CHOWN --security-opt no-new-privileges -v "$T_FIX/bin:/t:ro" busybox sleep 1000 >/dev/null || fail start
	run hoy exec c /t/probe
	assert_ok
	assert_eq 00000000800405fa "$(caps_of CapBnd)" bounding
	assert_eq 00000000800405fa "$(caps_of CapEff)" effective
	assert_eq 00000000800405fa "$(caps_of CapPrm)" permitted
	assert_eq 0000000000000000 "$(caps_of CapInh)" inheritable
	assert_eq 0000000000000000 "$(caps_of CapAmb)" ambient
	assert_eq 2 "$(caps_of Seccomp)" seccomp
	assert_eq 1 "$(caps_of NoNewPrivs)" no_new_privs
	[ "$T_ROW" = one ] && return
	run hoy exec -u 1000:1000 c /t/probe
	assert_eq 0000000000000000 "$(caps_of CapEff)" 'effective of another user'
	assert_eq 0000000000000000 "$(caps_of CapInh)" 'inheritable of another user'
	assert_eq 1000 "$(caps_of uid)" uid
}

# With another user, only what was added by name is kept, and kept over execve (as podman does).
test_added_capability_with_user() { # short rows=user,root peer_ok
	load busybox
	run hoy run --rm --cap-add NET_RAW -u 1000 -v "$T_FIX/bin:/t:ro" busybox /t/probe
	assert_ok
	assert_eq 0000000000002000 "$(caps_of CapEff)" effective
	assert_eq 0000000000002000 "$(caps_of CapAmb)" ambient
	assert_eq 00000000800425fb "$(caps_of CapBnd)" bounding
	run hoy run --rm --cap-drop ALL --cap-add KILL -v "$T_FIX/bin:/t:ro" busybox /t/probe
	assert_eq 0000000000000020 "$(caps_of CapBnd)" bounding
	assert_eq 0000000000000020 "$(caps_of CapEff)" effective
	assert_eq 0000000000000000 "$(caps_of CapAmb)" ambient
}

test_bad_capabilities() { # short
	load busybox
	run hoy run --rm --cap-add NET_ADMN busybox true
	assert_err E-CAP-UNKNOWN NET_ADMIN
	run hoy run --rm --cap-add ALL --cap-drop ALL busybox true
	assert_err E-CAP-CONFLICT
	run hoy run --rm --security-opt secomp=unconfined busybox true
	assert_err E-SECURITY-OPT seccomp
}

bad_users=("" ":" "-1" "4294967295" "4294967296" "2147483648" "1e3" " 1" "0x0" "1 " "99999999999999999999" "0:-1" "0:4294967296" "nobodyhere" "0:nogrouphere" $'root\n' "0:0:0" "../root" "+0")

# "" and ":" are no user at all, "0:" is the user 0, ":0" the group 0 (as podman has it): none of the rest may run, least of all as root.
test_run_user_is_checked() {
	load busybox
	local u
	for u in "${bad_users[@]:2}"; do
		run hoy run --rm -u "$u" busybox id -u
		assert_rc 125
		[ -z "$out" ] || fail "-u '$u' ran: $(last)"
	done
	run hoy run --rm -u 0: busybox id -u
	refused_or_fine
}

test_exec_user_is_checked() {
	load busybox
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail start
	local u
	for u in "${bad_users[@]:2}"; do
		run hoy exec -u "$u" c id -u
		[ "$rc" != 0 ] && [ -z "$out" ] || fail "-u '$u' ran: $(last)"
	done
	run hoy inspect --format '{{.State.Status}}' c
	assert_out running
}

test_image_user_is_checked() {
	local u n=0
	load busybox
	for u in 4294967296 2147483648 18446744073709551616:0 -1 0x0 99999999999 '99999999999:0' '0:99999999999'; do
		n=$((n + 1))
		hostile "user$n" <<P
b.dir("etc").file("etc/passwd", "root:x:0:0::/:/bin/sh\n99999999999:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n0x0:x:0:0::/:/bin/sh\n-1:x:0:0::/:/bin/sh\n")
c["User"] = "$u"
P
		run hoy run --rm "user$n" id -u
		assert_rc 125
		[ -z "$out" ] || fail "USER $u ran: $(last)"
	done
}

test_passwd_lines_are_checked() {
	hostile lines <<'P'
b.dir("etc").file("etc/passwd", "big:x:4294967296:0::/:/bin/sh\nneg:x:-1:-1::/:/bin/sh\nhex:x:0x0:0x0::/:/bin/sh\nempty:x:::/:/bin/sh\nshort:x\n"
       + "ok:x:0:0::" + "/h" * 3000 + ":/bin/sh\nwrap:x:0:4294967296::/:/bin/sh\n\0zero:x:0:0::/:/bin/sh\n")
P
	local u
	for u in big neg hex empty short wrap; do
		run hoy run --rm -u $u lines id -u
		assert_rc 125
		[ -z "$out" ] || fail "user $u ran: $(last)"
	done
}

test_groups_deny() { # rows=user,root short peer_ok
	hostile groups <<'P'
b.dir("srv").file("srv/denied", "not for video\n", 0o604, uid=0, gid=44)
P
	run hoy run --rm -u app groups sh -c 'id -G; cat /srv/denied'
	assert_eq '1000 10 44 2000' "$(printf '%s' "$out" | head -1)" groups
	assert_lacks 'not for video'
	run hoy run --rm -u nohome groups cat /srv/denied
	assert_out 'not for video'
	run hoy run --rm -u 0 groups id -G
	assert_out 0
	hoy run -d --name c groups sleep 1000 >/dev/null || fail start
	run hoy exec -u app c sh -c 'id -G; cat /srv/denied'
	assert_eq '1000 10 44 2000' "$(printf '%s' "$out" | head -1)" 'groups of exec'
	assert_lacks 'not for video'
}

test_system_calls() { # short
	load busybox
	run hoy run --rm -v "$T_FIX/bin:/t:ro" busybox /t/syscalls
	[ "$rc" = 0 ] || fail "$(last)"
	assert_match '[0-9]+ calls, 0 differ'
	hoy run -d --name c -v "$T_FIX/bin:/t:ro" busybox sleep 1000 >/dev/null || fail start
	run hoy exec c /t/syscalls
	[ "$rc" = 0 ] || fail "exec: $(last)"
	run hoy run --rm --init -v "$T_FIX/bin:/t:ro" busybox /t/syscalls
	[ "$rc" = 0 ] || fail "--init: $(last)"
	run hoy run --rm --security-opt no-new-privileges -v "$T_FIX/bin:/t:ro" busybox /t/syscalls
	[ "$rc" = 0 ] || fail "no-new-privileges: $(last)"
}

test_system_calls_when_asked_for() {
	load busybox
	run hoy run --rm --cap-add SYS_ADMIN -v "$T_FIX/bin:/t:ro" busybox /t/syscalls --plain
	assert_has 'mount EFAULT'
	assert_has 'setns EBADF'
	assert_has 'keyctl EPERM'
	run hoy run --rm --cap-add SYS_PTRACE -v "$T_FIX/bin:/t:ro" busybox /t/syscalls --plain
	assert_has 'pidfd_getfd EBADF'
	assert_has 'mount EPERM'
	run hoy run --rm --cap-add SYSLOG --cap-add NET_ADMIN -v "$T_FIX/bin:/t:ro" busybox /t/syscalls --plain
	assert_has 'socket_netfilter OK'
	assert_has 'mount EPERM'
	run hoy run --rm --security-opt seccomp=unconfined -v "$T_FIX/bin:/t:ro" busybox /t/syscalls --plain
	assert_has 'io_uring_setup EFAULT'
	assert_has 'unshare_user OK'
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$T/p.json"
	run hoy run --rm --security-opt "seccomp=$T/p.json" busybox mkdir /tmp/x
	assert_rc 1
	assert_err_has 'No space left'
	echo '{' >"$T/p.json"
	run hoy run --rm --security-opt "seccomp=$T/p.json" busybox true
	assert_err E-SECCOMP-PROFILE
}

test_new_namespaces_and_mounts() { # short
	load busybox
	run hoy run --rm busybox sh -c 'unshare -Ur true; unshare -m true; mkdir /tmp/o /tmp/u /tmp/w; mount -t overlay -o lowerdir=/bin,upperdir=/tmp/u,workdir=/tmp/w o /tmp/o; mount -t tmpfs t /tmp/o; mount --bind / /tmp/o; nsenter -t 1 -n true; ls -A /tmp/o'
	assert_out ''
	assert_ne '' "$err" 'complaints of unshare and mount'
	run hoy run --rm busybox unshare -Ur true
	assert_ne 0 "$rc" 'unshare -Ur'
}

# Without -t the container shares the caller's terminal: it must not be able to type into it.
test_typing_into_the_terminal() { # short
	load busybox
	# shellcheck disable=SC2086
	run with_pty -- $HOY run --rm -i -v "$T_FIX/bin:/t:ro" busybox /t/typein
	assert_has '0 TIOCSTI 1'
	assert_has '0 TIOCSTI+high 1'
	assert_has '0 TIOCLINUX 1'
	assert_has 'session own'
	assert_lacks 'TIOCSTI 0'
	assert_lacks 'TIOCSTI+high 0'
	hoy run -d --name c -v "$T_FIX/bin:/t:ro" busybox sleep 1000 >/dev/null || fail start
	# shellcheck disable=SC2086
	run with_pty -- $HOY exec -i c /t/typein
	assert_has '0 TIOCSTI 1'
	assert_has 'session own'
	assert_lacks 'TIOCSTI 0'
}

# Even with the right to trace inside, nothing of the engine can be had before it has become a program of the container.
test_joining_process_is_out_of_reach() { # rows=user
	local i n=60 caps
	[ -z "${T_LONG:-}" ] || n=1000
	load busybox
	own_engine # whose file is the user's: so a sealed copy of it joins
	for caps in '' '--cap-add SYS_PTRACE' '--cap-add ALL --security-opt seccomp=unconfined'; do
		# shellcheck disable=SC2086
		hoy run -d --name c $caps -v "$T_FIX/bin:/t:ro" busybox /t/seize true busybox >/dev/null || fail start
		wait_for file_in_logs c seizing
		for ((i = 0; i < n; i++)); do
			hoy exec c true >/dev/null 2>&1
		done
		run hoy logs c
		assert_lacks CAUGHT
		hoy rm -f -t 0 c >/dev/null || fail 'rm'
	done
}
file_in_logs() { hoy logs "$1" 2>/dev/null | grep -qF "$2"; }

# A pid that was given to somebody else meanwhile: nothing else may be killed.
test_pid_reuse() { # rows=root
	local pid id other
	load busybox
	[ -w /proc/sys/kernel/ns_last_pid ] || skip 'no ns_last_pid'
	id=$(hoy run -d --name c busybox sleep 1000) || fail start
	pid=$(hoy inspect --format '{{.State.Pid}}' c)
	local sup
	sup=$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$pid/stat")
	kill -9 "$sup" "$pid"
	wait_for gone "$pid"
	other=''
	for _ in {1..200}; do
		echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
		sleep 1000 &
		[ "$!" = "$pid" ] && other=$! && break
		kill "$!"
	done
	[ -n "$other" ] || skip 'the pid could not be had again'
	run hoy ps -a --format '{{.Status}}'
	assert_lacks 'Up '
	run hoy kill c
	run hoy stop -t 0 c
	run hoy rm -f "$id"
	assert_ok
	kill -0 "$other" 2>/dev/null || fail "the other process $other was killed"
	kill "$other"
}

# Every program that a listing might run instead of reading /proc itself is a trap in this image; names are read from its files.
test_top_runs_nothing() { # short
	hostile topper <<-'EOF'
		trap = b"#!/bin/sh\necho ran >>/m/ran\n"
		for n in ("bin/ps", "bin/nsenter", "usr/bin/nsenter", "usr/bin/ps", "bin/id", "usr/bin/getent", "bin/top"):
		    b.file(n, trap, 0o755)
		b.file("etc/passwd", b"root\x1b[31m:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n" + b"x" * 100000 + b"\n")
	EOF
	need strace
	mkdir "$T/m"
	hoy run -d --name c -v "$T/m:/m" topper sleep 1000 >/dev/null || fail run
	hoy exec c sh -c 'ln -sf /proc/1/root/etc/shadow /etc/group' || fail exec
	local words
	for words in '' -ef aux '-o pid,user,cmd' 'pid user group groups huser hgroup label args'; do
		# shellcheck disable=SC2086  # words
		run strace -f -qq -e trace=execve,execveat,fork,vfork,clone,clone3 -o "$T/trace" $HOY top c $words
		assert_ok
		assert_has sleep
		assert_eq 1 "$(wc -l <"$T/trace")" "top $words: $(cat "$T/trace")"
		LC_ALL=C grep -q "$(printf '\033')" "$T/out" && fail 'an escape byte of the image reaches the terminal'
	done
	hoy run -d --name d topper sh -c 'rm /etc/passwd; mkfifo /etc/passwd; exec sleep 1000' >/dev/null || fail run
	# shellcheck disable=SC2317  # called by wait_for
	sleeps() { timeout 20 $HOY top d args | grep -q '^sleep'; }
	wait_for sleeps
	run timeout 20 $HOY top d user
	assert_ok
	[ ! -e "$T/m/ran" ] || fail 'a program of the image ran'
}

test_top_escapes_names() {
	load busybox
	hoy run -di --name c --network none busybox sh -c '
		n=$(printf "/tmp/a\033]0;x\007b) R\t1\n1")
		printf "#!/bin/sh\nread x\n" >"$n"; chmod 755 "$n"; exec "$n" "$(printf "\033[31mred\r")"' >/dev/null || fail run
	# shellcheck disable=SC2317  # called by wait_for
	executed() { hoy top c args | grep -q red; }
	wait_for executed
	run hoy top c pid comm args
	assert_ok
	LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$T/out" && fail "control bytes: $(cat -v "$T/out")"
	assert_eq 2 "$(wc -l <"$T/out")" "lines: $(cat -v "$T/out")"
	run hoy top c -o pid,comm,args
	LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$T/out" && fail "control bytes: $(cat -v "$T/out")"
	assert_eq 2 "$(wc -l <"$T/out")" "lines: $(cat -v "$T/out")"
}

# What is named is passed on; whatever else the caller has open stays out, and the init process holds nothing of it.
test_preserved_descriptors_only() { # short
	local opts
	canary
	load busybox
	mkdir "$T/passed"
	echo 'handed over' >"$T/passed/f"
	exec 3<"$T/passed/f" 4<"$T/host/secret" 9<"$T/passed/f" 60<"$T/host" 61<"$T/host/secret"
	for opts in '' --init -t; do
		# shellcheck disable=SC2086  # words
		run hoy run --rm $opts --preserve-fds 1 --preserve-fd 9 busybox sh -c 'cat <&3; for i in /proc/[0-9]*/fd/*; do readlink $i; done; ls /proc/self/fd /proc/1/fd'
		assert_ok
		assert_has 'handed over'
		exec 3<"$T/passed/f"
		assert_lacks "$T/host"
		assert_lacks secret
		untouched
	done
	hoy run -d --name c busybox sleep 1000 >/dev/null || fail run
	run hoy exec --preserve-fds 1 c sh -c 'cat <&3; for i in /proc/[0-9]*/fd/*; do readlink $i; done; true'
	assert_ok
	assert_has 'handed over'
	assert_lacks secret
	run hoy exec c sh -c 'for i in /proc/[0-9]*/fd/*; do readlink $i; done'
	assert_lacks "$T"
	# The working directory is not left through a descriptor that was passed on either.
	run hoy run --rm --preserve-fd 60 -w /proc/self/fd/60 busybox cat secret
	assert_rc 125
	exec 3<&- 4<&- 9<&- 60<&- 61<&-
}

run_tests "$@"
