#!/bin/bash
# Manifest lists: made, shown, changed, pushed; what skopeo and podman make of them, and hoy of theirs.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

man() { run timeout 60 $HOY manifest "$@"; }
# index NAME:TAG: the index in the registry.
index() { curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' -H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' "http://$REG/v2/${1%:*}/manifests/${1##*:}" || fail "no index $1"; }
field() { python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }
# shown EXPRESSION: of what inspect prints.
shown() { field "$1" <"$T/out"; }

test_life() { # short rows=user,root,one
	load stop busybox
	man create app
	assert_ok
	assert_match '^[0-9a-f]{64}$'
	man create app
	assert_err E-LIST-EXISTS amend
	man create --amend --annotation a=b app
	assert_ok
	man exists app
	assert_ok
	man exists localhost/app:latest
	assert_ok
	man exists other
	assert_rc 1
	assert_quiet
	man ls
	assert_out localhost/app:latest
	man add app stop
	assert_ok
	man add --arch arm64 --variant v8 --annotation c=d --os-version 7 --features f1,f2 --os-features g app localhost/busybox
	assert_ok
	man add app stop # again: the same member
	assert_ok
	man inspect app
	assert_ok
	assert_eq 'application/vnd.oci.image.index.v1+json 2' "$(shown 'd["mediaType"] + " %d" % len(d["manifests"])')"
	assert_eq "{'a': 'b'}" "$(shown 'd["annotations"]')"
	assert_eq "amd64 linux $(hoy image inspect -f '{{.Digest}}' stop)" "$(shown '"%(architecture)s %(os)s " % d["manifests"][0]["platform"] + d["manifests"][0]["digest"]')"
	assert_eq "['7', 'arm64', 'f1,f2', 'g', 'linux', 'v8'] {'c': 'd'}" \
		"$(shown 'str(sorted(",".join(x) if type(x) is list else x for x in d["manifests"][1]["platform"].values())) + " " + str(d["manifests"][1]["annotations"])')"
	man annotate --arch riscv64 app busybox
	assert_ok
	man annotate --index --annotation e=f app
	assert_ok
	man inspect app
	assert_eq riscv64 "$(shown 'd["manifests"][1]["platform"]["architecture"]')"
	assert_eq "{'a': 'b', 'e': 'f'}" "$(shown 'd["annotations"]')"
	man annotate --arch x app "sha256:$(printf %064d 0)"
	assert_err E-LIST-MEMBER inspect
	man annotate --arch x app
	assert_err E-USAGE
	man remove app "$(hoy image inspect -f '{{.Digest}}' stop)"
	assert_ok
	man inspect app
	assert_eq 1 "$(shown 'len(d["manifests"])')" members
	man rm app other
	assert_rc 1
	assert_has 'Untagged: localhost/app:latest'
	assert_err_has E-LIST-UNKNOWN
	man rm -i app
	assert_ok
	man add app stop
	assert_err E-LIST-UNKNOWN 'manifest create'
	man create app nothing
	assert_rc 125
	man exists app
	assert_rc 1
	run hoy system check
	assert_ok
}

# arm: busybox for arm64, as localhost/arm.
arm() {
	registry_push busybox arm:1 --platform linux/arm64
	timeout 60 $HOY pull -q --platform linux/arm64 "$REG/arm:1" >/dev/null 2>&1 || fail 'pull for arm64'
	hoy tag "$REG/arm:1" arm && hoy rmi "$REG/arm:1" >/dev/null || fail tag
}

