#!/bin/bash
# login and logout: what is asked, where credentials go, and that pull, podman and skopeo find them there.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

# login PASSWORD ARGUMENT...: from standard input.
login() {
	printf '%s\n' "$1" >"$T/password"
	shift
	run timeout 100 $HOY login --password-stdin "$@" <"$T/password"
}

# Where hoy keeps them if nothing else is said.
usual() { printf '%s\n' "$HOME/.config/containers/auth.json"; }

# kept FILE KEY USER:PASSWORD
kept() {
	local is
	is=$(python3 -c 'import json, sys, base64; print(base64.b64decode(json.load(open(sys.argv[1]))["auths"][sys.argv[2]]["auth"]).decode())' "$1" "$2") || fail "no $2 in $1: $(cat "$1")"
	assert_eq "$3" "$is" "what $1 has for $2"
	assert_eq 600 "$(stat -c %a "$1")" "mode of $1"
}

# helper NAME: a docker-credential-NAME in PATH, which keeps what it is told below $T/NAME.
helper() {
	mkdir -p "$T/bin" "$T/$1"
	cat >"$T/bin/docker-credential-$1" <<-E
		#!/usr/bin/python3 -I
		import json, os, sys
		d, verb, text = "$T/$1/", sys.argv[1], sys.stdin.read()
		name = lambda server: d + server.replace("/", "%")
		open(d + "../$1.calls", "a").write(verb + "\n")
		if verb == "store":
		    open(name(json.loads(text)["ServerURL"]), "w").write(text)
		elif verb == "list":
		    print(json.dumps({json.load(open(d + n))["ServerURL"]: json.load(open(d + n))["Username"] for n in os.listdir(d)}))
		elif not os.path.exists(name(text)):
		    print("credentials not found in native keychain")
		    sys.exit(1)
		elif verb == "get":
		    print(open(name(text)).read())
		else:
		    os.unlink(name(text))
	E
	chmod 755 "$T/bin/docker-credential-$1"
	case $PATH in $T/bin:*) ;; *) export PATH=$T/bin:$PATH ;; esac
}

test_login_and_logout() { # short
	registry_start --tls --auth 'someone:pass:word'
	registry_push busybox team/app:1
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	login not-this -u someone "$REG"
	assert_err E-LOGIN 'wrong user name or password'
	case $err in *not-this* | *someone*) fail "it is shown: $(last)" ;; esac
	[ ! -e "$(usual)" ] || fail "a refused password was stored: $(cat "$(usual)")"
	run hoy login --get-login "$REG"
	assert_err E-NOT-LOGGED-IN
	mkdir -p "$(dirname "$(usual)")"
	printf '{"other": {"a": [1, 2.5, null]}, "auths": {"quay.io": {"auth": "YTpi", "more": true}}}' >"$(usual)"
	login pass:word -u someone "$REG"
	assert_ok
	assert_out 'Login Succeeded!'
	assert_err_has "$(usual)"
	kept "$(usual)" "$REG" someone:pass:word
	assert_eq '{"a": [1, 2.5, null]} {"auth": "YTpi", "more": true}' "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); print(json.dumps(d["other"]), json.dumps(d["auths"]["quay.io"]))' "$(usual)")" 'what was in the file'
	assert_eq auth.json "$(ls -A "$(dirname "$(usual)")")" 'files beside it'
	run hoy login --get-login "$REG"
	assert_out someone
	run timeout 60 $HOY pull -q "$REG/team/app:1"
	assert_ok
	run hoy login "$REG"
	assert_ok
	assert_has 'Existing credentials are valid. Already logged in to'
	login wrong -u someone "$REG"
	assert_err E-LOGIN
	kept "$(usual)" "$REG" someone:pass:word
	run hoy logout "$REG"
	assert_ok
	assert_out "Removed login credentials for $REG"
	assert_err_has "$(usual)"
	case $(cat "$(usual)") in *"$REG"*) fail "still there: $(cat "$(usual)")" ;; *quay.io*) ;; *) fail 'quay.io is gone' ;; esac
	run hoy logout "$REG"
	assert_err E-NOT-LOGGED-IN
	run timeout 60 $HOY login -p pass:word -u someone "https://$REG/"
	assert_ok
	assert_err_has --password-stdin
	run hoy logout --all
	assert_ok
	case $(cat "$(usual)") in *quay.io*) fail "still there: $(cat "$(usual)")" ;; *other*) ;; *) fail 'the rest is gone' ;; esac
}

