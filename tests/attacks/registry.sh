#!/bin/bash
# Registries that lie, wait, and ask for what is not theirs.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

# pull ARGUMENT... MODE: pulls MODE:latest from the registry that misbehaves.
pull() { run timeout 110 $HOY pull -q "${@:1:$#-1}" "$HOSTILE/${*: -1}"; }

# nothing_came: no image, layer, name or unfinished work.
nothing_came() {
	local s d
	s=$(store)
	for d in images names layers tmp; do
		[ "$(ls_count "$s/$d")" = 0 ] || fail "$1: $d holds $(ls "$s/$d")"
	done
}

# refused ID MODE [ARGUMENT...]
refused() {
	local id=$1 mode=$2
	shift 2
	pull "$@" "$mode"
	assert_err "$id"
	nothing_came "$mode"
}

# password REGISTRY...: someone's credentials for them, where everybody looks for such.
password() {
	local r sep=''
	mkdir -p "$HOME/.config/containers"
	{
		printf '{"auths": {'
		for r; do
			printf '%s"%s": {"auth": "c29tZW9uZTpzZWNyZXQ="}' "$sep" "$r"
			sep=', '
		done
		printf '}}'
	} >"$HOME/.config/containers/auth.json"
}

# stays: no password or token went to the other host.
stays() {
	local leaks
	leaks=$(grep '^other' "$T/hostile/requests" | grep -v 'auth=- ')
	[ -z "$leaks" ] || fail "the other host saw: $leaks"
}

test_redirects_get_no_credentials() { # short
	hostile_start
	password "$HOSTILE"
	pull far
	assert_ok
	[ "$(hostile_saw '^other')" -ge 2 ] || fail 'the redirects were not followed'
	stays
	run hoy rmi -f "$out"
	refused E-REGISTRY-ANSWER far-and-wants
	stays
}

test_realms_get_no_credentials() { # short
	hostile_start
	password "$HOSTILE" "$HOSTILE_TLS"
	refused E-REGISTRY-REALM bearer-far
	refused E-REGISTRY-REALM bearer-userinfo
	assert_eq 0 "$(hostile_saw '^other')" 'requests to the other host'
	export SSL_CERT_FILE=$T/hostile/certs/ca.crt
	HOSTILE=$HOSTILE_TLS refused E-REGISTRY-REALM bearer
	assert_eq 0 "$(hostile_saw '^first.*token')" 'tokens asked for over plain HTTP'
	pull bearer-far-redirect
	assert_ok
	[ "$(hostile_saw '^other.*token')" = 1 ] || fail 'the redirect was not followed'
	stays
}

test_no_way_from_https_to_http() { # short
	hostile_start
	export SSL_CERT_FILE=$T/hostile/certs/ca.crt
	HOSTILE=$HOSTILE_TLS refused E-REGISTRY-REDIRECT downgrade
	assert_eq 0 "$(hostile_saw '^first')" 'requests over plain HTTP'
	refused E-REGISTRY-REDIRECT nowhere
	refused E-REGISTRY-REDIRECT userinfo
}

test_urls_of_layers_are_not_followed() { # short
	hostile_start
	refused E-REGISTRY-NO-IMAGE foreign
	refused E-IMAGE-BAD foreign-type
	assert_eq 0 "$(hostile_saw '^other')" 'requests to the place that the layer names'
}

test_credential_helper_fails() { # short
	hostile_start
	mkdir -p "$T/helpers" "$HOME/.config/containers" "$HOME/.docker"
	printf '#!/bin/sh\necho "the keyring is locked"\nexit 1\n' >"$T/helpers/docker-credential-broken"
	chmod 755 "$T/helpers/docker-credential-broken"
	export PATH=$T/helpers:$PATH
	local helper
	for helper in broken missing; do
		printf '{"credHelpers": {"%s": "%s"}, "auths": {"%s": {"auth": "c29tZW9uZTpzZWNyZXQ="}}}' "$HOSTILE" $helper "${HOSTILE%:*}" \
			>"$HOME/.config/containers/auth.json"
		printf '{"auths": {"https://index.docker.io/v1/": {"auth": "aHViOmh1Yg=="}, "%s": {"auth": "c29tZW9uZTpzZWNyZXQ="}}}' "$HOSTILE" \
			>"$HOME/.docker/config.json"
		refused E-AUTH-HELPER basic
		refused E-AUTH-HELPER bearer
	done
	assert_eq 0 "$(hostile_saw 'auth=[^-]')" 'credentials that were sent'
	assert_eq 0 "$(hostile_saw token)" 'tokens that were asked for'
}

# push_to [ARGUMENT...] MODE
push_to() { run timeout 110 $HOY push -q "${@:1:$#-1}" stop "$HOSTILE/${*: -1}"; }