test_push() { # short
	registry_start
	load stop
	arm
	man create app stop
	man add app arm
	man push -q --digestfile "$T/digest" app "$REG/team/app:1"
	assert_ok
	assert_out ''
	assert_quiet
	assert_eq "$(cat "$T/digest")" "sha256:$(index team/app:1 | sha256sum | cut -d' ' -f1)"
	assert_eq 'linux/amd64 linux/arm64' "$(index team/app:1 | field '" ".join("%(os)s/%(architecture)s" % m["platform"] for m in d["manifests"])')"
	run timeout 60 $HOY pull -q "$REG/team/app:1"
	assert_out "$(hoy image inspect -f '{{.Id}}' stop)"
	run timeout 60 $HOY pull -q --platform linux/arm64 "$REG/team/app:1"
	assert_out "$(hoy image inspect -f '{{.Id}}' arm)"
	# again: the same bytes
	man push -q --digestfile "$T/again" app "docker://$REG/team/app:2"
	assert_bytes "$T/digest" "$T/again"
	man inspect "$REG/team/app:1"
	assert_eq 2 "$(shown 'len(d["manifests"])')"
	# in the other form
	man push -q --format oci app "$REG/team/oci:1"
	assert_ok
	assert_eq "application/vnd.oci.image.index.v1+json ['application/vnd.oci.image.manifest.v1+json']" "$(index team/oci:1 | field 'd["mediaType"] + " " + str(sorted({m["mediaType"] for m in d["manifests"]}))')"
	man push -q --rm --format v2s2 app "$REG/team/docker:1"
	assert_ok
	assert_eq "application/vnd.docker.distribution.manifest.list.v2+json ['application/vnd.docker.distribution.manifest.v2+json']" "$(index team/docker:1 | field 'd["mediaType"] + " " + str(sorted({m["mediaType"] for m in d["manifests"]}))')"
	man exists app
	assert_rc 1
	assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
}

