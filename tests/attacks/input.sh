#!/bin/bash
# Hostile arguments, names and texts.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

long=$(printf 'a%.0s' {1..70000})

test_long_arguments() {
	load busybox
	local args
	for args in "-v|/$long:/x" "-v|$T:/$long" "-w|/$long" "--name|$long" "--hostname|$long" "-u|$long" "--tmpfs|/$long" "--cidfile|/$long" \
		"--entrypoint|$long" "--security-opt|seccomp=/$long" "--security-opt|mask=/$long" "--cap-add|$long" "--ulimit|$long" "--label|$long=x"; do
		run hoy run --rm "${args%%|*}" "${args#*|}" busybox true
		case $rc in 0 | 125 | 126 | 127) ;; *) fail "${args%%|*}: status $rc: $(head -c 300 "$T/err")" ;; esac
		[ "$(wc -c <"$T/err")" -lt 4096 ] || fail "${args%%|*}: an error of $(wc -c <"$T/err") bytes"
	done
	run hoy inspect "$long"
	assert_rc 125
	run hoy run --rm "$long" true
	assert_rc 125
	[ "$(wc -c <"$T/err")" -lt 4096 ] || fail "an error of $(wc -c <"$T/err") bytes"
}

test_many_arguments() {
	load busybox
	local i args=()
	for i in {1..2000}; do args+=(-e "V$i=$i" --label "l$i=$i"); done
	run hoy run --rm "${args[@]}" busybox sh -c 'echo $V1 $V2000'
	assert_out '1 2000'
	run hoy run --rm --init "${args[@]}" busybox sh -c 'echo $V1 $V2000'
	assert_out '1 2000'
	args=()
	mkdir "$T/d"
	for i in {1..300}; do args+=(-v "$T/d:/m/$i"); done
	run hoy run --rm "${args[@]}" busybox sh -c 'ls /m | wc -l'
	[ "$rc" = 125 ] || assert_out 300
}

test_hostile_names() { # short
	load busybox
	local n
	for n in '../x' '..' '.' 'a/b' $'a\nb' '-x' "${long:0:300}" $'\u202eevil' $'a\e[31mb' 'a b' '/abs' $'a\tb' 'a:b'; do
		run hoy run -d "--name=$n" busybox true
		assert_rc 125
		[ -z "$out" ] || fail "name '$n' was taken: $(last)"
		LC_ALL=C grep -q $'[\001-\010\013-\037\177]' "$T/err" && fail "control bytes in the error for '$n'"
	done
	run hoy ps -a -q
	assert_out ''
	run hoy run --rm --hostname $'a\nb' busybox hostname
	assert_rc 125
	for n in '../../etc' 'a/../../b' $'a\e[31m' $'x\ny' '' ':tag' 'UPPER:x' 'a:../x' "a:${long:0:200}" 'a@sha256:../x'; do
		run hoy tag busybox "$n"
		assert_rc 125
		LC_ALL=C grep -q $'[\001-\010\013-\037\177]' "$T/err" && fail "control bytes in the error for '$n'"
		run hoy inspect "$n"
		assert_rc 125
	done
	for n in '../../../etc/passwd' '..' '*' 'sha256:../../x' "$(printf '%064d' 0)/../x"; do
		run hoy rm -f "$n"
		run hoy rmi -f "$n"
		run hoy image inspect "$n"
		assert_rc 125
	done
	run hoy images -q
	assert_ne '' "$out" 'the image is still there'
}

