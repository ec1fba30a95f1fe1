#!/bin/bash
# The nth call that changes the store fails, for every n: nothing half is seen, the store is whole, removing works, and a second try succeeds.
# shellcheck disable=SC2317
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

# prepare: the shared object, and what it is told.
prepare() {
	FAILAT=$(shared_object failat)
	FAIL_ROOT=$(readlink -f "$(store)" || store)
	export FAIL_ROOT FAIL_COUNT=$T/count FAIL_LOG=$T/failed
	AT=0 MODE=
}

# failing COMMAND...: hoy, whose ATth call fails. Sets rc, out, err, and hit: what failed.
failing() {
	rm -f "$T/count" "$T/failed"
	run env LD_PRELOAD="$FAILAT" FAIL_AT="$AT" ${MODE:+"$MODE"} ${ERRNO:+FAIL_ERRNO=$ERRNO} timeout 60 "$HOY" "$@"
	hit=$(cat "$T/failed" 2>/dev/null)
}
counted() { od -An -td8 "$T/count" | tr -d ' '; }

# each UNDO CHECK COMMAND...: the command with each of its calls failing, for a moment and for good. UNDO makes the store as it was before;
# CHECK looks at it after a failure, and at the end of a try that went well.
each() {
	local undo=$1 check=$2 n total
	shift 2
	$undo
	AT=0 failing "$@"
	assert_ok
	total=$(counted)
	[ "$total" -gt 3 ] || fail "only $total calls were seen: $*"
	note "$*: $total calls"
	$undo
	for MODE in '' FAIL_ON=1; do
		[ -z "$T_LONG" ] && [ -n "$MODE" ] && [ "$total" -gt 100 ] && continue
		for ((n = 1; n <= total; n += n < 10 || n > total - (total < 60 ? 60 : 20) ? 1 : 29)); do
			ERRNO=$((n % 2 ? 28 : 5)) AT=$n
			[ -z "$MODE" ] || ERRNO=28
			failing "$@"
			[ -n "$hit" ] || continue # fewer calls this time
			if [ "$rc" != 0 ]; then
				assert_rc_of_failure
				run hoy system check
				[ "$rc" = 0 ] || fail "after call $n ($hit) failed ${MODE:+for good }: $(last)"
				$check no "$n ($hit)"
				run timeout 60 $HOY "$@"
				[ "$rc" = 0 ] || fail "second try after call $n ($hit): $(last)"
			fi
			$check yes "$n ($hit)"
			run hoy system check
			[ "$rc" = 0 ] || fail "at the end, call $n ($hit): $(last)"
			$undo
		done
	done
	run hoy image prune -f # which removes what could not be removed
	clean
}

# The error says what it is about.
assert_rc_of_failure() {
	case $rc in 124 | 137 | 139 | 134) fail "$hit: $(last)" ;; esac
	case $err in *'hoy: error: '*' (E-'*) ;; *) fail "no error for $hit: $(last)" ;; esac
}

no_images() {
	run timeout 60 $HOY rmi -f -a
	run timeout 60 $HOY image prune -f
}
# whole NAME: the image of that name is either whole or not there.
whole() { [ -z "$(hoy images -q "$1")" ] || hoy run --rm --network none "$1" true >/dev/null || fail "$1 is there, but does not run: $2"; }

test_load() { # rows=user,one
	prepare
	seen() { [ "$1" = yes ] && { hoy image exists busybox || fail "not there after $2"; }; }
	each no_images seen load -q -i "$T_FIX/busybox.tar"
}

test_pull() { # rows=user
	registry_start
	registry_push cfg-env app:1
	prepare
	seen() {
		whole "$REG/app:1" "$2"
		[ "$1" = no ] || hoy image exists "$REG/app:1" || fail "not there after $2"
	}
	each no_images seen pull -q "$REG/app:1"
}

test_commit() { # rows=user
	prepare
	load busybox
	hoy run --name c --network none busybox sh -c 'mkdir /d; echo x >/d/x; ln -s x /l; rm /etc/passwd' || fail run
	new() { run hoy rmi -f new; }
	seen() { [ "$1" = yes ] && { assert_eq x "$(hoy run --rm --network none new cat /d/x)" "$2"; }; }
	each new seen commit -q c new
	hoy rm c >/dev/null
}

