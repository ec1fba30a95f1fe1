#!/bin/bash
# stats of containers without cgroups, and update. With cgroups: tests/vm.
. "$(dirname "$0")/../lib.sh"

test_stats_sums_processes() { # short
	load busybox
	hoy run -d --name c busybox sh -c 'sleep 1000 & sleep 1000 & wait' >/dev/null || fail run
	hoy create --name d busybox true >/dev/null || fail create
	wait_for sh -c "[ \"\$($HOY stats --no-stream --format '{{.PIDs}}' c)\" = 3 ]"
	run hoy stats --no-stream
	assert_ok
	assert_match '^ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET IO +BLOCK IO +PIDS +CPU TIME +AVG CPU %'
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)"
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then assert_err_has 'no cgroup'; fi
	run hoy stats --no-stream --format '{{.Name}} {{.ContainerID}} {{.MemPerc}} {{.CPUPerc}} {{.AVGCPU}} {{.BlockIO}}' c
	assert_match "^c $(hoy inspect -f '{{.Id}}' c) [0-9.]+% [0-9.]+% [0-9.]+% .+ / .+$"
	run hoy stats --no-stream -a --format '{{.Name}} {{.PIDS}}'
	assert_eq $'c 3\nd --' "$(printf '%s\n' "$out" | sort)"
	run hoy stats --no-stream --format json c
	assert_ok
	assert_eq 'avg_cpu block_io cpu_percent cpu_time id mem_percent mem_usage name net_io pids ' \
		"$(printf '%s\n' "$out" | sed -n 's/^ *"\([a-z_]*\)": .*/\1/p' | sort | tr '\n' ' ')"
	run as_docker stats --no-stream --format json c
	assert_match '^\{"BlockIO":"[^"]+","CPUPerc":"[0-9.]+%","Container":"[0-9a-f]{12}","ID":"[0-9a-f]{12}","MemPerc":"[0-9.]+%","MemUsage":"[^"]+ / [^"]+iB","Name":"c","NetIO":"[^"]+","PIDs":"3"\}$'
	run as_docker stats --no-stream
	assert_match '^CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS'
	run hoy stats --no-stream --no-trunc --format '{{.ID}}' c
	assert_out "$(hoy inspect -f '{{.Id}}' c)"
	run hoy stats --no-stream nope
	assert_err E-CONTAINER-UNKNOWN
	run hoy stats --interval 0
	assert_err E-USAGE
	run hoy stats --no-stream --format '{{.Nope}}'
	assert_err E-FORMAT
}

test_stats_goes_on() {
	load busybox
	hoy run -d --name c --network none busybox sh -c 'while :; do :; done' >/dev/null || fail run
	hoy stats -i 1 --no-reset --format '{{.CPUNano}}' c >"$T/seen" 2>&1 &
	wait_for sh -c "[ \$(wc -l <$T/seen) -ge 3 ]"
	kill $!
	wait $! 2>/dev/null
	sort -n -c "$T/seen" || fail "processor time goes back: $(cat "$T/seen")"
	[ "$(sort -un "$T/seen" | wc -l)" -ge 2 ] || fail "it stands: $(cat "$T/seen")"
	hoy rm -f -t 0 c >/dev/null
}

test_stats_counts_the_network() { # rows=user
	load busybox
	hoy run -d --name c busybox httpd -f -h /etc >/dev/null || fail run
	hoy run -d --name n --network none busybox sleep 1000 >/dev/null || fail run
	ip=$(hoy exec c ip -4 -o addr show eth0 | awk '{ sub("/.*", "", $4); print $4 }')
	hoy run --rm busybox sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O /dev/null http://$ip/services || wget -q -O /dev/null http://$ip/passwd; done"
	run hoy stats --no-stream --format '{{.NetIO}}' c
	assert_match '^[0-9.]+kB / [0-9.]+kB$'
	run hoy stats --no-stream --format '{{.NetIO}}' n
	assert_out '-- / --'
}

# No program and no lock; a number of calls for each container, whatever else runs on the machine.
test_stats_costs_few_calls() { # rows=user
	need strace
	load busybox
	local i
	for i in 1 2 3 4 5 6; do hoy run -d --name "c$i" --network none busybox sleep 1000 >/dev/null || fail run; done
	run strace -f -qq -o "$T/trace" $HOY stats --no-stream
	assert_ok
	assert_eq 1 "$(grep -cE 'exec.* = 0' "$T/trace")"
	assert_eq 0 "$(grep -cE 'flock|fsync|clone' "$T/trace")"
	local others
	others=$(find /proc -maxdepth 1 -name '[0-9]*' | wc -l)
	[ "$(wc -l <"$T/trace")" -le $((500 + 6 * 60 + others * 6)) ] || fail "$(wc -l <"$T/trace") calls, $others processes"
}

test_update_of_a_stopped_one() { # short
	load busybox
	hoy create --name c -m 64m busybox true >/dev/null || fail create
	local show='{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.PidsLimit}} {{.RestartPolicy.Name}}{{end}}'
	run hoy update --cpus 2 --pids-limit 30 c
	assert_ok
	assert_out c
	assert_eq '67108864 134217728 2000000000 30 no' "$(hoy inspect -f "$show" c)"
	run hoy update -m 32m --memory-swap 32m --restart on-failure:3 c
	assert_ok
	assert_eq '33554432 33554432 2000000000 30 on-failure' "$(hoy inspect -f "$show" c)"
	run hoy update -m 64m c
	assert_err E-LIMIT-BAD 'memory-swap'
	run hoy update --cpus x c
	assert_err E-LIMIT-BAD
	run hoy update --restart sometimes c
	assert_err E-USAGE
	run hoy update c
	assert_err E-USAGE
	run hoy update -m 64m nope
	assert_err E-CONTAINER-UNKNOWN
	assert_eq '33554432 33554432 2000000000 30 on-failure' "$(hoy inspect -f "$show" c)"
	run hoy update -m 0 --cpus 0 --pids-limit 0 --restart no c
	assert_ok
	assert_eq '0 0 0 0 no' "$(hoy inspect -f "$show" c)"
	run hoy start -a c # no limit is left that needs a cgroup
	assert_ok
	run hoy system check
	assert_ok
}

test_update_of_a_running_one_without_cgroup() {
	[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || skip 'this machine has cgroup v2'
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy update -m 64m c
	assert_err E-CGROUP 'no cgroup of its own'
	assert_eq 0 "$(hoy inspect -f '{{.HostConfig.Memory}}' c)"
	run hoy update --restart always c
	assert_ok
	assert_eq always "$(hoy inspect -f '{{.HostConfig.RestartPolicy.Name}}' c)"
	hoy rm -f -t 0 c >/dev/null
}

# Streaming ends when all that were named have.
test_the_end_of_all_that_are_named() { # short
	load busybox
	hoy run -d --name a --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --rm --name b --network none busybox sleep 1000 >/dev/null || fail run
	hoy stats --interval 1 --format '{{.Name}}' a b >"$T/seen" &
	local pid=$!
	wait_for file_has "$T/seen" b
	hoy rm -f -t 0 b >/dev/null
	hoy kill a >/dev/null
	wait $pid || fail "it ended with $?"
	hoy rm a >/dev/null
}

run_tests "$@"