test_where() { # short rows=user,root,one
	registry_start --auth someone:secret
	local file
	login secret -u someone --authfile "$T/new/dir/auth.json" "$REG"
	assert_ok
	kept "$T/new/dir/auth.json" "$REG" someone:secret
	assert_eq 700 "$(stat -c %a "$T/new/dir")" 'mode of the directory'
	[ ! -e "$(usual)" ] || fail 'the usual file was made, too'
	run hoy login --authfile "$T/new/dir/auth.json" --get-login "$REG"
	assert_out someone
	REGISTRY_AUTH_FILE=$T/env.json login secret -u someone --verbose "$REG"
	assert_ok
	assert_has "Used: $T/env.json"
	kept "$T/env.json" "$REG" someone:secret
	login secret -u someone --compat-auth-file "$T/compat.json" "$REG/team"
	assert_ok
	kept "$T/compat.json" "$REG" someone:secret
	run hoy logout --compat-auth-file "$T/compat.json" "$REG"
	assert_ok
	login secret -u someone "$REG/team"
	assert_ok
	kept "$(usual)" "$REG/team" someone:secret
	rm "$(usual)"
	# where it is already, it is replaced; a link stays one
	for file in "$XDG_RUNTIME_DIR/containers/auth.json" "$HOME/.docker/config.json"; do
		mkdir -p "$(dirname "$file")"
		printf '{"auths": {"%s": {"auth": "YTpi"}}}' "$REG" >"$T/real.json"
		ln -s "$T/real.json" "$file"
		login secret -u someone "$REG"
		assert_ok
		[ -L "$file" ] || fail "$file is no link any more"
		kept "$T/real.json" "$REG" someone:secret
		run hoy logout "$REG"
		assert_ok
		rm "$file"
	done
	# else to what is read first
	printf '{}' >"$XDG_RUNTIME_DIR/containers/auth.json"
	login secret -u someone "$REG"
	assert_ok
	kept "$XDG_RUNTIME_DIR/containers/auth.json" "$REG" someone:secret
	printf '{"auths": ' >"$XDG_RUNTIME_DIR/containers/auth.json"
	login secret -u someone "$REG"
	assert_err E-AUTH-FILE containers/auth.json
	assert_eq '{"auths": ' "$(cat "$XDG_RUNTIME_DIR/containers/auth.json")" 'a broken file'
}

test_helper_programs() { # short
	registry_start --auth someone:secret
	helper mine
	mkdir -p "$HOME/.config/containers" "$HOME/.docker"
	printf '{"credHelpers": {"%s": "mine"}, "auths": {"%s": {"auth": "YTpi"}}}' "$REG" "$REG" >"$(usual)"
	login secret -u someone "$REG"
	assert_ok
	assert_err_has docker-credential-mine
	case $(cat "$(usual)") in *'"auth"'*) fail "in the file, too: $(cat "$(usual)")" ;; *credHelpers*) ;; *) fail 'credHelpers are gone' ;; esac
	assert_eq "{\"ServerURL\":\"$REG\",\"Username\":\"someone\",\"Secret\":\"secret\"}" "$(cat "$T/mine/$REG")"
	run hoy login "$REG"
	assert_ok
	run hoy logout "$REG"
	assert_ok
	assert_eq '' "$(ls "$T/mine")" 'what the helper has'
	rm "$(usual)"
	printf '{"credsStore": "mine"}' >"$HOME/.docker/config.json"
	login secret -u someone "$REG"
	assert_ok
	case $(tr -d ' \n' <"$HOME/.docker/config.json") in *"{\"$REG\":{}}"*) ;; *) fail "$(cat "$HOME/.docker/config.json")" ;; esac
	run hoy logout --all
	assert_out 'Not logged in'
	printf '{"credsStore": "mine"}' >"$(usual)"
	run hoy logout --all
	assert_ok
	assert_eq '' "$(ls "$T/mine")" 'what the helper has'
}

test_at_a_terminal() { # short
	registry_start --auth someone:secret
	run hoy login "$REG"
	assert_err E-USAGE --password-stdin
	run hoy login -u someone "$REG"
	assert_err E-USAGE --password-stdin
	run with_pty expect='Username: ' send='someone\n' expect='Password: ' send='wronf\x7f\x15secret\r' -- $HOY login "$REG"
	assert_ok
	assert_has 'Login Succeeded!'
	case $out in *secret*) fail "the password is shown: $(last)" ;; *someone*) ;; *) fail "the name is not shown: $(last)" ;; esac
	kept "$(usual)" "$REG" someone:secret
	printf '{"auths": {"%s": {"auth": "c29tZW9uZTpvbGQ="}}}' "$REG" >"$(usual)"
	run with_pty expect='invalid' expect='Username (someone): ' send='\n' expect='Password: ' send='secret\r' -- $HOY login "$REG"
	assert_ok
	kept "$(usual)" "$REG" someone:secret
	run with_pty expect='Password: ' send='x\x03' -- $HOY login -u someone "$REG"
	assert_rc 130
	run with_pty expect='Username' kill=15 expect='interrupted by SIGTERM' -- $HOY login --authfile "$T/none" "$REG"
	assert_rc 143
}

