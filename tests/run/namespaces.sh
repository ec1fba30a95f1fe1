#!/bin/bash
# --ipc, --pid, --uts, --cgroupns, --hostname, --domainname and --sysctl.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# sleeper NAME OPTIONS...: a container that sleeps.
sleeper() {
	local n=$1
	shift
	hoy run -d --name "$n" --network none "$@" busybox sleep 1000 >/dev/null || fail "run $n"
}

status() { hoy inspect --format '{{.State.Status}}' "$1"; }
has_status() { [ "$(status "$1")" = "$2" ]; }

# ns KIND: the namespace of the caller.
ns() { readlink "/proc/self/ns/$1"; }

test_host() { # peer_ok short
	load busybox
	in_busybox --pid host -- sh -c 'readlink /proc/self/ns/pid; [ $$ = 1 ] && echo first; test -d /proc/1 && echo /proc'
	assert_out "$(printf '%s\n/proc' "$(ns pid)")"
	in_busybox --uts host -- sh -c 'readlink /proc/self/ns/uts; hostname; cat /etc/hostname'
	assert_out "$(printf '%s\n%s\n%s' "$(ns uts)" "$(uname -n)" "$(uname -n)")"
	in_busybox --cgroupns host -- readlink /proc/self/ns/cgroup
	assert_out "$(ns cgroup)"
	is_peer && return
	in_busybox --ipc host -- sh -c 'readlink /proc/self/ns/ipc; test -d /dev/shm && echo shm'
	assert_out "$(printf '%s\nshm' "$(ns ipc)")"
}

test_private_is_the_default() { # peer_ok
	load busybox
	local k
	for k in ipc pid uts cgroup; do
		in_busybox -- readlink "/proc/self/ns/$k"
		assert_ne "$(ns $k)" "$out" $k
		in_busybox "--${k/cgroup/cgroupns}" private -- readlink "/proc/self/ns/$k"
		assert_ne "$(ns $k)" "$out" "$k private"
	done
	in_busybox --ipc none -- sh -c 'test -d /dev/shm && echo shm; readlink /proc/self/ns/ipc'
	assert_ne "$(ns ipc)" "$out" 'ipc none'
	assert_lacks shm
}

test_join() { # peer_ok short
	load busybox
	sleeper a
	local k
	for k in ipc pid uts cgroup; do
		run hoy exec a readlink "/proc/self/ns/$k"
		local of_a=$out
		in_busybox "--${k/cgroup/cgroupns}" container:a -- readlink "/proc/self/ns/$k"
		assert_out "$of_a"
	done
	hoy exec a sh -c 'echo shared >/dev/shm/f'
	in_busybox --ipc container:a -- sh -c 'cat /dev/shm/f; echo back >/dev/shm/g'
	assert_out shared
	run hoy exec a cat /dev/shm/g
	assert_out back
	in_busybox --pid container:a -- sh -c 'tr "\0" " " </proc/1/cmdline; [ $$ = 1 ] && echo first'
	assert_out 'sleep 1000 '
	# Masks are the own ones.
	in_busybox --pid container:a -- sh -c 'wc -c </proc/timer_list; echo x >/proc/sys/kernel/hostname' 2>/dev/null
	assert_has 0
	in_busybox --uts container:a -- sh -c 'hostname; cat /etc/hostname'
	run hoy exec a hostname
	assert_ok
}

test_join_several_at_once() { # peer_ok
	load busybox
	sleeper a --hostname box
	in_busybox --ipc container:a --pid container:a --uts container:a --cgroupns container:a -- sh -c 'hostname; test -d /dev/shm && echo shm; test -d /proc/self && echo proc'
	assert_out "$(printf 'box\nshm\nproc')"
	sleeper b --ipc container:a
	in_busybox --ipc container:b --pid container:a -- readlink /proc/self/ns/ipc
	local got=$out
	run hoy exec a readlink /proc/self/ns/ipc
	assert_out "$got"
}

