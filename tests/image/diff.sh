#!/bin/bash
# diff: what a container has changed, what a layer changes, how two trees differ; and that nothing of the host is looked at.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

CHANGE='echo a >/etc/new; rm /etc/passwd; mkdir /d; echo >"/d/a b"; touch /home/x; chmod 700 /home; rm -r /var/log'

# changed NAME: a container that changed a few things.
changed() { hoy run --name "$1" busybox sh -c "mkdir -p /var/log; $CHANGE" || fail run; }

test_letters() { # peer_ok short
	load busybox
	changed c
	run hoy diff c
	assert_ok
	for l in 'A /d' 'A /d/a b' 'C /etc' 'A /etc/new' 'D /etc/passwd' 'C /home' 'A /home/x'; do
		printf '%s\n' "$out" | grep -qxF "$l" || fail "no line $l: $(last)"
	done
	assert_lacks /etc/hosts
	assert_lacks /bin
	assert_eq "$(printf '%s\n' "$out" | sort)" "$(hoy container diff c | sort)" 'container diff'
	run hoy diff --format json c
	python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["deleted"] == ["/etc/passwd"], d
assert {"/d", "/d/a b", "/etc/new", "/home/x"} <= set(d["added"]), d
assert {"/etc", "/home"} <= set(d["changed"]), d' <"$T/out" 2>"$T/why.json" || fail "json: $(cat "$T/why.json")"
	hoy rm c >/dev/null
}

# Nothing was written: nothing is listed, whatever hoy itself makes in a container.
test_nothing() { # short
	load busybox
	hoy run --name c busybox true
	run hoy diff c
	assert_ok
	assert_out ''
	assert_quiet
	run hoy diff --format json -l
	assert_out '{}'
	clean
}


# Two trees: containers and images in either place.
test_two() {
	load busybox
	changed c
	run hoy diff c busybox
	assert_out "$(printf '%s\n' 'A /d' 'A /d/a b' 'C /etc' 'A /etc/new' 'D /etc/passwd' 'C /home' 'A /home/x' 'A /var/log' | grep -v var/log)"
	run hoy diff busybox c
	assert_match 'D /d'
	assert_match 'A /etc/passwd'
	run hoy image diff busybox busybox
	assert_out ''
	run hoy image diff busybox
	assert_has 'A /bin/busybox'
	clean
}

# A running container, read by others than root, with names that are meant for a terminal, and a template.
test_running() { # short
	load busybox
	hoy run -d --name c busybox sh -c 'mkdir /s; touch "/s/$(printf "\033[31m\nX")"; chmod 0 /s; exec sleep 300' >/dev/null
	wait_for hoy exec c test -d /s
	run hoy diff c
	assert_has 'A /s/\x1b[31m\nX'
	run hoy diff --format '{{.Kind}}{{.Path | len}}' c
	assert_has A2
	run hoy diff --format '{{.Nothing}}' c
	assert_err E-FORMAT .Nothing
	hoy rm -f c >/dev/null
}

test_refusals() {
	load busybox
	run hoy diff nosuch
	assert_err E-OBJECT-UNKNOWN nosuch
	run hoy image diff nosuch
	assert_err E-IMAGE-UNKNOWN
	run hoy container diff busybox
	assert_err E-CONTAINER-UNKNOWN
	run hoy diff
	assert_err E-USAGE
	hoy create --name h @host true >/dev/null
	run hoy diff h
	assert_err E-HOST-ROOT
}

# An owner is a change, with one uid too, where only hoy knows it.
test_owner() {
	load busybox
	hoy run --name c busybox chown 7:8 /home
	run hoy diff c
	assert_out 'C /home'
}

run_tests "$@"
