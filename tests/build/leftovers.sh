#!/bin/bash
# Builds that end before their time: by kill -9 at any moment, by Ctrl-C, by a full disk. Nothing is left but valid cache, and the next build goes on from it.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

dockerfile() {
	mkdir -p "$T/ctx"
	cat >"$T/ctx/Dockerfile"
}
# tidy: what a killed build left is gone after the next command that writes, and what is there is whole.
tidy() {
	wait_for 'no process' no_process
	hoy run --rm --network none busybox true || fail 'the next command'
	wait_for 'no unfinished work' nothing_unfinished
	run hoy system check
	assert_ok
}
no_process() { [ -z "$(our_pids)" ]; }
nothing_unfinished() { [ -z "$(ls "$(store)/tmp")" ]; }
# below PID: it and all processes that descend from it.
below() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$1" '
		{ pid = $1; sub(/^.*\) /, ""); up[pid] = $2 }
		END { for (p in up) { q = p; n = 0; while (q != top && q in up && n++ < 100) q = up[q]; if (q == top) print p } }'
}
wait_for() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$2" && return
		sleep 0.02
	done
	fail "not in time: $1: $(our_pids)"
}

# Killed after a random part of the time that it takes; the coordinator alone, or all of its processes at once.
test_killed_at_any_moment() { # rows=user,one
	load busybox
	dockerfile <<-'E'
		FROM busybox AS a
		RUN head -c 3000000 /dev/urandom >/a
		FROM busybox
		COPY Dockerfile /d
		WORKDIR /w
		RUN --mount=type=cache,target=/c head -c 3000000 /dev/urandom >/b; echo >>/c/f
		COPY --from=a /a /a
		RUN --network=none rm /a; sleep 0.1; echo done >/x
	E
	local i p seed=${SEED:-$RANDOM}
	note "SEED=$seed"
	RANDOM=$seed
	for i in 1 2 3 4 5 6 7 8; do
		# shellcheck disable=SC2086
		(exec $HOY build -q --no-cache "$T/ctx" >/dev/null 2>&1) &
		p=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 9))"
		if [ $((i % 2)) = 0 ]; then
			kill -9 "$p" 2>/dev/null
		else
			# shellcheck disable=SC2046
			kill -9 $(below "$p") 2>/dev/null
		fi
		wait "$p" 2>/dev/null
		tidy
	done
	run hoy build -q -t img "$T/ctx"
	assert_ok
	run hoy run --rm --network none img cat /x
	assert_out 'done'
}

# While a command runs: its supervisor, its first process, the build.
test_killed_parts() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo first >/first
		RUN --network=none trap '' TERM INT; echo up; while :; do sleep 0.05; done
	E
	local who p
	for who in hoy-supervisor sh build; do
		# shellcheck disable=SC2086
		(exec $HOY build --progress plain "$T/ctx" >"$T/b" 2>&1) &
		p=$!
		wait_for 'the step' is_up
		case $who in
		build) kill -9 "$p" ;;
		*) kill -9 "$(pid_of "$who")" || fail "no $who" ;;
		esac
		wait "$p"
		rc=$?
		case $who in
		hoy-supervisor) grep -q E-SUPERVISOR-GONE "$T/b" || fail "$(cat "$T/b")" ;;
		sh) assert_eq 137 "$rc" "status: $(cat "$T/b")" ;;
		esac
		tidy
	done
}
is_up() { grep -qx '.*up' "$T/b"; }
# pid_of NAME: of the process of ours with this name; of a shell the one that is PID 1 of the step.
pid_of() {
	local q
	for q in $(below "$p"); do
		[ "$(cat "/proc/$q/comm" 2>/dev/null)" = "$1" ] || continue
		[ "$1" != sh ] || [ "$(awk '/^NSpid/ { print $NF }' "/proc/$q/status")" = 1 ] || continue
		echo "$q"
		return
	done
}

# Ctrl-C: the whole group gets SIGINT. Steps that were done are in the cache.
test_interrupted() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo first >/first
		RUN --network=none echo up; sleep 1000
	E
	local sig
	for sig in INT TERM HUP; do
		setsid "$(command -v "${HOY%% *}")" build --progress plain "$T/ctx" >"$T/b" 2>&1 &
		p=$!
		wait_for 'the step' is_up
		kill "-$sig" "-$p" 2>/dev/null || kill "-$sig" "$p"
		wait "$p"
		rc=$?
		assert_eq "$((128 + $(kill -l "$sig")))" "$rc" "status: $(cat "$T/b")"
		wait_for 'no process' no_process
		wait_for 'no unfinished work' nothing_unfinished
	done
	sed -i '$d' "$T/ctx/Dockerfile"
	run hoy build --dry-run --progress plain "$T/ctx"
	assert_ok
	[[ $out$err == *[Cc]ached* || $out$err == *CACHED* || $out$err == *cache* ]] || fail "$(last)"
	tidy
}

# The step that the disk has no room for fails and leaves nothing; with room again the build goes on from the step before.
test_full_disk() { # rows=user,one
	mkdir "$T/small"
	dockerfile <<-'E'
		FROM busybox
		RUN --network=none echo first >/first
		RUN --network=none head -c 9000000 /dev/zero >/big
	E
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=40m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || exit 8
		head -c 32000000 /dev/zero >"$1/fill"
		$HOY build --progress plain "$2" && exit 7
		[ -z "$(ls "$HOY_ROOT/tmp")" ] || exit 6
		rm "$1/fill"
		$HOY build --progress plain -t img "$2" || exit 4
		$HOY system check || exit 3' bash "$T/small" "$T/ctx"
	assert_ok
	[[ $err == *'No space left'* || $err == *'I/O error'* ]] || fail "$(last)"
	[[ $out$err == *[Cc]ache* ]] || fail "$(last)"
}

run_tests "$@"