# Where there is no overlay: a container is copied, or is as it was, and what it has changed becomes an image.
test_copied() { # rows=user,one
	prepare
	FAILAT="$FAILAT $(shared_object nooverlay)"
	load scratch
	hoy run --name p scratch >/dev/null 2>&1
	hoy export p | tar xOf - bin/probe >"$T/probe" && [ -s "$T/probe" ] || fail 'no probe'
	hoy rm p >/dev/null
	again() {
		run timeout 60 $HOY rm -f -t 0 c
		run timeout 60 $HOY create --name c --network none scratch
	}
	seen() {
		local dir
		dir=$(echo "$(store)"/containers/*/)
		if [ -d "$dir/upper" ]; then
			return # as it was
		fi
		cmp -s "$dir/rootfs/bin/probe" "$T/probe" || fail "half a copy after $2"
	}
	each again seen start c
	again
	env LD_PRELOAD="$FAILAT" $HOY start c >/dev/null 2>&1
	$HOY stop -t 0 c >/dev/null
	new() { run $HOY rmi -f new; }
	made() { [ "$1" = no ] || $HOY image exists new || fail "no image after $2"; }
	each new made commit -q c new
	$HOY rm -f -t 0 c >/dev/null
}

# What is removed may be there or not, but is never half there.
test_rmi() { # rows=user
	prepare
	again() { hoy image exists busybox || load busybox; }
	seen() {
		whole busybox "$2"
		[ "$1" = no ] || ! hoy image exists busybox || fail "still there: $2"
	}
	each_removal() {
		local total n
		again
		AT=0 failing "$@"
		assert_ok
		total=$(counted)
		# one of the many files of a layer is like the next
		for ((n = 1; n <= total; n += n < 60 ? 1 : 7)); do
			again
			ERRNO=5 AT=$n MODE=''
			failing "$@"
			run hoy system check
			[ "$rc" = 0 ] || fail "after call $n ($hit): $(last)"
			whole busybox "$n ($hit)"
			run timeout 60 $HOY "$@"
			! hoy image exists busybox || fail "still there: $n ($hit)"
		done
		note "$*: $total calls"
	}
	each_removal rmi busybox
	again
	each_removal image prune -a -f
	clean
}

test_tag() {
	prepare
	load busybox
	untag() { run hoy untag busybox x.test/a:1 x.test/b:1; }
	seen() { [ "$1" = no ] || hoy image exists x.test/b:1 || fail "no name: $2"; }
	each untag seen tag busybox x.test/a:1 x.test/b:1
}

# counted_by_hand: layers and blobs that lie there and that no image has, by another program than hoy.
counted_by_hand() {
	python3 -B - "$(store)" <<-'E'
		import json, os, sys
		s = sys.argv[1]
		blob = lambda d: open(s + "/blobs/sha256/" + d[7:]).read()
		ls = lambda d: [x for x in os.listdir(s + "/" + d) if x[0] != "."] if os.path.isdir(s + "/" + d) else []
		blobs, layers = set(), set()
		has = [(i, os.readlink(s + "/images/" + i)) for i in ls("images")]
		for d, dirs, files in os.walk(s + "/names"): # a name may have a manifest of its own
		    has += [(t[0][-64:], t[1]) for t in (os.readlink(d + "/" + f).split() for f in files + dirs if os.path.islink(d + "/" + f)) if len(t) > 1]
		for i, manifest in has:
		    blobs |= {i, manifest[7:]}
		    doc = json.loads(blob(manifest))
		    blobs |= {x["digest"][7:] for x in doc["layers"]}
		    layers |= {x[7:] for x in json.loads(blob("sha256:" + i))["rootfs"]["diff_ids"]}
		have = {x.partition(".")[0] for x in ls("layers")}
		print("missing layers:", sorted(layers - have), "layers of nobody:", sorted(have - layers), "blobs of nobody:", sorted(set(ls("blobs/sha256")) - blobs))
	E
}

# Everything at once, and each of it killed somewhere.
test_kills() { # rows=user
	registry_start
	registry_push cfg-env app:1
	registry_push stop app:2
	load busybox
	hoy tag busybox "$REG/up:1"
	local w pids=()
	worker() {
		for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
			timeout -s KILL "0.0$((RANDOM % 90 + 10))" "$HOY" "$@" >/dev/null 2>&1
		done
	}
	for w in "load -q -i $T_FIX/cfg-env.tar" "pull -q $REG/app:1" "pull -q $REG/app:2" "rmi -f cfg-env $REG/app:2" "push -q $REG/up:1" \
		'image prune -f' "load -q -i $T_FIX/stop.tar" 'rmi -f stop' "tag busybox b:1 b:2"; do
		# shellcheck disable=SC2086
		worker $w &
		pids+=($!)
	done
	wait "${pids[@]}"
	run hoy system check
	assert_ok
	for w in "load -q -i $T_FIX/cfg-env.tar" "pull -q $REG/app:1" "pull -q $REG/app:2" "push -q $REG/up:1"; do
		# shellcheck disable=SC2086
		run timeout 60 $HOY $w
		assert_ok
	done
	whole busybox 'the kills'
	whole "$REG/app:1" 'the kills'
	run hoy image prune -f
	wait_for no_tmp
	clean
	assert_eq 'missing layers: [] layers of nobody: [] blobs of nobody: []' "$(counted_by_hand)"
}

run_tests "$@"
