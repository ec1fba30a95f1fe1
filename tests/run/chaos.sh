#!/bin/bash
# Chaos: several workers make, start, use and remove containers, volumes, networks and secrets, while a killer ends random processes of hoy by
# kill -9: clients, supervisors, exec monitors, network processes, the containers' first processes. Nobody may hang, crash or tell of a state that is
# impossible, and afterwards everything that was there goes away by ordinary commands.
#
# What is done and who is hit is drawn with a seed that the test prints: CHAOS_SEED repeats the draws (the kernel's scheduling is another matter).
# CHAOS_CYCLES is how many cycles; --long makes it 10,000.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# victims: every process below this test's guard that is hoy or runs in a container. Shells and what they call are not.
victims() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$T_GUARD" '
		{ pid = $1; name = $0; sub(/^[^(]*\(/, "", name); sub(/\) .*$/, "", name); sub(/^.*\) /, ""); state[pid] = $1; up[pid] = $2; comm[pid] = name }
		END { for (p in up) { q = p; n = 0
			while (q != top && q in up && n++ < 100) q = up[q]
			if (q == top && p != top && state[p] != "Z" && comm[p] !~ /^(bash|awk|cat|timeout|grep|sort|tr|guard)$/) print p } }'
}

# killer SEED: until the file stop is there.
killer() {
	RANDOM=$1
	local v n=0
	while [ ! -e "$T/stop" ]; do
		mapfile -t v < <(victims)
		if [ ${#v[@]} -gt 0 ]; then
			kill -9 "${v[RANDOM % ${#v[@]}]}" 2>/dev/null && n=$((n + 1))
		fi
		read -r -t "0.0$((RANDOM % 9 + 1))" <>"$T/never"
	done
	echo $n >"$T/killed"
}

# try COMMAND...: hoy, which may be killed or find that something was. It never hangs, crashes or finds its own files damaged.
try() {
	local rc
	{ timeout -k 5 100 $HOY "$@" >"$T/o$w" 2>"$T/e$w" </dev/null; } 2>/dev/null
	rc=$?
	case $rc in 124 | 13[2-6] | 139) fail "status $rc of hoy $*: $(cat "$T/e$w")" ;; esac
	cat "$T/e$w" >>"$T/all$w"
	! grep -Eq 'E-(INTERNAL|SYSTEM|JSON|STORE-DAMAGED)|runtime error|Sanitizer' "$T/e$w" || fail "hoy $*: $(cat "$T/e$w")"
	return $rc
}

# cycle: one of the things that people do, by the worker w.
cycle() {
	local c=w$w
	case $((RANDOM % 10)) in
	0)
		try run -d --name "$c" --network none -v shared:/s -v "own$w:/v" busybox sleep 1000
		try exec "$c" sh -c 'echo x >/v/x; echo x >>/s/x'
		;;
	1)
		try create --name "$c" --network none busybox sleep 1000
		try cp "$T/data" "$c:/tmp/data"
		try start "$c"
		try cp "$c:/tmp/data" "$T/copy$w"
		try stop -t 0 "$c"
		;;
	2) try run --rm --name "$c" --network net busybox sh -c 'nslookup gateway >/dev/null; sleep 0.02' ;;
	3)
		try run -d --name "$c" --network net -p 80 busybox sleep 1000
		try network disconnect net "$c"
		try network connect net "$c"
		try port "$c"
		;;
	4)
		try load -q -i "$T_FIX/tree.tar"
		try run --rm --network none --name "$c" --secret "s$w" busybox true
		try rmi tree
		;;
	5)
		try secret create --replace "s$w" "$T/data"
		try run -d --rm --name "$c" --network none --secret "s$w" busybox sleep 1000
		try restart -t 0 "$c"
		try exec -d "$c" sleep 1000
		;;
	6)
		try run -d --name "$c" --network none --restart on-failure:2 busybox sh -c 'echo line; exit 3'
		try wait "$c"
		try logs "$c"
		try start "$c"
		try ps -a
		;;
	7)
		try run --name "$c" --network none busybox sh -c 'echo more >/more'
		try commit -q "$c" "localhost/made$w"
		try volume create "extra$w"
		try volume rm "extra$w"
		try rmi "localhost/made$w"
		;;
	8)
		try run -d --name "$c" --network none --restart always --health-cmd 'test ! -e /sick' --health-interval 30ms --health-retries 1 --health-on-failure restart busybox sleep 1000
		try healthcheck run "$c"
		try exec "$c" touch /sick
		try inspect "$c"
		try exec "$c" rm /sick
		try stop -t 0 "$c"
		;;
	9)
		try run -d --name "$c" --network net --restart always --init busybox sh -c 'sleep 0.03; exit 1'
		try update --restart on-failure:3 "$c"
		try start "$c"
		try kill "$c"
		;;
	esac
	try rm -f -t 0 -v "$c"
}

# others: what count_all of lib.sh does not count.
others() {
	local s d
	s=$(store)
	for d in volumes secrets networks/net/leases lists blobs/partial; do printf '%s %s\n' "$d" "$(ls_count "$s/$d")"; done
	printf 'names of images %s\n' "$(find "$s/names" -type l | wc -l)"
	printf 'images %s\n' "$(ls_count "$s/images")"
	printf 'cgroups %s\n' "$(find /sys/fs/cgroup -type d -name '*hoy*' 2>/dev/null | wc -l)"
	printf 'hidden %s\n' "$(find "$s/tmp" "$s/cnames" "$s/containers" "$s/u0" "$s/layers" "$s/secrets" -mindepth 1 -maxdepth 1 -name '.*' 2>/dev/null | wc -l)"
}

# must COMMAND...: afterwards ordinary commands work, whatever was killed.
must() { timeout 100 $HOY "$@" >"$T/out" 2>"$T/err" || fail "afterwards hoy $*: $(cat "$T/err")"; }

chaos() { # CYCLES WORKERS
	local seed=${CHAOS_SEED:-$((SRANDOM % 100000))} i pids=() k
	load busybox
	hoy network create net >/dev/null || fail network
	mkfifo "$T/never"
	echo secret >"$T/data"
	leftovers_before
	others >"$T/others"
	note "seed $seed"
	echo "seed $seed"
	killer "$seed" & k=$!
	for ((i = 0; i < $2; i++)); do
		(
			RANDOM=$((seed + i)) w=$i
			for ((n = 0; n < $1 / $2; n++)); do cycle; done
		) &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	: >"$T/stop"
	wait "$k"
	[ ! -e "$T/why" ] || { sed -i "1i seed $seed" "$T/why" && exit 1; }
	note "$(cat "$T/killed") killed"
	must ps -a
	must rm -f -a -t 0 -v
	must volume prune -f -a
	must image prune -f
	must run --rm --network net busybox true # takes away what those who were killed had of addresses
	must secret rm -a
	for ((i = 0; i < $2; i++)); do hoy rmi "localhost/made$i" >/dev/null 2>&1; done
	hoy rmi tree >/dev/null 2>&1
	must system check
	leftovers_after
	others | diff "$T/others" - >"$T/diff" || fail "left behind (seed $seed): $(cat "$T/diff")"
}

test_kill_any_of_ours() {
	local n=100
	[ "$T_ROW" != user ] || n=500
	chaos "${CHAOS_CYCLES:-$n}" 4
}

test_kill_any_of_ours_for_long() { # long
	chaos "${CHAOS_CYCLES:-10000}" 4
}

run_tests "$@"
