#!/bin/bash
# Names and ids of images: what they may look like, how they are looked up, given and taken away, and what removing an image removes.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

test_tag_and_untag() { # short peer_ok
	load busybox
	local id
	id=$(id_of busybox)
	run hoy tag busybox app:v1 example.org:5000/team/app:v2
	assert_ok
	assert_eq "$id" "$(id_of app:v1)"
	assert_eq "$id" "$(id_of example.org:5000/team/app:v2)"
	run hoy untag busybox app:v1
	assert_ok
	run hoy image exists app:v1
	assert_rc 1
	run hoy image exists busybox
	assert_ok
	run hoy untag "$id"
	assert_ok
	run hoy image exists "$id"
	assert_ok
	run hoy image exists busybox
	assert_rc 1
}

test_tag_moves_a_name() { # peer_ok
	load busybox empty
	hoy tag busybox name:1 || fail tag
	hoy tag empty name:1 || fail tag
	assert_eq "$(id_of empty)" "$(id_of name:1)"
}

# localhost first, then docker.io, then whatever other registry has the name, if only one has it.
test_short_names() { # short
	load busybox empty scratch
	hoy tag busybox docker.io/library/thing || fail tag
	assert_eq "$(id_of busybox)" "$(id_of thing)"
	hoy tag empty localhost/thing || fail tag
	assert_eq "$(id_of empty)" "$(id_of thing)"
	assert_eq "$(id_of busybox)" "$(id_of docker.io/thing)"
	hoy tag scratch example.org/only/here:1 || fail tag
	assert_eq "$(id_of scratch)" "$(id_of only/here:1)"
	hoy tag busybox example.net/only/here:1 || fail tag
	run hoy image inspect -f '{{.Id}}' only/here:1
	assert_err E-IMAGE-AMBIGUOUS
	assert_err_has example.net/only/here:1
	run hoy image inspect -f '{{.Id}}' here:1
	assert_err E-IMAGE-UNKNOWN
}

test_ids_and_digests() { # short
	load busybox empty
	local id digest n
	id=$(id_of busybox)
	digest=$(hoy image inspect -f '{{.Digest}}' busybox)
	for n in 64 20 12; do
		assert_eq "$id" "$(id_of "${id:0:n}")" "the first $n digits"
		assert_eq "$id" "$(id_of "sha256:${id:0:n}")" "sha256: and the first $n digits"
	done
	assert_eq "$id" "$(id_of "$digest")" 'digest of the manifest'
	assert_eq "$id" "$(id_of "busybox@$digest")" 'name and digest'
	run hoy image exists "empty@$digest"
	assert_rc 1
	run hoy image exists "${id:0:20}0000"
	assert_rc 1
	# A name that looks like an id is a name.
	hoy tag empty "${id:0:6}" || fail tag
	assert_eq "$(id_of empty)" "$(id_of "${id:0:6}")" 'a name of hex digits'
}

test_ambiguous_id() {
	craft <<'P'
files, man = {}, []
layer = Layer().file("f", "x").bytes()
files["l"] = layer
for i in range(40):
    c = make_config([layer], {"Cmd": [str(i)]})
    files["c%d" % i] = c
    man.append({"Config": "c%d" % i, "RepoTags": None, "Layers": ["l"]})
files["manifest.json"] = json.dumps(man).encode()
archive("many", files)
P
	hoy load -q -i "$T/many.tar" >/dev/null || fail load
	# Of 40 ids, two begin with the same digit.
	local twice
	twice=$(hoy images -q | cut -c1 | sort | uniq -d | head -1)
	run hoy image inspect -f x "$twice"
	assert_err E-IMAGE-AMBIGUOUS
	run hoy rmi -f "$twice"
	assert_err E-IMAGE-AMBIGUOUS
	assert_eq 40 "$(hoy images -q | wc -l)"
}

test_bad_names() { # short
	load busybox
	listing >"$T/listing"
	local n
	for n in '' .. ../x a/../b /abs a//b Upper 'a b' $'a\nb' $'a\e[31mb' a: a:.. a:-x "a@sha256:ab" 'a;b' 'a$b' '*' \
		"$(printf 'x%.0s' {1..300})" "a:$(printf 'x%.0s' {1..129})" "$(printf 'a%.0s' {1..64})"; do
		run hoy tag busybox "$n"
		assert_err E-REF
		run hoy image inspect -f x "$n"
		case $n in aaaa*) assert_err E-IMAGE-UNKNOWN ;; *) assert_err E-REF ;; esac
	done
	for n in docker://busybox https://docker.io/library/busybox; do
		run hoy tag busybox "$n"
		assert_err E-REF "leave out ${n%%//*}//"
	done
	run hoy run --rm oci-archive:/tmp/x.tar
	assert_err E-REF 'hoy load -i'
	# All names are looked at before the first is given.
	run hoy tag busybox good 'Bad'
	assert_err E-REF
	listing | diff "$T/listing" - || fail 'a refused name left something'
}