# Members that are not here: taken over within a registry, copied between two; nothing of them is stored.
test_members_of_registries() { # short
	registry_start
	registry_push stop one/multi:x
	local one=$DIGEST first=$REG first_dir=$REG_DIR
	registry_push busybox one/multi:y --platform linux/arm64
	local two=$DIGEST
	registry_index one/multi:1 linux/amd64="$one" linux/arm64="$two"
	man create --all app "$REG/one/multi:1"
	assert_ok
	man inspect app
	assert_eq "$one $two" "$(shown '" ".join(m["digest"] for m in d["manifests"])')"
	man push -q app "$REG/two/app:1"
	assert_ok
	assert_eq 0 "$(grep -c '"PATCH /v2/two/' "$REG_DIR/log")" 'pieces sent although another repository has them'
	assert_eq "$one $two" "$(index two/app:1 | field '" ".join(m["digest"] for m in d["manifests"])')"
	# one of them
	man create mine
	man add --arch arm64 mine "docker://$REG/one/multi:1"
	man add mine "$REG/one/multi:x"
	man inspect mine
	assert_eq "$two $one" "$(shown '" ".join(m["digest"] for m in d["manifests"])')"
	assert_eq "arm64 amd64" "$(shown '" ".join(m["platform"]["architecture"] for m in d["manifests"])')"
	# to another registry
	registry_start
	man push -q mine "$REG/far/app:1"
	assert_ok
	assert_eq "$two $one" "$(index far/app:1 | field '" ".join(m["digest"] for m in d["manifests"])')"
	assert_eq 0 "$(ls_count "$(store)/layers")" 'layers in the store'
	run timeout 60 $HOY run --rm "$REG/far/app:1" true
	assert_ok
	# the list alone: the registry must have them
	man push -q --all=false mine "$REG/far/app:2"
	assert_ok
	man push -q --all=false mine "$REG/none/app:2"
	assert_rc 125
	man push -q mine "$first/one/list:1"
	assert_ok
	[ "$(grep -c '"PATCH /v2/one/' "$first_dir/log")" -le 8 ] || fail 'what was there was sent'
}

test_image_is_gone() { # short
	registry_start
	load stop
	man create app stop
	hoy rmi -f stop >/dev/null || fail rmi
	man push -q app "$REG/app:1"
	assert_err E-IMAGE-UNKNOWN 'no more here'
	load stop
	man push -q app "$REG/app:1"
	assert_ok
}

test_others_read_it() { # rows=user
	need skopeo
	registry_start
	load stop
	arm
	man create app stop
	man add --annotation a=b app arm
	man push -q app "$REG/team/app:1"
	run skopeo inspect --tls-verify=false --raw "docker://$REG/team/app:1"
	assert_ok
	run skopeo copy --all --src-tls-verify=false "docker://$REG/team/app:1" "oci:$T/layout:x"
	assert_ok
	run skopeo copy --all --src-tls-verify=false --dest-tls-verify=false "docker://$REG/team/app:1" "docker://$REG/copy/app:1"
	assert_ok
	man push -q --format v2s2 app "$REG/team/docker:1"
	run skopeo copy --all --src-tls-verify=false --dest-tls-verify=false "docker://$REG/team/docker:1" "docker://$REG/copy/docker:1"
	assert_ok
	run hoy rmi -f -a
	run timeout 60 $HOY pull -q --platform linux/arm64 "$REG/copy/docker:1"
	assert_ok
	man inspect "$REG/copy/app:1"
	assert_ok
	run skopeo inspect --tls-verify=false --raw "docker://$REG/team/docker:1"
	assert_eq 2 "$(shown 'len(d["manifests"])')"
}

test_as_docker() { # short
	registry_start
	registry_push stop app:1
	local one=$DIGEST
	registry_push busybox app:2
	run as_docker manifest create "$REG/app:list" "$REG/app:1" "$REG/app:2"
	assert_out "Created manifest list $REG/app:list"
	run as_docker manifest annotate --arch arm --variant v7 "$REG/app:list" "$REG/app:2"
	assert_ok
	assert_out ''
	run as_docker manifest inspect "$REG/app:list"
	assert_eq "arm v7" "$(shown '"%(architecture)s %(variant)s" % d["manifests"][1]["platform"]')"
	run as_docker manifest push -p "$REG/app:list"
	assert_out "sha256:$(index app:list | sha256sum | cut -d' ' -f1)"
	run as_docker manifest inspect -v "$REG/app:list"
	assert_eq "$REG/app@$one" "$(shown 'd[0]["Ref"]')"
	assert_eq 2 "$(shown 'd[0]["OCIManifest"]["schemaVersion"]')"
	run as_docker manifest rm "$REG/app:list"
	assert_rc 1
}

test_wrong_words() { # short
	load stop
	man create a:b:c
	assert_err E-REF
	man create --annotation x app
	assert_err E-USAGE KEY=VALUE
	man create app oci:/tmp/x
	assert_err E-USAGE 'hoy load'
	man create app
	man add --artifact app stop
	assert_err E-ABSENT
	man add --artifact-type x app stop
	assert_err E-ABSENT
	man push --add-compression zstd app localhost:5000/x
	assert_err E-USAGE
	man push app
	assert_err E-USAGE registry
	man push app oci-archive:/tmp/x
	assert_err E-USAGE
	man push --sign-by me app localhost:5000/x
	assert_err E-USAGE cosign
	man inspect 127.0.0.1:1/x
	assert_err E-REGISTRY-UNREACHABLE
}

# Lists stand among the images, as podman shows them, and rmi takes them away.
test_lists_among_images() {
	load busybox
	run hoy manifest create mine:1 busybox
	assert_ok
	local id
	id=$(hoy images --format '{{.ID}}' --filter reference=mine)
	run hoy images --format '{{.Repository}}:{{.Tag}}'
	assert_has localhost/mine:1
	assert_has localhost/busybox:latest
	run hoy images --format json
	assert_eq "True ['localhost/mine:1']" "$(printf '%s' "$out" | python3 -c 'import json, sys; d = [i for i in json.load(sys.stdin) if i.get("IsManifestList")]; print(len(d) == 1, d[0]["Names"])')"
	[ "$(hoy images -q | wc -l)" = 2 ] || fail 'images -q'
	run hoy images --filter dangling=true -q
	assert_out ''
	run as_docker images --format '{{.Repository}}'
	assert_lacks mine
	run hoy image prune -af
	assert_ok
	run hoy images -q
	assert_out "$id"
	run hoy rmi "$id"
	assert_ok
	assert_has 'Untagged: localhost/mine:1'
	run hoy manifest exists mine:1
	assert_rc 1
	run hoy manifest create other
	run hoy rmi other
	assert_ok
	run hoy images -q
	assert_out ''
}

# Whoever changes one list at the same time as others loses nothing.
test_at_once() { # short rows=user,root,one
	load stop
	man create app
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		timeout 60 $HOY manifest annotate --index --annotation "k$i=$i" app >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	man inspect app
	assert_eq 8 "$(shown 'len(d["annotations"])')" annotations
}

run_tests "$@"
