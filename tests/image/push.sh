#!/bin/bash
# Pushing to real registries: what goes out, in which form, what is not sent again, and what others make of it.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

push() { run timeout 100 $HOY push -q "$@"; }
# saw REQUEST: how many requests the registry got whose line fits.
saw() { grep -c "^127.*\"$1" "$REG_DIR/log"; }
# raw NAME:TAG: the manifest in the registry.
raw() { curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$REG/v2/${1%:*}/manifests/${1##*:}" || fail "no manifest of $1"; }
field() { python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

test_what_was_pulled() { # short rows=user,root,one
	registry_start
	local kind form
	for kind in gzip zstd; do
		for form in '' --docker; do
			registry_push stop "a/$kind$form:1" --layer $kind $form
			run timeout 60 $HOY pull -q "$REG/a/$kind$form:1"
			assert_ok
			push --digestfile "$T/digest" "$REG/a/$kind$form:1" "$REG/b/$kind$form:2"
			assert_ok
			assert_eq "$DIGEST" "$(cat "$T/digest")" "digest of $kind $form"
			assert_eq "$DIGEST" "sha256:$(raw "b/$kind$form:2" | sha256sum | cut -d' ' -f1)" 'what is there'
		done
	done
	[ "$(saw 'POST /v2/b/.*mount=')" -ge 4 ] || fail 'nothing was taken over'
	assert_eq 0 "$(saw 'PATCH /v2/b/')" 'what was sent although another repository has it'
}

# One image in two forms: each name keeps the form that it was pulled in, and that goes out; inspect, images and save say the same.
test_two_forms_of_one_image() {
	local first last name want
	registry_start
	registry_push stop a/first:1 --layer gzip
	first=$DIGEST
	registry_push stop a/last:1 --layer zstd
	last=$DIGEST
	assert_ne "$first" "$last"
	for name in first last; do
		run timeout 60 $HOY pull -q "$REG/a/$name:1"
		assert_ok
	done
	assert_eq 1 "$(hoy images -q | sort -u | wc -l)" 'images'
	run hoy tag "$REG/a/last:1" "$REG/a/tagged:1"
	assert_ok
	run hoy system prune -f
	assert_ok
	for name in first last tagged; do
		want=$last
		[ $name != first ] || want=$first
		push --digestfile "$T/digest" "$REG/a/$name:1" "$REG/b/$name:1"
		assert_ok
		assert_eq "$want" "$(cat "$T/digest")" "digest of $name"
		assert_eq "$want" "sha256:$(raw "b/$name:1" | sha256sum | cut -d' ' -f1)" "what is there as $name"
		assert_eq "$want" "$(hoy image inspect --format '{{.Digest}}' "$REG/a/$name:1")" "inspect $name"
		assert_eq "$want" "$(hoy images --format '{{.Digest}}' --filter reference="$REG/a/$name:1")" "images $name"
		run hoy save --format oci-archive -o "$T/$name.tar" "$REG/a/$name:1"
		assert_ok
		tar -xOf "$T/$name.tar" index.json | grep -q "$want" || fail "save $name: $(tar -xOf "$T/$name.tar" index.json)"
	done
	run hoy save --format oci-archive -o "$T/both.tar" -m "$REG/a/first:1" "$REG/a/last:1"
	assert_ok
	assert_eq 2 "$(tar -xOf "$T/both.tar" index.json | grep -oE "$first|$last" | sort -u | wc -l)" 'both forms in one archive'
	run hoy image exists "$REG/a/last@$last"
	assert_ok
	# by id: the one that came first
	push --digestfile "$T/digest" "$(hoy images -q | head -1)" "$REG/c/id:1"
	assert_ok
	assert_eq "$first" "$(cat "$T/digest")" 'by id'
	run hoy system check
	assert_ok
	# a name that is given up takes its form with it, and no other
	run hoy rmi "$REG/a/first:1"
	assert_ok
	push --digestfile "$T/digest" "$REG/a/last:1" "$REG/d/last:1"
	assert_eq "$last" "$(cat "$T/digest")" 'after rmi of the other name'
	run timeout 60 $HOY pull -q "$REG/a/first:1"
	assert_ok
	push --digestfile "$T/digest" "$REG/a/first:1" "$REG/e/first:1"
	assert_eq "$first" "$(cat "$T/digest")" 'pulled again'
	# a manifest that is lost
	run hoy untag "$REG/a/tagged:1"
	rm "$(store)/blobs/sha256/${last#sha256:}"
	run hoy system check
	assert_rc 125
	assert_has "its manifest ${last:0:19} does not exist"
	run hoy system check --repair
	run hoy system check
	assert_ok
	run hoy rmi -f "$(hoy images -q | head -1)"
	assert_ok
	assert_eq 0 "$(find "$(store)/blobs/sha256" -type f | wc -l)" 'blobs that stay'
}

test_what_was_loaded() { # short rows=user,root,one
	registry_start
	load stop
	push stop "docker://$REG/team/stop"
	assert_ok
	assert_out ''
	assert_quiet
	assert_eq 'application/vnd.docker.image.rootfs.diff.tar.gzip' "$(raw team/stop:latest | field 'd["layers"][0]["mediaType"]')" 'a layer of what was loaded in docker'"'"'s form'
	local first second
	first=$(raw team/stop:latest | sha256sum)
	sleep 1.1
	push stop "$REG/again/stop"
	assert_ok
	second=$(raw again/stop:latest | sha256sum)
	assert_eq "$first" "$second" 'the same image is the same bytes'
	run hoy rmi -f stop
	run timeout 60 $HOY run --rm "$REG/team/stop" true
	assert_ok
	load stop
	push --format v2s2 stop "$REG/team/stop:docker"
	assert_ok
	assert_eq "$(raw team/stop:latest)" "$(raw team/stop:docker)"
	push --format oci stop "$REG/team/stop:oci"
	assert_ok
	assert_eq 'application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.layer.v1.tar+gzip' \
		"$(raw team/stop:oci | field 'd["mediaType"] + " " + d["layers"][0]["mediaType"]')"
	push --compression-format zstd --compression-level 12 stop "$REG/team/stop:zstd"
	assert_ok
	assert_eq 'application/vnd.oci.image.layer.v1.tar+zstd' "$(raw team/stop:zstd | field 'd["layers"][0]["mediaType"]')"
	push --format v2s2 --compression-format zstd stop "$REG/team/stop:no"
	assert_err E-USAGE
	run timeout 60 $HOY pull -q "$REG/team/stop:zstd"
	assert_ok
	push --compression-format gzip "$REG/team/stop:zstd" "$REG/team/stop:kept"
	assert_ok
	assert_eq "$(raw team/stop:zstd)" "$(raw team/stop:kept)"
	push --force-compression "$REG/team/stop:zstd" "$REG/team/stop:forced"
	assert_ok
	assert_eq 'application/vnd.oci.image.layer.v1.tar+gzip' "$(raw team/stop:forced | field 'd["layers"][0]["mediaType"]')"
}

# What is there is not sent, whatever the name.
test_only_what_is_missing() { # short
	registry_start
	load stop
	push stop "$REG/app:1"
	assert_ok
	local sent
	sent=$(saw PATCH)
	run timeout 60 $HOY push stop "$REG/app:2"
	assert_ok
	assert_eq "$sent" "$(saw PATCH)" 'uploads after the second push'
	assert_err_has "Pushing $REG/app:2"
	assert_err_has "Pushed $REG/app:2"
	hoy tag stop "$REG/app:3" || fail tag
	push "$REG/app:3"
	assert_ok
	raw app:3 >/dev/null
}

test_others_read_it() { # rows=user
	need skopeo
	registry_start --tls --auth someone:secret
	export SSL_CERT_FILE=$REG_DIR/certs/ca.crt
	load stop
	push --creds someone:wrong stop "$REG/app:1"
	assert_err E-REGISTRY-DENIED
	push stop "$REG/app:1"
	assert_err E-REGISTRY-DENIED 'hoy login'
	push --creds someone:secret stop "$REG/app:1"
	assert_ok
	run skopeo copy --src-creds someone:secret "docker://$REG/app:1" "dir:$T/copy"
	assert_ok
	push --creds someone:secret --format v2s2 stop "$REG/app:2"
	assert_ok
	run skopeo inspect --creds someone:secret "docker://$REG/app:2"
	assert_ok
	run skopeo copy --src-creds someone:secret "docker://$REG/app:2" "oci:$T/layout:x"
	assert_ok
	assert_eq "$(hoy inspect -f '{{.Id}}' stop | sed 's/sha256://')" "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["config"]["digest"][7:])' <"$T/copy/manifest.json")" 'the id'
}

test_tokens() { # short
	registry_tokens_start --auth someone:secret
	registry_start --token "http://$TOKENS/token"
	load stop
	push stop "$REG/app:1"
	assert_err E-REGISTRY-DENIED
	push --creds someone:secret stop "$REG/app:1"
	assert_ok
	printf secret | $HOY login -u someone --password-stdin "$REG" >/dev/null 2>&1 || fail login
	push stop "$REG/app:2"
	assert_ok
}

# This registry cannot go on with what it has of a piece that broke: it is begun anew.
test_connections_break() {
	registry_start
	need dd
	local dir=$T/big relay
	mkdir -p "$dir"
	dd if=/dev/urandom of="$dir/noise" bs=1M count=24 status=none
	run hoy import "$dir" localhost/big:1
	assert_ok
	python3 -B - "${REG##*:}" "$T/relay" <<-'E' &
		# Cuts each of the first three connections after 5 MiB of what the client sends.
		import socket, struct, sys, threading
		s = socket.create_server(("127.0.0.1", 0))
		open(sys.argv[2], "w").write(str(s.getsockname()[1]))
		cuts = [3]
		def pipe(a, b, limit):
		    n = 0
		    try:
		        while True:
		            d = a.recv(65536)
		            if not d:
		                break
		            b.sendall(d)
		            n += len(d)
		            if limit and n > 5 << 20 and cuts[0] > 0:
		                cuts[0] -= 1
		                break
		    except OSError:
		        pass
		    for x in (a, b):
		        try:
		            x.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		            x.shutdown(socket.SHUT_RD)
		            x.close()
		        except OSError:
		            pass
		while True:
		    c, _ = s.accept()
		    t = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    threading.Thread(target=pipe, args=(c, t, True), daemon=True).start()
		    threading.Thread(target=pipe, args=(t, c, False), daemon=True).start()
	E
	server $!
	wait_for test -s "$T/relay"
	relay=127.0.0.1:$(cat "$T/relay")
	push big:1 "$relay/big:1"
	assert_ok
	[ "$(saw 'PATCH .*big')" -ge 4 ] || fail "it was not cut: $(grep PATCH "$REG_DIR/log")"
	raw big:1 >/dev/null
	run hoy rmi -f big:1
	run timeout 60 $HOY pull -q "$REG/big:1"
	assert_ok
}

# One that keeps to the specification says what it has, and gets only the rest.
test_uploads_resume() { # short
	hostile_start
	mkdir -p "$T/big"
	head -c 6000000 /dev/urandom >"$T/big/noise"
	run hoy import "$T/big" localhost/big:1
	assert_ok
	push big:1 "$HOSTILE/push-resumes/x:1"
	assert_ok
	assert_eq 3 "$(hostile_saw 'cut')" 'broken pieces'
	assert_eq 1 "$(hostile_saw 'whole')" 'uploads that came whole'
}

# Killed in the middle: the registry shows nothing, the store is as it was, the next push goes on.
test_interrupted() {
	registry_start
	load stop
	local i
	for i in 1 2 3 4 5; do
		timeout -s KILL 0.0$i $HOY push -q stop "$REG/app:1" >/dev/null 2>&1
	done
	run hoy system check
	assert_ok
	push stop "$REG/app:1"
	assert_ok
	assert_eq 0 "$(ls_count "$(store)/tmp")" 'unfinished work'
}

test_as_docker() {
	registry_start
	load stop
	ln -s "$(command -v $HOY)" "$T/docker"
	hoy tag stop "$REG/team/app:1" "$REG/team/app:2" || fail tag
	run timeout 60 "$T/docker" push "$REG/team/app:1"
	assert_ok
	assert_match "^The push refers to repository \[$REG/team/app\]"
	assert_match '[0-9a-f]{12}: Pushed'
	assert_match '1: digest: sha256:[0-9a-f]{64} size: [0-9]+$'
	run timeout 60 "$T/docker" push -a "$REG/team/app"
	assert_ok
	assert_match '[0-9a-f]{12}: Layer already exists'
	assert_match '2: digest: sha256:'
	run timeout 60 "$T/docker" push -q "$REG/team/app:2"
	assert_out "$REG/team/app:2"
	run timeout 60 "$T/docker" push -a "$REG/other"
	assert_err E-IMAGE-UNKNOWN
}

test_wrong_words() { # short
	load stop
	push stop oci-archive:/tmp/x
	assert_err E-USAGE 'hoy save --format oci-archive'
	push stop dir:/tmp/x
	assert_err E-USAGE 'hoy save'
	push stop
	assert_err E-USAGE REGISTRY
	push nothing localhost:5000/x
	assert_err E-IMAGE-UNKNOWN
	push stop "localhost:5000/x@sha256:$(printf %064d 0)"
	assert_err E-REF
	push --format v2s1 stop localhost:5000/x
	assert_err E-USAGE
	push --compression-format xz stop localhost:5000/x
	assert_err E-USAGE
	push --compression-level 10 stop localhost:5000/x
	assert_err E-USAGE
	push --sign-by me stop localhost:5000/x
	assert_err E-USAGE cosign
	push --platform linux/s390x stop localhost:5000/x
	assert_err E-PLATFORM
	push stop "127.0.0.1:1/x"
	assert_err E-REGISTRY-UNREACHABLE
}

run_tests "$@"
