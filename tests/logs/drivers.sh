#!/bin/bash
# Logs elsewhere, or in other forms: json-file, journald, passthrough.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

ctrlog() { printf '%s/containers/%s/ctr.log\n' "$(store)" "$(hoy inspect -f '{{.Id}}' "$1")"; }

test_json_file() { # short
	load busybox
	run hoy run --network none --name c --log-driver json-file --log-opt labels=team,none --log-opt env=A --log-opt 'tag={{.Name}}/{{.ID}}' \
		--label team=web -e A=1 busybox sh -c 'echo err >&2; sleep 0.05; printf "one\ntwo \"q\" \\ \033 \303"; sleep 0.05; printf "\244\n"; printf "\377bad\n"; printf part'
	assert_ok
	python3 - "$(ctrlog c)" "$(hoy inspect -f '{{.Id}}' c)" <<-'E' || fail 'not the JSON that was wanted'
		import json, sys
		v = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8", newline="\n")]
		out = "".join(x["log"] for x in v if x["stream"] == "stdout")
		assert out == "one\ntwo \"q\" \\ \x1b \u00e4\n\ufffdbad\npart", out
		assert "".join(x["log"] for x in v if x["stream"] == "stderr") == "err\n", v
		assert all(x["attrs"] == {"team": "web", "A": "1", "tag": "c/" + sys.argv[2][:12]} for x in v), v
		assert all(x["time"].endswith("Z") for x in v), v
	E
	hoy logs c >"$T/o" 2>"$T/e"
	printf 'one\ntwo "q" \\ \033 \303\244\n\357\277\275bad\npart' >"$T/want"
	assert_bytes "$T/want" "$T/o"
	assert_eq err "$(cat "$T/e")" stderr
	run hoy logs --tail 1 c
	assert_out part
	run hoy logs --tail 2 --details c
	assert_has 'bad'
	run hoy logs -t --since 1h c
	assert_match '^20[0-9T:.Z-]* one'
	run hoy inspect -f '{{.HostConfig.LogConfig.Type}}' c
	assert_out json-file
}

test_json_file_rotates_and_is_whole() { # rows=user
	load busybox
	hoy run --network none --name c --log-driver json-file --log-opt max-size=20k --log-opt max-file=50 busybox sh -c 'seq 1 4000; seq 5 | tr "\n" "\001"; head -c 100000 /dev/zero | tr "\0" "x"' >"$T/want"
	hoy logs c >"$T/got"
	assert_bytes "$T/want" "$T/got"
	[ -f "$(ctrlog c).3" ] || fail 'it was not rotated'
	hoy logs --tail 3 c >"$T/got"
	tail -n 3 "$T/want" >"$T/end"
	assert_bytes "$T/end" "$T/got"
}

# Called podman, json-file is another name of k8s-file.
test_json_file_of_podman() { # rows=user
	load busybox
	ln -s "$(command -v "${HOY%% *}")" "$HOME/podman"
	"$HOME/podman" create --name c --log-driver json-file busybox true >/dev/null || fail create
	run hoy inspect -f '{{.HostConfig.LogConfig.Type}}' c
	assert_out k8s-file
}

# journal: a machine whose journal is a socket of ours. What it gets is kept in $T/journal, and journalctl (ours, too) gives it out. As root only: nobody else may put a socket there.
journal() {
	mkdir -p /run/systemd/journal 2>/dev/null || skip 'cannot make /run/systemd/journal'
	[ ! -e /run/systemd/journal/socket ] || skip 'there is a journal here'
	python3 - "$T/journal" <<-'E' &
		import os, socket, struct, sys, time
		path = "/run/systemd/journal/socket"
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(path)
		os.chmod(path, 0o666)
		f = open(sys.argv[1], "ab", buffering=0)
		f.write(b"")
		while True:
		    d = s.recv(1 << 20)
		    if d == b"end": break
		    f.write(b"__REALTIME_TIMESTAMP=%d\n" % int(time.time() * 1e6) + d + b"\n")
	E
	server $!
	wait_for test -S /run/systemd/journal/socket
	mkdir -p "$T/bin"
	cat >"$T/bin/journalctl" <<-'E'
		#!/bin/sh
		printf '%s\n' "$*" >>"${0%/*}/../asked"
		case "$*" in *--follow*) exec tail -c +1 -f "${0%/*}/../journal" ;; *) exec cat "${0%/*}/../journal" ;; esac
	E
	chmod +x "$T/bin/journalctl"
	PATH=$T/bin:$PATH
}
end_journal() { rm -f /run/systemd/journal/socket; }

