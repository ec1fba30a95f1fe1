#!/bin/bash
# Images whose file system lies in wait for whoever sets up a container in it.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

test_dev_symlink_absolute() {
	canary
	hostile dev <<'P'
b.sym("dev", T + "/host")
P
	run hoy run --rm dev true
	refused_or_fine
	untouched
}

test_dev_symlink_dotdot() {
	canary
	hostile dev <<'P'
b.sym("dev", "../" * 30 + T[1:] + "/host")
P
	run hoy run --rm dev ls /dev/null
	refused_or_fine
	untouched
}

test_dev_names_are_links() { # short
	local i
	canary
	hostile files <<'P'
b.dir("dev")
for n in ("null", "zero", "tty", "console", "ptmx", "fd", "stdout", "core"):
    b.sym("dev/" + n, T + "/host/secret")
P
	hostile directories <<'P'
b.dir("dev")
for n in ("pts", "shm", "mqueue"):
    b.sym("dev/" + n, T + "/host")
P
	for i in files directories; do
		run hoy run --rm $i sh -c 'stat -c "%n %F %t:%T" /dev/null /dev/zero; stat -c "%n %F" /dev/pts /dev/shm; cat /dev/null; echo x >/dev/null'
		refused_or_fine
		[ "$rc" = 125 ] || assert_has '/dev/null character special file 1:3'
		[ "$rc" = 125 ] || assert_has '/dev/shm directory'
		untouched
	done
}

test_masked_with_fake_dev_null() { # short
	hostile null <<'P'
b.dir("dev").sym("dev/null", "/proc/sys/kernel/core_pattern")
P
	local before
	before=$(cat /proc/sys/kernel/core_pattern)
	run hoy run --rm --security-opt mask=/proc/version null sh -c 'echo "|/evil %p" >/proc/version; cat /proc/version; wc -c </proc/interrupts; ls -A /proc/scsi /sys/firmware'
	assert_match '^0'
	assert_lacks 'Linux version'
	assert_lacks '|/evil'
	assert_eq "$before" "$(cat /proc/sys/kernel/core_pattern)" core_pattern
}

test_terminal_names_are_links() {
	local before
	canary
	before=$(cat /proc/sys/kernel/core_pattern)
	hostile tty <<'P'
b.dir("dev").sym("dev/console", "/proc/sys/kernel/core_pattern").sym("dev/ptmx", T + "/host/secret").sym("dev/pts", T + "/host")
P
	# shellcheck disable=SC2086
	run with_pty -- $HOY run --rm -it tty sh -c 'stat -c "%n %F" /dev/console; tty; echo "|/evil" >/dev/console'
	refused_or_fine
	assert_eq "$before" "$(cat /proc/sys/kernel/core_pattern)" core_pattern
	[ "$rc" = 125 ] || assert_has '/dev/console character special file'
	untouched
}

test_proc_symlink() {
	canary
	hostile proc <<'P'
b.sym("proc", "/mnt").dir("mnt")
P
	run hoy run --rm proc sh -c 'cat /proc/self/status | head -1'
	refused_or_fine
	[ "$rc" = 125 ] || assert_has Name:
	hostile proc2 <<'P'
b.sym("proc", T + "/host").sym("sys", T + "/host")
P
	run hoy run --rm proc2 true
	refused_or_fine
	untouched
}

# A tmpfs or a directory of the user over /proc would make every later write to procfs a write somewhere else.
test_proc_faked_by_mount() { # short
	load busybox
	mkdir -p "$T/fake/self/attr" "$T/fake/sys"
	local m
	for m in "-v $T/fake:/proc" "--tmpfs /proc" "-v $T/fake:/proc/self" "-v $T/fake:/proc/sys"; do
		# shellcheck disable=SC2086
		run hoy run --rm $m busybox sh -c 'echo "masked $(wc -c </proc/interrupts)"; echo x >/proc/sys/kernel/hostname'
		[[ $rc = 125 || ! $out =~ masked\ [1-9] ]] || fail "the masks are gone: $(last)"
	done
	# Where the image has a link to /proc, a harmless name leads there.
	hostile aside <<'P'
b.sym("data", "/proc").sym("sys2", "/proc/sys")
P
	for m in "-v $T/fake:/data" "--tmpfs /data" "-v $T/fake:/data/self" "-v $T/fake:/sys2" "--device /dev/null:/sys2/kernel/hostname"; do
		# shellcheck disable=SC2086
		run hoy run --rm $m aside sh -c 'echo x >/proc/sys/kernel/hostname'
		assert_err E-MOUNT 'leads to /proc'
	done
	[ -z "$(find "$T/fake" -type f -size +0)" ] || fail "something was written into the faked /proc: $(find "$T/fake" -type f)"
}

test_workdir_through_link() {
	canary
	hostile workdir <<'P'
b.sym("w", "/../.." + T + "/host")
c["WorkingDir"] = "/w/new/deep"
P
	run hoy run --rm workdir pwd
	refused_or_fine
	untouched
	hostile workdir2 <<'P'
b.sym("w", T + "/host/sub")
c["WorkingDir"] = "/w"
P
	run hoy run --rm workdir2 sh -c 'pwd; ls ..; touch here'
	untouched
	load busybox
	run hoy run --rm -w /proc/self/root/proc/1/cwd/x busybox pwd
	untouched
}