# Nothing from an image, a name or a label reaches the terminal as an escape.
test_escapes() { # short
	hostile escapes <<'P'
c["Labels"] = {"esc": "\x1b[31mred\x1b]0;title\x07", "\x1b[2Jkey": "v", "bidi": "\u202eevil", "c1": "\u009b31m"}
c["Cmd"] = ["sh", "-c", "exit 0", "\x1b[31m\nFAKE LINE"]
c["Env"] = ["PATH=/bin", "X=\x1b]0;env\x07"]
P
	hoy run --name c escapes >/dev/null 2>&1
	local cmd
	# shellcheck disable=SC2086
	for cmd in 'ps -a' 'ps -a --no-trunc' images 'image inspect escapes' 'inspect c' 'inspect --format {{.Config.Cmd}} c'; do
		# shellcheck disable=SC2086
		run with_pty -s 24x200 -- $HOY $cmd
		LC_ALL=C grep -q $'[\001-\010\013\014\016-\032\034-\037\177]' "$T/out" && fail "$cmd: control bytes: $(last)"
		grep -qF $'\e[31mred' "$T/out" && fail "$cmd: an escape came through: $(last)"
		grep -qF $'\e]0;' "$T/out" && fail "$cmd: a title sequence came through: $(last)"
		grep -qF $'\u009b' "$T/out" && fail "$cmd: a C1 control came through: $(last)"
	done
	run hoy ps -a
	[ "$(printf '%s\n' "$out" | wc -l)" = 2 ] || fail "a faked line: $(last)"
	run hoy run --rm escapes $'\e[31mnot there'
	assert_rc 127
	LC_ALL=C grep -q $'\e' "$T/err" && fail "an escape in the error: $(last)"
	run hoy $'\e[31mcmd'
	LC_ALL=C grep -q $'\e' "$T/err" && fail "an escape in the error: $(last)"
	:
}

# The steps of an image are text of whoever made it.
test_history_escapes() { # short
	craft history <<'P'
import io, json, tarfile
layer = b.file("x", "x").bytes()
cfg = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]},
    "history": [{"created": "2020-01-01T00:00:00Z", "created_by": "\x1b[31mred\x1b]0;title\x07\nFAKE LINE", "comment": "\u009b31m\u202eevil\x1b[2J"}]}).encode()
t = tarfile.open(T + "/escapes.tar", "w")
for name, data in ((digest(cfg) + ".json", cfg), ("l.tar", layer),
        ("manifest.json", json.dumps([{"Config": digest(cfg) + ".json", "RepoTags": ["localhost/steps:1"], "Layers": ["l.tar"]}]).encode())):
    i = tarfile.TarInfo(name)
    i.size = len(data)
    t.addfile(i, io.BytesIO(data))
t.close()
P
	load_crafted escapes
	local cmd
	for cmd in 'history steps:1' 'history --no-trunc steps:1' 'history --format json steps:1' 'history --format {{json.}} steps:1'; do
		# shellcheck disable=SC2086
		run with_pty -s 24x200 -- $HOY $cmd
		assert_ok
		LC_ALL=C grep -q $'[\001-\010\013\014\016-\037\177]' "$T/out" && fail "$cmd: control bytes: $(last)"
		LC_ALL=C grep -q $'\302\233\|\342\200\256' "$T/out" && fail "$cmd: control bytes: $(last)"
	done
	run hoy history steps:1
	[ "$(printf '%s\n' "$out" | wc -l)" = 2 ] || fail "a faked line: $(last)"
}

test_environment_of_image() {
	hostile env <<'P'
c["Env"] = ["PATH=/bin", "A=1\nB=2", "NOEQ", "=x", "LONG=" + "y" * 60000]
P
	run hoy run --rm env sh -c 'cat /proc/1/environ | tr "\0\n" "\n|"; :'
	refused_or_fine
	if [ "$rc" = 0 ]; then
		assert_has 'A=1|B=2'
		printf '%s\n' "$out" | grep -q '^=x' && fail 'a variable without a name was passed on'
		printf '%s\n' "$out" | grep -q '^B=2' && fail 'one variable became two'
	fi
	printf 'A=1\nB\n#c\n=x\n' >"$T/f"
	run hoy run --rm --env-file "$T/f" env env
	refused_or_fine
	printf '%s\n' "$out" | grep -q '^=' && fail 'a variable without a name was passed on'
	:
}

run_tests "$@"
