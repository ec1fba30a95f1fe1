#!/bin/bash
# Searching registries: a real one's catalog, an index that answers searches, tags; what registries.conf says; pulling all tags.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

search() { run timeout 60 $HOY search "$@"; }
# conf: registries.conf from stdin.
conf() {
	mkdir -p "$HOME/.config/containers"
	cat >"$HOME/.config/containers/registries.conf"
}

# docker-registry has no search: its catalog is looked through.
test_catalog() { # short
	registry_start
	registry_push stop team/app:1
	registry_push stop team/other:1
	registry_push stop app:2
	search "$REG/app"
	assert_ok
	assert_eq "$REG/app $REG/team/app NAME" "$(awk '{ print $1 }' <<<"$out" | LC_ALL=C sort | xargs)"
	search "$REG/"
	assert_eq 4 "$(wc -l <<<"$out")" 'lines of all that is there'
	search "$REG/app" --limit 1 --format '{{.Index}} {{.Name}}'
	assert_out "$REG $REG/app"
	search "$REG/nothing" --format json
	assert_ok
	assert_eq '[]' "$(tr -d ' \n' <<<"$out")"
	search "$REG/team/app" --format json
	assert_has "\"Name\": \"$REG/team/app\""
	assert_has "\"Index\": \"$REG\""
	search 127.0.0.1:1/x
	assert_err E-REGISTRY-UNREACHABLE
}

test_catalog_of_those_who_log_in() { # short
	registry_start --tls --auth someone:secret
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	registry_push stop team/app:1
	search "$REG/app"
	assert_err E-REGISTRY-DENIED
	search --creds someone:secret "$REG/app"
	assert_has "$REG/team/app"
	search --creds someone:secret --list-tags "$REG/team/app"
	assert_match "$REG/team/app +1"
	printf secret | $HOY login -u someone --password-stdin "$REG" >/dev/null 2>&1 || fail login
	search "$REG/app"
	assert_has "$REG/team/app"
}

test_tags() { # short
	registry_start
	local i
	for i in 1 2 latest; do registry_push stop "team/app:$i"; done
	search --list-tags "$REG/team/app"
	assert_ok
	assert_match '^NAME +TAG'
	assert_eq "$REG/team/app 1 $REG/team/app 2 $REG/team/app latest" "$(sed 1d <<<"$out" | sort | xargs)"
	search --list-tags --limit 2 --format '{{.Tag}}' "$REG/team/app"
	assert_eq 2 "$(wc -l <<<"$out")" 'tags'
	search --list-tags --format json "$REG/team/app"
	assert_eq "[['$REG/team/app', ['1', '2', 'latest']]]" "$(python3 -c 'import json, sys; print([[x["Name"], sorted(x["Tags"])] for x in json.load(sys.stdin)])' <<<"$out")"
	search --list-tags "$REG/team/none"
	assert_err E-REGISTRY-NO-IMAGE
	search --list-tags "$REG/team/app:1"
	assert_err E-USAGE 'has no tag'
	search --list-tags --filter stars=1 "$REG/team/app"
	assert_err E-USAGE
	hostile_start
	search --list-tags "$HOSTILE/three-pages" --format '{{.Tag}}'
	assert_out '0-a
0-b
1-a
1-b
2-a
2-b'
}

