#!/bin/bash
# kill -9 of any process that takes part in a network: what belongs to it is back at once, or gone without a trace.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

# Killed, and another one in its place.
is_new() { [ -n "$(network_pids)" ] && [ "$(network_pids)" != "$1" ]; }

crash() {
	local was
	was=$(network_pids)
	# shellcheck disable=SC2086
	kill -9 $($1) || fail "no process to kill: $1"
	wait_for -t 10 is_new "$was"
	wait_for -t 10 networks_run 1
}

check_all_is_there() { # ADDRESS-OF-A INODE PORT
	wait_for -t 10 says b "$1" 'I am a'
	assert_eq "$2" "$(hoy exec b cat /sys/class/net/eth0/ifindex)" 'the device'
	wait_for -t 10 host_says "127.0.0.1:$3" 'I am a'
	[ ! -e "$(store)/networks/bridge/sock" ] && fail 'no socket'
	:
}

test_network_process_killed() { # short rows=user,root,one
	load busybox
	need curl python3
	server_in a --network bridge -p 80
	server_in b --network bridge
	local ip index port i
	ip=$(ip_in a)
	index=$(hoy exec b cat /sys/class/net/eth0/ifindex)
	port=$(hoy port a 80 2>/dev/null | head -1)
	port=${port##*:}
	[ -n "$port" ] || port=$(grep -o '"HostPort":[0-9]*' "$(store)"/containers/"$(hoy ps -q --no-trunc --filter name=^a$)"/state.json | cut -d: -f2)
	check_all_is_there "$ip" "$index" "$port"
	for i in 1 2 3; do
		crash network_pids
		check_all_is_there "$ip" "$index" "$port"
	done
	crash pool_pids
	check_all_is_there "$ip" "$index" "$port"
	server_in c --network bridge
	assert_eq 'I am c' "$(fetch a "$(ip_in c)")" 'a container that comes later'
	hoy rm -f -t 0 a b c >/dev/null
	wait_for -t 10 nothing_runs
}

# Stopped (SIGSTOP), it answers nobody: that is said soon, and whose pid it is. A container that ends does not wait for it, and when it goes on all is well.
test_network_process_stopped() {
	load busybox
	server_in a --network bridge
	server_in b --network bridge
	local pid
	pid=$(network_pids)
	kill -STOP "$pid"
	run timeout 10 "${HOY%% *}" run --rm --network bridge busybox true
	assert_rc 125
	assert_err_has "the network process (pid $pid) is stopped"
	assert_err_has "kill -CONT $pid"
	timeout 10 "${HOY%% *}" rm -f -t 0 b >/dev/null || fail 'rm waits for it'
	kill -CONT "$pid"
	hoy run --rm --network bridge busybox true || fail 'run'
	server_in c --network bridge
	assert_eq 'I am c' "$(fetch a "$(ip_in c)")" 'a container that comes later'
	assert_eq "$pid" "$(network_pids)" 'the process'
}

no_process_but_the_second() { [ -z "$(network_pids)" ]; }

# The second one, stopped, is not waited for either: both are made again as soon as it is needed.
test_second_process_stopped() {
	load busybox
	server_in a --network bridge
	local was pool
	was=$(network_pids)
	pool=$(pool_pids)
	kill -STOP "$pool"
	timeout 20 "${HOY%% *}" run --rm --network bridge busybox true || fail run
	wait_for -t 10 is_new "$was"
	kill -CONT "$pool"
	wait_for -t 10 networks_run 1
	server_in b --network bridge
	assert_eq 'I am a' "$(fetch b "$(ip_in a)")" answer
	# The last one leaves while it is stopped.
	pool=$(pool_pids)
	kill -STOP "$pool"
	timeout 20 "${HOY%% *}" rm -f -t 0 a b >/dev/null || fail rm
	wait_for -t 10 no_process_but_the_second
	kill -CONT "$pool"
	wait_for -t 10 nothing_runs
}

# The machine goes down: everything is asked to end, and containers that do still need their network.
test_asked_to_end() {
	load busybox
	server_in a --network bridge
	server_in b --network bridge
	local was
	was=$(network_pids)
	# shellcheck disable=SC2046
	kill -TERM $(network_pids) $(pool_pids)
	assert_eq 'I am a' "$(fetch b "$(ip_in a)")" answer
	assert_eq "$was" "$(network_pids)" 'the process'
}

# A connection between containers goes by the bridge and does not notice.
test_connections_between_containers_survive() {
	load busybox
	hoy run -d --name a --network bridge busybox sh -c 'sleep 1000 | nc -l -p 7 >/got' >/dev/null || fail run
	hoy run -d --name b --network bridge busybox sh -c "while [ ! -e /go ]; do sleep 0.1; done; (echo one; while [ ! -e /two ]; do sleep 0.1; done; echo two) | nc $(ip_in a) 7" >/dev/null || fail run
	hoy exec b touch /go
	wait_for -t 10 hoy exec a grep -q one /got
	crash network_pids
	hoy exec b touch /two
	wait_for -t 10 hoy exec a grep -q two /got
}

test_all_containers_at_once() {
	load busybox
	local i
	for i in $(seq 25); do hoy run -d --name "c$i" --network bridge busybox httpd -f -p 80 -h /etc >/dev/null || fail "run c$i"; done
	local ip
	ip=$(ip_in c1)
	crash network_pids
	for i in $(seq 2 25); do
		wait_for -t 10 reaches "c$i" "$ip"
	done
	networks_run 1 || fail 'more than one process'
	wait_for -t 10 no_worker
	for i in $(seq 25); do echo "c$i"; done | xargs timeout 100 $HOY rm -f -t 0 >/dev/null || fail rm
	wait_for -t 10 nothing_runs
}
reaches() { [ -n "$(fetch "$1" "$2")" ]; }
no_worker() { [ -z "$(of_name hoy-attach)" ]; }

# Those who start while the process is being made again join the network that is there.
test_start_while_it_is_down() {
	load busybox
	server_in a --network bridge
	local i ip
	ip=$(ip_in a)
	for i in 1 2 3 4 5; do
		# shellcheck disable=SC2046
		kill -9 $(network_pids)
		run hoy run --rm --network bridge busybox sh -c "$GET" sh "$ip"
		assert_out 'I am a'
	done
}

test_supervisor_killed() { # short rows=user,root,one
	load busybox
	server_in a --network bridge
	server_in b --network bridge
	local ip
	ip=$(ip_in a)
	kill -9 "$(supervisor_of a)"
	wait_for -t 10 not_running a
	networks_run 1 || fail 'the process of the other ended'
	hoy start a >/dev/null || fail start
	assert_eq "$ip" "$(ip_in a)" address
	wait_for -t 10 says b "$ip" 'I am a'
	kill -9 "$(supervisor_of a)" "$(supervisor_of b)"
	wait_for -t 10 no_network_runs
	hoy rm -f -t 0 a b >/dev/null || fail rm
	server_in a --network bridge
	server_in b --network bridge
	wait_for -t 10 says b "$(ip_in a)" 'I am a'
}
not_running() { [ "$(hoy inspect --format '{{.State.Status}}' "$1")" != running ]; }

# The client is killed at any moment of a start: what it began goes on or goes away, and the next one works.
test_client_killed() {
	load busybox
	local i
	for i in $(seq 30); do
		hoy run --rm --network bridge busybox true >/dev/null 2>&1 &
		local p=$!
		sleep "0.0$((i % 10))$((i / 10))"
		kill -9 $p 2>/dev/null
		wait $p 2>/dev/null
	done
	run hoy run --rm --network bridge busybox ip -4 -o addr show eth0
	assert_has 'inet 10.'
	wait_for -t 10 nothing_runs
}

test_everything_killed() { # rows=user,root
	load busybox
	server_in a --network bridge
	server_in b --network bridge
	# shellcheck disable=SC2046
	kill -9 $(of_name hoy-network hoy-sockpool hoy-supervisor)
	wait_for -t 10 no_network_runs
	hoy rm -f -t 0 a b >/dev/null || fail rm
	server_in a --network bridge
	hoy run --rm --network bridge busybox sh -c "$GET" sh "$(ip_in a)" >"$T/got" || fail 'a new container'
	assert_eq 'I am a' "$(cat "$T/got")" answer
}

# An upgrade while containers run: supervisors go on with what they were started from.
test_program_replaced() {
	load busybox
	local exe=$HOME/bin/hoy
	mkdir "$HOME/bin" && cp "$(command -v "${HOY%% *}")" "$exe"
	HOY=$exe server_in a --network bridge
	HOY=$exe server_in b --network bridge
	rm "$exe" && printf '#!/bin/sh\nexit 1\n' >"$exe" && chmod +x "$exe"
	crash network_pids
	wait_for -t 10 says b "$(ip_in a)" 'I am a'
}

run_tests "$@"
