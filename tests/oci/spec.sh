#!/bin/bash
# hoy as a runtime of the OCI runtime specification: what config.json says is what the process sees.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=bundle.bash
. "$(dirname "$0")/bundle.bash"

# says SHELL-COMMAND FILTER: runs the command in a container whose config.json the filter changed.
says() {
	bundle ".process.args = [\"sh\", \"-c\", $(jq -Rn --arg a "$1" '$a')] | ${2:-.}"
	run oci run --bundle b c1
	assert_ok
}

test_hooks() { # rows=root
	local k
	mkdir -p "$T/h"
	printf '#!/bin/sh\ncat >"%s/h/$1"\necho "$1 $A $(pwd)" >>"%s/h/order"\n' "$T" "$T" >"$T/hook"
	chmod +x "$T/hook"
	bundle '.process.args = ["sh", "-c", "cat /data/started"] | .annotations = {"x": "y"}'
	printf '#!/bin/sh\ncat >/data/started\n' >b/rootfs/hook
	chmod +x b/rootfs/hook
	jq --arg h "$T/hook" '.hooks = (["prestart", "createRuntime", "createContainer", "poststart", "poststop"] | map({(.): [{path: $h, args: ["hook", .], env: ["PATH=/bin:/usr/bin", "A=env"]}]}) | add)
		| .hooks.startContainer = [{path: "/hook", timeout: 5}]' b/config.json >b/c && mv b/c b/config.json
	run oci run --bundle b c1
	assert_ok
	assert_eq created "$(field status <"$T/out")" 'what startContainer is told'
	assert_eq 'prestart createRuntime createContainer poststart poststop' "$(cut -d' ' -f1 "$T/h/order" | tr '\n' ' ' | sed 's/ $//')" order
	for k in prestart:creating createRuntime:creating createContainer:creating poststart:running poststop:stopped; do
		assert_eq "${k#*:} y c1" "$(jq -r '.status + " " + .annotations.x + " " + .id' "$T/h/${k%:*}")" "$k"
	done
	assert_eq "prestart env $HOME/b" "$(head -1 "$T/h/order")" 'environment and directory'
	# one that fails, or does not end, ends the start
	for k in prestart createRuntime createContainer startContainer; do
		bundle '.process.args = ["true"]'
		jq --arg k $k '.hooks[$k] = [{path: "/bin/sh", args: ["sh", "-c", "echo no >&2; exit 3"]}]' b/config.json >b/c && mv b/c b/config.json
		run oci run --bundle b c1
		assert_rc 1
		assert_err_has "$k hook #0"
		assert_err_has 'exit status 3: no'
		run oci state c1
		assert_rc 1
	done
	bundle '.process.args = ["true"] | .hooks.prestart = [{path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1}]'
	run oci run --bundle b c1
	assert_err_has 'not done after 1 seconds'
	# later ones only warn
	bundle '.process.args = ["true"] | .hooks.poststop = [{path: "/bin/false"}]'
	run oci run --bundle b c1
	assert_ok
	assert_err_has poststop
}

test_process() { # rows=root
	says 'id; umask; pwd; ulimit -n; cat /proc/self/oom_score_adj; grep -E "^Cap|NoNewPrivs" /proc/self/status; echo $HOME' '
		.process.user = {"uid": 1000, "gid": 1001, "umask": 63, "additionalGids": [7, 8]} | .process.cwd = "/tmp/made" |
		.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}] | .process.oomScoreAdj = 77 |
		.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	assert_match 'uid=1000 gid=1001 groups=(1001,)?7,8'
	assert_has $'0077\n/tmp/made\n100\n77'
	assert_match 'CapPrm:[[:space:]]*0000000000000020'
	assert_match 'CapBnd:[[:space:]]*0000000000000021'
	assert_match 'CapAmb:[[:space:]]*0000000000000020'
	assert_match 'NoNewPrivs:[[:space:]]*1'
	says 'uname -m; cut -d" " -f41 /proc/self/stat; grep -c . /proc/self/mountinfo' '.linux.personality = {"domain": "LINUX32"} |
		.process.scheduler = {"policy": "SCHED_BATCH", "nice": 3} | .process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 7}'
	[ "$(uname -m)" != x86_64 ] || assert_match '^i686'
	assert_match $'\n3\n' # SCHED_BATCH
	says 'true' '.process.env += ["A=b"] | .process.capabilities.bounding += ["CAP_OF_TOMORROW"]'
	assert_err_has CAP_OF_TOMORROW
}

