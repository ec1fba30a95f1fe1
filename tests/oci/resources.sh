#!/bin/bash
# What a bundle's linux.resources and linux.seccomp do, told by the files of control groups and by what the container can do; runc is the peer.
. "$(dirname "$0")/../lib.sh"

oci() { hoy oci --root "$T/state" "$@"; }

# bundle RESOURCES [COMMAND...]: $T/b with config.json; its control group is $group/c.
group=/hoy-test
bundle() {
	mkdir -p "$T/b/rootfs/bin" "$T/b/rootfs/proc" "$T/b/rootfs/dev"
	cp "$T_FIX/bin/busybox" "$T/b/rootfs/bin/busybox"
	local resources=$1 command=() a
	shift
	command=("$@")
	[ $# -gt 0 ] || command=(/bin/busybox sleep 1000)
	jq -n --argjson r "$resources" --arg g "$group" --argjson a "$(for a in "${command[@]}"; do jq -n --arg a "$a" '$a'; done | jq -s .)" '{
		ociVersion: "1.0.2", root: {path: "rootfs"},
		process: {args: $a, cwd: "/", env: ["PATH=/bin"], user: {uid: 0, gid: 0}, noNewPrivileges: true},
		mounts: [{destination: "/proc", type: "proc", source: "proc"}, {destination: "/dev", type: "tmpfs", source: "tmpfs"}],
		linux: {cgroupsPath: ($g + "/c"), resources: $r, namespaces: [{type: "pid"}, {type: "mount"}, {type: "ipc"}]}}' >"$T/b/config.json"
}

change() { jq "$@" "$T/b/config.json" >"$T/b/new" && mv "$T/b/new" "$T/b/config.json"; }

# Where the files of a controller are.
dir() {
	local v1=/sys/fs/cgroup/$1$group/c
	[ -d "$v1" ] && echo "$v1" || echo "/sys/fs/cgroup$group/c"
}
file() { cat "$(dir "${1%%.*}")/$1"; }
is_v2() { [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; }

writable() { mkdir "/sys/fs/cgroup${1:+/$1}$group" 2>/dev/null || skip 'no control group can be made here'; }
can_make() {
	group=/hoy-test-$BASHPID
	trap clean EXIT
	if is_v2; then writable ''; else writable memory; fi
}
clean() {
	oci delete -f c >/dev/null 2>&1
	find /sys/fs/cgroup -depth -type d -path "*$group*" -exec rmdir {} + 2>/dev/null
	:
}

# All that can be set, of all hierarchies; what only counts is left out.
dump() {
	local d f
	for d in $(find /sys/fs/cgroup -type d -path "*$group/c" | sort); do
		for f in "$d"/*; do
			case $f in *usage* | *stat* | *peak* | *pressure* | *failcnt* | *current* | *.procs | */tasks | *events* | *service* | *threads) continue ;; esac
			[ ! -r "$f" ] || echo "$f $(sort "$f" 2>/dev/null | grep -vx 'c 10:200 rwm' | tr '\n' ',')"
		done
	done
}