test_exec() { # peer_ok
	load busybox
	sleeper a
	local k
	for k in ipc pid uts cgroupns; do
		sleeper "b$k" "--$k" container:a
		run hoy exec "b$k" sh -c 'id -u; test -d /proc/self && echo proc'
		assert_out "$(printf '0\nproc')"
		[ "$k" = ipc ] && is_peer && continue # it wants a /dev/mqueue of the host
		sleeper "h$k" "--$k" host
		run hoy exec "h$k" sh -c 'id -u; test -d /proc/self && echo proc'
		assert_out "$(printf '0\nproc')"
	done
	run hoy exec bpid sh -c 'tr "\0" " " </proc/1/cmdline'
	assert_out 'sleep 1000 '
	run hoy exec -t bpid sh -c 'test -t 0 && echo terminal'
	assert_has terminal
}

test_terminal_in_a_joined_container() {
	load busybox
	sleeper a
	run hoy run --rm -t --pid container:a --ipc container:a busybox sh -c 'test -t 0 && echo terminal'
	assert_has terminal
	in_busybox --init --pid container:a --ipc container:a -- echo by init
	assert_out 'by init'
	run hoy run --rm -t --pid host busybox sh -c 'test -t 0 && echo terminal'
	assert_has terminal
}

test_refusals() { # peer_ok
	load busybox
	sleeper a
	local o
	for o in '--ipc odd' '--pid odd' '--uts odd' '--cgroupns odd' '--pid none' '--ipc container:' '--ipc container:nobody' '--pid container:nobody' \
		'--uts container:nobody' '--cgroupns container:nobody' '--pid ns:/nope' '--ipc ns:relative' '--uts host --hostname x' \
		'--uts container:a --hostname x' '--ipc host --shm-size 1m' '--ipc none --shm-size 1m' '--ipc ns:/proc/self/ns/ipc' '--uts ns:/proc/self/ns/uts'; do
		case $T_ROW$o in root*ns:/proc*) continue ;; esac
		# shellcheck disable=SC2086
		in_busybox $o -- true
		[ "$rc" = 126 ] && is_peer || assert_err
	done
	sleeper p --ipc private
	in_busybox --ipc container:p -- true
	assert_err E-NAMESPACE shareable
}

test_refusals_of_our_own() {
	load busybox
	sleeper a
	sleeper h --pid host --ipc host
	in_busybox --ipc container:a --shm-size 1m -- true
	assert_err
	in_busybox --pid container:h -- true
	assert_err E-NAMESPACE '--pid host'
	in_busybox --ipc ns:/etc/passwd -- true
	assert_err E-NAMESPACE
	in_busybox --uts host --domainname x -- true
	assert_err
	run as_docker run -d --name d busybox sleep 1000
	assert_ok
	in_busybox --ipc container:d -- true
	assert_err E-NAMESPACE shareable
}

test_namespace_by_path() {
	load busybox
	sleeper a
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' a)
	in_busybox --uts "ns:/proc/$pid/ns/uts" -- readlink /proc/self/ns/uts
	assert_out "$(readlink "/proc/$pid/ns/uts")"
	in_busybox --pid "ns:/proc/$pid/ns/pid" -- sh -c 'tr "\0" " " </proc/1/cmdline'
	assert_out 'sleep 1000 '
	in_busybox --ipc "ns:/proc/$pid/ns/ipc" -- readlink /proc/self/ns/ipc
	assert_out "$(readlink "/proc/$pid/ns/ipc")"
	in_busybox --ipc "ns:/proc/$pid/ns/uts" -- true
	assert_err E-NAMESPACE
}