test_namespaces() { # rows=root
	local p
	bundle '.process.args = ["sleep", "1000"]'
	run oci run -d --bundle b pod
	assert_ok
	p=$(oci state pod | field pid)
	says 'ls -l /proc/self/ns; ps' "
		.linux.namespaces |= map(if .type == \"network\" then .path = \"/proc/$p/ns/net\" elif .type == \"ipc\" then .path = \"/proc/$p/ns/ipc\" elif .type == \"pid\" then .path = \"/proc/$p/ns/pid\" else . end)"
	assert_has "$(readlink "/proc/$p/ns/net")"
	assert_has "$(readlink "/proc/$p/ns/ipc")"
	assert_has "$(readlink "/proc/$p/ns/pid")"
	assert_has 'sleep 1000'
	run oci delete -f pod
	assert_ok
	says 'cat /proc/uptime /proc/self/timens_offsets' '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"monotonic": {"secs": 1000}, "boottime": {"secs": 100000000}}'
	assert_match '^1000[0-9]{5}'
	assert_match 'monotonic +1000 +0'
	# all host's but the mounts: killed as a whole
	bundle '.process.args = ["sh", "-c", "sleep 998 & sleep 999"] | .linux.namespaces = [{"type": "mount"}] | .hostname = "" | .mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	run oci run -d --bundle b c2
	assert_ok
	wait_for test "$(oci ps -f json c2 | jq length)" -ge 2
	run oci kill c2 KILL
	assert_ok
	wait_for stopped c2
	wait_for test -z "$(pgrep -f 'sleep 99[89]')"
	run oci delete c2
	assert_ok
}

test_user_namespace() { # rows=root
	local maps='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	bundle
	chmod 755 "$HOME" "$T" # the mapped root is nobody here
	chown -R 100000:100000 b/rootfs
	mkdir -p "$HOME/src" && chown 5:5 "$HOME/src" && touch "$HOME/src/f" && chown 7:7 "$HOME/src/f"
	says 'cat /proc/self/uid_map; id; touch /tmp/x; echo x >/dev/null; stat -c %u /m/f' "$maps | .mounts += [{destination: \"/m\", type: \"bind\", source: \"$HOME/src\", options: [\"bind\", \"idmap\"], uidMappings: [{containerID: 7, hostID: 100009, size: 1}], gidMappings: [{containerID: 7, hostID: 100009, size: 1}]}]"
	assert_match '^ *0 +100000 +65536'
	assert_match $'\n9$'
	assert_eq 100000 "$(stat -c %u b/rootfs/tmp/x)" 'owner outside'
	# a source that only the host's root can reach
	chmod 700 "$HOME/src"
	mkdir "$HOME/src/in" && echo secret >"$HOME/src/in/f"
	says 'cat /m/f' "$maps | .mounts += [{destination: \"/m\", type: \"bind\", source: \"$HOME/src/in\", options: [\"bind\"]}]"
	assert_out secret
}

test_mounts() { # rows=root
	mkdir -p "$HOME/src/sub"
	mount -t tmpfs sub "$HOME/src/sub" || skip 'cannot mount'
	echo here >"$HOME/src/file"
	says 'grep -E " /(m|t|f)" /proc/self/mountinfo | cut -d" " -f5,6; cat /t/seed; cat /f; touch /t/new && echo writable; touch /m/sub/x || echo ro' "
		.mounts += [{destination: \"/m\", type: \"none\", source: \"$HOME/src\", options: [\"rbind\", \"rro\", \"rnosuid\", \"noexec\"]},
			{destination: \"/t\", type: \"tmpfs\", source: \"tmpfs\", options: [\"tmpcopyup\", \"size=1m\", \"nodev\"]},
			{destination: \"/f\", type: \"bind\", source: \"$HOME/src/file\", options: [\"bind\", \"ro\"]}]
		$(bundle >/dev/null && mkdir -p b/rootfs/t && echo seed >b/rootfs/t/seed)"
	umount "$HOME/src/sub"
	assert_match '/m ro,nosuid,noexec,relatime'
	assert_match '/m/sub ro,nosuid,relatime'
	assert_match '/t rw,nodev,relatime'
	assert_has $'seed\nhere\nwritable\nro'
	# no link of the root leads a mount out of it
	rm -rf b/rootfs/esc && mkdir "$HOME/victim" && ln -s "$HOME/victim" b/rootfs/esc
	bundle '.process.args = ["true"] | .mounts += [{destination: "/esc/x", type: "tmpfs", source: "tmpfs"}]'
	run oci run --bundle b c1
	[ ! -e "$HOME/victim/x" ] || fail 'a mount point was made on the host'
	rm b/rootfs/esc && ln -s /proc b/rootfs/esc
	bundle '.mounts += [{destination: "/esc/sys", type: "tmpfs", source: "tmpfs"}]'
	run oci run --bundle b c1
	assert_rc 1
	bundle
	rmdir b/rootfs/proc && ln -s tmp b/rootfs/proc
	run oci run --bundle b c1
	assert_rc 1
	rm b/rootfs/proc && mkdir b/rootfs/proc
}

test_linux() { # rows=root
	says 'cat /proc/kcore; ls -A /proc/acpi; echo 1 >/proc/sys/kernel/msgmax; cat /proc/sys/net/ipv4/ip_forward; hostname; cat /proc/sys/kernel/domainname; ls -l /dev/fuse /dev/p | cut -c1-10; touch /x' '
		.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .hostname = "hh" | .domainname = "dd" | .root.readonly = true | .process.args[2] += " || true" |
		.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 384}, {path: "/dev/p", type: "p", fileMode: 416}]'
	assert_has $'1\nhh\ndd\ncrw-------\nprw-r-----'
	assert_err_has "can't create /proc/sys/kernel/msgmax: Read-only"
	assert_err_has 'Read-only file system'
	bundle '.linux.intelRdt = {"closID": "x"}'
	run oci create --bundle b c1
	assert_rc 1
	assert_err_has 'config.json:'
	assert_err_has resctrl
	[ -z "$(ls -A "$T/oci")" ] || fail 'something was left'
}

# agent SOCKET: answers one call that a filter hands over with "protocol not supported", and writes down what it was told of the container.
agent() {
	need python3
	python3 - "$1" <<'PY' &
import array, fcntl, json, socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
c, _ = s.accept()
m, anc, _, _ = c.recvmsg(100000, 100)
fd = array.array("i", anc[0][2][:4])[0]
open(sys.argv[1] + ".state", "wb").write(m)
n = bytearray(80)
fcntl.ioctl(fd, 0xC0502100, n)
answer = bytearray(struct.pack("QqiI", struct.unpack_from("Q", n)[0], 0, -93, 0))
fcntl.ioctl(fd, 0xC0182101, answer)
PY
	server $!
	wait_for test -S "$1"
}

test_seccomp_listener() { # rows=user,root
	agent "$HOME/sock"
	bundle '.process.args = ["sh", "-c", "busybox mkdir /tmp/x; echo end"] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$HOME"'/sock", listenerMetadata: "words",
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
	oci create --bundle b c >out 2>&1 </dev/null || fail "create: $(cat out)"
	wait_for test -s "$HOME/sock.state"
	assert_eq 'words creating c' "$(jq -r '"\(.metadata) \(.state.status) \(.state.id)"' "$HOME/sock.state")" 'what the agent is told'
	oci start c || fail start
	wait_for stopped c
	[[ $(cat out) == *'Protocol not supported'*end* ]] || fail "$(cat out)"
	oci delete c
}

run_tests "$@"
