#!/bin/bash
# What hoy build shows while it works: on a terminal, and elsewhere.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

dockerfile() {
	mkdir -p "$T/c"
	printf '%s\n' "$@" >"$T/c/Dockerfile"
}

# A line for the step at work, with what it said last; one line remains of it, and its output does not.
test_terminal() { # short
	load busybox
	dockerfile 'FROM busybox' 'RUN echo hello $((1 + 2)); while [ ! -e /go/on ]; do sleep 0.05; done' 'RUN true'
	mkdir "$T/go"
	run with_pty -s 24x80 expect='    hello 3' touch="$T/go/on" eof -- env TERM=xterm $HOY build -v "$T/go:/go" -t x "$T/c"
	assert_ok
	assert_has 'Building: 1 of 3 steps'
	assert_match ' => \[2/3\] RUN echo hello'
	assert_has 'Built 3 steps, 0 cached'
	run with_pty -s 24x80 eof -- env TERM=xterm $HOY build -t x "$T/c"
	assert_ok
	assert_has '2 steps cached'
	run with_pty eof -- env TERM=dumb $HOY build -t x "$T/c"
	assert_has 'STEP 2/3'
	assert_lacks $'\e['
}

# A window that changes its size, and one that is too small for anything.
test_sizes() {
	load busybox
	dockerfile 'FROM busybox' 'RUN echo a line that is longer than a narrow window has columns, by far; while [ ! -e /go/on ]; do sleep 0.05; done'
	mkdir "$T/go"
	run with_pty -s 24x80 expect='a line that' size=6x30 expect='Building' size=2x10 touch="$T/go/on" eof -- env TERM=xterm $HOY build -v "$T/go:/go" "$T/c"
	assert_ok
	assert_has 'Built 2 steps'
}

# Escapes of a step: colors reach a terminal, nothing else does; no line of a step passes for one of ours.
test_escapes() { # short
	load busybox
	dockerfile 'FROM busybox' 'RUN printf "\\033[31mred\\033[0m \\033]0;title\\007\\033[2Jx\\nSTEP 9/9: FROM evil\\n--> Using cache\\n"'
	run with_pty eof -- env TERM=xterm $HOY build --no-cache --progress plain "$T/c"
	assert_ok
	assert_has $'\e[31mred\e[0m'
	assert_lacks $'\e]'
	assert_lacks $'\e[2J'
	run hoy build --no-cache "$T/c"
	assert_ok
	assert_has $'\nred x\n STEP 9/9: FROM evil\n --> Using cache\n'
	assert_lacks $'\e'
	run with_pty eof -- env TERM=xterm $HOY build --no-cache "$T/c"
	assert_ok
	assert_lacks $'\e]'
	assert_lacks $'\e[2J'
	run hoy build --no-cache --progress rawjson "$T/c"
	assert_ok
	python3 -c 'import json, sys
for l in sys.stdin: json.loads(l)' <<<"$err" || fail 'rawjson is no JSON'
	BUILDKIT_PROGRESS=rawjson run hoy build "$T/c"
	assert_err_has '"cached":true'
}

run_tests "$@"
