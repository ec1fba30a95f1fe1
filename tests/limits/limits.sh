#!/bin/bash
# Limits where there is no cgroup for them: refused with what helps, never passed over. What they do where there is one is tested in a virtual machine (tests/vm).
. "$(dirname "$0")/../lib.sh"

# Has this user a cgroup that limits hold in?
has_cgroup() { [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; }

test_limit_that_cannot_hold_is_refused() { # short
	has_cgroup && skip 'this machine has cgroup v2'
	load busybox
	local flag
	for flag in '-m 64m' '--memory=64m --memory-swap=-1' '--memory-reservation 1m' '--cpus 0.5' '--cpu-quota 5000' '-c 512' '--cpuset-cpus 0' \
		'--cpuset-mems 0' '--pids-limit 100' '--blkio-weight 100' '--cgroup-conf memory.high=100m' '--cgroup-parent /hoy' '--cgroups split' \
		'--cgroup-parent x.slice'; do
		# shellcheck disable=SC2086
		run hoy run --rm $flag busybox touch /never
		assert_err E-CGROUP
		assert_err_has '--'
		assert_eq '' "$(hoy ps -aq)" "after $flag"
	done
	# One that was made keeps its record, and says so at each start.
	run hoy create --name c -m 64m busybox true
	assert_ok
	run hoy start c
	assert_err E-CGROUP '--memory needs cgroup v2'
	assert_eq 125 "$(hoy inspect -f '{{.State.ExitCode}}' c)"
}

test_no_limit_needs_no_cgroup() { # short
	load busybox
	run hoy run --rm -m 0 --cpus 0 --pids-limit -1 --cpuset-cpus '' --blkio-weight 0 --cgroups enabled busybox echo fine
	assert_ok
	assert_out fine
	run hoy run --rm --cgroups disabled busybox echo fine
	assert_ok
}

test_bad_values() { # short
	local flag
	for flag in '-m x' '-m -5' '-m 64m --memory-swap 32m' '--memory-swap 64m' '-m 1m --memory-reservation 2m' '--cpus 1 --cpu-quota 5000' '--cpus 1 --cpu-period 5000' \
		'--cpus -1' '--cpu-period 10' '--cpu-quota 10' '-c 300000' '--cpuset-cpus a' '--cpuset-cpus 3-1' '--pids-limit x' '--blkio-weight 5' \
		'--blkio-weight-device sda:500' '--blkio-weight-device /dev/sda:5' '--device-read-bps /dev/sda' '--device-write-bps /dev/sda:x' \
		'--device-read-iops /dev/sda:0' '--device-write-iops :5' '--cgroup-conf x' '--cgroup-conf cgroup.kill=1' '--cgroup-conf ../memory.max=1' \
		'--cgroups disabled -m 64m' '--cgroups split --cgroup-parent /x'; do
		# shellcheck disable=SC2086
		run hoy create $flag @empty x
		assert_err E-LIMIT-BAD
	done
	run hoy run --cgroups nope @empty x
	assert_err E-USAGE
}

test_what_version_2_has_not() { # short
	local flag
	for flag in --memory-swappiness=5 --kernel-memory=5m --oom-kill-disable --cpu-rt-period=5 --cpu-rt-runtime=5; do
		run hoy run $flag @empty x
		assert_err E-ABSENT 'cgroup v2'
	done
}

test_inspect_shows_them() { # short
	load busybox
	run hoy create --name c -m 64m --memory-reservation 32m --cpus 1.5 -c 512 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 --blkio-weight 100 \
		--device-read-bps /dev/sda:1mb --blkio-weight-device /dev/sda:200 --cgroup-parent /a/b --cgroup-conf memory.high=60m busybox true
	assert_ok
	local h='{{with .HostConfig}}'
	run hoy inspect -f "$h{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.CpuPeriod}} {{.CpuQuota}} {{.CpuShares}}{{end}}" c
	assert_out '67108864 134217728 33554432 1500000000 100000 150000 512'
	run hoy inspect -f "$h{{.CpusetCpus}} {{.CpusetMems}} {{.PidsLimit}} {{.BlkioWeight}} {{.CgroupParent}} {{.CgroupConf}}{{end}}" c
	assert_out '0 0 50 100 /a/b map[memory.high:60m]'
	run hoy inspect -f "$h{{json .BlkioDeviceReadBps}} {{json .BlkioWeightDevice}}{{end}}" c
	assert_out '[{"Path":"/dev/sda","Rate":1048576}] [{"Path":"/dev/sda","Weight":200}]'
	run as_docker inspect -f "$h{{.NanoCpus}} {{.CpuPeriod}} {{.CpuQuota}}{{end}}" c
	assert_out '1500000000 0 0'
	hoy create --name d busybox true >/dev/null || fail create
	run hoy inspect -f "$h{{.Memory}} {{.NanoCpus}} {{.PidsLimit}} {{.Cgroups}}{{end}} {{.State.OOMKilled}}" d
	assert_out '0 0 0 default false'
}

# Without a limit nothing of cgroups is looked for but our own path, and with none that is ours nothing is made.
test_costs_nothing_without() { # rows=user,one
	need strace
	has_cgroup && skip 'this machine has cgroup v2'
	load busybox
	hoy run -d --name holder --network none busybox sleep 1000 >/dev/null || fail run
	run strace -f -qq -e trace=openat,openat2,open,mkdir,mkdirat,access,faccessat,faccessat2,statfs,connect -o "$T/trace" $HOY run --rm --network none busybox true
	assert_ok
	[ "$(grep -c cgroup "$T/trace")" -le 5 ] || fail "cgroups are looked at: $(grep cgroup "$T/trace")"
	grep -E 'mkdir.*cgroup|connect.*(bus|systemd)' "$T/trace" && fail 'something was made'
	:
}

run_tests "$@"
