#!/bin/bash
# Limits where they hold: in a cgroup that was handed over to an ordinary user, and in a scope of systemd's user manager.
. "$(dirname "$0")/../lib.sh"

# machine [--systemd]: runs $T/script in it; its output is $out.
machine() {
	need qemu-system-x86_64 mmdebstrap cpio mke2fs apt-get
	local here vm=${T_VM:-/var/tmp/hoy-test-vm} root=root
	here=$(dirname "$(readlink -f "$0")")
	[ $# = 0 ] || root=systemd
	bash "$here/make" "$@" "$vm" >"$T/make" 2>&1 || fail "the machine cannot be made: $(tail -3 "$T/make")"
	cp "${HOY%% *}" "$vm/$root/usr/bin/hoy" || fail 'no binary to take along'
	cp "$T_FIX/busybox.tar" "$vm/$root/" || fail 'no image to take along'
	VM_SECONDS=110 bash "$here/boot" "$@" "$vm/$root" "$vm/kernel" "$T/script" >"$T/out" 2>&1 || fail "in the machine: $(cat "$T/out")"
	# shellcheck disable=SC2034  # assert_has looks at it
	out=$(cat "$T/out")
}

test_delegated() { # rows=root long
	cat >"$T/script" <<'EOF'
hoy load -q -i /busybox.tar >/dev/null
cg() { echo "/sys/fs/cgroup$(sed 's/^0:://; s,/container$,,' "/proc/$(hoy inspect -f '{{.State.Pid}}' "$1")/cgroup")"; }
hoy run -d --name a -m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 2 --pids-limit 20 --cpuset-cpus 0 --cpuset-mems 0 \
	--device-read-bps /dev/vda:10mb --device-write-iops /dev/vda:100 --cgroup-conf memory.high=60m busybox sleep 1000 >/dev/null
for f in memory.max memory.swap.max memory.low memory.high cpu.max cpu.weight pids.max cpuset.cpus cpuset.mems io.max; do echo "a $f $(cat "$(cg a)/$f")"; done
echo "path $(hoy inspect -f '{{.State.CgroupPath}}' a | sed 's/[0-9a-f]\{64\}/ID/')"
echo "seen $(hoy exec a cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max | tr '\n' ' ')"
hoy exec -d a sleep 500
echo "within $(cat "$(cg a)/container/cgroup.procs" | wc -l)"
hoy update -m 48m --memory-swap 48m --cpus 0 --pids-limit 30 --restart always a >/dev/null
echo "updated $(cat "$(cg a)/memory.max" "$(cg a)/memory.swap.max" "$(cg a)/cpu.max" "$(cg a)/pids.max" "$(cg a)/container/memory.max" | tr '\n' ' ')"
hoy update --cpuset-cpus 0-63 a 2>&1 | head -1 | sed 's/^/refused /'
echo "unchanged $(cat "$(cg a)/cpuset.cpus") $(hoy inspect -f '{{.HostConfig.CpusetCpus}}' a)"
hoy pause a
echo "frozen $(sed -n 's/^frozen //p' "$(cg a)/cgroup.events") $(hoy ps --format '{{.State}}')"
hoy exec a true 2>&1 | grep -o E-CONTAINER-PAUSED
hoy unpause a >/dev/null
echo "thawed $(sed -n 's/^frozen //p' "$(cg a)/cgroup.events")"
hoy stats --no-stream --format 'stats {{.Name}} {{.PIDs}} {{.MemUsage}}' a
hoy exec a kill -9 -1 # but for PID 1, which ends when its policy is to start it again
kill -KILL "$(hoy inspect -f '{{.State.Pid}}' a)" || hoy exec a kill -9 1
sleep 3
echo "again $(cat "$(cg a)/memory.max") $(hoy ps --format '{{.State}}')"
hoy rm -f -t 0 a >/dev/null
hoy run --name oom -m 16m --memory-swap 16m busybox tail /dev/zero 2>&1 | grep -o 'the kernel killed it'
hoy inspect -f 'oom {{.State.ExitCode}} {{.State.OOMKilled}}' oom
echo "event $(grep -c '"action":"oom"' ~/.local/share/hoy/events)"
hoy run --rm --pids-limit 12 busybox sh -c 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i + 1)); done' >/dev/null 2>/tmp/bomb.err
echo "bomb $(grep -c "can't fork" /tmp/bomb.err | sed 's/[1-9].*/some/')"
hoy run --rm --privileged -m 32m busybox sh -c 'echo max >/sys/fs/cgroup/memory.max; exec tail /dev/zero' >/dev/null 2>&1
echo "privileged $?"
hoy run -d --name free busybox sleep 1000 >/dev/null
echo "free $(cg free | sed 's/[0-9a-f]\{64\}/ID/')"
hoy update -m 32m free >/dev/null && echo "limited $(cat "$(cg free)/memory.max")"
kill -KILL "$(hoy inspect -f '{{.State.ConmonPid}}' free)"
sleep 1
hoy rm -f free >/dev/null
hoy run --rm --cgroups split -m 40m busybox cat /sys/fs/cgroup/memory.max
hoy run --rm --cgroup-parent /dev/x/y -m 41m busybox cat /sys/fs/cgroup/memory.max
echo "left $(find /sys/fs/cgroup -name 'hoy-*' | wc -l)"
hoy rm -a >/dev/null
hoy system check
EOF
	machine
	local line
	for line in 'a memory.max 67108864' 'a memory.swap.max 67108864' 'a memory.low 33554432' 'a memory.high 62914560' 'a cpu.max 50000 100000' 'a cpu.weight 1' \
		'a pids.max 20' 'a cpuset.cpus 0' 'a cpuset.mems 0' 'rbps=10485760' 'wiops=100' 'path /dev/hoy-ID' 'seen 67108864 50000 100000 ' 'within 2' \
		'updated 50331648 0 max 100000 30 50331648' 'refused hoy: error: --cpuset-cpus 0-63: not all of them are there' 'unchanged 0 0' 'frozen 1 paused' \
		E-CONTAINER-PAUSED 'thawed 0' 'stats a 2 ' '/ 50.33MB' 'again 50331648 running' 'the kernel killed it' 'oom 137 true' 'event 1' 'bomb some' \
		'privileged 137' 'free /sys/fs/cgroup/dev/hoy-ID' 'limited 33554432' 41943040 42991616 'left 0' clean; do assert_has "$line"; done
	assert_lacks SIGSTOP
}

