#!/bin/bash
# registries.conf and policy.json: mirrors, other locations, short names, what is blocked, and what a policy lets in.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

pull() { run timeout 100 $HOY pull -q "$@"; }
forget() { hoy rmi -f "$1" >/dev/null || fail "rmi $1"; }

# conf: registries.conf of this test's user, from stdin; nothing else says anything.
conf() {
	mkdir -p "$HOME/.config/containers"
	cat >"$HOME/.config/containers/registries.conf"
}
policy() {
	mkdir -p "$HOME/.config/containers"
	printf '%s\n' "$1" >"$HOME/.config/containers/policy.json"
}

# asked DIR PATTERN: how many requests of that registry fit.
asked() { grep -c -- "$2" "$1/log"; }

test_mirrors_in_order() { # short peer_ok
	registry_start
	registry_push busybox library/small:1
	registry_push stop hub/team/app:2
	local app=$DIGEST first=$REG first_dir=$REG_DIR
	registry_start
	registry_push busybox team/app:2
	registry_push busybox team/second:1
	conf <<-X
		[[registry]]
		location = "docker.io"
		[[registry.mirror]]
		location = "127.0.0.1:1"
		insecure = true
		[[registry.mirror]]
		location = "$first/hub"
		insecure = true
		[[registry.mirror]]
		location = "$first"
		insecure = true
		[[registry.mirror]]
		location = "$REG"
		insecure = true
	X
	pull docker.io/team/app:2
	assert_ok
	assert_eq 0 "$(asked "$REG_DIR" 'GET /v2/team/app')" 'requests to the last mirror'
	run hoy image inspect -f '{{.RepoTags}} {{.RepoDigests}}' docker.io/team/app:2
	assert_out "[docker.io/team/app:2] [docker.io/team/app@$app]"
	pull docker.io/library/small:1
	assert_ok
	pull docker.io/team/second:1
	assert_ok
	[ "$(asked "$first_dir" 'GET /v2/team/second/manifests')" = 1 ] || is_peer || fail 'the mirrors are not asked in order'
	run hoy images --format '{{.Repository}}'
	assert_eq 'docker.io/library/small docker.io/team/app docker.io/team/second' "$(sort "$T/out" | paste -sd' ')"
	is_peer && return
	run hoy run --rm team/app:2 true
	run hoy rmi -a -f
	pull small:1
	assert_ok
	run hoy run --rm team/second:1 echo runs
	assert_out runs
}

test_what_each_said() { # short
	registry_start
	registry_push busybox other:1
	local full=$REG
	registry_start --auth someone:secret
	conf <<-X
		[[registry]]
		location = "127.0.0.1:1"
		[[registry.mirror]]
		location = "$full"
		[[registry.mirror]]
		location = "$REG"
		[[registry.mirror]]
		location = "127.0.0.1:2"
	X
	pull 127.0.0.1:1/app:1
	assert_err E-REGISTRY-UNREACHABLE 'its mirrors:'
	assert_err_has "$full: the registry has no such image"
	assert_err_has "$REG: the registry denies access"
	assert_err_has '127.0.0.1:2:'
}

# A mirror that does not answer is asked once by a command, not for each image; but those that are pulled at once cannot know yet.
test_dead_mirror_once() { # short
	registry_start
	local log=$T/dead.log port name
	for name in one two three four five; do registry_push busybox $name:1; done
	python3 - "$log" <<-'X' &
		import socket, sys
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(8)
		log = open(sys.argv[1], "w", buffering=1)
		print("listening on 127.0.0.1:%d" % s.getsockname()[1], file=log)
		open_ones = []
		while True:
		    open_ones.append(s.accept())
		    print("accepted", file=log)
	X
	server $!
	port=$(registry_address "$log")
	conf <<-X
		[[registry]]
		location = "$REG"
		[[registry.mirror]]
		location = "$port"
	X
	pull --parallel 1 "$REG/one:1" "$REG/two:1" "$REG/three:1"
	assert_ok
	assert_eq 3 "$(wc -l <"$T/out")" images
	[ "$(grep -c accepted "$log")" -le 2 ] || fail "asked $(grep -c accepted "$log") times" # with TLS, and without
	rm "$(store)/dead-mirrors"
	: >"$log"
	pull --parallel 2 "$REG/one:1" "$REG/two:1" "$REG/three:1" "$REG/four:1" "$REG/five:1"
	assert_ok
	[ "$(grep -c accepted "$log")" -le 4 ] || fail "two at once asked $(grep -c accepted "$log") times"
}