test_journald() { # rows=root
	load busybox
	trap end_journal EXIT
	journal
	run hoy run --network none --name c --log-driver journald --log-opt 'tag=t-{{.Name}}' --log-opt labels=org.team --label org.team=web busybox \
		sh -c 'echo one; echo err >&2; printf "a\0b\n"; head -c 10000 /dev/zero | tr "\0" x; printf "\nlast"'
	assert_ok
	hoy logs c >"$T/o" 2>"$T/e" || fail logs
	{ printf 'one\na\0b\n'; head -c 10000 /dev/zero | tr '\0' x; printf '\nlast'; } >"$T/want"
	assert_bytes "$T/want" "$T/o"
	assert_eq err "$(cat "$T/e")" stderr
	local field
	for field in CONTAINER_NAME=c CONTAINER_TAG=t-c SYSLOG_IDENTIFIER=t-c ORG_TEAM=web IMAGE_NAME=localhost/busybox:latest PRIORITY=6 PRIORITY=3 \
		CONTAINER_PARTIAL_MESSAGE=true "CONTAINER_ID_FULL=$(hoy inspect -f '{{.Id}}' c)"; do
		grep -aqx "$field" "$T/journal" || fail "the journal has no $field"
	done
	run hoy logs --tail 2 --since 2020-01-02 c
	grep -q -- '--since=@15[0-9.]* --lines=2' "$T/asked" || fail "journalctl was asked: $(cat "$T/asked")"
	[ ! -e "$(ctrlog c)" ] || fail 'there is a file, too'
	run hoy inspect -f '{{.LogPath}}' c
	assert_out ''
	hoy run -d --name d --network none --log-driver journald busybox sh -c 'echo begun; sleep 1000' >/dev/null || fail run
	hoy logs -f d >"$T/follow" &
	local pid=$!
	wait_for file_has "$T/follow" begun
	hoy rm -f -t 0 d >/dev/null
	wait $pid
	end_journal
	trap - EXIT
}

test_no_journal() { # rows=user
	load busybox
	[ ! -e /run/systemd/journal/socket ] || skip 'there is a journal here'
	in_busybox --log-driver journald -- true
	assert_err E-NO-LOG local
}

test_passthrough() { # short
	load busybox
	hoy run -d --network none --name c --log-driver passthrough busybox sh -c 'echo out; echo err >&2; readlink /proc/self/fd/0' >"$T/o" 2>"$T/e" || fail run
	hoy wait c >/dev/null
	assert_eq "$(printf 'out\n/dev/null')" "$(grep -v "$(hoy inspect -f '{{.Id}}' c)" "$T/o")" stdout
	assert_eq err "$(cat "$T/e")" stderr
	run hoy logs c
	assert_err E-NO-LOG
	printf 'typed\n' | hoy run --rm -i --network none --log-driver passthrough --user 1000 busybox cat >"$T/o" || fail 'run -i'
	assert_eq typed "$(cat "$T/o")" 'standard input'
	[ -O "$T/o" ] || fail 'the file has another owner'
	run hoy run --rm -t --log-driver passthrough busybox true
	assert_err E-USAGE passthrough-tty
	hoy run -d --network none --name d --log-driver passthrough busybox sleep 1000 >/dev/null
	run hoy attach d
	assert_err E-NO-LOG
	hoy rm -f -t 0 d >/dev/null
	# shellcheck disable=SC2086
	run with_pty -- $HOY run --rm --network none --log-driver passthrough busybox echo hello
	assert_has passthrough-tty
	# shellcheck disable=SC2086
	run with_pty -- $HOY run --rm --network none --log-driver passthrough-tty busybox sh -c 'test -t 1 && echo terminal'
	assert_has terminal
}

test_driver_refusals() { # rows=user short
	load busybox
	local bad
	for bad in journald:max-size=1m journald:path=/x passthrough:max-file=2 local:tag=x k8s-file:tag=x 'json-file:tag={{.Nope}}' 'journald:tag={{' json-file:tag=; do
		run hoy create --network none --log-driver "${bad%%:*}" --log-opt "${bad#*:}" busybox true
		assert_rc 125
	done
}

run_tests "$@"