test_uploads_elsewhere_get_no_credentials() { # short
	hostile_start
	load stop
	password "$HOSTILE" "${HOSTILE_OTHER%:*}"
	push_to push-far
	assert_ok
	[ "$(hostile_saw '^other PUT')" -ge 2 ] || fail 'nothing went to the other host'
	[ "$(hostile_saw '^first PUT .*manifests.*auth=Basic')" = 1 ] || fail 'the registry itself got no password'
	stays
	push_to push-far-wants
	assert_err E-REGISTRY-ANSWER
	stays
	push_to push-redirect
	assert_err E-REGISTRY-REDIRECT
	push_to push-nowhere
	assert_err E-REGISTRY-ANSWER
	push_to bearer-far
	assert_err E-REGISTRY-REALM
	stays
	export SSL_CERT_FILE=$T/hostile/certs/ca.crt
	run timeout 110 $HOY push -q stop "$HOSTILE_TLS/push-downgrade"
	assert_err E-REGISTRY-REDIRECT 'plain HTTP'
	assert_eq 0 "$(hostile_saw '^first P.*v2/push/')" 'requests over plain HTTP'
}

test_lies_about_uploads() { # short
	hostile_start
	load stop
	push_to push
	assert_ok
	push_to push-liar
	assert_err E-DIGEST-MISMATCH
	push_to push-size
	assert_err E-DIGEST-MISMATCH
	push_to push-breaks
	assert_err E-REGISTRY-UNREACHABLE
	[ "$(hostile_saw 'PATCH /v2/push-breaks')" -le 24 ] || fail "tried $(hostile_saw 'PATCH /v2/push-breaks') times"
	push_to push-endless
	[ "$rc" -lt 126 ] || fail "it never ended: $(last)"
}

# A password that the helper does not take is in no file, and the registry was asked first whether it is one.
test_helper_fails_at_login() { # short
	registry_start --auth someone:secret
	mkdir -p "$T/helpers" "$HOME/.config/containers"
	printf '#!/bin/sh\necho "the keyring is locked"\nexit 1\n' >"$T/helpers/docker-credential-broken"
	chmod 755 "$T/helpers/docker-credential-broken"
	export PATH=$T/helpers:$PATH
	local helper file=$HOME/.config/containers/auth.json
	for helper in broken missing; do
		printf '{"credHelpers": {"%s": "%s"}}' "$REG" $helper >"$file"
		cp "$file" "$T/before"
		printf secret >"$T/password"
		run timeout 100 $HOY login -u someone --password-stdin "$REG" <"$T/password"
		assert_err E-AUTH-HELPER
		assert_bytes "$T/before" "$file"
		grep -rqs c29tZW9uZTpzZWNyZXQ= "$HOME" && fail 'the password is in a file'
	done
}

test_token_makes_no_header() { # short
	hostile_start
	refused E-REGISTRY-ANSWER bearer-injected
}

test_lying_digests_and_sizes() { # short
	hostile_start
	local mode
	for mode in announce chunked-short endless-blob wrong; do
		refused E-DIGEST-MISMATCH $mode
	done
	refused E-DIGEST-MISMATCH "wrong-manifest@$(hostile_digest big_manifest)"
	refused E-REGISTRY-ANSWER cut-badrange
	pull liar
	assert_ok
	run hoy image inspect --format '{{.Digest}}' "$HOSTILE/liar"
	assert_out "$(hostile_digest manifest)"
}

test_documents_of_two_kinds() { # short
	hostile_start
	local mode
	for mode in ambiguous disguised relabelled twice schema1 deep; do
		refused E-IMAGE-BAD $mode
	done
}

# Documents and headers without end: 4 MiB are read of a manifest, and what is kept of anything else is little.
test_endless_answers() { # short
	hostile_start
	local mode
	for mode in endless huge endless-headers; do
		refused E-REGISTRY-ANSWER $mode
	done
	refused E-REGISTRY-NO-IMAGE endless-error
	refused E-REGISTRY-REDIRECT loop
	[ "$(hostile_saw '/v2/loop/')" -le 17 ] || fail 'more than 16 redirects were followed'
	refused E-REGISTRY-UNREACHABLE cut-always
	[ "$(hostile_saw 'cut-always/blobs')" -le 40 ] || fail "asked again and again: $(hostile_saw cut-always)"
	refused E-REGISTRY-DENIED bearer-never
	[ "$(hostile_saw token)" -le 2 ] || fail 'asked for tokens again and again'
	refused E-REGISTRY-LIMIT limit-forever
}

# A byte a second, or nothing at all: given up after half a minute. All at once, because that is long.
test_slow_registries() {
	hostile_start
	local mode p pids=()
	for mode in silent slow slow-blob; do
		HOY_ROOT=$HOME/$mode timeout 50 $HOY pull -q "$HOSTILE/$mode" >"$T/out-$mode" 2>"$T/err-$mode" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p"
		assert_eq 125 $? 'status of a pull from a slow registry'
	done
	for mode in silent slow slow-blob; do
		grep -q E-REGISTRY-TIMEOUT "$T/err-$mode" || fail "$mode: $(cat "$T/err-$mode")"
	done
}