test_user_manager() { # rows=root long
	cat >"$T/script" <<'EOF'
export SYSTEMD_PAGER=cat SYSTEMD_COLORS=0
short() { sed 's/[0-9a-f]\{64\}/ID/g'; }
hoy load -q -i /busybox.tar >/dev/null
echo "session $(cat /proc/self/cgroup)"
hoy run -d --name a -m 64m --network none busybox sleep 1000 >/dev/null
echo "scope $(short <"/proc/$(hoy inspect -f '{{.State.Pid}}' a)/cgroup")"
echo "supervisor $(short <"/proc/$(hoy inspect -f '{{.State.ConmonPid}}' a)/cgroup")"
echo "seen $(hoy exec a cat /sys/fs/cgroup/memory.max)"
hoy exec -d a sleep 500
sleep 1
echo "exec $(short <"/proc/$(pgrep -f '^sleep 500')/cgroup")"
hoy inspect -f 'manager {{.HostConfig.CgroupManager}}' a
echo "unit $(systemctl --user list-units --plain --no-legend 'hoy-*' | short | tr -s ' ')"
hoy pause a
hoy ps --format 'paused {{.State}}'
hoy restart -t 0 a >/dev/null
hoy ps --format 'restarted {{.State}}'
hoy rm -f -t 0 a >/dev/null
hoy run --rm --network none -m 20m --cgroup-parent x.slice busybox cat /sys/fs/cgroup/memory.max
hoy run --rm --network none --cpuset-cpus 0 busybox true
echo "status $?"
hoy run --rm --network none busybox echo 'no limit'
sleep 1
echo "left $(systemctl --user list-units --all --plain --no-legend 'hoy-*' | wc -l)"
hoy system check
EOF
	machine --systemd
	local line at=0::/user.slice/user-1000.slice/user@1000.service
	for line in 'session 0::/user.slice/user-1000.slice/session-' "scope $at" '/hoy-ID.scope/hoy-ID/container' "supervisor $at" '/hoy-ID.scope/supervisor' \
		'seen 67108864' "exec $at" 'manager systemd' 'unit hoy-ID.scope loaded active running hoy container a' 'paused paused' 'restarted running' \
		20971520 'E-CGROUP' 'the controller cpuset' 'user@.service.d/delegate.conf' 'status 125' 'no limit' 'left 0' clean; do assert_has "$line"; done
	assert_lacks SIGSTOP
}

run_tests "$@"