test_joined_must_run() {
	load busybox
	hoy create --name a --network none busybox sleep 1000 >/dev/null || fail create
	run hoy create --name b --pid container:a --network none busybox sleep 1000
	assert_ok
	run hoy start b
	assert_err E-NAMESPACE 'hoy start a'
	in_busybox --ipc container:a -- true
	assert_err E-NAMESPACE 'hoy start a'
	run hoy ps -aq
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" containers
	hoy start a >/dev/null
	run hoy start b
	assert_ok
	has_status b running || fail "b: $(status b)"
	# Restarted, the other has new namespaces; they are looked up anew.
	hoy stop -t 0 a >/dev/null
	wait_for has_status b exited
	hoy start a >/dev/null
	run hoy start b
	assert_ok
	run hoy exec b sh -c 'tr "\0" " " </proc/1/cmdline'
	assert_out 'sleep 1000 '
}

test_lifetime() { # peer_ok
	load busybox
	sleeper a
	sleeper bpid --pid container:a
	sleeper buts --uts container:a
	sleeper bipc --ipc container:a
	hoy stop -t 0 a >/dev/null 2>&1
	wait_for has_status bpid exited
	has_status buts running && has_status bipc running || fail 'what shares no processes ended'
	run hoy exec bipc sh -c 'echo x >/dev/shm/f; cat /dev/shm/f'
	assert_out x
	run hoy inspect --format '{{.State.ExitCode}}' bpid
	assert_out 137
}

test_removing_what_is_joined() { # peer_ok
	load busybox
	hoy create --name a --network none busybox true >/dev/null || fail create
	hoy create --name b --ipc container:a --network none busybox true >/dev/null || fail create
	run hoy rm a
	assert_ne 0 "$rc"
	assert_err_has "$(is_peer || echo E-CONTAINER-IN-USE)"
	run hoy rm b
	assert_ok
	run hoy rm a
	assert_ok
}

test_removing_what_is_joined_by_force() {
	load busybox
	sleeper a
	hoy create --name b --ipc container:a --network none busybox true >/dev/null || fail create
	run hoy rm -f -t 0 a
	assert_ok
	run hoy start b
	assert_err E-NAMESPACE gone
	run hoy container prune -f
	assert_ok
}

# All processes of a container end with it, also where the kernel does not see to it.
strays() { pgrep -f "^sleep $1" -u "$(id -u)" || pgrep -f "^sleep $1"; }
none_named() { ! pgrep -x "$1"; }
no_strays() { [ -z "$(pgrep -f "^sleep $1")" ]; }

test_all_processes_end() { # short
	load busybox
	sleeper a
	local n=$((RANDOM % 9000 + 100000)) o
	for o in '--pid host' '--pid container:a'; do
		# shellcheck disable=SC2086
		run hoy run -d --name c $o busybox sh -c "sleep $n & (sleep $n &) ; setsid sleep $n & sleep $n; :"
		assert_ok
		hoy exec -d c sleep $n
		wait_for running $n 5
		hoy stop -t 0 c >/dev/null
		no_strays $n || fail "left by stop ($o): $(strays $n)"
		hoy start c >/dev/null || fail start
		wait_for running $n 4
		hoy kill c >/dev/null
		wait_for has_status c exited
		no_strays $n || fail "left by kill ($o): $(strays $n)"
		hoy start c >/dev/null || fail start
		wait_for running $n 4
		hoy rm -f -t 0 c >/dev/null
		no_strays $n || fail "left by rm -f ($o): $(strays $n)"
		# shellcheck disable=SC2086
		run hoy run --rm $o busybox sh -c "sleep $n & (setsid sleep $n &) ; exit 3"
		assert_rc 3
		no_strays $n || fail "left by the end ($o): $(strays $n)"
	done
	# However soon it is over.
	local i
	for i in 1 2 3 4 5 6 7 8; do
		run hoy run --rm --pid host busybox sh -c "setsid sleep $n & exit $i"
		assert_rc $i
		no_strays $n || fail "left by a short life: $(strays $n)"
	done
	has_status a running || fail 'a container that was joined ended with it'
}
# One whose first thread has ended, which looks like a zombie, is not overlooked.
test_strays_without_a_first_thread() {
	load busybox
	local n=ldr$((RANDOM % 9000 + 1000)) # all that is left of its words
	run hoy run --rm --pid host -v "$T_FIX/bin/leader:/$n:ro" busybox sh -c "/$n away; sleep 0.3; exit 3"
	assert_rc 3
	wait_for none_named $n # killed, but whoever inherited it may not have waited for it
	hoy run -d --name c --pid host -v "$T_FIX/bin/leader:/$n:ro" busybox sh -c "/$n away; sleep 1000" >/dev/null || fail run
	wait_for pgrep -x $n
	kill -9 "$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$(hoy inspect --format '{{.State.Pid}}' c)/stat")"
	wait_for has_status c exited
	hoy rm c >/dev/null || fail rm
	wait_for none_named $n
}

