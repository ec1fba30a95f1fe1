#!/bin/bash
# The registry that other tests pull from: it starts, takes images of every kind, gives them back to a client that is not ours, and ends.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

# raw REF: the manifest as skopeo gets it.
raw() {
	local verify=false
	[ -z "$REG_CA" ] || verify=true
	skopeo inspect --raw --cert-dir "$REG_DIR/certs" ${REG_AUTH:+--creds "$REG_AUTH"} --tls-verify=$verify "docker://$REG/$1"
}

test_images_come_back() { # rows=user
	need skopeo zstd
	local a b
	registry_start
	registry_push stop team/app:1 --layer zstd --layer plain
	run raw team/app:1
	assert_ok
	assert_eq "$DIGEST" "sha256:$(sha256sum <"$T/out" | cut -d' ' -f1)" 'the digest of what came back'
	assert_match 'tar\+zstd.*layer\.v1\.tar"'
	registry_push busybox team/app:2 --docker
	run raw team/app:2
	assert_has 'image.rootfs.diff.tar.gzip'
	registry_push busybox team/app --platform linux/arm64/v8
	a=$DIGEST
	registry_push busybox team/app
	b=$DIGEST
	registry_index team/app:multi linux/arm64/v8="$a" linux/amd64="$b"
	run raw team/app:multi
	assert_has '"variant": "v8"'
	run skopeo copy -q --src-tls-verify=false "docker://$REG/team/app:multi" "oci:$T/copy:1"
	assert_ok
	registry_stop
	registry_run
	run raw team/app:1
	assert_ok
}

test_tls_and_password() { # rows=user
	need skopeo
	registry_start --tls --auth 'someone:pass word'
	registry_push busybox app:1
	run raw app:1
	assert_ok
	REG_AUTH=someone:wrong
	run raw app:1
	[ "$rc" != 0 ] || fail "a wrong password was taken: $(last)"
}

test_bearer_tokens() { # rows=user
	need skopeo
	registry_tokens_start --auth 'someone:secret'
	registry_start --token "http://$TOKENS/token"
	REG_AUTH=someone:secret
	registry_push busybox app:1
	run raw app:1
	assert_ok
	REG_AUTH=''
	run raw app:1
	[ "$rc" != 0 ] || fail "no token was needed: $(last)"
}

run_tests "$@"
