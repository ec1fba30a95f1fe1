#!/bin/bash
# Flags of run and create about users of the container, its variables, and who comes first: --passwd and its kin, --env-merge, --requires,
# --conmon-pidfile, --rmi.
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

test_unknown_user_gets_lines() { # peer_ok
	load busybox
	in_busybox -u 1234:5678 -- sh -c 'grep :1234: /etc/passwd; grep :5678: /etc/group; id'
	assert_ok
	assert_has '1234:*:1234:5678:container user:/:/bin/sh'
	assert_has '5678:x:5678:1234'
	assert_has 'gid=5678(5678)'
	in_busybox -- cat /etc/group
	assert_lacks 5678
}

test_entries_as_they_are_asked_for() { # peer_ok
	load busybox
	in_busybox -u 1234:5678 --passwd-entry 'joe:x:$UID:$GID:$NAME:$HOME/joe:/bin/$USERNAME' \
		--group-entry '$GROUPNAME-g:x:$GID:$USERLIST,x' -- sh -c 'tail -n 1 /etc/passwd; tail -n 1 /etc/group'
	assert_ok
	assert_out 'joe:x:1234:5678:container user://joe:/bin/1234
5678-g:x:5678:1234,x'
}

test_no_entries() { # peer_ok
	load busybox
	in_busybox --passwd=false -u 1234:5678 -- sh -c 'grep -h 1234 /etc/passwd /etc/group; echo "rc $?"'
	assert_out 'rc 1'
	is_peer && return
	in_busybox --passwd=false --passwd-entry x -- true
	assert_err E-USAGE 'exclude each other'
}

test_host_users() { # peer_ok
	load busybox
	in_busybox --hostuser daemon -w /tmp -- sh -c 'grep ^daemon: /etc/passwd | tail -n 1'
	assert_ok
	assert_has 'daemon:*:1:1:daemon:/tmp:/bin/sh'
	is_peer && return
	in_busybox --hostuser nobody-here -- true
	assert_err E-USAGE 'not a user of this machine'
}

test_env_merge() { # peer_ok
	load busybox
	in_busybox --env-merge 'PATH=${PATH}:/opt/bin' --env-merge 'NEW=a-${NOTHING}-$PATH' -- sh -c 'echo "$PATH $NEW"'
	assert_ok
	assert_match '^(/[^:]*:.*:/opt/bin) a--/.*'
	in_busybox --env-merge 'A=${NOTHING:-other}' --env-merge 'B=${PATH:+set}' -e B=mine -- sh -c 'echo "$A $B"'
	assert_out 'other mine'
	is_peer && return
	in_busybox --env-merge 'A=$ $$ ${ ${} $1' -- sh -c 'echo "$A"'
	assert_out '$ $$ ${ ${} '
	in_busybox --env-merge nothing -- true
	assert_err E-USAGE
}

test_seccomp_policy() {
	load busybox
	in_busybox --seccomp-policy default -- true
	assert_ok
	in_busybox --seccomp-policy image -- true
	assert_err E-ABSENT 'must not decide'
	in_busybox --seccomp-policy x -- true
	assert_err E-USAGE
}

test_pid_of_the_supervisor() { # peer_ok
	load busybox
	run hoy run -d --name c --network none --conmon-pidfile "$HOME/sup" busybox sleep 100
	assert_ok
	local pid
	pid=$(cat "$HOME/sup")
	[ -d "/proc/$pid" ] || fail "no process $pid"
	assert_eq "$pid" "$(ps -o ppid= -p "$(hoy inspect -f '{{.State.Pid}}' c)" | tr -d ' ')" parent
	assert_eq "$HOME/sup" "$(hoy inspect -f '{{.ConmonPidFile}}' c)"
	run hoy rm -f -t 0 c
	is_peer || [ ! -e "$HOME/sup" ] || fail 'the pidfile outlives the supervisor'
}

test_required_ones_are_started_first() { # peer_ok
	load busybox
	hoy create --name a --network none busybox sleep 100 >/dev/null || fail create
	hoy create --name b --network none --requires a busybox sleep 100 >/dev/null || fail create
	run hoy run -d --name c --network none --requires b busybox sleep 100
	assert_ok
	run hoy ps --format '{{.Names}}'
	assert_has a
	assert_has b
	assert_eq 3 "$(printf '%s\n' "$out" | wc -l)" containers
	assert_eq "[$(hoy inspect -f '{{.Id}}' b)]" "$(hoy inspect -f '{{.Dependencies}}' c)"
	hoy rm -f -t 0 c >/dev/null
	hoy stop -t 0 a b >/dev/null
	run hoy rm a
	assert_ne 0 "$rc"
	is_peer || assert_err_has 'is required by container b'
	run hoy start b
	assert_ok
	run hoy ps -q
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" containers
	run hoy rm -f -t 0 --depend a
	assert_ok
	run hoy ps -aq
	assert_out ''
}

test_required_one_cannot_start() {
	load busybox
	hoy create --name a --network none busybox /nope >/dev/null || fail create
	run hoy run --name b --network none --requires a busybox true
	assert_rc 127
	assert_err_has 'which is required'
	run hoy ps -a --format '{{.Names}}'
	assert_out a
	run hoy run --rm --requires nobody busybox true
	assert_err '' requires
}

test_rmi() { # peer_ok
	load busybox
	hoy tag busybox other >/dev/null
	run hoy run --rmi --network none other sh -c 'exit 3'
	assert_rc 3
	run hoy image exists other
	assert_rc 1
	run hoy ps -aq
	assert_out ''
	is_peer && return
	hoy create --name keeps busybox true >/dev/null
	run hoy run --rmi --network none busybox true
	assert_ok
	run hoy image exists busybox
	assert_ok
	run hoy run --rmi -d busybox true
	assert_err E-USAGE exclude
}

test_attach_and_exec_without_names() {
	load busybox
	run hoy run -d --name c --network none --cidfile "$HOME/cid" busybox sleep 100
	assert_ok
	run hoy exec --cidfile "$HOME/cid" echo here
	assert_out here
	run hoy exec --cidfile "$HOME/cid" --latest echo here
	assert_err E-USAGE
	run hoy exec --no-session c echo there
	assert_out there
	run hoy kill c
	hoy rm -f c >/dev/null
	hoy run -d --name d --network none busybox sh -c 'until [ -e /go ]; do echo tick; sleep 0.1; done; echo end' >/dev/null
	hoy attach -l >"$T/attached" &
	wait_for grep -q tick "$T/attached"
	hoy exec d touch /go
	wait
	assert_eq end "$(tail -n 1 "$T/attached")"
	run hoy attach -l d
	assert_err E-USAGE
	run hoy attach
	assert_err E-USAGE
}

run_tests "$@"
