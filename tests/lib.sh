# shellcheck shell=bash
# lib.sh - what the black-box tests stand on.
#
# A test file is a bash script that sources this file, defines functions named test_*, and ends with `run_tests "$@"`. It prints TAP.
# Every test runs in a process tree of its own, below tools/guard: whatever the test leaves running is listed, counted against it and ended.
# Every test has its own HOME and HOY_ROOT below T_SCRATCH, no inherited environment and /dev/null as stdin.
#
# Marks stand behind the function's brace as a comment:
#     test_name() { # peer_ok short rows=user,root long
# peer_ok: the expectation holds for HOY=podman too. short: also part of the shortened row (sanitizer build). rows: where it applies
# (user, root, one; default all). long: only with --long, and with twenty times the time. A line "# others: rows=user" near the top of a file is for those of its tests that
# name no rows: what does not depend on the user is tried in one row, and what does, by some that say rows=user,root,one.
#
# Environment: HOY (engine's command line), T_TOOLS (compiled tools), T_FIX (fixture images), T_SCRATCH, T_ROW, T_ONLY (a pattern), T_SHORT, T_LONG.

set -u
HOY=${HOY:-hoy}
T_ROW=${T_ROW:-user}
T_SCRATCH=${T_SCRATCH:-${TMPDIR:-/tmp}/hoy-tests.$(id -u)}
T_TOOLS=${T_TOOLS:-$T_SCRATCH/tools}
T_FIX=${T_FIX:-$T_SCRATCH/fixtures}
T_FILE=${0##*/} T_FILE=${T_FILE%.sh}
case $0 in /*/*) T_DIR=${0%/*} ;; *) T_DIR=$(readlink -f "$0") T_DIR=${T_DIR%/*} ;; esac
T_DIR=${T_DIR##*/}

# ---- the engine under test

hoy() { $HOY "$@"; }

# is_peer: another engine is under test, to prove the expectations.
is_peer() { case "${HOY%% *}" in *podman | *docker) ;; *) false ;; esac }

# as_docker ARGUMENT...: the engine through a link of that name.
as_docker() {
	[ -e "$HOME/docker" ] || ln -s "$(command -v "${HOY%% *}")" "$HOME/docker"
	"$HOME/docker" "$@"
}

# store: the directory that hoy keeps everything in.
store() { printf '%s\n' "${HOY_ROOT:-$HOME/.local/share/hoy}"; }

# in_busybox [OPTION...] -- COMMAND...: runs a command in a new container.
in_busybox() { # OPTIONS -- COMMAND
	local o=()
	while [ "$1" != -- ]; do o+=("$1") && shift; done
	shift
	run hoy run --rm --network none "${o[@]}" busybox "$@"
}

# load NAME...: put fixture images into this test's store. Their names are localhost/NAME:latest.
load() {
	local n
	for n; do
		[ -f "$T_FIX/$n.tar" ] || skip "no fixture $n"
		hoy load -q -i "$T_FIX/$n.tar" >/dev/null || fail "load $n"
	done
}

# ---- ending a test

