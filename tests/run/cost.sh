#!/bin/bash
# What a start costs, counted and not timed: system calls, executions, syncs, locks that wait, memory of what stays.
. "$(dirname "$0")/../lib.sh"

# traced FILTER COMMAND...: runs it under strace into $T/trace. A program that is setuid loses that under strace, so another container
# has to hold the user namespace already.
traced() {
	local filter=$1
	shift
	load busybox
	hoy run -d --name holder --network none busybox sleep 1000 >/dev/null || fail 'run of the holder'
	run strace -f -qq -e trace="$filter" -o "$T/trace" "$@"
	assert_ok
}

calls() { grep -cE "$1" "$T/trace" || :; }

test_run_rm_syncs_nothing() { # rows=user,one
	need strace
	traced fsync,fdatasync,syncfs,sync,msync,sync_file_range $HOY run --rm --network none busybox true
	assert_eq 0 "$(calls sync)" "syncs: $(cat "$T/trace")"
}

test_run_detached_syncs_its_record_only() { # rows=user,one
	need strace
	traced fsync,fdatasync,syncfs,sync $HOY run -d --network none busybox true
	assert_eq 0 "$(calls 'syncfs|[ ]sync\(')" 'syncs of whole file systems'
	[ "$(calls 'sync\(')" -le 5 ] || fail "too many syncs: $(cat "$T/trace")"
	[ "$(calls 'fdatasync\(')" -ge 2 ] || fail 'the record is not synced'
}

test_run_executes_the_command_and_nothing_else() { # rows=user,one
	need strace
	traced execve,execveat $HOY run --rm --network none busybox true
	# hoy itself, the command, and our own program again where the container could write to its file.
	[ "$(calls 'exec.* = 0')" -le 3 ] || fail "executed: $(cat "$T/trace")"
	assert_eq 0 "$(calls 'newuidmap|newgidmap|/sh"')" 'helpers executed while a container runs'
}

test_run_waits_for_no_lock() { # rows=user,one
	need strace
	traced flock,fcntl $HOY run --rm --network none busybox true
	assert_eq 0 "$(calls 'flock\([0-9]+, LOCK_(EX|SH)\)|F_O?F?D?_?SETLKW')" "locks that wait: $(cat "$T/trace")"
}

test_run_stays_below_its_budget_of_calls() { # rows=user,one
	need strace
	traced all $HOY run --rm --network none busybox true
	local n
	n=$(grep -cvE '^[0-9]+ +(\+\+\+|---|<\.\.\.)' "$T/trace")
	[ "$n" -le 1100 ] || fail "$n system calls"
}

# What the default network adds to a start: some hundred calls where another container is in it, no process, no program and no sync; with the first one the
# network is made, by two processes that stay.
test_default_network_stays_below_its_budget() { # rows=user,one
	need strace
	load busybox
	hoy run -d --name holder --network none busybox sleep 1000 >/dev/null || fail 'run of the holder'
	local what
	for what in none first more; do
		[ $what != more ] || hoy run -d --name member busybox sleep 1000 >/dev/null || fail 'run of the member'
		run strace -f -qq -o "$T/trace.$what" $HOY run --rm --network "$([ $what = none ] && echo none || echo bridge)" busybox true
		assert_ok
	done
	count() { grep -cE "$2" "$T/trace.$1" || :; }
	all() { grep -cvE '^[0-9]+ +(\+\+\+|---|<\.\.\.)' "$T/trace.$1"; }
	local none first more
	none=$(all none) first=$(all first) more=$(all more)
	note "system calls of run --rm: $none without a network, $more in one, $first as the first in one"
	[ $((more - none)) -le 150 ] || fail "the network costs $((more - none)) system calls"
	[ $((first - none)) -le 750 ] || fail "the first in a network costs $((first - none)) system calls"
	assert_eq "$(count none '(clone3?|fork|vfork)\(')" "$(count more '(clone3?|fork|vfork)\(')" 'processes made'
	assert_eq "$(count none 'exec.* = 0')" "$(count more 'exec.* = 0')" 'programs executed'
	assert_eq "$(count none 'exec.* = 0')" "$(count first 'exec.* = 0')" 'programs executed by the first'
	assert_eq 0 "$(count more ' (fsync|fdatasync|syncfs|sync)\(')" syncs
}

test_readers_take_no_lock() { # rows=user,one
	need strace
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	local what
	for what in 'ps -a' images 'inspect c' 'image inspect busybox'; do
		# shellcheck disable=SC2086  # words
		run strace -f -qq -e trace=flock,fsync,fdatasync,execve -o "$T/trace" $HOY $what
		assert_ok
		assert_eq 1 "$(wc -l <"$T/trace")" "$what: $(cat "$T/trace")"
	done
}

test_supervisor_is_small() { # rows=user,root
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name d --network none busybox sleep 1000 >/dev/null || fail run
	sup=$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$(hoy inspect --format '{{.State.Pid}}' c)/stat")
	# shellcheck disable=SC2317  # called by wait_for
	small() { [ "$(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$sup/smaps_rollup")" -le 400 ]; }
	[ -r "/proc/$sup/smaps_rollup" ] || fail 'its memory cannot be read'
	wait_for small
}

test_links_the_small_libraries_only() {
	need readelf
	local lib
	for lib in $(readelf -d "${HOY%% *}" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		case $lib in
		libc.so.* | libyajl.so.* | libmnl.so.* | libcap-ng.so.* | libm.so.* | ld-linux*) ;;
		libasan.so.* | libubsan.so.*) ;; # of the sanitizer build
		*) fail "hoy is linked with $lib" ;;
		esac
	done
}

run_tests "$@"
