#!/bin/bash
# The processes of a network: what they may do, what they cost. Counted, not timed.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
limit() { awk -v name="$2" 'index($0, name) == 1 { $0 = substr($0, 27); print $1, $2 }' "/proc/$1/limits"; }

test_rights() { # short rows=user,root,one
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	local np pool what
	np=$(network_pids)
	pool=$(pool_pids)
	for what in CapInh CapPrm CapEff CapBnd CapAmb; do
		assert_eq 0000000000000000 "$(status "$np" $what)" "$what of the network process"
	done
	assert_eq 0000000000000000 "$(status "$pool" CapInh)" 'CapInh of the second'
	for what in CapPrm CapEff CapBnd; do
		assert_eq 0000000000002000 "$(status "$pool" $what)" "$what of the second"
	done
	for what in "$np" "$pool"; do
		assert_eq 1 "$(status "$what" NoNewPrivs)" no_new_privs
		assert_eq 2 "$(status "$what" Seccomp)" seccomp
		assert_eq 1 "$(status "$what" Threads)" threads
		assert_eq '0 0' "$(limit "$what" 'Max core file size')" 'core files'
		assert_eq hoy-network "$(tr -d '\0 ' <"/proc/$what/cmdline")" 'the command line'
		assert_eq '' "$(tr -d '\0' <"/proc/$what/environ" 2>/dev/null)" 'the environment'
	done
	what=$(limit "$np" 'Max open files')
	assert_eq "${what% *}" "${what#* }" 'room for descriptors'
}

# What the first container has for itself is not for the processes of all.
test_nothing_of_the_first_container() {
	load busybox
	hoy run -d --name a --network bridge --oom-score-adj 700 --ulimit nofile=100:100 --umask 0 -e SECRET=1 busybox sleep 1000 >/dev/null || fail run
	assert_eq 700 "$(cat "/proc/$(pid_of a)/oom_score_adj")" 'of the container'
	local p
	for p in $(network_pids) $(pool_pids); do
		assert_eq "$(cat /proc/self/oom_score_adj)" "$(cat "/proc/$p/oom_score_adj")" "of $(cat "/proc/$p/comm")"
		assert_ne '100 100' "$(limit "$p" 'Max open files')" 'room for descriptors'
	done
}

# Not even their own user gets at them.
test_not_to_be_traced() { # rows=user,one
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	local p
	for p in $(network_pids) $(pool_pids); do
		ls "/proc/$p/fd" >/dev/null 2>&1 && fail "$(cat "/proc/$p/comm"): its descriptors can be read"
		readlink "/proc/$p/ns/net" && fail "$(cat "/proc/$p/comm"): its namespace can be joined"
	done
	:
}

test_where_they_are() { # rows=root
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 60</etc/hostname >/dev/null || fail run
	local np pool here
	np=$(network_pids)
	pool=$(pool_pids)
	here=$(readlink /proc/self/ns/net)
	assert_eq "$here" "$(readlink "/proc/$np/ns/net")" 'the namespace of the network process'
	assert_ne "$here" "$(readlink "/proc/$pool/ns/net")" 'the namespace of the second'
	# Nothing of a container, and nothing of who started it, is open.
	run find "/proc/$np/fd" "/proc/$pool/fd" -type l -printf '%l\n'
	assert_lacks /containers/
	assert_lacks "$T/log"
	assert_lacks /etc/hostname
	assert_eq 0 "$(printf '%s\n' "$out" | grep -cE '^(/dev/pts|pipe)')" 'terminals and pipes'
	assert_eq / "$(readlink "/proc/$np/cwd")" directory
}

# kb PID...: memory that is there because of them.
kb() {
	local p n=0 k
	for p; do
		if [ -r "/proc/$p/smaps_rollup" ] && k=$(awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup" 2>/dev/null) && [ -n "$k" ]; then
			n=$((n + k))
		else # of a process that is not to be looked at: pages of its own
			n=$((n + $(status "$p" RssAnon | sed 's/ kB//') + $(status "$p" RssShmem | sed 's/ kB//')))
		fi
	done
	echo $n
}
both() { kb $(network_pids) $(pool_pids); }
is_small() { [ "$(both)" -le "$1" ]; }

# many_connections PORT N: one after the other.
many_connections() {
	python3 - "$1" "$2" <<'P'
import socket, sys
for i in range(int(sys.argv[2])):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        data = b""
        while piece := s.recv(4096):
            data += piece
        if not data.endswith(b"I am a\n"):
            sys.exit("connection %d: %r" % (i, data[-80:]))
P
}

test_memory() { # rows=user,root
	load busybox
	need python3
	local port
	port=$(free_port)
	server_in a --network bridge -p "$port:80"
	wait_for -t 10 is_small 1024
	many_connections "$port" 1000 || fail 'connections'
	wait_for -t 10 is_small 1024
	local before
	before=$(both)
	many_connections "$port" 9000 || fail 'more connections'
	wait_for -t 20 is_small $((before + 64))
	note "idle $(both) kB"
}

test_memory_with_many_containers() { # rows=user,root
	load busybox
	local i
	for i in $(seq 50); do hoy run -d --name "c$i" --network bridge busybox sleep 1000 >/dev/null || fail "run c$i"; done
	wait_for -t 10 is_small 1024
	note "with 50 containers $(both) kB"
	for i in $(seq 50); do echo "c$i"; done | xargs timeout 100 $HOY rm -f -t 0 >/dev/null || fail rm
	wait_for -t 10 no_network_runs
}

test_supervisor_stays_small() { # rows=user,root
	load busybox
	hoy run -d --name a --network bridge -p 80 -p 90 busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name b --network bridge busybox sleep 1000 >/dev/null || fail run
	local sup
	sup=$(supervisor_of a)
	# shellcheck disable=SC2317  # called by wait_for
	small() { [ "$(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$sup/smaps_rollup")" -le 440 ]; }
	wait_for small
	# shellcheck disable=SC2046
	kill -9 $(network_pids)
	wait_for -t 10 networks_run 1
	wait_for small
}

# What programs of the user have under way in sockets counts together: while it is too much the second process can hand nothing over.
test_descriptors_under_way() { # rows=user
	load busybox
	local port i hold
	port=$(free_port)
	( # it takes as many as the limit says
		ulimit -n 300
		server_in web --network bridge -p "$port:80"
	) || fail 'run web'
	wait_for host_says "127.0.0.1:$port" 'I am web'
	python3 -c '
import signal, socket
a, b = socket.socketpair()
a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
for i in range(4):
    socket.send_fds(a, [b"x"], [0] * 200)
print("held", flush=True)
signal.pause()' >"$T/held" &
	hold=$!
	wait_for grep -q held "$T/held"
	for ((i = 0; i < 20; i++)); do host_says "127.0.0.1:$port" 'I am web' || break; done
	[ "$i" -lt 20 ] || fail 'nothing was used up'
	kill "$hold"
	wait_for -t 10 host_says "127.0.0.1:$port" 'I am web'
}

# Nothing runs, nothing is waited for: an idle network process is not woken up.
test_idle() {
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	local np before
	np=$(network_pids)
	sleep 3 # what it does once, when nothing has happened for a while
	before=$(status "$np" voluntary_ctxt_switches)
	sleep 3
	assert_eq "$before" "$(status "$np" voluntary_ctxt_switches)" 'times that it was woken up'
}

run_tests "$@"