test_credentials_stay() { # short
	registry_start --auth mirror:one
	registry_push busybox app:1
	local mirror=$REG
	registry_start --auth primary:two
	registry_push busybox app:1
	conf <<-X
		[[registry]]
		location = "$REG"
		[[registry.mirror]]
		location = "$mirror"
	X
	mkdir -p "$HOME/.docker"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$mirror" "$(printf mirror:one | base64)" >"$HOME/.docker/config.json"
	pull "$REG/app:1"
	assert_ok
	grep -q 'GET /v2/app/manifests/1' "$REG_DIR/log" && fail 'the registry was asked, and not its mirror'
	forget "$REG/app:1"
	# --creds are for the name's own registry, and the mirror has none then
	rm "$HOME/.docker/config.json"
	pull --creds primary:two "$REG/app:1"
	assert_ok
	pull --creds mirror:one "$REG/app:1"
	assert_err E-REGISTRY-DENIED
}

test_by_digest_only() { # short peer_ok
	registry_start
	registry_push busybox app:1
	local mirror=$REG mirror_dir=$REG_DIR d=$DIGEST
	registry_start
	registry_push busybox app:1
	conf <<-X
		[[registry]]
		location = "$REG"
		insecure = true
		mirror-by-digest-only = true
		[[registry.mirror]]
		location = "$mirror"
		insecure = true
	X
	pull "$REG/app:1"
	assert_ok
	assert_eq 0 "$(asked "$mirror_dir" 'GET /v2/app/')" 'requests to the mirror, by tag'
	forget "$REG/app:1"
	pull "$REG/app@$d"
	assert_ok
	assert_ne 0 "$(asked "$mirror_dir" 'GET /v2/app/')" 'requests to the mirror, by digest'
}

