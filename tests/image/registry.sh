#!/bin/bash
# Pulling from real registries: certificates, passwords, tokens, proxies, and what is said when it does not work.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

pull() { run timeout 100 $HOY pull -q "$@"; }
forget() { hoy rmi -f "$1" >/dev/null || fail "rmi $1"; }

# auth_json USER:PASSWORD HOST...: such a file on stdout.
auth_json() {
	local b h sep=''
	b=$(printf '%s' "$1" | base64)
	shift
	printf '{"auths": {'
	for h; do
		printf '%s"%s": {"auth": "%s"}' "$sep" "$h" "$b"
		sep=', '
	done
	printf '}}\n'
}

test_certificates() { # short peer_ok
	registry_start --tls
	registry_push busybox team/app:1
	pull "$REG/team/app:1"
	assert_err E-TLS
	is_peer || assert_err_has certs.d/
	pull --cert-dir "$REG_DIR/certs" "$REG/team/app:1"
	assert_ok
	assert_match '^[0-9a-f]{64}$'
	forget "$REG/team/app:1"
	pull --tls-verify=false "$REG/team/app:1"
	assert_ok
	forget "$REG/team/app:1"
	mkdir -p "$HOME/.config/containers/certs.d"
	ln -s "$REG_DIR/certs" "$HOME/.config/containers/certs.d/$REG"
	pull "$REG/team/app:1"
	assert_ok
	rm "$HOME/.config/containers/certs.d/$REG"
	forget "$REG/team/app:1"
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	pull "$REG/team/app:1"
	assert_ok
	pull --cert-dir "$REG_DIR/strange" "$REG/team/app:1" # in addition
	assert_ok
	is_peer || grep -q '"GET /v2/team/app/blobs/.* HTTP/2' "$REG_DIR/log" || fail "no HTTP/2: $(grep blobs "$REG_DIR/log")"
}

# A registry that lets in only who has a certificate; certs.d is looked up by host and port, of mirrors too.
test_client_certificates() { # short peer_ok
	registry_start --tls --clients
	registry_push busybox app:1
	local c=$HOME/.config/containers d
	d=$c/certs.d/$REG
	pull --cert-dir "$REG_DIR/certs" "$REG/app:1"
	assert_err
	is_peer || assert_err_has 'shows a certificate'
	mkdir -p "$d" "$c/certs.d/127.0.0.1"
	cp "$REG_DIR/certs/ca.crt" "$d/ca.crt"
	cp "$REG_DIR/cert.pem" "$d/me.cert"
	pull "$REG/app:1"
	assert_err
	is_peer || assert_err_has 'me.cert'
	cp "$REG_DIR/key.pem" "$d/me.key"
	pull "$REG/app:1"
	assert_ok
	printf '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "%s"\n' "$REG" >"$c/registries.conf"
	pull docker.io/app:1
	assert_err # library/app is not there
	registry_push busybox library/app:1
	pull docker.io/library/app:1
	assert_ok
	forget "$REG/app:1"
	mv "$d" "$c/certs.d/127.0.0.1:1" # another port
	pull "$REG/app:1"
	assert_err
	is_peer && return
	mkdir -p "$HOME/.config/docker"
	mv "$c/certs.d" "$HOME/.config/docker/certs.d"
	mv "$HOME/.config/docker/certs.d/127.0.0.1:1" "$HOME/.config/docker/certs.d/$REG"
	pull "$REG/app:1"
	assert_ok
}

test_passwords() { # short peer_ok rows=user,root,one
	registry_start --tls --auth 'someone:pass:word'
	registry_push busybox team/app:1
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	local image=$REG/team/app:1 file
	pull "$image"
	assert_err E-REGISTRY-DENIED 'hoy login'
	pull --creds someone:wrong "$image"
	assert_err E-REGISTRY-DENIED
	case $err in *wrong*) fail "the password is shown: $(last)" ;; esac
	pull --creds someone:pass:word "$image"
	assert_ok
	forget "$image"
	auth_json someone:pass:word "$REG" >"$T/auth.json"
	pull --authfile "$T/auth.json" "$image"
	assert_ok
	forget "$image"
	REGISTRY_AUTH_FILE=$T/auth.json pull "$image"
	assert_ok
	pull --authfile "$T/none.json" "$image"
	assert_err E-AUTH-FILE none.json
	for file in "$XDG_RUNTIME_DIR/containers/auth.json" "$HOME/.config/containers/auth.json" "$HOME/.docker/config.json"; do
		forget "$image"
		mkdir -p "$(dirname "$file")"
		cp "$T/auth.json" "$file"
		pull "$image"
		assert_ok
		rm "$file"
	done
	auth_json someone:wrong "$REG" >"$HOME/.docker/config.json"
	auth_json someone:wrong "$REG" "$REG/team/ap" "$REG/other" | sed "s|}}\$|, \"$REG/team\": {\"auth\": \"$(printf someone:pass:word | base64)\"}}}|" \
		>"$HOME/.config/containers/auth.json"
	forget "$image"
	pull "$image"
	assert_ok
}