test_unknown_with_the_nearest_name() { # short
	run hoy run --pull never helo
	assert_err E-IMAGE-UNKNOWN 'did you mean hello?'
	load busybox
	run hoy image inspect -f x busibox
	assert_err E-IMAGE-UNKNOWN
	assert_err_has 'did you mean busybox'
	run hoy image inspect nothing.like.it/at/all
	assert_rc 125
	assert_out '[]'
	run hoy tag nothing x
	assert_err E-IMAGE-UNKNOWN
	hoy tag busybox some/thing:1 || fail tag
	run hoy tag some/thnig:1 x
	assert_err E-IMAGE-UNKNOWN 'did you mean localhost/some/thing:1?'
	run hoy tag @host x
	assert_err E-IMAGE-UNKNOWN 'only run and create take them'
	run hoy untag busybox nothing
	assert_err E-IMAGE-UNKNOWN
}

# A damaged config of its image is no reason to take a container's layers away.
test_layers_of_a_container_stay() { # short rows=user,root,one
	untidy
	load busybox layers127
	local s id
	s=$(store) id=$(hoy image inspect -f '{{.Id}}' busybox)
	hoy run --name c --network none busybox true || fail run
	hoy untag busybox || fail untag
	rm "$s/images/$id" "$s/blobs/sha256/$id"
	hoy rmi layers127 >/dev/null || fail rmi
	run hoy start -a c
	assert_ok
}

test_rmi_statuses() { # peer_ok short
	load busybox
	run hoy rmi nope
	assert_rc 1
	run hoy rmi -f nope
	assert_ok
	hoy create --name user busybox true >/dev/null || fail create
	run hoy rmi busybox
	assert_rc 2
	run hoy rmi nope busybox
	assert_ne 0 "$rc"
	run hoy image exists busybox
	assert_ok
	hoy rm user >/dev/null || fail rm
	run hoy rmi busybox
	assert_ok
	assert_has 'Untagged: localhost/busybox:latest'
	assert_has 'Deleted: '
}

test_rmi_of_several_names() { # short peer_ok
	load busybox
	hoy tag busybox two || fail tag
	local id
	id=$(id_of busybox)
	run hoy rmi "$id"
	assert_ne 0 "$rc"
	run hoy rmi two
	assert_ok
	assert_has 'Untagged: localhost/two:latest'
	assert_lacks Deleted
	run hoy image exists busybox
	assert_ok
	hoy tag busybox two || fail tag
	run hoy rmi -f "$id"
	assert_ok
	run hoy images -q
	assert_out ''
}

test_rmi_leaves_nothing() { # short rows=user,root,one
	[ -d "$(store)" ] || mkdir -p "$(store)"
	load twotags
	listing | grep -v 'layers/\|blobs/\|names/\|images/[0-9a-f]' >"$T/empty"
	load busybox oci-plain docker-legacy
	hoy tag busybox x y z || fail tag
	run hoy rmi --all
	assert_ok
	wait_for tidy
	listing | diff "$T/empty" - || fail 'rmi --all left something'
	[ -z "$(find "$(store)/names" -mindepth 1)" ] || fail 'empty directories of names stayed'
	clean
}
tidy() { [ "$(ls_count "$(store)/tmp")" = 0 ]; }

test_rmi_force_takes_containers() { # peer_ok rows=user,root,one
	load busybox
	hoy run -d --name running busybox sleep 1000 >/dev/null || fail run
	hoy create --name made busybox true >/dev/null || fail create
	run hoy rmi -f busybox
	assert_ok
	run hoy inspect running
	assert_ne 0 "$rc"
	run hoy inspect made
	assert_ne 0 "$rc"
}

test_images_table() { # short
	load busybox
	hoy tag busybox docker.io/library/two:x || fail tag
	local id
	id=$(id_of busybox)
	run hoy images --sort repository
	assert_match 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE'
	assert_match "docker.io/library/two +x +${id:0:12} +[0-9]+ years? ago +[0-9.]+ MB"
	assert_eq 3 "$(printf '%s\n' "$out" | wc -l)"
	run hoy images -n busybox
	assert_eq 1 "$(printf '%s\n' "$out" | wc -l)"
	run hoy images -q
	assert_out "${id:0:12}"
	run hoy images -q --no-trunc
	assert_out "sha256:$id"
	run hoy images --digests -n busybox
	assert_has "$(hoy image inspect -f '{{.Digest}}' busybox)"
	run hoy images --format '{{.Repository}}:{{.Tag}} {{.ID}}' busybox
	assert_out "localhost/busybox:latest ${id:0:12}"
	ln -s "$(command -v "${HOY%% *}")" "$T/docker"
	run "$T/docker" images --format '{{.Repository}}:{{.Tag}}' two
	assert_out two:x
	run "$T/docker" tag busybox three
	assert_ok
	run hoy image exists docker.io/library/three
	assert_ok
}