test_location_and_insecure() { # short peer_ok
	registry_start
	registry_push busybox deep/team/app:1
	local port=${REG##*:}
	conf <<-X
		[[registry]]
		prefix = "*.far.test"
		location = "0.0.0.0:$port/deep"
		insecure = true
		[[registry]]
		prefix = "blocked.far.test"
		location = "blocked.far.test"
		blocked = true
	X
	pull a.far.test/team/app:1
	assert_ok
	run hoy images --format '{{.Repository}}:{{.Tag}}'
	assert_out a.far.test/team/app:1
	pull blocked.far.test/team/app:1
	assert_err E-REGISTRY-BLOCKED blocked.far.test
	is_peer || assert_err_has registries.conf
	run hoy run --rm blocked.far.test/team/app:1 true
	assert_err E-REGISTRY-BLOCKED
	pull --tls-verify=true a.far.test/team/app:1
	assert_err E-TLS
}

test_short_names() { # short
	registry_start
	registry_push busybox second:1
	local first=$REG
	registry_start
	registry_push busybox team/thing:latest
	registry_push stop second:1
	conf <<-X
		unqualified-search-registries = ["127.0.0.1:1", "$REG", "$first"]
		[aliases]
		thing = "$REG/team/thing"
	X
	run hoy run --rm thing echo alias
	assert_out alias
	run hoy images --format '{{.Repository}}:{{.Tag}}'
	assert_out "$REG/team/thing:latest"
	run hoy image inspect -f '{{.RepoTags}}' thing
	assert_out "[$REG/team/thing:latest]"
	run hoy rmi thing
	assert_ok
	pull second:1
	assert_ok
	run hoy images --format '{{.Repository}}'
	assert_out "$REG/second"
	pull nowhere:1
	assert_err E-SHORT-NAME "$first/nowhere:1"
	assert_err_has "$REG/nowhere:1"
	assert_err_has 127.0.0.1:1/nowhere:1
	conf <<-X
		unqualified-search-registries = ["$REG", "$first"]
		short-name-mode = "enforcing"
	X
	local before
	before=$(asked "$REG_DIR" /nowhere/)
	pull nowhere:1
	assert_err E-SHORT-NAME "$REG/nowhere:1, $first/nowhere:1"
	assert_eq $before "$(asked "$REG_DIR" /nowhere/)" 'requests for an ambiguous name'
	echo 'short-name-mode = ' | conf
	pull "$REG/team/thing"
	assert_err E-REGISTRIES-CONF 'registries.conf:1:19'
}

test_files() { # short rows=user,root,one
	registry_start
	registry_push busybox app:1
	local port=${REG##*:}
	conf <<-X
		[[registry]]
		location = "x.test"
		blocked = true
	X
	mkdir -p "$HOME/.config/containers/registries.conf.d"
	printf '[[registry]]\nprefix = "x.test"\nlocation = "%s"\n' "$REG" >"$HOME/.config/containers/registries.conf.d/50.conf"
	pull x.test/app:1
	assert_ok
	printf '[[registry]]\nprefix = "x.test"\nlocation = "%s/no"\n' "$REG" >"$T/named.conf"
	CONTAINERS_REGISTRIES_CONF=$T/named.conf CONTAINERS_REGISTRIES_CONF_DIR=$T/none pull x.test/app:1
	assert_err E-REGISTRY-NO-IMAGE no/app
	mkdir -p "$T/xdg/containers"
	printf '[[registry]]\nlocation = "x.test"\nblocked = true\n' >"$T/xdg/containers/registries.conf"
	XDG_CONFIG_HOME=$T/xdg CONTAINERS_REGISTRIES_CONF_DIR=$T/none pull x.test/app:1
	assert_err E-REGISTRY-BLOCKED "$T/xdg/containers/registries.conf"
	printf '[registries.search]\nregistries = ["a.test"]\n' | conf
	pull x.test/app:1
	assert_err E-REGISTRIES-CONF 'first version'
	assert_err_has unqualified-search-registries
}

test_info() { # short peer_ok rows=user,root,one
	conf <<-X
		unqualified-search-registries = ["a.test", "docker.io"]
		[[registry]]
		location = "b.test"
		insecure = true
		[[registry.mirror]]
		location = "c.test"
	X
	run hoy info --format '{{.Registries.search}} {{json .Registries}}'
	assert_ok
	assert_has '[a.test docker.io]'
	assert_has '"search":["a.test","docker.io"]'
	assert_has '"b.test":{"Prefix":"b.test","Location":"b.test","Insecure":true'
	assert_has '{"Location":"c.test","Insecure":false,"PullFromMirror":""}'
	is_peer && return
	echo broken | conf
	run hoy info
	assert_ok
	assert_has E-REGISTRIES-CONF
}

test_policy() { # short peer_ok rows=user,root,one
	registry_start
	registry_push busybox in/app:1
	registry_push busybox out/app:1
	registry_push busybox signed/app:1
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" | conf
	policy "{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": {\"$REG/in\": [{\"type\": \"insecureAcceptAnything\"}],
		\"$REG/signed\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"/dev/null\"}]}}}"
	pull "$REG/in/app:1"
	assert_ok
	pull "$REG/out/app:1"
	assert_err E-POLICY 'policy.json'
	pull "$REG/signed/app:1"
	assert_err E-POLICY signature
	run hoy run --rm "$REG/signed/app:1" true
	assert_err E-POLICY
	run hoy images --format '{{.Repository}}'
	assert_out "$REG/in/app"
	policy '{"default": ['
	pull "$REG/in/app:1"
	assert_err E-POLICY-FILE policy.json
	is_peer && return
	assert_eq 0 "$(asked "$REG_DIR" 'GET /v2/out/')" 'requests for what is rejected'
	assert_eq 0 "$(asked "$REG_DIR" 'GET /v2/signed/')" 'requests for what must be signed'
}

# What is said of a registry holds for whoever writes to it, too.
test_push_and_login() { # short
	registry_start --tls --auth someone:secret
	load stop
	login() { run timeout 60 $HOY login -u someone --password-stdin "$1" <<<secret; }
	run timeout 60 $HOY push -q --creds someone:secret stop "$REG/app:1"
	assert_err E-TLS
	login "$REG"
	assert_err E-TLS
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" | conf
	login "$REG"
	assert_ok
	run timeout 60 $HOY push -q stop "$REG/app:1"
	assert_ok
	run timeout 60 $HOY manifest create list "$REG/app:1"
	assert_ok
	run timeout 60 $HOY manifest push -q list "$REG/app:list"
	assert_ok
	run timeout 60 $HOY pull -q -a "$REG/app"
	assert_ok
	printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$REG" | conf
	local c
	for c in "push -q stop $REG/app:2" "manifest push -q list $REG/app:list" "manifest inspect --remote $REG/app:list" "manifest add list docker://$REG/app:1" \
		"search $REG/app" "pull -q -a $REG/app"; do
		# shellcheck disable=SC2086
		run timeout 60 $HOY $c
		assert_err E-REGISTRY-BLOCKED
	done
	login "$REG"
	assert_err E-REGISTRY-BLOCKED
}

# A mirror that does not answer costs its seconds once, not once for each command.
test_dead_mirror_is_remembered() { # short
	registry_start
	registry_push stop app:1
	local port
	port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
	conf <<-X
		[[registry]]
		location = "$REG"
		insecure = true
		[[registry.mirror]]
		location = "127.0.0.1:$port"
		insecure = true
	X
	pull "$REG/app:1"
	assert_ok
	python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
open(sys.argv[2], "w").close()
while True:
    s.accept()[0].close()
    open(sys.argv[2], "a").write("asked\n")' "$port" "$T/asked-mirror" &
	server $!
	wait_for test -e "$T/asked-mirror"
	pull "$REG/app:1"
	assert_ok
	assert_eq '' "$(cat "$T/asked-mirror")" 'a mirror that was dead a moment ago'
	# some seconds later
	sed -i 's/^[0-9]*/1/' "$(store)/dead-mirrors"
	pull "$REG/app:1"
	assert_ok
	[ -s "$T/asked-mirror" ] || fail 'it is never asked again'
	# what no clock can mean
	echo "99999999999 127.0.0.1:$port" >"$(store)/dead-mirrors"
	: >"$T/asked-mirror"
	pull "$REG/app:1"
	assert_ok
	[ -s "$T/asked-mirror" ] || fail 'a time far ahead is believed'
}

# Archives have policies of their own, as transports; a directory stands for all that lies in it.
test_policy_of_files() { # short
	mkdir -p "$T/in/x" "$T/elsewhere" "$T/tree"
	echo 1 >"$T/tree/f"
	cp "$T_FIX/oci-plain.tar" "$T/in/x/oci.tar"
	cp "$T_FIX/oci-plain.tar" "$T/elsewhere/oci.tar"
	policy '{"default": [{"type": "reject"}]}'
	run hoy load -q -i "$T_FIX/busybox.tar"
	assert_err E-POLICY 'policy.json'
	run hoy load -q <"$T_FIX/busybox.tar"
	assert_err E-POLICY 'standard input'
	run hoy import "$T/tree"
	assert_err E-POLICY
	assert_eq '' "$(hoy images -q)"
	policy "{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker-archive\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]},
		\"oci-archive\": {\"$T/in\": [{\"type\": \"insecureAcceptAnything\"}]}, \"tarball\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]}}}"
	run hoy load -q -i "$T_FIX/busybox.tar"
	assert_ok
	run hoy load -q -i "$T/in/x/oci.tar"
	assert_ok
	run hoy load -q -i "$T/elsewhere/oci.tar"
	assert_err E-POLICY
	run hoy import "$T/tree"
	assert_ok
	policy '{"default": ['
	run hoy load -q -i "$T_FIX/busybox.tar"
	assert_err E-POLICY-FILE
}

run_tests "$@"
