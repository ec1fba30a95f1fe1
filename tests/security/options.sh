#!/bin/bash
# --security-opt, --cap-add, --cap-drop and --privileged: what they change, seen from inside.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

probe() { run hoy run --rm "$@" -v "$T_FIX/bin:/t:ro" busybox /t/probe; }
line() { printf '%s\n' "$out" | sed -n "s/^$1=//p"; }

test_no_new_privileges() { # short peer_ok
	load busybox
	probe --security-opt no-new-privileges
	assert_eq 1 "$(line NoNewPrivs)" no_new_privs
	assert_eq 2 "$(line Seccomp)" seccomp
	probe --security-opt no-new-privileges:false
	assert_eq 0 "$(line NoNewPrivs)" no_new_privs
	run hoy run --rm --security-opt no-new-privileges=maybe busybox true
	assert_err E-SECURITY-OPT
}

test_privileged() { # short
	load busybox
	local all
	all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	probe --privileged
	assert_eq "$all" "$(line CapEff)" effective
	assert_eq "$all" "$(line CapBnd)" bounding
	assert_eq 0000000000000000 "$(line CapInh)" inheritable
	if [ "$T_ROW" = one ]; then # the one that hands calls about ids over
		run hoy run --rm --privileged busybox sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status
		assert_out 1
	else
		assert_eq 0 "$(line Seccomp)" seccomp
	fi
	run hoy run --rm --privileged busybox sh -c 'mount -t tmpfs t /tmp && unshare -Ur true && wc -c </proc/interrupts; mount | grep -c "on /proc/"'
	assert_ne 0 "$(printf '%s\n' "$out" | head -1)" 'bytes of a file that is masked otherwise'
	assert_eq 0 "$(printf '%s\n' "$out" | tail -1)" 'masks'
	probe --privileged --security-opt seccomp=builtin
	assert_eq 2 "$(line Seccomp)" 'seccomp, asked for'
}

test_masks() { # short
	load busybox
	run hoy run --rm busybox sh -c 'wc -c </proc/interrupts; ls -A /sys/firmware /proc/acpi /proc/scsi; echo x >/proc/sys/kernel/hostname; echo x >/proc/sysrq-trigger'
	assert_eq 0 "$(printf '%s\n' "$out" | head -1)" 'bytes of a masked file'
	assert_err_has 'Read-only file system'
	run hoy run --rm --security-opt unmask=/proc/interrupts busybox sh -c 'wc -c </proc/interrupts'
	assert_ne 0 "$out" 'bytes of an unmasked file'
	run hoy run --rm --security-opt unmask='/proc/inter*' busybox sh -c 'wc -c </proc/interrupts'
	assert_ne 0 "$out" 'bytes of a file unmasked by a pattern'
	run hoy run --rm --security-opt unmask=ALL busybox sh -c 'mount | grep -c "on /proc/"'
	assert_out 0
	run hoy run --rm --security-opt systempaths=unconfined busybox sh -c 'mount | grep -c "on /proc/"'
	assert_out 0
	run hoy run --rm --security-opt mask=/etc/os-release:/home busybox sh -c 'wc -c </etc/os-release; ls -A /home; echo x >/etc/os-release; touch /home/x; wc -c </etc/os-release; ls -A /home'
	assert_out $'0\n0'
	run hoy run --rm --security-opt mask=/no/such/path busybox true
	assert_ok
}

test_proc_options() {
	load busybox
	run hoy run --rm --security-opt proc-opts=subset=pid busybox sh -c 'ls /proc/version /proc/1/status'
	assert_out /proc/1/status
	run hoy run --rm --security-opt proc-opts=hidepid=2 busybox sh -c 'mount | grep "on /proc "'
	assert_match 'hidepid=(2|invisible)'
	run hoy run --rm --security-opt proc-opts=suid busybox true
	assert_err E-SECURITY-OPT
}

test_labels_and_profiles() { # short
	load busybox
	run hoy run --rm --security-opt label=disable --security-opt apparmor=unconfined --security-opt seccomp=builtin busybox true
	assert_ok
	run hoy run --rm --security-opt apparmor=some-profile busybox true
	assert_err E-SECURITY-OPT some-profile
	run hoy run --rm --security-opt label=nonsense busybox true
	assert_err E-SECURITY-OPT
	run hoy run --rm --security-opt seccomp=/no/such/file busybox true
	assert_err '' /no/such/file
}

# A profile is read when the container is created: what becomes of the file afterwards does not matter.
test_profile_is_kept() {
	load busybox
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$T/p.json"
	cd "$T" || fail cd
	hoy create --name c --security-opt seccomp=p.json busybox sh -c 'mkdir /tmp/x 2>&1; exec sleep 1000' >/dev/null || fail create
	rm p.json
	run hoy start c
	assert_ok
	wait_for log_has c 'No space left'
	run hoy exec c mkdir /tmp/y
	assert_rc 1
	assert_err_has 'No space left'
}
log_has() { hoy logs "$1" 2>&1 | grep -qF "$2"; }

# The exit of a container that its filter kills, and a profile that does not even let the command start.
test_profile_that_kills() {
	load busybox
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL_PROCESS"}]}' >"$T/p.json"
	run hoy run --rm --security-opt "seccomp=$T/p.json" busybox sh -c 'exec mkdir /tmp/x'
	assert_rc 159
	printf '{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}' >"$T/p.json"
	run hoy run --rm --security-opt "seccomp=$T/p.json" busybox true
	assert_err E-EXEC p.json
	printf '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}' >"$T/p.json"
	run hoy run --rm --security-opt "seccomp=$T/p.json" busybox true
	assert_err E-EXEC p.json
}

# The profile of podman's own packages compiles and runs.
test_profile_of_others() {
	[ -f /usr/share/containers/seccomp.json ] || skip 'no seccomp.json of containers-common'
	load busybox
	probe --security-opt seccomp=/usr/share/containers/seccomp.json
	assert_eq 2 "$(line Seccomp)" seccomp
	run hoy run --rm --security-opt seccomp=/usr/share/containers/seccomp.json -v "$T_FIX/bin:/t:ro" busybox /t/syscalls --plain
	assert_has 'bpf EPERM'
	assert_has 'kexec_load EPERM'
	assert_has 'personality_exec ENOSYS'
}

run_tests "$@"
