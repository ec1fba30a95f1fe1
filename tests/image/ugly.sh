#!/bin/bash
# Stores on ugly ground: a full disk, a file system that cannot be written, another path than before.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# Readers need nothing but to read.
test_read_only() { # rows=user,one short
	load busybox
	hoy run --name c --network none busybox sh -c 'echo said; echo x >/f' >/dev/null || fail run
	export HOY
	# shellcheck disable=SC2016
	run unshare -Urm bash -c '
		mount --bind "$HOY_ROOT" "$HOY_ROOT" && mount -o remount,ro,bind "$HOY_ROOT" || exit 77
		touch "$HOY_ROOT/x" 2>/dev/null && exit 78
		$HOY ps -a --format "{{.Names}}" || exit 1
		$HOY images --format "{{.Repository}}" || exit 2
		$HOY inspect --format "{{.Name}}" c || exit 3
		$HOY image inspect --format "{{.Os}}" busybox || exit 4
		$HOY logs c || exit 10
		$HOY history -q busybox >/dev/null || exit 11
		[ "$T_ROW" = user ] || $HOY diff c || exit 12 # there it has no subordinate ids
		$HOY run --rm busybox true && exit 13
		[ "$T_ROW" = user ] || { $HOY start c && exit 14; }
		$HOY system df >/dev/null || exit 5
		$HOY system check >/dev/null || exit 6
		$HOY rmi busybox 2>/dev/null && exit 7
		exit 0'
	[ "$rc" != 77 ] || skip 'no mounts here'
	assert_ok
	assert_out 'c
localhost/busybox
c
linux
said'"$([ "$T_ROW" = user ] || printf '\nA /f')"
	assert_eq "$([ "$T_ROW" = user ] && echo 1 || echo 2)" "$(grep -c '^hoy: error: .*(E-READ-ONLY)' "$T/err")" 'refusals'
	hoy rm c >/dev/null
}

# On a full disk, what frees space works (rmi alone: image/load/test_full_disk).
test_removing_on_a_full_disk() { # rows=user,one short
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=8m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null && $HOY load -q -i "$T_FIX/cfg-env.tar" >/dev/null || exit 8
		$HOY create --name c busybox true >/dev/null && $HOY create --name d busybox true >/dev/null || exit 8
		$HOY untag cfg-env || exit 8
		head -c 19000000 /dev/zero >"$1/fill" 2>/dev/null && exit 7
		$HOY rm c >/dev/null || exit 6
		$HOY image prune -f >/dev/null || exit 5
		$HOY system check || exit 4
		$HOY system prune -a -f || exit 3
		$HOY system check || exit 2
		test -z "$(ls "$HOY_ROOT/layers")" || exit 1' bash "$T/small"
	assert_ok
	assert_has 'Total reclaimed space: '
	assert_has 'clean: 0 images'
}

