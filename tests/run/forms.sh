#!/bin/bash
# One store, used by a process with subordinate ids and by one with a single uid (an ordinary user without new privileges).
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Once no supervisor is left whose user namespace it could join.
one() {
	[ "${alone:-}" = no ] || wait_for nobody_there
	run setpriv --no-new-privs $HOY "$@"
}
nobody_there() { [ -z "$(our_pids)" ]; }
sub() { run $HOY "$@"; }

load_both() {
	load busybox
	setpriv --no-new-privs $HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || fail load
}

test_each_sees_what_the_other_made() { # rows=user
	load_both
	sub create --name s --network none busybox true
	one create --name o --network none busybox true
	local who
	for who in sub one; do
		$who ps -a --format '{{.Names}}'
		assert_eq 'o s' "$(sort "$T/out" | tr '\n' ' ' | sed 's/ $//')" "ps, $who"
		$who images -q
		assert_eq 1 "$(printf '%s\n' "$out" | wc -l)" "images, $who"
		$who inspect -f '{{.Name}}' s o
		assert_ok
		$who image inspect -f '{{.Id}}' busybox
		assert_ok
		$who start -a s
		[ "$who" = one ] || assert_ok
	done
	one tag busybox other
	assert_ok
	sub rmi other
	assert_ok
	sub start -a o
	assert_ok
}

test_running_ones_are_managed_from_both() { # rows=user
	load_both
	local alone=no
	one run -d --name o --network none busybox sh -c 'echo here; exec sleep 1000'
	assert_ok
	sub run -d --name s --network none busybox sh -c 'echo here; exec sleep 1000'
	assert_ok
	local c who
	for c in o s; do
		for who in sub one; do
			$who exec "$c" id -u
			assert_out 0
			$who logs "$c"
			assert_out here
			$who exec -u 1000 "$c" id -u
			assert_out 1000
			$who exec "$c" su -s /bin/sh app -c 'id -u'
			assert_out 1000
		done
	done
	sub stop -t 0 o
	assert_ok
	one stop -t 0 s
	assert_ok
	one rm s
	assert_ok
	sub rm o
	assert_ok
}

# While a container with all ids runs, they can be had by everybody.
test_ids_are_shared_while_they_are_there() { # rows=user
	load_both
	sub run -d --name s --network none busybox sleep 1000
	alone=no one run --rm --network none busybox cat /proc/self/uid_map
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" 'ranges of the map'
	sub rm -f -t 0 s
	one run --rm --network none busybox cat /proc/self/uid_map
	assert_eq 1 "$(printf '%s\n' "$out" | wc -l)" 'ranges of the map'
}

test_files_of_a_container_stay_in_their_form() { # rows=user
	load_both
	one create --name fresh --network none busybox true
	sub run --name s --network none busybox sh -c 'touch /f; chown 5:5 /f'
	assert_ok
	one run --name o --network none busybox sh -c 'touch /f; chown 5:5 /f'
	assert_ok
	one start -a s
	assert_err E-LAYER-FORM 'container s'
	sub start -a o
	assert_err E-LAYER-FORM 'container o'
	# A refusal changes nothing, and one that never ran is anybody's.
	sub start -a s
	assert_ok
	one start -a o
	assert_ok
	sub start -a fresh
	assert_ok
}

test_removing_what_belongs_to_subordinate_ids() { # rows=user
	load_both
	sub run --name full --network none busybox sh -c 'mkdir -p /d/e && touch /d/e/f && chown -R 5:5 /d && chmod 700 /d'
	assert_ok
	sub run --name light --network none busybox sh -c 'mkdir /d && touch /f && chown 5:5 /f /d'
	assert_ok
	one rm full
	assert_err E-LAYER-FORM 'container full'
	one ps -a --format '{{.Names}}'
	assert_eq 'full light' "$(sort "$T/out" | tr '\n' ' ' | sed 's/ $//')"
	one rm light
	assert_ok
	one create --replace --name full --network none busybox true
	assert_err E-LAYER-FORM
	sub start -a full
	assert_ok
	sub run -d --name holder --network none busybox sleep 1000
	alone=no one rm full
	assert_ok
	sub rm -f -t 0 holder
	assert_ok
}

run_tests "$@"