# fail MESSAGE: the test failed; works from subshells and background jobs too.
fail() {
	{
		printf 'FAILED: %s\n' "$1"
		local i
		for ((i = 1; i < ${#FUNCNAME[@]} - 3; i++)); do
			printf '  in %s, line %s\n' "${FUNCNAME[i]}" "${BASH_LINENO[i - 1]}"
		done
	} >>"$T/why"
	exit 1
}

# skip REASON: it cannot run here. The runner accepts only what skips.list allows.
skip() {
	printf '%s\n' "$1" >"$T/skip"
	exit 0
}

# note TEXT: lines that the run shows although the test passed: measurements.
note() { printf '%s\n' "$1" >>"$T/note"; }

need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

# ---- running and asserting

# run CMD...: sets rc, out, err (trailing newlines cut); the raw bytes are in $T/out and $T/err.
# shellcheck disable=SC2034
run() {
	"$@" >"$T/out" 2>"$T/err"
	rc=$?
	text_of "$T/out" out
	text_of "$T/err" err
	ran="$*"
}

# text_of FILE VARIABLE: its bytes without NULs and without the newlines at its end. No process: this is called thousands of times.
text_of() {
	local parts all=''
	mapfile -d '' parts <"$1"
	[ ${#parts[@]} = 0 ] || printf -v all %s "${parts[@]}"
	while [[ $all == *$'\n' ]]; do all=${all%$'\n'}; done
	printf -v "$2" %s "$all"
}

last() {
	printf '%s\n  status %s\n  stdout: %s\n  stderr: %s' "${ran:-}" "${rc:-}" "$(head -c 1500 "$T/out" | cat -v)" \
		"$(head -c 1500 "$T/err" | cat -v)"
}

# assert_eq WANTED GOT [WHAT]
assert_eq() { [ "$1" = "$2" ] || fail "${3:-value}: wanted '$1', got '$2'"; }
assert_ne() { [ "$1" != "$2" ] || fail "${3:-value}: must not be '$1'"; }
assert_rc() { [ "$rc" = "$1" ] || fail "wanted status $1: $(last)"; }
assert_ok() { assert_rc 0; }

# assert_out TEXT: stdout is exactly TEXT (trailing newlines aside).
assert_out() { [ "$out" = "$1" ] || fail "wanted stdout '$1': $(last)"; }

# assert_has TEXT / assert_lacks TEXT / assert_err_has TEXT: a piece of stdout, or of stderr.
assert_has() { case "$out" in *"$1"*) ;; *) fail "stdout lacks '$1': $(last)" ;; esac; }
assert_lacks() { case "$out" in *"$1"*) fail "stdout has '$1': $(last)" ;; esac; }
assert_err_has() { case "$err" in *"$1"*) ;; *) fail "stderr lacks '$1': $(last)" ;; esac; }
assert_quiet() { [ -z "$err" ] || fail "stderr should be empty: $(last)"; }
assert_bytes() { cmp -s "$1" "$2" || fail "$1 differs from $2: $(cmp "$1" "$2" 2>&1; od -c "$2" | head -5)"; }

# assert_match REGEX: stdout matches the extended regular expression.
assert_match() { [[ $out =~ $1 ]] || fail "stdout does not match '$1': $(last)"; }

# assert_err [ID] [TEXT]: the engine refused in the form that all its refusals have: status 125, "hoy: error: " and one line, a hint, the
# stable id that `hoy help ID` explains; nothing on stdout; no escape byte gets through. A peer only has to refuse with 125.
assert_err() {
	local id=${1:-} text=${2:-}
	assert_rc 125
	[ -n "$err" ] || fail "refused in silence: $(last)"
	is_peer && return
	[ -z "$out" ] || fail "an error wrote to stdout: $(last)"
	local lines=$'\n'$err LC_ALL=C
	[[ $lines == *$'\nhoy: error: '[!$'\n']* ]] || fail "no 'hoy: error:' line: $(last)"
	[[ $lines == *$'\n  hint: '[!$'\n']* ]] || fail "no hint: $(last)"
	[[ $lines =~ E-[A-Z][A-Z0-9-]+ ]] || fail "no error id: $(last)"
	[[ $lines != *$'\nhoy: error:'*$'\nhoy: error:'* ]] || fail "more than one error line: $(last)"
	[[ $lines != *[$'\001'-$'\010'$'\013'-$'\037'$'\177']* ]] || fail "control bytes in the error: $(last)"
	[[ -z $id || $lines =~ $id ]] || fail "wanted id $id: $(last)"
	[ -z "$text" ] || assert_err_has "$text"
}

# wait_for [-t SECONDS] CMD...: poll until CMD succeeds; fail after the limit (30 s, a guard against hanging, never an expectation).
wait_for() {
	local limit=30
	[ "$1" = -t ] && limit=$2 && shift 2
	local end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "never became true: $*"
		nap 0.02
	done
}

# nap SECONDS: like sleep, but without a process after the first: nobody ever writes into that pipe.
nap() {
	[ -p "$T/never" ] || mkfifo "$T/never"
	read -r -t "$1" _ <>"$T/never"
	:
}

# file_has FILE TEXT, for wait_for.
file_has() { grep -qF -- "$2" "$1" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# with_pty [-s ROWSxCOLS] [STEP...] -- CMD: run CMD on a real terminal; see tools/ptyrun.c for the steps (expect= send= size= kill= hangup).
with_pty() { "$T_TOOLS/ptyrun" "$@"; }

# ---- counting from outside; shares no code with hoy, reads only /proc and the file system

# our_pids: every live process that descends from this test's guard, without the test's own shells.
our_pids() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$T_GUARD" -v self="$T_SHELL" -v main="$T_MAIN" '
		{ pid = $1; sub(/^.*\) /, ""); state[pid] = $1; up[pid] = $2 }
		END { for (p in up) { q = p; own = 0; n = 0
			while (q != top && q in up && n++ < 100) { if (q == self) own = 1; q = up[q] }
			if (q == top && p != top && p != main && !own && state[p] != "Z") print p } }' | sort -n
}

