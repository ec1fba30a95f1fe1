#!/bin/bash
# What comes out of a build: files, archives, pushed images, manifest lists.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

context() {
	mkdir -p "$T/c"
	printf '%s\n' 'FROM busybox AS base' 'RUN mkdir -m 755 /d && echo deep >/d/f && chown 5:6 /d/f && ln -s f /d/l && chmod 4755 /d/f' \
		'FROM scratch' 'COPY --from=base /d /d' 'COPY top /' 'CMD ["/d/f"]' >"$T/c/Dockerfile"
	echo top >"$T/c/top"
}

test_files() { # short rows=user,root,one
	load busybox
	context
	run hoy build -q -o "$T/new/out" "$T/c"
	assert_ok
	assert_out ''
	assert_eq deep "$(cat "$T/new/out/d/f")"
	assert_eq f "$(readlink "$T/new/out/d/l")"
	assert_eq "$(id -u) 755" "$(stat -c '%u %a' "$T/new/out/d/f")"
	echo mine >"$T/new/out/own"
	echo old >"$T/new/out/top"
	run hoy build -q -o "type=local,dest=$T/new/out" "$T/c"
	assert_ok
	assert_eq 'mine top' "$(cat "$T/new/out/own") $(cat "$T/new/out/top")"
	hoy build -q -o - "$T/c" >"$T/t.tar" || fail '-o -'
	assert_eq "d/ d/f d/l top" "$(tar tf "$T/t.tar" | tr '\n' ' ' | sed 's/ $//')"
	assert_eq 5/6 "$(tar tvf "$T/t.tar" d/f | tr -s ' ' | cut -d' ' -f2)"
	run hoy build -q -o "type=tar,dest=$T/t2.tar" "$T/c"
	assert_ok
	assert_bytes "$T/t.tar" "$T/t2.tar"
	run hoy images -q
	assert_eq 1 "$(wc -l <<<"$out")"
}

# What is in the way is not followed: a link in the directory leads nowhere.
test_links() { # short
	load busybox
	context
	mkdir -p "$T/o" "$T/victim"
	ln -s "$T/victim" "$T/o/d"
	run hoy build -q -o "$T/o" "$T/c"
	assert_eq 0 "$(ls_count "$T/victim")"
}

test_archives() { # short
	load busybox
	context
	run hoy build -q -t app:1 -o "type=oci,dest=$T/a.tar" "$T/c"
	assert_ok
	run hoy images -q
	assert_eq 1 "$(wc -l <<<"$out")" 'images: only the base'
	run hoy load -i "$T/a.tar"
	assert_out 'Loaded image: localhost/app:1'
	local id
	id=$(hoy inspect -f '{{.Id}}' app:1)
	hoy rmi app:1 >/dev/null
	hoy build -q -t app:2 -o type=docker,dest=- "$T/c" >"$T/b.tar" || fail docker
	run hoy load -i "$T/b.tar"
	assert_out 'Loaded image: localhost/app:2'
	assert_eq "$id" "$(hoy inspect -f '{{.Id}}' app:2)"
	run hoy build -q -o "type=oci,dest=$T/layout,tar=false" "$T/c"
	assert_ok
	[ -e "$T/layout/oci-layout" ] || fail 'no layout'
	run hoy build -q -t kept --load -o "type=oci,dest=$T/c.tar" "$T/c"
	assert_ok
	hoy image exists kept || fail '--load'
}

test_push() { # short
	load busybox
	context
	registry_start
	run hoy build -q -t "$REG/team/app:1" -t "$REG/team/app:2" --push --metadata-file "$T/md" "$T/c"
	assert_ok
	local id=$out
	hoy rmi "$REG/team/app:1" "$REG/team/app:2" >/dev/null
	run hoy pull -q "$REG/team/app:2"
	assert_out "$id"
	grep -q containerimage.digest "$T/md" || fail 'no metadata'
	run hoy build -q -o "type=image,name=$REG/team/app:3,push=true,compression=zstd" "$T/c"
	assert_ok
	run hoy build -q -t "$REG/team/app:4" -o type=registry "$T/c"
	assert_ok
	run hoy search --list-tags "$REG/team/app"
	assert_match '4'
}

test_platforms() {
	load busybox
	mkdir "$T/c"
	# shellcheck disable=SC2016
	printf '%s\n' 'FROM scratch' 'ARG TARGETARCH' 'COPY x /' 'LABEL arch=$TARGETARCH' >"$T/c/Dockerfile"
	echo x >"$T/c/x"
	run hoy build -q --platform linux/amd64,linux/arm64 -t multi --metadata-file "$T/md" "$T/c"
	assert_ok
	run hoy manifest inspect multi
	assert_has '"architecture": "arm64"'
	assert_has '"architecture": "amd64"'
	run hoy build -q --platform linux/amd64 --manifest lists "$T/c"
	assert_ok
	run hoy build -q --platform linux/arm64 --manifest lists "$T/c"
	assert_ok
	run hoy manifest inspect lists
	assert_has '"architecture": "arm64"'
	assert_has '"architecture": "amd64"'
	run hoy build -q --platform linux/amd64,linux/arm64 -o "$T/o" "$T/c"
	assert_ok
	assert_eq 'x x' "$(cat "$T/o/linux_amd64/x" "$T/o/linux_arm64/x" | tr '\n' ' ' | sed 's/ $//')"
}

run_tests "$@"