test_as_runc() { # rows=root
	need runc jq
	can_make
	local r v1='"kernel":104857600,"swappiness":10,' weight='"weight":300'
	is_v2 && v1=
	ls /sys/fs/cgroup/blkio/blkio*weight /sys/fs/cgroup/*/io.*weight >/dev/null 2>&1 || [ -d /sys/fs/cgroup/blkio ] || weight=
	for r in '{}' \
		'{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"},{"allow":true,"type":"b","major":7,"access":"r"}]}' \
		'{"devices":[{"allow":true,"access":"rwm"}]}' \
		"{\"memory\":{$v1\"limit\":67108864,\"swap\":134217728,\"reservation\":33554432}}" \
		'{"memory":{"limit":67108864,"swap":67108864},"pids":{"limit":-1}}' \
		'{"cpu":{"shares":512,"quota":50000,"period":200000,"cpus":"0","mems":"0"},"pids":{"limit":50}}' \
		'{"cpu":{"quota":-1}}' "{\"blockIO\":{$weight}}"; do
		bundle "$r"
		run oci create --bundle "$T/b" c
		assert_ok
		dump >"$T/hoy"
		oci delete -f c
		runc --root "$T/runc" create --bundle "$T/b" c </dev/null >/dev/null 2>"$T/err" || fail "runc: $(cat "$T/err")"
		dump >"$T/peer"
		runc --root "$T/runc" delete -f c
		[ -s "$T/peer" ] || fail 'no control groups to compare'
		assert_eq '' "$(diff "$T/peer" "$T/hoy")" "$r"
	done
}

test_update_and_hold() { # rows=root short
	need jq
	can_make
	bundle '{"memory":{"limit":67108864,"swap":67108864},"cpu":{"quota":50000}}'
	oci run -d -b "$T/b" c || fail run
	local mem=memory.limit_in_bytes pid
	is_v2 && mem=memory.max
	oci update --memory 32m --memory-swap 48m --pids-limit 20 --cpu-quota 20000 c || fail update
	assert_eq 33554432 "$(file $mem)"
	assert_eq 20 "$(file pids.max)"
	# Up again: memory and both together in one go, from a file.
	echo '{"memory":{"limit":134217728,"swap":268435456},"cpu":{"period":50000}}' | oci update -r - c || fail 'update -r -'
	assert_eq 134217728 "$(file $mem)"
	if is_v2; then assert_eq '20000 50000' "$(file cpu.max)"; else assert_eq '20000 50000' "$(file cpu.cfs_quota_us) $(file cpu.cfs_period_us)"; fi
	run oci update --resources /dev/stdin c < <(printf '{\n"memory":\n {"limit":"x"}}')
	assert_rc 1
	assert_err_has '/dev/stdin:3:11: "limit" is a string'
	run oci update --cpu-share 1 c
	is_v2 || { assert_rc 1 && assert_err_has 'the least that the kernel has is 2'; }
	run oci update --memory 1k --resources x c
	assert_rc 1
	assert_err_has E-USAGE
	pid=$(oci state c | jq .pid)
	run oci pause c
	assert_ok
	assert_eq paused "$(oci state c | jq -r .status)"
	run oci pause c
	assert_rc 1
	run oci resume c
	assert_ok
	run oci resume c
	assert_err_has 'container not paused'
	assert_eq running "$(oci state c | jq -r .status)"
	# A paused one can be taken away.
	oci pause c && oci delete -f c || fail 'delete of a paused one'
	wait_for gone "$pid" # who adopted it may be slow to reap it
	assert_eq '' "$(find /sys/fs/cgroup -type d -path "*$group/c")"
	run oci pause c
	assert_err_has 'does not exist'
}

test_events() { # rows=root
	need jq
	can_make
	bundle '{"memory":{"limit":16777216,"swap":16777216}}' /bin/busybox sh -c '/bin/busybox sleep 1; /bin/busybox tail /dev/zero; /bin/busybox sleep 1'
	oci create -b "$T/b" c || fail create
	run oci events --stats c
	assert_ok
	assert_eq 'stats c 16777216 1' "$(jq -r '"\(.type) \(.id) \(.data.memory.usage.limit) \(.data.pids.current)"' <<<"$out")"
	assert_eq '["blkio","cpu","cpuset","hugetlb","intel_rdt","memory","network_interfaces","pids"]' "$(jq -c '.data | keys' <<<"$out")"
	oci events --interval 200ms c >"$T/events" &
	oci start c || fail start
	wait $! # it ends with the container
	assert_eq oom "$(jq -r 'select(.type == "oom").type' "$T/events" | head -1)"
	assert_ne 0 "$(jq -r 'select(.type == "stats").type' "$T/events" | wc -l)"
	run oci events c
	assert_rc 1
	assert_err_has 'is not running'
}

test_devices_hold() { # rows=root short
	need jq
	can_make
	bundle '{"devices":[{"allow":false},{"allow":true,"type":"c","major":10,"minor":229,"access":"r"}]}' /bin/busybox sh -c '
		cd /dev; b=/bin/busybox; $b mknod fuse c 10 229; $b mknod tun c 10 200
		: <null && : >null && echo null; : <fuse && echo read; (: >fuse) 2>/dev/null || echo not-written; (: <tun) 2>/dev/null || echo tun-refused'
	change '.process.capabilities.bounding = ["CAP_MKNOD"] | .process.capabilities.effective = ["CAP_MKNOD"] | .process.capabilities.permitted = ["CAP_MKNOD"]'
	run oci run -b "$T/b" c
	assert_ok
	assert_eq 'null read not-written tun-refused' "${out//$'\n'/ }"
}

test_refused() { # rows=root short
	need jq
	can_make
	local r
	for r in '{"memory":{"limit":-5}}' '{"memory":{"swappiness":101}}' '{"cpu":{"cpus":"a"}}' '{"pids":{"limit":"5"}}' '{"blockIO":{"weight":70000}}' '{"devices":[{"allow":1}]}' \
		'{"devices":[{"allow":true,"type":"z"}]}' '{"hugepageLimits":[{"pageSize":"2","limit":1}]}' '{"unified":{"../x.y":"1"}}' '{"network":{"classID":-1}}'; do
		bundle "$r"
		run oci create -b "$T/b" c
		assert_rc 1
		[[ $err =~ config.json:[0-9]+:[0-9]+:\  ]] || fail "no line and column: $err"
	done
	# What the kernel has not, or refuses: nothing is left of it.
	for r in '{"cpu":{"cpus":"4000"}}' '{"hugepageLimits":[{"pageSize":"7MB","limit":1}]}' '{"unified":{"memory.nonsense":"1"}}' '{"memory":{"limit":67108864,"swap":33554432}}' \
		'{"blockIO":{"throttleReadBpsDevice":[{"major":999,"minor":0,"rate":1}]}}'; do
		bundle "$r"
		run oci create -b "$T/b" c
		assert_rc 1
		assert_err_has linux.resources
		assert_eq '' "$(find /sys/fs/cgroup -type d -path "*$group/c")" "$r"
	done
	bundle '{}'
	change '.linux.cgroupsPath = "/a/../b"'
	run oci create -b "$T/b" c
	assert_err_has '".." in it'
	# A group that others are in is nobody's to take.
	bundle '{}'
	oci create -b "$T/b" c || fail create
	run oci create -b "$T/b" d
	assert_rc 1
	assert_err_has "the container's cgroup is not empty"
	change '.linux.cgroupsPath = "one:two"'
	run oci --systemd-cgroup create -b "$T/b" d
	assert_err_has 'slice:prefix:name'
	change '.linux.intelRdt = {"closID": "x"}'
	run oci create -b "$T/b" d
	assert_rc 1
	assert_err_has intelRdt
	assert_eq c "$(oci list -q)"
}

# Who is not root has no groups with version 1: that is an error only where a limit was asked for.
test_rootless() { # rows=user short
	need jq
	is_v2 && skip 'this machine has cgroup v2'
	bundle '{"devices":[{"allow":false,"access":"rwm"}]}' /bin/busybox echo fine
	change --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.namespaces += [{type: "user"}] | del(.mounts[1]) |
		.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}] | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
	run oci run -b "$T/b" c
	assert_ok
	assert_out fine
	change '.linux.resources.memory.limit = 50000000'
	run oci run -b "$T/b" c
	assert_rc 1
	assert_err_has 'linux.resources.memory.limit cannot hold'
}

run_tests "$@"