# show_pids PID...: who they are, for messages.
show_pids() {
	local p
	for p; do
		printf '%s(%s) ' "$p" "$(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | cut -c1-80)"
	done
}

# ls_count DIR: entries in DIR, 0 if there is none.
ls_count() { find "$1" -mindepth 1 -maxdepth 1 -not -name '.*' 2>/dev/null | wc -l; }

count_all() {
	local s
	s=$(store)
	printf 'processes %s\n' "$(our_pids | wc -l)"
	printf 'mounts %s\n' "$(grep -c . /proc/self/mountinfo)"
	printf 'namespaces %s\n' "$(for p in $(our_pids); do readlink /proc/"$p"/ns/{user,mnt,pid,net,ipc,uts} 2>/dev/null; done | sort -u | wc -l)"
	printf 'tmp %s\n' "$(ls_count "$s/tmp")"
	printf 'layers %s\n' "$(ls_count "$s/layers")"
	printf 'containers %s\n' "$(ls_count "$s/containers")"
	printf 'names %s\n' "$(ls_count "$s/cnames")"
	printf 'u0 %s\n' "$(ls_count "$s/u0")"
}

leftovers_before() { count_all >"$T/before"; }

same_as_before() { count_all >"$T/after" && cmp -s "$T/before" "$T/after"; }

# leftovers_after: everything that leftovers_before counted is back where it was (processes may take a moment to go).
leftovers_after() {
	local end=$((SECONDS + ${T_LIMIT:-120} / 12))
	until same_as_before; do
		[ $SECONDS -lt $end ] || fail "left behind: $(diff "$T/before" "$T/after" | grep '^[<>]' | tr '\n' ' ') $(show_pids $(our_pids))"
		sleep 0.05
	done
}

# nothing_left: no process, no unfinished file, no container.
nothing_left() { [ -z "$(our_pids)" ] && no_file_left; }
no_file_left() {
	local s=${HOY_ROOT:-$HOME/.local/share/hoy} d f
	for d in tmp containers cnames; do
		for f in "$s/$d"/*; do [ ! -e "$f" ] && [ ! -L "$f" ] || return 1; done
	done
}

# finish: after a test that passed: remove its containers through the engine, then look from outside.
finish() {
	end_servers
	is_peer && return
	local s=${HOY_ROOT:-$HOME/.local/share/hoy} ids end
	[ -d "$s" ] && [ ! -e "$T/untidy" ] || return 0
	ids=("$s"/containers/*)
	[ ! -e "${ids[0]}" ] || hoy rm -f -t 0 "${ids[@]##*/}" >/dev/null 2>"$T/rm" || fail "cleaning up: $(cat "$T/rm")"
	end=$((SECONDS + ${T_LIMIT:-120} / 4))
	until no_file_left; do # processes are the guard's business
		[ $SECONDS -lt $end ] || fail "left behind: $(show_pids $(our_pids)) tmp: $(ls "$s/tmp" 2>/dev/null) containers: $(ls "$s/containers" 2>/dev/null)"
		nap 0.05
	done
}

# server PID: a server that the test started for itself; it ends with the test, before leftovers are looked for.
server() { printf '%s\n' "$1" >>"$T/servers"; }

end_servers() {
	local p
	[ -e "$T/servers" ] || return 0
	while read -r p; do kill -9 "$p" 2>/dev/null; done <"$T/servers"
	while read -r p; do wait "$p" 2>/dev/null; done <"$T/servers"
}

# untidy: this test breaks its store on purpose: do not look for leftovers.
untidy() { : >"$T/untidy"; }

# ---- running the tests of a file

one_test() {
	T=$T_SCRATCH/$T_ROW-$T_DIR-$T_FILE/$1
	export HOME=$T/home HOY_ROOT=$T/home/store T
	cd "$HOME" || exit 1
	T_GUARD=$PPID
	T_MAIN=$$
	(
		T_SHELL=$BASHPID
		"$1" </dev/null
		[ ! -e "$T/skip" ] && [ ! -e "$T/why" ] && finish
		:
	) >"$T/log" 2>&1
	local rc=$?
	[ $rc = 0 ] || [ -s "$T/why" ] || printf 'FAILED: ended with status %s\n' "$rc" >>"$T/why"
	[ ! -s "$T/why" ]
}