test_password_is_asked_for() { # short
	registry_start --auth someone:secret
	registry_push busybox app:1
	pull --creds someone "$REG/app:1"
	assert_err E-USAGE USER:PASSWORD
	run with_pty expect='Password of someone: ' send='wronf\x7f\x15secrer\x7ft\r' -- $HOY pull -q --creds someone "$REG/app:1"
	assert_ok
	case $out in *secre*) fail "the password is shown: $(last)" ;; esac
	forget "$REG/app:1"
	run with_pty expect='Password of someone: ' send='se\x03' -- $HOY pull -q --creds someone "$REG/app:1"
	assert_rc 130
	run with_pty expect='Password of someone: ' kill=15 expect='interrupted by SIGTERM' -- $HOY pull -q --creds someone "$REG/app:1"
	assert_rc 143
}

test_broken_credentials() { # short
	registry_start --auth someone:secret
	registry_push busybox app:1
	mkdir -p "$HOME/.config/containers"
	printf '{"auths": ' >"$HOME/.config/containers/auth.json"
	pull "$REG/app:1"
	assert_err E-AUTH-FILE containers/auth.json
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" 'c29tZW9uZQ==' >"$HOME/.config/containers/auth.json"
	pull "$REG/app:1"
	assert_err E-AUTH-FILE
	pull --creds someone:secret "$REG/app:1"
	assert_ok
}

test_helpers() { # short peer_ok
	registry_start --tls --auth someone:secret
	registry_push busybox app:1
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	mkdir -p "$T/bin" "$HOME/.config/containers"
	cat >"$T/bin/docker-credential-mine" <<-E
		#!/bin/sh
		read -r server || [ -n "\$server" ]
		echo "\$1 \$server" >>$T/asked
		echo '{"ServerURL": "", "Username": "someone", "Secret": "secret"}'
	E
	chmod 755 "$T/bin/docker-credential-mine"
	printf '{"credHelpers": {"%s": "mine"}}' "$REG" >"$HOME/.config/containers/auth.json"
	PATH=$T/bin:$PATH pull "$REG/app:1"
	assert_ok
	assert_eq "get $REG" "$(sort -u "$T/asked")" 'what the helper was asked'
	is_peer && return
	mkdir -p "$HOME/.docker"
	mv "$HOME/.config/containers/auth.json" "$HOME/.docker/config.json"
	printf '{"credsStore": "mine"}' >"$HOME/.docker/config.json"
	forget "$REG/app:1"
	PATH=$T/bin:$PATH pull "$REG/app:1"
	assert_ok
}

test_tokens() { # short
	registry_tokens_start --auth someone:secret
	registry_start --token "http://$TOKENS/token"
	REG_AUTH=someone:secret registry_push stop app:1 --layer zstd
	pull "$REG/app:1"
	assert_err E-REGISTRY-DENIED
	pull --creds someone:secret "$REG/app:1"
	assert_ok
	registry_tokens_start
	registry_start --token "http://$TOKENS/token"
	registry_push stop app:1
	pull "$REG/app:1"
	assert_ok
	registry_tokens_start --tls
	export SSL_CERT_FILE=$T/registry$((REG_COUNT + 1))/certs/ca.crt
	registry_start --tls --token "https://$TOKENS/token"
	registry_push stop app:1
	pull "$REG/app:1"
	assert_ok
}

# Names of the internet, over the proxy of the environment.
test_docker_io() { # short peer_ok
	registry_start --tls --auth hub:secret
	registry_push busybox library/small:latest
	registry_push stop team/app:2
	registry_proxy_start "registry-1.docker.io:443=$REG" "registry.test:443=$REG"
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt HTTPS_PROXY=$PROXY https_proxy=$PROXY
	mkdir -p "$HOME/.docker"
	auth_json hub:secret https://index.docker.io/v1/ >"$HOME/.docker/config.json"
	pull docker.io/library/small
	assert_ok
	pull docker.io/team/app:2
	assert_ok
	run hoy images --format '{{.Repository}}:{{.Tag}}'
	assert_eq 'docker.io/library/small:latest docker.io/team/app:2' "$(sort "$T/out" | paste -sd' ')"
	pull registry.test/team/app:2
	assert_err E-REGISTRY-DENIED
	pull other.test/team/app:2
	assert_err
	grep -q 'CONNECT registry-1.docker.io:443' "$T/proxy/proxy.log" || fail 'the proxy was not asked'
}

test_what_is_not_there() { # short peer_ok
	registry_start --tls
	registry_push busybox app:1
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	pull "$REG/app:2"
	assert_err E-REGISTRY-NO-IMAGE app:2
	pull "$REG/no/app:1"
	assert_err E-REGISTRY-NO-IMAGE no/app
	pull "$REG/app@sha256:$(printf '%064d' 7)"
	assert_err E-REGISTRY-NO-IMAGE
	registry_stop
	pull "$REG/app:1"
	assert_err E-REGISTRY-UNREACHABLE "$REG"
	pull no.such.host.invalid/app
	assert_err E-REGISTRY-UNREACHABLE no.such.host.invalid
}

test_plain_http() { # short
	registry_start
	registry_push busybox app:1
	local port=${REG##*:}
	pull "localhost:$port/app:1"
	assert_ok
	pull --tls-verify=true "$REG/app:1"
	assert_err E-TLS
	pull "0.0.0.0:$port/app:1" # leads to loopback, but is no name of it
	assert_err E-TLS tls-verify
	pull --tls-verify=false "0.0.0.0:$port/app:1"
	assert_ok
	pull localhost/app:1
	assert_err E-IMAGE-UNKNOWN
}

run_tests "$@"