# docker's index protocol, as docker.io speaks it.
test_index() { # short
	hostile_start
	search "$HOSTILE/word"
	assert_ok
	assert_match "^NAME +DESCRIPTION"
	assert_match "$HOSTILE/library/word +made of word"
	assert_has 'a description that is too long for one line ...'
	assert_lacks passwd
	search --no-trunc --compatible "$HOSTILE/word"
	assert_has 'table, by far'
	assert_match 'STARS +OFFICIAL +AUTOMATED'
	assert_match 'made of word +20 +\[OK\]'
	local f
	for f in stars=4 is-official=true is-automated=false,stars=10; do
		# shellcheck disable=SC2046
		search $(printf -- '--filter %s ' ${f//,/ }) --format '{{.Name}}' "$HOSTILE/word"
		assert_out "$HOSTILE/library/word"
	done
	search --filter is-automated --format '{{.Name}}{{.Stars}}' "$HOSTILE/word"
	assert_out "$HOSTILE/user/auto1"
	search --limit 1 --format '{{.Name}}' "$HOSTILE/word"
	assert_out "$HOSTILE/library/word"
	hostile_saw '/v1/search?q=word&n=1 ' >/dev/null || fail 'the limit was not passed on'
	search --format '{{.Nope}}' "$HOSTILE/word"
	assert_err E-FORMAT
	search "$HOSTILE/a b&c"
	assert_ok
	[ "$(hostile_saw 'q=a%20b%26c&n=25')" -ge 1 ] || fail "the word was not escaped: $(cat "$T/hostile/requests")"
}

test_as_docker() { # short
	hostile_start
	run as_docker search "$HOSTILE/word"
	assert_match '^NAME +DESCRIPTION +STARS +OFFICIAL'
	run as_docker search --format json "$HOSTILE/word"
	assert_eq "{\"Description\":\"made of word\",\"IsAutomated\":\"false\",\"IsOfficial\":\"true\",\"Name\":\"$HOSTILE/library/word\",\"StarCount\":\"20\"}" "$(head -1 "$T/out")"
}

test_registries_conf() { # short
	registry_start
	registry_push stop team/app:1
	local first=$REG
	hostile_start
	conf <<-X
		unqualified-search-registries = ["$first", "127.0.0.1:1", "$HOSTILE"]
	X
	search app --format '{{.Index}} {{.Name}}'
	assert_rc 125
	assert_has "$first $first/team/app"
	assert_has "$HOSTILE $HOSTILE/library/app"
	assert_err_has E-REGISTRY-UNREACHABLE
	search --list-tags team/app --format '{{.Name}} {{.Tag}}'
	assert_out "$first/team/app 1"
	# elsewhere, blocked, with a mirror
	conf <<-X
		[[registry]]
		prefix = "one.test"
		location = "$first"
		insecure = true
		[[registry]]
		prefix = "two.test"
		blocked = true
		location = "two.test"
		[[registry]]
		location = "127.0.0.1:1"
		[[registry.mirror]]
		location = "$first"
		insecure = true
	X
	search one.test/app --format '{{.Name}}'
	assert_out one.test/team/app
	search two.test/app
	assert_err E-REGISTRY-BLOCKED
	search 127.0.0.1:1/app --format '{{.Name}}'
	assert_out 127.0.0.1:1/team/app
	search --list-tags 127.0.0.1:1/team/app --format '{{.Name}} {{.Tag}}'
	assert_out '127.0.0.1:1/team/app 1'
	search --list-tags two.test/app
	assert_err E-REGISTRY-BLOCKED
}

test_wrong_words() { # short
	search ''
	assert_err E-USAGE
	search --limit 101 127.0.0.1:1/x
	assert_err E-USAGE list-tags
	search --filter owner=me 127.0.0.1:1/x
	assert_err E-USAGE is-official
	search --filter stars=x 127.0.0.1:1/x
	assert_err E-USAGE
}

test_pull_all_tags() { # short
	registry_start
	local i
	for i in 1 2; do registry_push stop "team/app:$i"; done
	registry_push busybox team/app:busy
	run timeout 100 $HOY pull -q --all-tags "$REG/team/app"
	assert_ok
	assert_eq 3 "$(grep -c '^[0-9a-f]\{64\}$' "$T/out")" ids
	assert_eq '1 2 busy' "$(hoy images --format '{{.Tag}}' "$REG/team/app" | sort | xargs)"
	run timeout 100 $HOY pull -q -a "$REG/team/app:1"
	assert_err E-USAGE 'no tag'
	run timeout 100 $HOY pull -q -a "$REG/team/none"
	assert_err E-REGISTRY-NO-IMAGE
	run timeout 100 $HOY pull -q -a localhost/x
	assert_err E-IMAGE-UNKNOWN
	run as_docker pull -a "$REG/team/app"
	assert_ok
	assert_eq 3 "$(grep -c 'Pulling from team/app' "$T/out")"
	run hoy system check
	assert_ok
	# one that cannot be had does not keep the others away
	run hoy rmi -f -a
	rm -rf "$REG_DIR/data/docker/registry/v2/repositories/team/app/_manifests/tags/1/current"
	run timeout 100 $HOY pull -q -a "$REG/team/app"
	assert_eq '2 busy' "$(hoy images --format '{{.Tag}}' "$REG/team/app" | sort | xargs)"
}

run_tests "$@"