test_images_json_and_filters() { # short
	load busybox empty cfg-labels
	hoy untag empty || fail untag
	run hoy images --format json
	printf '%s' "$out" | python3 -c '
import json, sys
l = json.load(sys.stdin)
assert len(l) == 3, l
n = {x["Names"][0] if x["Names"] else "": x for x in l}
assert n[""]["Dangling"] is True
assert n["localhost/busybox:latest"]["Size"] > 1000000
assert len(n["localhost/busybox:latest"]["Id"]) == 64
assert n["localhost/busybox:latest"]["CreatedAt"] == "2023-11-14T22:13:20Z"
assert n["localhost/busybox:latest"]["Created"] == 1700000000' || fail "json: $(last)"
	assert_eq 1 "$(hoy images -q -f dangling=true | wc -l)" dangling
	assert_eq 2 "$(hoy images -q -f dangling=false | wc -l)" 'not dangling'
	assert_eq localhost/busybox:latest "$(hoy images -f reference='busy*' --format '{{.Repository}}:{{.Tag}}')" reference
	hoy tag busybox some/thing:1 || fail tag
	assert_eq localhost/some/thing:1 "$(hoy images --format '{{.Repository}}:{{.Tag}}' some/thing)" 'without registry'
	assert_eq localhost/some/thing:1 "$(hoy images --format '{{.Repository}}:{{.Tag}}' some/thing:1)" 'without registry, with tag'
	local label
	label=$(hoy image inspect -f '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{"\n"}}{{end}}' cfg-labels | head -1)
	assert_eq localhost/cfg-labels:latest "$(hoy images -f "label=$label" --format '{{.Repository}}:{{.Tag}}')" label
	assert_eq '' "$(hoy images -q -f "label=${label%%=*}=other")" 'other label'
	run hoy images -f nope=1
	assert_err E-USAGE
	run hoy images -f dangling=maybe
	assert_err E-USAGE
	run hoy images -f before=nope
	assert_err E-IMAGE-UNKNOWN
}

# A store that is missing, and one that cannot be written, can be looked at.
test_looking_needs_nothing() {
	run hoy images -q
	assert_ok
	assert_out ''
	run hoy image exists busybox
	assert_rc 1
	load busybox
	chmod -R a-w "$(store)"
	run hoy images -q
	local status=$rc
	chmod -R u+w "$(store)"
	assert_eq 0 $status 'a store without the right to write'
}

test_hello() { # short
	run hoy run --rm hello
	assert_ok
	assert_has 'Hello from hoy'
	[ "$(du -s --apparent-size -k "$(store)/layers" | cut -f1)" -lt 64 ] || fail 'hello is large'
	run hoy image inspect -f '{{.RepoTags}}' hello
	assert_out '[localhost/hello:latest]'
	hoy rmi hello >/dev/null || fail rmi
	run hoy image exists hello
	assert_rc 1
	# An image of that name hides it.
	load busybox
	hoy tag busybox hello || fail tag
	run hoy run --rm hello echo mine
	assert_out mine
	clean
}

# As podman prints it; layers that two images share are told of both.
test_tree() { # short
	load busybox
	hoy run --name c --network none busybox sh -c 'echo x >/x' || fail run
	hoy commit -q c child >/dev/null || fail commit
	hoy rm c >/dev/null
	run hoy image tree child
	assert_ok
	assert_match '^Image ID: [0-9a-f]{12}
Tags:     \[localhost/child:latest\]
Size:     [0-9.]+[kM]?B
Image Layers
├── ID: [0-9a-f]{12} Size: +[0-9.]+[kM]?B Top Layer of: \[localhost/busybox:latest\]
└── ID: [0-9a-f]{12} Size: +[0-9.]+[kM]?B Top Layer of: \[localhost/child:latest\]$'
	run hoy image tree --whatrequires busybox
	assert_ok
	assert_match 'Image Layers
└── ID: [0-9a-f]{12} Size: +[0-9.]+[kM]?B Top Layer of: \[localhost/busybox:latest\]
    └── ID: [0-9a-f]{12} Size: +[0-9.]+[kM]?B Top Layer of: \[localhost/child:latest\]$'
	run hoy image tree busybox
	assert_ok
	assert_has busybox
	assert_lacks child
	run hoy image tree nothing
	assert_err E-IMAGE-UNKNOWN
}

test_rmi_by_platform() { # short
	load busybox
	run hoy rmi --platform linux/s390x busybox
	assert_err E-PLATFORM
	run hoy rmi --platform nonsense/x/y/z busybox
	assert_err E-USAGE
	run hoy rmi --platform linux/s390x --platform linux/amd64 busybox
	assert_ok
	assert_has 'Untagged: localhost/busybox:latest'
}

test_no_signatures() { # short
	local c
	for c in 'image trust show' 'image trust' 'image sign x'; do
		# shellcheck disable=SC2086
		run hoy $c
		assert_err E-ABSENT cosign
	done
}

run_tests "$@"
