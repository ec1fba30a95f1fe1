# shellcheck shell=bash
# registry.bash - a real registry on loopback for one test; what it does is in tools/registry.py. It ends with the test.
#
#     . "$(dirname "$0")/../registry.bash"
#     registry_start [--tls [--clients]] [--auth USER:PASSWORD]       sets REG (127.0.0.1:PORT) and REG_DIR (log, certs/ca.crt, data)
#     registry_tokens_start [--auth USER:PASSWORD] [--tls] a server of bearer tokens; sets TOKENS (127.0.0.1:PORT); then registry_start --token http://$TOKENS/
#     registry_proxy_start registry-1.docker.io:443=$REG   a proxy for HTTPS that leads there; sets PROXY (http://127.0.0.1:PORT)
#     registry_push busybox team/app:1 --layer zstd       fixture image to $REG/team/app:1; sets DIGEST
#     registry_index team/multi:1 linux/amd64=$A ...      sets DIGEST
#
# With --tls the client finds the CA by SSL_CERT_FILE="$REG_DIR/certs/ca.crt". Several registries: each start makes a new directory.

REG_TOOL=$(dirname "$0")/../tools/registry.py

# registry_address LOG: the address that a server wrote into its log, once it listens.
registry_address() {
	wait_for grep -qs 'listening on 127' "$1"
	sed -n 's/.*listening on \(127[0-9.]*:[0-9]*\).*/\1/p' "$1" | head -1
}

# shellcheck disable=SC2034
registry_start() {
	command -v docker-registry registry distribution >/dev/null || skip 'no docker-registry'
	REG_DIR=$T/registry$((${REG_COUNT:=0} + 1))
	REG_COUNT=$((REG_COUNT + 1))
	registry_run "$@"
}

# registry_run ARGUMENT...: starts the registry of REG_DIR, again if it was stopped (on another port, with the same data).
registry_run() {
	local a args=("$@")
	REG_CA='' REG_AUTH=''
	while [ $# -gt 0 ]; do
		a=$1
		shift
		case $a in --tls) REG_CA=$REG_DIR/certs/ca.crt ;; --auth) REG_AUTH=$1 ;; esac
	done
	mkdir -p "$REG_DIR"
	rm -f "$REG_DIR/log"
	python3 -B "$REG_TOOL" serve "$REG_DIR" "${args[@]}" </dev/null 2>"$REG_DIR/start" &
	REG_PID=$!
	server $REG_PID
	REG=$(registry_address "$REG_DIR/log")
	[ -n "$REG" ] || fail "the registry did not start: $(cat "$REG_DIR/start")"
}

# registry_tokens_start ARGUMENT...: the token server of the registry that is started next.
# shellcheck disable=SC2034
registry_tokens_start() {
	local d=$T/registry$((${REG_COUNT:=0} + 1))
	python3 -B "$REG_TOOL" tokens "$d" "$@" </dev/null &
	server $!
	TOKENS=$(registry_address "$d/tokens.log")
}

# registry_proxy_start HOST:PORT=ADDRESS...
# shellcheck disable=SC2034
registry_proxy_start() {
	python3 -B "$REG_TOOL" proxy "$T/proxy" "$@" </dev/null &
	server $!
	PROXY=http://$(registry_address "$T/proxy/proxy.log")
}

# hostile_start: the registry that misbehaves (tools/hostile.py); sets HOSTILE, HOSTILE_OTHER (127.0.0.2) and HOSTILE_TLS, addresses with ports.
# shellcheck disable=SC2034
hostile_start() {
	python3 -B "$(dirname "$REG_TOOL")/hostile.py" "$T/hostile" --certs "$T/hostile" </dev/null &
	server $!
	wait_for test -s "$T/hostile/ports"
	HOSTILE=$(sed -n 's/^first=//p' "$T/hostile/ports")
	HOSTILE_OTHER=$(sed -n 's/^other=//p' "$T/hostile/ports")
	HOSTILE_TLS=$(sed -n 's/^tls=//p' "$T/hostile/ports")
}

# hostile_digest NAME: digest (manifest, big_manifest, small, large) of what it serves.
hostile_digest() { sed -n "s/^$1=//p" "$T/hostile/digests"; }

# hostile_saw PATTERN: how many requests it got whose line fits.
hostile_saw() { grep -c -- "$1" "$T/hostile/requests"; }

registry_stop() {
	kill "$REG_PID" 2>/dev/null
	wait "$REG_PID" 2>/dev/null
}

# registry_do COMMAND REF ARGUMENT...: a command of registry.py on the registry of the last start; sets DIGEST to what it prints.
# shellcheck disable=SC2034
registry_do() {
	local cmd=$1 ref=$2
	shift 2
	DIGEST=$(REGISTRY_CA=$REG_CA REGISTRY_AUTH=$REG_AUTH python3 -B "$REG_TOOL" "$cmd" "$REG/$ref" "$@" 2>"$T/registry.err") || fail "$cmd $ref: $(cat "$T/registry.err")"
}

# registry_push FIXTURE REF [--layer KIND]... [--docker] [--untyped] [--platform P]; FIXTURE may be the path of an archive.
registry_push() {
	local archive=$1 ref=$2
	shift 2
	case $archive in */*) ;; *) archive=$T_FIX/$archive.tar ;; esac
	[ -f "$archive" ] || skip "no fixture $archive"
	registry_do push "$ref" "$archive" "$@"
}

registry_index() { registry_do index "$@"; }
