#!/bin/bash
# A hoy that belongs to the user who runs it could be overwritten from a container: it enters containers as a sealed copy of itself.
. "$(dirname "$0")/../lib.sh"

own() {
	load busybox
	cp "$(command -v "$HOY")" "$T/hoy" && chmod 755 "$T/hoy" || fail "copy hoy"
	HOY=$T/hoy
}

test_everything_once() { # short
	own
	run hoy run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 7'
	assert_rc 7
	assert_out out
	run hoy run --rm --network none busybox nosuchcommand
	assert_rc 127
	run hoy run --rm --network none -w /new/dir -e A=b busybox sh -c 'pwd; echo $A'
	assert_out "/new/dir
b"
	run hoy run --rm --init --network none busybox sh -c 'exit 5'
	assert_rc 5
	run with_pty -s 33x77 'expect=33 77' -- "$HOY" run --rm -it --network none busybox stty size
	assert_ok
	run hoy run -d --name c --network none busybox sleep 1000
	assert_ok
	run hoy exec c sh -c 'echo in; exit 6'
	assert_rc 6
	assert_out in
	run hoy exec c nosuchcommand
	assert_rc 127
	run with_pty -s 33x77 'expect=33 77' -- "$HOY" exec -it c stty size
	assert_ok
	run hoy stop -t 0 c
	assert_ok
	run hoy start c
	assert_ok
	run hoy rm -f c
	assert_ok
}

# The program that the container's processes can see behind /proc/PID/exe is never the file itself.
test_binary_is_out_of_reach() { # rows=user,root
	own
	local before
	before=$(sha256sum <"$T/hoy")
	run hoy run -d --init --name c --network none busybox sleep 1000
	assert_ok
	run hoy exec c sh -c 'readlink /proc/1/exe; echo evil >/proc/1/exe; echo evil >>/proc/1/exe; :'
	assert_lacks "$T"
	assert_eq "$before" "$(sha256sum <"$T/hoy")" 'the binary'
	run hoy rm -f c
	assert_ok
}

run_tests "$@"
