#!/bin/bash
# Volumes that several containers share, one of which is hostile: mount points in them, parts of them, what is read from and written to them from outside.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

data() { echo "$(store)/volumes/$1/_data"; }

test_point_in_a_volume_race() { # rows=user
	local i
	canary
	load busybox
	hoy run --rm --network none -v v:/v busybox sh -c "mkdir -p /v/x/y; ln -s '$T/host' /v/link" || fail start
	mkdir -p "$T/host/y"
	look_at_host >"$T/host.before"
	hoy run -d --name swap --network none -v v:/v -v "$T_FIX/bin:/t:ro" busybox /t/swap /v/x /v/link >/dev/null || fail start
	wait_for swapping
	for ((i = 0; i < 60; i++)); do
		run hoy run --rm --network none -v v:/v -v "w:/v/x/y/z$((i % 7))" -v "/v/x/y/a$((i % 7))" busybox sh -c 'cat /v/x/secret /v/link/secret'
		[ "$rc" = 125 ] || [ "$rc" -le 1 ] || fail "neither refused nor run: $(last)"
		case $out in *'host canary'*) fail "round $i read the host's file" ;; esac
	done
	untouched
	[ -z "$(find "$T/host" -name '[za]*')" ] || fail 'stray mount points on the host'
	run hoy volume ls -q --filter anonymous=true
	assert_out ''
}
swapping() { hoy logs swap 2>/dev/null | grep -q swapping; }

# CVE-2020-1726: what is in a volume is never covered by what an image has at its place.
test_filled_once() { # rows=user,one
	load busybox
	hoy run --rm --network none -v v:/etc busybox sh -c 'echo mine >/etc/passwd; rm /etc/group' || fail run
	local i
	for i in 1 2 3; do
		run hoy run --rm --network none -v v:/etc busybox sh -c 'cat /etc/passwd; test -e /etc/group || echo gone'
		assert_out "$(printf 'mine\ngone')"
	done
	hoy run --rm --network none -v v:/v busybox sh -c 'rm -r /v/*' || fail run
	run hoy run --rm --network none -v v:/etc busybox sh -c 'test -e /etc/group || echo gone'
	assert_out gone
}

test_subpath_links() { # rows=user,one
	load busybox
	canary
	hoy run --rm --network none -v v:/v busybox sh -c "ln -s '$T/host' /v/abs; ln -s ../../../../../../../../../../../../../..$T/host /v/up; mkdir /v/d; ln -s '$T/host/secret' /v/d/f" || fail run
	local p
	for p in abs abs/secret up up/secret d/f abs/sub; do
		run hoy run --rm --network none --mount "type=volume,src=v,dst=/m,volume-subpath=$p" busybox sh -c 'cat /m /m/secret; ls /m'
		assert_rc 125
		untouched
	done
}

# racing: a volume whose directory d and file f are exchanged for links to the host all the time, until stop_racing.
racing() {
	load busybox
	canary
	touch "$T/host/named-on-the-host"
	look_at_host >"$T/host.before"
	hoy run --rm --network none -v v:/v busybox sh -c "mkdir /v/d; echo mine >/v/d/secret; echo mine >/v/f; ln -s '$T/host' /v/to-d; ln -s '$T/host/secret' /v/to-f" || fail run
	exchanging "$(data v)"
}
stop_racing() {
	kill "$swapper"
	wait "$swapper" 2>/dev/null
}

# CVE-2023-0778
test_export_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	racing
	local i
	for ((i = 0; i < 200; i++)); do hoy volume export -o "$T/x$i.tar" v; done >/dev/null 2>"$T/errors"
	stop_racing
	ls "$T"/x*.tar >/dev/null || fail "nothing was exported: $(head -3 "$T/errors")"
	if grep -qsa 'host canary' "$T"/x*.tar; then fail "the host's file was read"; fi
	if grep -qsa 'named-on-the-host' "$T"/x*.tar; then fail "the host's directory was read"; fi
	untouched
}

test_import_swap() { # rows=user
	[ "$(uname -m)" = x86_64 ] || skip 'needs the numbers of x86_64'
	racing
	mkdir -p "$T/new/d/sub" && echo new | tee "$T/new/d/secret" "$T/new/d/sub/g" >"$T/new/f"
	tar -C "$T/new" -cf "$T/new.tar" d f
	local i
	for ((i = 0; i < 60; i++)); do hoy volume import v "$T/new.tar"; done >/dev/null 2>"$T/errors"
	stop_racing
	untouched
}

test_import_through_links() { # rows=user,one
	load busybox
	canary
	hoy run --rm --network none -v v:/v busybox sh -c "ln -s '$T/host' /v/d; ln -s '$T/host/secret' /v/f" || fail run
	mkdir -p "$T/new/d/sub" && echo new | tee "$T/new/d/secret" "$T/new/d/sub/g" >"$T/new/f"
	tar -C "$T/new" -cf "$T/new.tar" d/secret d/sub/g f
	run hoy volume import v "$T/new.tar"
	untouched
}

run_tests "$@"