test_as_docker() {
	registry_start --auth someone:secret
	ln -s "$(command -v $HOY)" "$T/docker"
	printf 'secret' >"$T/password"
	run "$T/docker" login -u someone --password-stdin "$REG" <"$T/password"
	assert_ok
	assert_out 'Login Succeeded'
	kept "$HOME/.docker/config.json" "$REG" someone:secret
	run "$T/docker" logout "$REG"
	assert_ok
	assert_out "Removing login credentials for $REG"
	run "$T/docker" logout "$REG"
	assert_ok
	assert_out "Not logged in to $REG"
}

test_tokens() {
	registry_tokens_start --auth someone:secret
	registry_start --token "http://$TOKENS/token"
	login wrong -u someone "$REG"
	assert_err E-LOGIN
	login secret -u someone "$REG"
	assert_ok
	kept "$(usual)" "$REG" someone:secret
	registry_start
	login secret -u someone "$REG"
	assert_ok
	assert_err_has 'was not checked'
}

# The password from a secret of the store; without --username the secret's name is the user.
test_password_from_a_secret() {
	registry_start --auth someone:secret
	printf 'secret\n' | hoy secret create someone - >/dev/null || fail create
	head -c 100 /dev/zero | hoy secret create binary - >/dev/null || fail create
	run hoy login --secret someone "$REG"
	assert_ok
	kept "$(usual)" "$REG" someone:secret
	run hoy login --secret someone -u other "$REG"
	assert_err E-LOGIN 'wrong user name'
	run hoy login --secret binary -u someone "$REG"
	assert_err E-USAGE 'no password'
	kept "$(usual)" "$REG" someone:secret
}

test_wrong_words() { # short
	local name
	for name in word localhost '' 'a b.c' "a.b:1/x@y" 'UPPER/x' '../x.y'; do
		login secret -u someone -- "$name"
		assert_err E-USAGE 'is no registry'
	done
	login secret localhost:5000
	assert_err E-USAGE --username
	login secret -u someone -p secret localhost:5000
	assert_err E-USAGE
	run hoy login --secret x -p y localhost:5000
	assert_err E-USAGE 'no other'
	run hoy login --secret x localhost:5000
	assert_err E-SECRET-UNKNOWN x
	run hoy logout --all localhost:5000
	assert_err E-USAGE
	login secret -u a --authfile x --compat-auth-file y localhost:5000
	assert_err E-USAGE
}

# Many at once: no entry is lost, no file is half.
test_at_once() {
	registry_start --auth someone:secret
	local i pids=()
	printf 'secret' >"$T/password"
	for i in 1 2 3 4 5 6; do
		timeout 100 $HOY login -u someone --password-stdin "$REG/team$i" <"$T/password" >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do
		kept "$(usual)" "$REG/team$i" someone:secret
	done
}

# What hoy stores, the others find; what they stored, hoy takes away.
test_others_read_it() { # rows=user
	need skopeo
	registry_start --tls --auth someone:secret
	registry_push busybox app:1
	login secret -u someone --cert-dir "$REG_DIR/certs" --authfile "$T/auth.json" "$REG"
	assert_ok
	run skopeo inspect --authfile "$T/auth.json" --cert-dir "$REG_DIR/certs" "docker://$REG/app:1"
	assert_ok
	run skopeo login --authfile "$T/auth.json" --get-login "$REG"
	assert_out someone
	run skopeo login --authfile "$T/theirs.json" --cert-dir "$REG_DIR/certs" -u someone -p secret "$REG"
	assert_ok
	run hoy login --authfile "$T/theirs.json" --get-login "$REG"
	assert_out someone
	run hoy logout --authfile "$T/theirs.json" "$REG"
	assert_ok
	run skopeo login --authfile "$T/theirs.json" --get-login "$REG"
	[ "$rc" != 0 ] || fail "still logged in: $(last)"
}

run_tests "$@"