# A disk is not filled to the brim: a part of it stays free for what runs meanwhile.
test_reserve() { # rows=user,one short
	mkdir "$T/small"
	craft <<-'E'
		b = io.BytesIO()
		with tarfile.open(fileobj=b, mode="w") as t:
		    put(t, "big", os.urandom(60 << 20))
		layer = b.getvalue()
		config = make_config([layer])
		archive("big", {"c.json": config, "l.tar": layer, "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["big:latest"], "Layers": ["l.tar"]}]).encode()})
	E
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=40m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || exit 8
		free() { df --output=avail -k "$1" | tail -1; }
		before=$(free "$1")
		$HOY load -q -i "$T/big.tar" && exit 7
		after=$(free "$1")
		[ "$((before - after))" -lt 200 ] || { echo "left $before, now $after"; exit 6; }
		$HOY run --name c busybox sh -c "dd if=/dev/urandom of=/big bs=64k count=530 2>/dev/null"
		$HOY commit -q c new && exit 5
		$HOY rm c >/dev/null || exit 4
		$HOY system check' bash "$T/small"
	assert_ok
	assert_has 'clean: 1 images,'
	assert_eq 2 "$(grep -c ' free, and 4[0-9.]*kB are to stay free (E-DISK-FULL)' "$T/err")" 'refusals'
}

# What runs on a full disk has its own error and exit code, and what is on its way out makes room for the next.
test_running_on_a_full_disk() { # rows=user,one short
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=24m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || exit 8
		fill="dd if=/dev/zero of=/big bs=64k 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do mkdir -p /d/\$i; dd if=/dev/zero of=/d/\$i/x bs=1k 2>/dev/null; done; exit 7"
		for i in 1 2 3 4 5 6; do # while the container before is deleted
			$HOY run --rm --network none busybox sh -c "$fill"
			[ $? = 7 ] || exit 10
		done
		$HOY run --name c --network none busybox sh -c "$fill"
		echo "code $?"
		$HOY ps -a --format "{{.Names}} {{.Status}}" | cut -d" " -f1-3
		echo "wait $($HOY wait c)"
		$HOY run --rm --network none busybox true
		echo "run $?"
		$HOY start -a c
		echo "start $?"
		$HOY logs c >/dev/null || exit 6
		$HOY rm c >/dev/null || exit 5
		$HOY run --rm --network none busybox echo room
		$HOY system check' bash "$T/small"
	assert_ok
	assert_match '^code 7
c Exited \(7\)
wait 7
run (0|125)
start (7|125)
room
clean'
	[ "$(grep -c '^hoy: error' "$T/err")" = "$(grep -c '^hoy: error.*(E-DISK-FULL)' "$T/err")" ] || fail "another error: $(last)"
}

# What is being removed behind a command that has ended still takes its room: it is waited for.
test_waits_for_what_is_removed() { # rows=user,one short
	need flock
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=8m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || exit 8
		removing() {
			: >"$1/locked.1" && rm -f "$1/locked"
			mkdir -p "$HOY_ROOT/tmp/rm-1" && dd if=/dev/zero of="$HOY_ROOT/tmp/rm-1/fill" bs=1k 2>/dev/null
			flock "$HOY_ROOT/tmp/rm-1" sh -c "mv \"$1/locked.1\" \"$1/locked\"; sleep 1; rm -r \"$HOY_ROOT/tmp/rm-1\"" &
			until [ -e "$1/locked" ]; do sleep 0.01; done
		}
		removing "$1"
		$HOY run --rm --network none busybox echo ran || exit 7
		removing "$1"
		$HOY load -q -i "$T_FIX/stop.tar" >/dev/null || exit 6
		wait
		$HOY system check' bash "$T/small"
	assert_ok
	assert_has 'ran
clean: 2 images,'
}

# What a newer hoy has made is refused and stays as it is.
test_newer_store() { # short
	load busybox
	echo 2 >"$(store)/hoy-store"
	local before c
	before=$(listing)
	for c in ps images 'run --rm busybox true' 'rmi busybox' 'system prune -f' 'system check' 'system reset -f' 'image inspect busybox'; do
		# shellcheck disable=SC2086
		run hoy $c
		assert_err E-NEWER "$(store)"
	done
	assert_eq "$before" "$(listing)" 'the store'
	run hoy version
	assert_ok
	echo 1 >"$(store)/hoy-store"
	run hoy rmi busybox
	assert_ok
}

# Nothing in the store says where it lies.
test_moved() { # short
	load busybox
	hoy run --name c --network none busybox sh -c 'echo kept >/f' || fail run
	mv "$HOY_ROOT" "$HOME/elsewhere" || fail mv
	export HOY_ROOT=$HOME/elsewhere
	clean
	run hoy run --rm --network none busybox echo whole
	assert_out whole
	hoy start -a c >/dev/null || fail start
	hoy rm c >/dev/null || fail rm
	hoy image prune -a -f >/dev/null || fail prune
	clean
}

# The path of the store may have in it what separates things elsewhere, be long, and lead through links.
test_paths() { # rows=user,one
	local p long
	printf -v long '%0200d' 0
	mkdir "$T/real"
	ln -s "$T/real" "$T/link"
	for p in 'a:b' 'a,b' 'a b' 'a\b' $'a\tb' "a'b\"c" 'ü%s' "$long" ../link/store; do
		export HOY_ROOT=$T/dir/$p
		mkdir -p "$T/dir"
		hoy load -q -i "$T_FIX/busybox.tar" >/dev/null || fail "load: $p"
		run hoy run --name c busybox sh -c 'echo hi >/f; rm /etc/passwd; cat /f'
		assert_out hi
		run hoy diff c
		assert_out "$(printf 'C /etc\nD /etc/passwd\nA /f')"
		hoy commit -q c new >/dev/null || fail "commit: $p"
		run hoy run --rm --network none new cat /f
		assert_out hi
		hoy rm c >/dev/null && hoy rmi -f new busybox >/dev/null || fail "rm: $p"
		clean
	done
}

# Somebody else's store is refused and stays as it is.
test_foreign_store() { # rows=root
	load busybox
	local before
	chown 1:1 "$(store)"
	before=$(listing)
	for c in ps images 'run --rm busybox true' 'system prune -f'; do
		# shellcheck disable=SC2086
		run hoy $c
		assert_err E-STORE-OWNER
	done
	assert_eq "$before" "$(listing)" 'the store'
	chown 0:0 "$(store)"
	clean
}

run_tests "$@"
