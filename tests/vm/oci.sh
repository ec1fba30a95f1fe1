#!/bin/bash
# `hoy oci` where only cgroup v2 is: its files read back like runc's, devices kept away by a program in the kernel, scopes of systemd.
. "$(dirname "$0")/../lib.sh"

# machine [--systemd]: runs $T/script in it, with bundles in /oci: b-NAME for each line "NAME RESOURCES" of bundles.
machine() {
	need qemu-system-x86_64 mmdebstrap cpio mke2fs apt-get jq runc
	local here vm=${T_VM:-/var/tmp/hoy-test-vm} root=root name resources b
	here=$(dirname "$(readlink -f "$0")")
	[ $# = 0 ] || root=systemd
	bash "$here/make" "$@" "$vm" >"$T/make" 2>&1 || fail "the machine cannot be made: $(tail -3 "$T/make")"
	rm -rf "$vm/$root/oci"
	mkdir -p "$vm/$root/oci/rootfs/bin" "$vm/$root/oci/rootfs/proc" "$vm/$root/oci/rootfs/dev" "$vm/$root/oci/rootfs/tmp"
	cp "${HOY%% *}" "$vm/$root/usr/bin/hoy" || fail 'no binary to take along'
	cp "$(command -v runc)" "$vm/$root/usr/bin/runc" || fail 'no peer to take along'
	cp /lib/x86_64-linux-gnu/libseccomp.so.2 "$vm/$root/usr/lib/x86_64-linux-gnu/" || fail 'no library to take along'
	cp "$T_FIX/bin/busybox" "$vm/$root/oci/rootfs/bin/" || fail 'no busybox to take along'
	while read -r name resources; do
		b=$vm/$root/oci/b-$name
		mkdir -p "$b"
		jq -n --argjson r "$resources" '{
			ociVersion: "1.0.2", root: {path: "/oci/rootfs"},
			process: {args: ["/bin/busybox", "sleep", "1000"], cwd: "/", env: ["PATH=/bin"], user: {uid: 0, gid: 0}, noNewPrivileges: true,
				capabilities: {bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"]}},
			mounts: [{destination: "/proc", type: "proc", source: "proc"}],
			linux: {cgroupsPath: "/oci/c", resources: $r, namespaces: [{type: "pid"}, {type: "mount"}, {type: "ipc"}]}}' >"$b/config.json"
	done < <(bundles)
	VM_SECONDS=${VM_SECONDS:-200} VM_USER=root bash "$here/boot" "$@" "$vm/$root" "$vm/kernel" "$T/script" >"$T/out" 2>&1 || fail "in the machine: $(cat "$T/out")"
	# shellcheck disable=SC2034  # assert_has looks at it
	out=$(cat "$T/out")
}

bundles() {
	cat <<'EOF'
plain {}
memory {"memory":{"limit":67108864,"swap":134217728,"reservation":33554432},"pids":{"limit":-1}}
noswap {"memory":{"limit":67108864,"swap":67108864},"cpu":{"quota":-1}}
cpu {"cpu":{"shares":512,"quota":50000,"period":200000,"cpus":"0","mems":"0"},"pids":{"limit":50}}
unified {"unified":{"memory.high":"50000000","cpu.weight":"77","io.max":"254:0 rbps=1000000"}}
io {"blockIO":{"throttleReadBpsDevice":[{"major":254,"minor":0,"rate":1000000}],"throttleWriteIOPSDevice":[{"major":254,"minor":0,"rate":100}]}}
devices {"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"r"},{"allow":true,"type":"b","major":7,"access":"rw"}]}
EOF
}

# For the scripts in both machines.
functions() {
	cat <<'EOF'
dump() { for f in "$1"/*; do case $f in *stat* | *peak* | *pressure* | *current | *.procs | *events* | *.threads | *.kill | *reclaim*) continue ;; esac
	[ ! -f "$f" ] || echo "${f##*/} $(tr '\n' , <"$f" 2>/dev/null)"; done; }
init() { hoy oci state c | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }
of() { echo "/sys/fs/cgroup$(sed 's/^0:://' "/proc/$(init)/cgroup")"; }
keys() { tr ',{' '\n\n' | grep -o '^"[a-z_A-Z]*":' | sort -u; }
EOF
}

test_v2() { # rows=root long
	{ functions && cat; } >"$T/script" <<'EOF'
for b in /oci/b-*; do
	n=${b##*/b-}
	hoy oci create -b "$b" c && dump /sys/fs/cgroup/oci/c >/tmp/hoy
	hoy oci delete -f c
	runc create -b "$b" c </dev/null >/dev/null 2>&1 && dump /sys/fs/cgroup/oci/c >/tmp/runc
	runc delete -f c
	if [ -s /tmp/hoy ] && diff /tmp/runc /tmp/hoy >/tmp/diff; then echo "same $n $(wc -l </tmp/hoy)"; else echo "differs $n" && cat /tmp/diff; fi
done
hoy oci run -d -b /oci/b-devices c
hoy oci exec c /bin/busybox sh -c 'cd /tmp; b=/bin/busybox; $b mknod full c 1 7; $b mknod fuse c 10 229; $b mknod urandom c 1 9; $b mknod mem c 1 1; $b mknod vda b 254 0
	(: <full) && echo full; (: <fuse) && echo fuse-read; (: >fuse) || echo fuse-not-written; (: <mem) || echo mem-refused; (: <vda) || echo vda-refused' 2>/dev/null
hoy oci update --memory 50m --memory-swap 80m --cpu-quota 20000 c && echo "updated $(cat $(of)/memory.max $(of)/memory.swap.max $(of)/cpu.max | tr '\n' ' ')"
hoy oci update --memory 60m c && echo "together $(cat $(of)/memory.max $(of)/memory.swap.max | tr '\n' ' ')"
hoy oci update --cpu-period 50000 c && echo "period $(cat $(of)/cpu.max)"
hoy oci update --memory 100m c 2>&1 | head -1
hoy oci update --kernel-memory 100m c 2>&1 | head -1
echo '{"memory":{"limit":4096,"checkBeforeUpdate":true}}' | hoy oci update -r - c 2>&1 | head -1
hoy oci pause c && echo "frozen $(sed -n 's/^frozen //p' $(of)/cgroup.events) $(hoy oci state c | grep -o paused)"
hoy oci resume c && echo "thawed $(sed -n 's/^frozen //p' $(of)/cgroup.events)"
hoy oci events --stats c | grep -o '"limit":62914560\|"psi":{"some"\|"event_count":{"low":0' | sort -u
sed 's,"/oci/c","/oci/d",' /oci/b-cpu/config.json >/oci/x && mv /oci/x /oci/b-cpu/config.json
runc run -d -b /oci/b-cpu d </dev/null >/dev/null 2>&1; runc events --stats d | keys >/tmp/k1; runc delete -f d
hoy oci events --stats c | keys >/tmp/k2
echo "lacks <$(comm -23 /tmp/k1 /tmp/k2 | tr '\n' ' ')>"
p=$(init)
hoy oci kill c KILL
while [ -e "/proc/$p/exe" ]; do sleep 0.1; done
hoy oci state c | grep -o stopped
hoy oci delete c
echo "left $(find /sys/fs/cgroup/oci -mindepth 1 -type d | wc -l)"
# The group of a container that has divided it: more processes go where its first one is.
hoy oci run -d -b /oci/b-plain c
mkdir /sys/fs/cgroup/oci/c/inner && init >/sys/fs/cgroup/oci/c/inner/cgroup.procs
echo +memory >/sys/fs/cgroup/oci/c/cgroup.subtree_control
hoy oci exec c /bin/busybox true && echo divided
hoy oci delete -f c
sed 's,"resources": {},"resources": {"memory":{"swappiness":5}},' /oci/b-plain/config.json >/oci/x && mv /oci/x /oci/b-plain/config.json
hoy oci create -b /oci/b-plain c 2>&1 | head -1
echo "left $(find /sys/fs/cgroup/oci -mindepth 1 -type d | wc -l)"
EOF
	machine
	local line
	for line in 'same plain' 'same memory' 'same noswap' 'same cpu' 'same unified' 'same io' 'same devices' $'full\nfuse-read\nfuse-not-written\nmem-refused\nvda-refused' \
		'updated 52428800 31457280 20000 100000' 'together 62914560 20971520' 'period 20000 50000' 'less than the memory in it: 104857600' 'memory.kernel cannot be had from cgroup v2' \
		'checkBeforeUpdate' 'frozen 1 paused' 'thawed 0' '"limit":62914560' '"event_count":{"low":0' 'lacks <>' stopped 'left 0' divided 'memory.swappiness cannot be had from cgroup v2'; do
		assert_has "$line"
	done
	assert_lacks differs
}

test_systemd() { # rows=root long
	{ functions && cat; } >"$T/script" <<'EOF'
export SYSTEMD_PAGER=cat SYSTEMD_COLORS=0
props() { systemctl show "$1" -p MemoryMax,MemoryLow,MemorySwapMax,CPUWeight,CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,AllowedCPUs,AllowedMemoryNodes,TasksMax,Slice,Delegate,KillSignal,TimeoutStopUSec,DefaultDependencies,ActiveState; }
for b in /oci/b-*; do
	n=${b##*/b-}
	[ "$n" != unified ] || continue
	sed -i 's,"/oci/c","x-y.slice:pre:'"$n"'",; s,"root":,"annotations": {"org.systemd.property.KillSignal": "15"\, "org.systemd.property.TimeoutStopUSec": "uint64 10000000"}\, "root":,' "$b/config.json"
	hoy oci --systemd-cgroup create -b "$b" c && at=$(of) && dump "$at" >/tmp/hoy && props "pre-$n.scope" >>/tmp/hoy
	hoy oci delete -f c
	runc --systemd-cgroup create -b "$b" c </dev/null >/dev/null 2>&1 && dump "$at" >/tmp/runc && props "pre-$n.scope" >>/tmp/runc
	[ "$n" != noswap ] || sed -i /MemorySwapMax=/d /tmp/hoy /tmp/runc # runc 1.1 does not tell systemd of a swap of 0
	runc --systemd-cgroup delete -f c
	if [ -s /tmp/hoy ] && diff /tmp/runc /tmp/hoy >/tmp/diff; then echo "same $n $at"; else echo "differs $n $at" && cat /tmp/diff; fi
done
hoy oci --systemd-cgroup run -d -b /oci/b-memory c
hoy oci --systemd-cgroup update --memory 50m --memory-swap 50m --pids-limit 33 c
systemctl daemon-reload
echo "updated $(cat $(of)/memory.max $(of)/memory.swap.max $(of)/pids.max | tr '\n' ' ') $(systemctl show pre-memory.scope -p MemoryMax -p TasksMax | tr '\n' ' ')"
hoy oci pause c && echo "frozen $(hoy oci state c | grep -o paused)" && hoy oci resume c
hoy oci delete -f c
echo "left $(systemctl list-units --all --plain --no-legend 'pre-*' | wc -l)"
EOF
	machine --systemd
	local n
	for n in plain memory noswap cpu io devices; do assert_has "same $n /sys/fs/cgroup/x.slice/x-y.slice/pre-$n.scope"; done
	assert_has 'updated 52428800 0 33'
	assert_has 'MemoryMax=52428800'
	assert_has 'frozen paused'
	assert_has 'left 0'
}

run_tests "$@"