running() { [ "$(pgrep -f "^sleep $1" | wc -l)" -ge "$2" ]; }

# With a user namespace of their own inside, and with the supervisor killed.
test_all_processes_end_after_a_crash() {
	load busybox
	local n=$((RANDOM % 9000 + 110000)) sup
	run hoy run -d --name c --pid host --security-opt seccomp=unconfined busybox sh -c "unshare -Ur sleep $n & (setsid sleep $n &) ; sleep $n; :"
	assert_ok
	wait_for running $n 3
	sup=$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$(hoy inspect --format '{{.State.Pid}}' c)/stat")
	kill -9 "$sup"
	wait_for has_status c exited
	hoy rm c >/dev/null || fail rm
	wait_for no_strays $n
	run hoy run -d --name d --pid host --security-opt seccomp=unconfined busybox sh -c "unshare -Ur sleep $n & sleep $n; :"
	assert_ok
	wait_for running $n 2
	hoy rm -f -t 0 d >/dev/null || fail rm
	no_strays $n || fail "left in a namespace below: $(strays $n)"
}

# Without being PID 1 a process has the default actions of signals.
test_signals_without_a_namespace() {
	load busybox
	hoy run -d --name c --pid host --network none busybox sleep 1000 >/dev/null || fail run
	run hoy stop -t 20 c
	assert_ok
	run hoy wait c
	assert_out 143
}

test_init_reaps_without_a_namespace() {
	load busybox
	in_busybox --pid host --init -- sh -c '(sleep 0.1 & echo $! >/p); sleep 0.6; test -d /proc/$(cat /p) && echo there; :'
	assert_out ''
}

test_hostname_and_domainname() {
	load busybox
	in_busybox --hostname box --domainname example.org -- sh -c 'hostname; cat /proc/sys/kernel/domainname; grep box /etc/hosts'
	assert_has "$(printf 'box\nexample.org')"
	assert_has 'box.example.org box'
	in_busybox --domainname 'a b' -- true
	assert_err
}

test_sysctl() { # peer_ok short
	load busybox
	in_busybox --sysctl kernel.shmmax=1000000 --sysctl kernel.msgmax=5000 --sysctl net.ipv4.ip_forward=1 --sysctl fs.mqueue.msg_max=5 \
		--sysctl kernel.sem='1 2 3 4' -- sh -c 'cd /proc/sys && cat kernel/shmmax kernel/msgmax net/ipv4/ip_forward fs/mqueue/msg_max; tr -s "\t " "  " <kernel/sem'
	if [ "$rc" = 125 ]; then # older kernels leave those of ipc to the host's root
		assert_err E-SYSCTL root
	else
		assert_out "$(printf '1000000\n5000\n1\n5\n1 2 3 4')"
	fi
	in_busybox --sysctl net.core.somaxconn=7,net.ipv4.ip_forward=1 -- sh -c 'cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_forward'
	assert_out "$(printf '7\n1')"
	in_busybox --read-only --sysctl net.core.somaxconn=7 -- sh -c 'cat /proc/sys/net/core/somaxconn; echo 9 2>/dev/null >/proc/sys/net/core/somaxconn; cat /proc/sys/net/core/somaxconn'
	assert_out "$(printf '7\n7')"
	local s
	for s in kernel.hostname=x kernel.domainname=x kernel.pid_max=9 vm.swappiness=1 net/ipv4/ip_forward=1 kernel.shmmax nonsense= =x user.max_user_namespaces=5; do
		in_busybox --sysctl "$s" -- true
		assert_err
	done
}