test_passwd_is_fifo() { # short
	hostile fifo <<'P'
b.add("etc/passwd", tarfile.FIFOTYPE, 0o644).add("etc/group", tarfile.FIFOTYPE, 0o644)
P
	run timeout -s KILL 30 $HOY run --rm fifo true
	refused_or_fine
	run timeout -s KILL 30 $HOY run --rm -u app fifo true
	assert_err E-USER
}

test_passwd_is_endless() {
	hostile endless <<'P'
b.sym("etc/passwd", "/dev/zero").sym("etc/group", "/dev/zero")
P
	run timeout -s KILL 30 $HOY run --rm -u app endless true
	assert_err
	# Inside, the link leads to the container's own device by the time a command runs: reading it must still be refused.
	hoy run -d --name c endless sleep 100 >/dev/null 2>&1 || return 0
	run timeout -s KILL 60 $HOY exec -u app c true
	assert_err
}

test_passwd_is_huge() {
	need truncate
	mkdir -p "$T/huge/etc"
	truncate -s 4G "$T/huge/etc/passwd"
	tar -C "$T/huge" --sparse --owner=0 --group=0 -cf "$T/huge.layer" etc
	rm -r "$T/huge"
	hostile huge <<'P'
layers = [bb, open(T + "/huge.layer", "rb").read()]
P
	run timeout -s KILL 60 $HOY run --rm -u app huge true
	assert_err E-USER 'larger than 4 MiB'
}

test_passwd_leads_to_host() {
	canary
	printf 'evil:x:0:0::/:/bin/sh\n' >"$T/host/passwd"
	look_at_host >"$T/host.before"
	hostile link <<'P'
b.sym("etc/passwd", "../../../../../../../../../../../../.." + T + "/host/passwd")
P
	run hoy run --rm -u evil link id
	assert_err E-USER
	hostile dir <<'P'
b.sym("etc", T + "/host")
P
	run hoy run --rm -u evil dir id
	assert_rc 125
	untouched
}

# /etc/hosts and the other generated files go into the container, wherever the image points their names.
test_generated_files_are_links() { # short
	canary
	hostile files <<'P'
for n in ("hosts", "resolv.conf", "hostname"):
    b.sym("etc/" + n, T + "/host/" + n)
P
	run hoy run --rm files true
	refused_or_fine
	hostile files2 <<'P'
b.sym("etc", T + "/host").sym("run", T + "/host").sym("tmp", T + "/host")
P
	run hoy run --rm files2 /bin/true
	refused_or_fine
	untouched
}

test_cgroup_is_not_writable() { # short
	load busybox
	run hoy run --rm busybox sh -c 'touch /sys/fs/cgroup/x; mkdir /sys/fs/cgroup/y; echo 1 >/sys/fs/cgroup/cgroup.procs; mount | grep cgroup | grep -v "[(,]ro[,)]"'
	assert_out ''
	run hoy run --rm busybox sh -c 'mkdir /tmp/c && mount -t cgroup -o memory c /tmp/c || mount -t cgroup2 c /tmp/c'
	assert_ne 0 "$rc"
}

# With the cgroups of the host in sight, or those of another container.
test_cgroup_of_others_is_not_writable() { # short
	load busybox
	hoy run -d --name other --network none busybox sleep 1000 >/dev/null || fail start
	local o
	for o in '--cgroupns host' '--cgroupns host --network host' '--cgroupns container:other' '--cgroupns host --pid host'; do
		# shellcheck disable=SC2086
		run hoy run --rm $o busybox sh -c 'grep -q " /sys/fs/cgroup" /proc/mounts && echo seen; grep " /sys/fs/cgroup" /proc/mounts | grep -v " ro,"
			for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ ! -d $d ] || mkdir $d/hoy-test.$$; done; mount -o remount,rw /sys/fs/cgroup'
		assert_out seen
	done
}

# A /proc of the image that leads to the host: parameters are written through another one.
test_sysctl_with_faked_proc() { # short
	canary
	hostile faked <<'P'
b.dir("proc").dir("proc/sys").dir("proc/sys/net").dir("proc/sys/net/core").sym("proc/sys/net/core/somaxconn", T + "/host/secret")
P
	run hoy run --rm --network none --sysctl net.core.somaxconn=7 faked cat /proc/sys/net/core/somaxconn
	refused_or_fine
	untouched
	[ "$rc" = 125 ] || assert_out 7
}

test_host_files_are_not_there() { # short
	canary
	load busybox
	run hoy run --rm busybox sh -c "cat $T/host/secret /proc/1/root$T/host/secret /proc/self/cwd/../../../..$T/host/secret; ls -d $HOME"
	assert_out ''
	# Nor anywhere else.
	run hoy run --rm busybox find / '(' -path /proc -o -path /sys ')' -prune -o -name secret -print
	assert_out ''
	untouched
}

run_tests "$@"