# Lists in pages: bounded, whatever the registry says, and without credentials for others.
test_endless_lists() { # short
	hostile_start
	run timeout 100 $HOY search --list-tags --limit 100000 "$HOSTILE/empty-tags"
	assert_ok
	assert_eq 1 "$(hostile_saw '/v2/empty-tags/')" 'pages without anything in them'
	run timeout 100 $HOY pull -q -a "$HOSTILE/endless-tags"
	assert_err E-REGISTRY-ANSWER 'does not end'
	[ "$(hostile_saw '/v2/endless-tags/')" -le 500 ] || fail "asked again and again: $(hostile_saw endless-tags)"
	nothing_came endless-tags
	run timeout 100 $HOY search "$HOSTILE/none"
	assert_ok
	[ "$(hostile_saw '_catalog')" -le 100 ] || fail "asked again and again: $(hostile_saw _catalog)"
	run timeout 100 $HOY search "$HOSTILE/endless"
	assert_err E-REGISTRY-ANSWER
	password "$HOSTILE"
	run timeout 100 $HOY search --list-tags "$HOSTILE/far-tags"
	assert_ok
	assert_eq 0 "$(hostile_saw '^other')" 'another host was asked for a page'
}

test_slow_lists() {
	hostile_start
	HOY_ROOT=$HOME/a timeout 100 $HOY search "$HOSTILE/slow" >"$T/out-search" 2>"$T/err-search" &
	local one=$!
	run timeout 100 $HOY search --list-tags "$HOSTILE/slow-tags"
	assert_err E-REGISTRY-TIMEOUT
	wait $one
	assert_eq 125 $? 'status of a slow search'
	grep -q E-REGISTRY-TIMEOUT "$T/err-search" || fail "$(cat "$T/err-search")"
}

test_escapes_in_searches() { # short
	hostile_start
	local o
	for o in --no-trunc --compatible '--format=table {{.Description}}'; do
		run timeout 60 $HOY search "$o" "$HOSTILE/escapes"
		assert_ok
		LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$T/out" && fail "an escape: $(last)"
		grep -q '^hoy: error' "$T/out" && fail "a forged line: $(last)"
	done
	run timeout 60 $HOY search --list-tags "$HOSTILE/three-pages"
	assert_ok
	LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$T/out" && fail "an escape: $(last)"
}

# A pull that waits for its registry holds up nobody.
test_slow_pull_holds_no_lock() { # short
	hostile_start
	timeout 110 $HOY pull -q "$HOSTILE/slow-blob" >/dev/null 2>&1 &
	local pid=$!
	wait_for file_has "$T/hostile/requests" slow-blob/blobs
	[ -f "$T_FIX/busybox.tar" ] || skip 'no fixture busybox'
	run timeout 20 $HOY load -q -i "$T_FIX/busybox.tar"
	assert_ok
	run timeout 20 $HOY run --rm busybox echo fine
	assert_out fine
	run timeout 20 $HOY pull -q "$HOSTILE/honest"
	assert_ok
	run timeout 20 $HOY rmi "$HOSTILE/honest"
	assert_ok
	gone $pid && fail 'the slow pull has ended already'
	kill -INT $pid
	wait $pid
}

# A small blob that unpacks to a lot, while it arrives.
test_bomb_over_the_wire() { # short rows=user,one
	registry_start
	python3 -B - "$(dirname "$0")/../fixtures" "$T/bomb.tar" <<-'P' || fail 'no bomb'
		import sys
		sys.path.insert(0, sys.argv[1])
		from image import *
		docker_archive(sys.argv[2], ["x"], [Layer().file("zeros", bytes(60 << 20)).bytes()], {})
	P
	local how
	for how in gzip zstd; do
		registry_push "$T/bomb.tar" bomb:$how --layer $how
		run timeout 60 $HOY pull -q --max-layer-size 20m "$REG/bomb:$how"
		assert_err E-LAYER-TOO-BIG
		assert_eq 0 "$(ls_count "$(store)/layers")" layers
		assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
	done
}

test_escapes_in_answers() { # short
	hostile_start
	refused E-REGISTRY-NO-IMAGE escapes
	assert_err_has 'MANIFEST_UNKNOWN'
	assert_err_has '\x1b'
	LC_ALL=C grep -q "$(printf '\342\200\256')" "$T/err" && fail 'a bidi override got through'
	:
}

test_web_pages() { # short
	hostile_start
	refused E-REGISTRY-ANSWER html
	assert_err_has 'web page'
	refused E-REGISTRY-ANSWER html-as-manifest
	refused E-REGISTRY-ANSWER no-http
}

run_tests "$@"
