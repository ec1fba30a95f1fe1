#!/bin/bash
# Pulling from a real registry: names, kinds of images and layers, platforms, what is recorded, going on after cuts and kills, and what it costs.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

# pulled: it prints one id.
pulled() {
	assert_ok
	assert_match '^[0-9a-f]{64}$'
}

test_by_tag() { # short rows=user,root,one
	registry_start
	registry_push busybox team/app:1
	run hoy pull "$REG/team/app:1"
	pulled
	local id=$out
	assert_err_has "Pulled $REG/team/app:1: 1 layer"
	assert_eq "$id" "$(id_of "$REG/team/app:1")"
	run hoy run --rm "$REG/team/app:1" echo it runs
	assert_out 'it runs'
	run hoy image inspect -f '{{.RepoTags}} {{.RepoDigests}}' "$id"
	assert_out "[$REG/team/app:1] [$REG/team/app@$DIGEST]"
	run hoy images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}'
	assert_out "$REG/team/app 1 $DIGEST"
	run hoy run --rm "$REG/team/app@$DIGEST" echo by digest
	assert_out 'by digest'
	clean
	# the tag latest, and the short form of a name that is here
	registry_push stop team/app
	registry_do push team/app:latest "$T_FIX/stop.tar"
	run hoy pull -q "$REG/team/app"
	pulled
	assert_quiet
	assert_ne "$id" "$out"
	run hoy pull -q team/app
	pulled
	run hoy pull -q team/app:1 "$REG/team/app"
	assert_ok
	assert_eq 2 "$(grep -c '^[0-9a-f]\{64\}$' "$T/out")" 'ids'
	clean
}

test_by_digest() {
	registry_start
	registry_push busybox team/app:1
	run hoy pull "$REG/team/app@$DIGEST"
	pulled
	run hoy image inspect -f '{{.RepoTags}} {{.RepoDigests}}' "$REG/team/app@$DIGEST"
	assert_out "[] [$REG/team/app@$DIGEST]"
	run hoy images --format '{{.Repository}}:{{.Tag}}'
	assert_out "$REG/team/app:<none>"
	# of tag and digest, the digest counts
	run hoy pull "$REG/team/app:other@$DIGEST"
	pulled
	assert_eq '<none>' "$(hoy images --format '{{.Tag}}')"
	registry_stop
	run hoy pull "$REG/team/app@$DIGEST"
	pulled
	run hoy run --rm "$REG/team/app@$DIGEST" echo offline
	assert_out offline
	run hoy pull "$REG/team/app:1"
	assert_err E-REGISTRY-UNREACHABLE
	run hoy rmi "$REG/team/app@$DIGEST"
	assert_ok
	assert_eq '' "$(hoy images -q)"
	clean
}

test_kinds() { # rows=user,root,one
	need zstd
	registry_start
	local k
	for k in gzip zstd plain; do
		registry_push stop "$k/app:1" --layer "$k"
		registry_push stop "$k/docker:1" --layer "$k" --docker
		run hoy pull "$REG/$k/app:1"
		pulled
		run hoy pull "$REG/$k/docker:1"
		pulled
	done
	registry_push stop untyped:1 --untyped
	run hoy pull "$REG/untyped:1"
	pulled
	assert_eq 1 "$(hoy images -q | sort -u | wc -l)" 'one image by all ways'
	assert_eq 2 "$(ls_count "$(store)/layers")" "and its layers once"
	run hoy run --rm "$REG/zstd/app:1" /stop/probe
	clean
}

test_platforms() {
	local a v6 v7 multi
	registry_start
	registry_push busybox app
	a=$DIGEST
	registry_push stop app --platform linux/arm/v6
	v6=$DIGEST
	registry_push scratch app --platform linux/arm/v7
	v7=$DIGEST
	registry_index app:multi linux/amd64="$a" linux/arm/v6="$v6" linux/arm/v7="$v7"
	multi=$DIGEST
	run hoy pull --platform linux/arm/v6 "$REG/app:multi"
	pulled
	assert_eq "linux/arm/v6" "$(hoy image inspect -f '{{.Os}}/{{.Architecture}}/{{.Variant}}' "$out")"
	run hoy pull --arch arm --variant v8 "$REG/app:multi"
	pulled
	assert_eq v7 "$(hoy image inspect -f '{{.Variant}}' "$out")"
	run hoy pull --platform linux/riscv64 "$REG/app:multi"
	assert_err E-PLATFORM 'it has: linux/amd64, linux/arm/v6, linux/arm/v7'
	run hoy pull --platform linux/arm64 "$REG/app@$a"
	assert_err E-PLATFORM 'is for linux/amd64 only'
	if [ "$(uname -m)" = x86_64 ]; then
		run hoy pull "$REG/app:multi"
		pulled
		# the digest of the index finds it, without the registry
		run hoy image inspect -f '{{range .RepoDigests}}{{.}} {{end}}' "$REG/app:multi"
		assert_has "$REG/app@$multi"
		assert_has "$REG/app@$a"
		registry_stop
		run hoy run --rm "$REG/app@$multi" uname -m
		assert_out x86_64
	fi
	run hoy pull --platform linux/amd64 --os linux x
	assert_err E-USAGE
	run hoy pull --platform 'a b' x
	assert_err E-USAGE
	clean
}

