#!/bin/bash
# The first hour of somebody who has just installed hoy, typed at a terminal of 120 columns: each step's outcome and exit code, no line that is
# too wide, errors with a hint. How long the steps took is printed, not judged.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"
stubs=$(cd "$(dirname "$0")/../../completions" 2>/dev/null && pwd)

# A shell is a shell on everybody's machine, and hoy is in its PATH.
newcomer() {
	mkdir -p "$HOME/bin"
	ln -sf "$(readlink -f "$(command -v "${HOY%% *}")")" "$HOME/bin/hoy"
	export PATH=$HOME/bin:$PATH
	cd "$HOME" || fail cd
	: >"$T/times"
}

# types STATUS [STEP...] -- COMMAND...: one step at the terminal; sets out as run does. The terminal's escapes and carriage returns are cut.
types() {
	local want=$1 from to
	shift
	from=${EPOCHREALTIME/[.,]/}
	run with_pty -s 40x120 "$@"
	to=${EPOCHREALTIME/[.,]/}
	while [ "$1" != -- ]; do shift; done
	printf '%6d ms  %s\n' $(((to - from) / 1000)) "${*:2}" | cut -c1-100 >>"$T/times"
	out=$(printf '%s\n' "$out" | sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/\x1b[=>]//g' -e 's/\r//g')
	assert_rc "$want"
	[ "$(printf '%s\n' "$out" | wc -L)" -le 120 ] || fail "a line of more than 120 columns: $(last)"
}

# types_wrong STATUS WORDS -- COMMAND...: a mistake is answered by one error and a hint.
types_wrong() {
	local want=$1 words=$2
	shift 2
	types "$want" "$@"
	assert_match "hoy: error: "
	assert_match "  hint: "
	assert_match "$words"
}

print_times() { note "$(sort -rn "$T/times" | head -1 | sed 's/^ */slowest step: /')"; }

test_first_words() { # short
	newcomer
	types 125 -- hoy # a script that forgot the command must not go on
	assert_has 'Usage: hoy'
	types 0 -- hoy help
	types 0 -- hoy help run
	types 0 -- hoy run --help
	types 0 -- hoy help E-USAGE
	types 0 -- hoy --version
	types 0 -- hoy run hello
	assert_has hoy
	types 0 -- hoy ps
	types 0 -- hoy ps -a
	assert_has hello
	types 0 -- hoy images
	assert_has localhost/hello
	types 0 -- hoy info
	types 0 -- hoy system check
	print_times
}

test_mistakes() { # short
	newcomer
	types_wrong 125 'did you mean hoy run' -- hoy rnu hello
	types_wrong 125 'did you mean --name' -- hoy run --naem x hello
	types_wrong 125 helo -- hoy run helo
	types_wrong 125 '' -- hoy run
	types_wrong 125 'no container with name' -- hoy exec nothere sh
	types_wrong 125 'no container with name' -- hoy logs nothere
	types_wrong 125 'not an absolute path' -- hoy run -v data hello
	types_wrong 125 'MEMORY|capability' -- hoy run --cap-add NET_ADMN hello
	types_wrong 127 'no program' -- hoy run --rm @host nosuchprogram
	types_wrong 126 'hint|permission|Permission' -- hoy run --rm @host /etc/passwd
	types_wrong 125 'template|function' -- hoy ps --format '{{.Names'
	types_wrong 125 'in use|name' -- sh -c 'hoy run -d --name twice @host sleep 1000 >/dev/null; hoy run -d --name twice @host true'
	types_wrong 2 'running' -- hoy rm twice
	types 0 -- hoy rm -f -t 0 twice
	print_times
}

test_a_shell_and_services() { # short
	newcomer
	load busybox
	types 3 'expect=# ' 'send=echo in$((4+4))side\r' expect=in8side 'send=exit 3\r' -- hoy run -it @host
	types 0 'expect=# ' 'send=id -u; exit\r' -- hoy run -it --rm --name shell busybox sh
	assert_match '(^|[^0-9])0'
	printf '#!/bin/sh\necho started\ntrap "echo ends; exit 0" TERM\nwhile :; do sleep 0.1; done\n' >serve
	chmod 755 serve
	types 0 -- hoy run -d --name web -v "$HOME/serve:/serve" busybox /serve
	types 0 -- hoy ps
	assert_has web
	wait_for file_in_logs started
	types 0 -- hoy logs web
	assert_has started
	types 0 -- hoy exec web echo joined
	assert_has joined
	types 4 'expect=# ' 'send=exit 4\r' -- hoy exec -it web sh
	types 0 -- hoy inspect --format '{{.State.Status}} {{.Name}}' web
	assert_has running
	types 0 -- hoy top web
	types 0 -- hoy stop web
	types 0 -- hoy logs web
	assert_has ends
	types 0 -- hoy start web
	types 0 -- hoy rm -f -t 0 web
	types 0 -- hoy ps -a
	assert_lacks web
	print_times
}
file_in_logs() { hoy logs web 2>/dev/null | grep -q "$1"; }

test_interrupts() { # short
	newcomer
	load busybox
	types 130 expect=ready 'send=\x03' -- hoy run --rm busybox sh -c 'echo ready; sleep 1000'
	types 130 expect=ready 'send=\x03' -- hoy run --rm -t busybox sh -c 'echo ready; sleep 1000'
	types 130 expect=ready 'send=\x03' -- hoy run --rm -it busybox sh -c 'echo ready; sleep 1000; exit 9'
	hoy run -d --name talks busybox sh -c 'while :; do echo line; sleep 0.05; done' >/dev/null || fail start
	types 130 expect=line 'send=\x03' -- hoy logs -f talks
	types 0 expect=line 'send=\x10\x11' -- hoy run -it --name leaves busybox sh -c 'while :; do echo line; sleep 0.05; done'
	types 0 expect=line 'send=\x10\x11' -- hoy attach leaves
	types 0 -- hoy ps
	assert_has talks
	assert_has leaves
	types 0 -- hoy rm -f -t 0 talks leaves
	print_times
}

test_scripts() { # short
	newcomer
	cat >script <<'S'
set -eu
for n in a b c; do hoy run -d --name "job-$n" --label kind=job @host sleep 1000 >/dev/null; done
[ "$(hoy ps -q --filter label=kind=job | wc -l)" = 3 ]
hoy ps --filter label=kind=job --format '{{.Names}} {{if eq .State "running"}}up{{else}}down{{end}}' | sort
hoy inspect --format '{{range .Config.Env}}{{println .}}{{end}}' job-a | grep -q '^PATH='
hoy ps --format json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
hoy run --rm @host sh -c 'echo to stderr >&2; echo to stdout' 2>/dev/null
echo piped | hoy run --rm -i @host cat
hoy ps | head -1 >/dev/null
if hoy run --rm @host false; then echo wrong; fi
hoy rm -f -t 0 job-a job-b job-c >/dev/null
hoy ps -aq --filter label=kind=job
echo done
S
	run sh script
	assert_ok
	assert_quiet
	assert_out $'job-a up\njob-b up\njob-c up\n3\nto stdout\npiped\ndone'
	# As cron does it: no terminal, next to no environment.
	run env -i "HOY_ROOT=$HOY_ROOT" "$HOME/bin/hoy" run --rm @host echo from cron
	assert_out 'from cron'
	assert_quiet
	run env -i PATH=/usr/bin:/bin HOME="$HOME/other" "$HOME/bin/hoy" ps
	assert_ok
	run env -i PATH=/usr/bin:/bin HOME="$HOME/other" "$HOME/bin/hoy" system reset -f
	assert_ok
}

test_completion_at_the_prompt() {
	need bash
	newcomer
	hoy run -d --name sleeper @host sleep 1000 >/dev/null || fail start
	printf 'PS1="ready> "\n. %q\n' "$stubs/hoy.bash" >"$HOME/rc"
	types 0 'expect=ready> ' 'send=hoy sto\t' 'expect=hoy stop ' 'send=-t 0 sle\t' 'expect=sleeper ' 'send=\r' 'expect=ready> ' 'send=exit\r' -- \
		bash --noprofile --rcfile "$HOME/rc" -i
	run hoy ps -q
	assert_out ''
}

# From a registry: what is missing is fetched, and the next time it is there.
test_online() { # short
	newcomer
	registry_start
	registry_push busybox team/app:1
	types 7 'expect=# ' 'send=echo pul$((1+1))led\r' expect=pul2led 'send=exit 7\r' -- hoy run -it --rm "$REG/team/app:1" sh
	types 0 -- hoy images
	assert_has "$REG/team/app"
	types 0 -- hoy run --rm "$REG/team/app:1" echo again
	assert_has again
	types 0 -- hoy pull "$REG/team/app:1"
	types_wrong 125 '' -- hoy run --rm "$REG/team/nothing:1"
	types_wrong 125 '' -- hoy pull "$REG/team/app:2"
	registry_stop
	types 0 -- hoy run --rm "$REG/team/app:1" echo offline
	types_wrong 125 '' -- hoy pull "$REG/team/app:1"
	types 0 -- hoy rmi "$REG/team/app:1"
	print_times
}

run_tests "$@"