remove_tree() {
	rm -rf "$1" 2>/dev/null && return
	chmod -R u+rwx "$1" 2>/dev/null
	unshare --map-auto --map-root-user rm -rf "$1" 2>/dev/null || rm -rf "$1" 2>/dev/null
	return 0
}

wanted() {
	local marks=" $2 "
	case "$T_DIR/$T_FILE/$1" in ${T_ONLY:-*}) ;; *) return 1 ;; esac
	if is_peer; then case $marks in *' peer_ok '*) ;; *) return 1 ;; esac fi
	if [ -n "${T_SHORT:-}" ]; then case $marks in *' short '*) ;; *) return 1 ;; esac fi
	if [ -z "${T_LONG:-}" ]; then case $marks in *' long '*) return 1 ;; esac fi
	case $marks in *' rows='*) local r=${marks#* rows=}; r=,${r%% *},; case $r in *,"$T_ROW",*) ;; *) return 1 ;; esac ;; esac
}

run_tests() {
	if [ "${1:-}" = --one ]; then
		one_test "$2"
		exit
	fi
	local name marks n=0 bad=0 dir user others='' limit
	user=$(id -un)
	while read -r name marks; do
		[ "$name" != '#' ] || { others=$marks && continue; }
		case $marks in *rows=*) ;; *) marks+=" $others" ;; esac
		wanted "$name" "$marks" || continue
		n=$((n + 1)) limit=${T_LIMIT:-120}
		case " $marks " in *' long '*) limit=$((limit * 20)) ;; esac
		dir=$T_SCRATCH/$T_ROW-$T_DIR-$T_FILE/$name
		[ ! -e "$dir" ] || remove_tree "$dir"
		mkdir -p "$dir/home"
		mkdir -m 700 "$dir/run"
		env -i PATH="$PATH" HOY="$HOY" T_ROW="$T_ROW" T_SCRATCH="$T_SCRATCH" T_TOOLS="$T_TOOLS" T_FIX="$T_FIX" T_LONG="${T_LONG:-}" T_LIMIT="${T_LIMIT:-120}" \
			TERM=dumb LANG=C.UTF-8 XDG_RUNTIME_DIR="$dir/run" USER="$user" ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} \
			${UBSAN_OPTIONS:+UBSAN_OPTIONS="$UBSAN_OPTIONS"} \
			"$T_TOOLS/guard" "$limit" "$dir/left" bash "$0" --one "$name" </dev/null
		local rc=$? used=''
		read -r used 2>/dev/null <"$dir/left.used" && printf '%s %s %s/%s/%s\n' "$used" "$T_ROW" "$T_DIR" "$T_FILE" "$name" >>"$T_SCRATCH/used"
		if [ $rc = 0 ] && [ -s "$dir/skip" ]; then
			printf 'ok %d - %s # SKIP %s\n' $n "$name" "$(head -1 "$dir/skip")"
		elif [ $rc = 0 ] && { [ ! -s "$dir/left" ] || [ -e "$dir/untidy" ] || is_peer; }; then
			printf 'ok %d - %s\n' $n "$name"
			[ ! -e "$dir/note" ] || sed "s|^|# $T_ROW $T_DIR/$T_FILE/$name: |" "$dir/note"
			[ -n "${T_KEEP:-}" ] || remove_tree "$dir"
		else
			bad=$((bad + 1))
			printf 'not ok %d - %s\n' $n "$name"
			[ $rc != 124 ] || printf '#   did not end within %s s\n' "$limit"
			sed 's/^/#   /' "$dir/why" 2>/dev/null
			[ ! -s "$dir/left" ] || sed '20q; s/^/#   still running: /' "$dir/left"
			tail -20 "$dir/log" 2>/dev/null | cat -v | sed 's/^/#   | /'
		fi
	done < <(sed -nE 's/^(test_[A-Za-z0-9_]+)\(\) \{[[:space:]]*(#[[:space:]]*(.*))?$/\1 \3/p; s/^# others: (rows=[a-z,]+)$/# \1/p' "$0")
	printf '1..%d\n' $n
	[ $bad = 0 ]
}