# A device of a network is not there when the others are written.
test_sysctl_of_a_device() {
	load busybox
	run hoy run --rm --network bridge --sysctl net.ipv4.conf.eth0.rp_filter=2 --sysctl net.ipv4.conf.all.log_martians=1 busybox cat /proc/sys/net/ipv4/conf/eth0/rp_filter /proc/sys/net/ipv4/conf/all/log_martians
	assert_out '2
1'
	run hoy run --rm --network bridge --read-only --security-opt proc-opts=subset=pid --sysctl net.ipv4.conf.eth0.rp_filter=2 busybox echo set
	assert_out set
	run hoy run --rm --network bridge --sysctl net.ipv4.conf.eth1.rp_filter=2 busybox true
	assert_rc 125
	assert_err_has 'net.ipv4.conf.eth1.rp_filter'
}

test_sysctl_refusals() {
	load busybox
	run hoy run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true
	assert_err E-SYSCTL network
	in_busybox --ipc host --sysctl kernel.shmmax=5000 -- true
	assert_err E-SYSCTL ipc
	in_busybox --sysctl net.no.such=1 -- true
	assert_err E-SYSCTL
	in_busybox --sysctl net.ipv4.ip_forward=nonsense -- true
	assert_err E-SYSCTL
	in_busybox --sysctl net....kernel.x=1 -- true
	assert_err E-SYSCTL
	# Values have commas, too.
	in_busybox --sysctl net.ipv4.ip_local_reserved_ports=80,443,net.core.somaxconn=7 -- sh -c 'cat /proc/sys/net/ipv4/ip_local_reserved_ports /proc/sys/net/core/somaxconn'
	assert_out "$(printf '80,443\n7')"
	in_busybox --security-opt proc-opts=subset=pid --sysctl net.core.somaxconn=7 -- true
	assert_ok
}

test_inspect() { # peer_ok
	load busybox
	sleeper a
	hoy create --name b --ipc container:a --pid container:a --uts container:a --cgroupns container:a busybox true >/dev/null || fail create
	local id
	id=$(hoy inspect --format '{{.Id}}' a)
	run hoy inspect --format '{{.HostConfig.IpcMode}} {{.HostConfig.PidMode}} {{.HostConfig.UTSMode}} {{.HostConfig.CgroupMode}} {{.Dependencies}}' a
	assert_out 'shareable private private private []'
	run hoy inspect --format '{{.HostConfig.IpcMode}} {{.HostConfig.PidMode}} {{.HostConfig.UTSMode}} {{.Dependencies}}' b
	assert_out "container:$id container:$id container:$id [$id]"
	hoy create --name c --ipc none --pid host --uts host --cgroupns host --sysctl net.core.somaxconn=7 busybox true >/dev/null || fail create
	run hoy inspect --format '{{.HostConfig.IpcMode}} {{.HostConfig.PidMode}} {{.HostConfig.UTSMode}} {{.HostConfig.CgroupMode}} {{.Config.Hostname}}' c
	assert_out "none host host host $(uname -n)"
	is_peer && return
	run as_docker inspect --format '{{.HostConfig.PidMode}} {{.HostConfig.CgroupnsMode}} {{index .HostConfig.Sysctls "net.core.somaxconn"}}' c
	assert_out 'host host 7'
}

run_tests "$@"