test_run_pulls() { # short
	registry_start
	registry_push busybox team/app:1
	run hoy run --rm --pull never "$REG/team/app:1" echo no
	assert_err E-IMAGE-UNKNOWN
	run hoy run --rm "$REG/team/app:1" echo only this
	assert_out 'only this'
	assert_err_has "Pulling $REG/team/app:1"
	run hoy run --rm "$REG/team/app:1" echo again
	assert_out again
	assert_quiet
	registry_push stop team/app:1
	run hoy run --rm "$REG/team/app:1" echo old
	assert_out old
	run hoy run --rm -q --pull newer "$REG/team/app:1" /stop/probe
	assert_quiet
	registry_stop
	run hoy create --pull newer "$REG/team/app:1" /stop/probe
	assert_ok
	assert_err_has 'hoy: warning: '
	run hoy create --pull always "$REG/team/app:1" /stop/probe
	assert_err E-REGISTRY-UNREACHABLE
	run hoy run --pull sometimes "$REG/team/app:1" x
	assert_err E-USAGE
	# a digest that is nowhere, in an environment like cron's
	run env -i HOME="$HOME" HOY_ROOT="$HOY_ROOT" "$(command -v "$HOY")" run --rm "$REG/team/new:1"
	assert_err E-REGISTRY-UNREACHABLE
}

test_policies() {
	registry_start
	registry_push busybox app:1
	run hoy pull --policy never "$REG/app:1"
	assert_err E-IMAGE-UNKNOWN
	run hoy pull --policy missing "$REG/app:1"
	pulled
	local id=$out
	registry_stop
	run hoy pull --policy missing "$REG/app:1"
	assert_out "$id"
	assert_quiet
	run hoy pull --policy newer "$REG/app:1"
	assert_out "$id"
	run hoy pull --policy never "$REG/app:1"
	assert_out "$id"
	run hoy pull --policy always "$REG/app:1"
	assert_err E-REGISTRY-UNREACHABLE
	run hoy pull --policy bad "$REG/app:1"
	assert_err E-USAGE
}

test_what_stays_here() {
	load busybox
	local id
	id=$(id_of busybox)
	run hoy pull localhost/busybox
	assert_err E-IMAGE-UNKNOWN 'localhost/ are known here only'
	run hoy pull busybox
	assert_err E-IMAGE-UNKNOWN 'localhost/ are known here only'
	run hoy pull localhost/busibox
	assert_err E-IMAGE-UNKNOWN 'localhost/ are known here only'
	assert_err_has 'did you mean localhost/busybox?'
	# a registry whose name nobody knows: what is here under the same name is told
	run timeout 30 $HOY pull registry.invalid/library/busybox
	assert_err E-REGISTRY-UNREACHABLE 'cannot be resolved'
	assert_err_has 'localhost/busybox:latest is here'
	run timeout 30 $HOY pull registry.invalid/library/busybox:other
	assert_err E-REGISTRY-UNREACHABLE
	case $err in *' is here'*) fail "another tag is offered: $err" ;; esac
	run hoy pull "$id"
	assert_err E-IMAGE-UNKNOWN 'ids are known here only'
	run hoy pull "sha256:$id"
	assert_err E-IMAGE-UNKNOWN 'ids are known here only'
	run hoy run --rm 0123456789abcdef
	assert_err E-IMAGE-UNKNOWN 'ids are known here only'
	run hoy pull @host
	assert_err E-IMAGE-UNKNOWN
}

# The system's CAs are looked up by the hashes of their names, where there are such links: the whole bundle is not read.
test_ca_by_hash() { # rows=user
	need strace openssl
	[ "$(find /etc/ssl/certs -name '????????.0' | wc -l)" -ge 30 ] || skip 'no hashed directory of CAs'
	registry_start --tls
	registry_push busybox app:1
	cp -rL /etc/ssl/certs "$T/certs"
	chmod -R u+w "$T/certs"
	cp "$REG_CA" "$T/certs/$(openssl x509 -hash -noout -in "$REG_CA").0"
	run hoy pull --tls-verify "$REG/app:1"
	assert_err E-TLS
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount sh -c 'mount --bind "$1" /etc/ssl/certs && exec strace -f -e trace=openat -o "$2" $HOY pull -q --tls-verify "$3"' sh "$T/certs" "$T/trace" "$REG/app:1"
	assert_ok
	grep 'ca-certificates.crt.* = [0-9]' "$T/trace" && fail 'the whole bundle was read'
	:
}

test_dockers_lines() {
	registry_start
	registry_push busybox app:latest
	ln -s "$(command -v "$HOY")" "$T/docker"
	run "$T/docker" pull "$REG/app"
	assert_out "Using default tag: latest
latest: Pulling from app
Digest: $DIGEST
Status: Downloaded newer image for $REG/app:latest
$REG/app:latest"
	assert_quiet
	run "$T/docker" pull "$REG/app"
	assert_has "Status: Image is up to date for $REG/app:latest"
	run "$T/docker" pull -q "$REG/app:latest"
	assert_out "$REG/app:latest"
	assert_quiet
}

# With the last tag of a repository its names by digest go, while other names keep the image.
test_rmi_of_the_last_tag_takes_digests_along() { # short rows=user,root,one
	registry_start
	registry_push busybox a/one:1
	registry_push busybox a/one:2
	for i in one:1 one:2; do
		run timeout 60 $HOY pull -q "$REG/a/$i"
		assert_ok
	done
	run hoy tag "$REG/a/one:1" keep:1
	run hoy rmi "$REG/a/one:1"
	assert_ok
	run hoy image inspect --format '{{.RepoDigests}}' keep:1
	assert_has "$REG/a/one@"
	run as_docker rmi "$REG/a/one:2"
	assert_out "Untagged: $REG/a/one:2
Untagged: $REG/a/one@$DIGEST"
	run hoy image inspect --format '{{.RepoTags}} {{.RepoDigests}}' keep:1
	assert_has '[localhost/keep:1] [localhost/keep@'
	assert_lacks "$REG"
	clean
}

run_tests "$@"
