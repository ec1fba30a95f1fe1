#!/bin/bash
# The same input gives the same image: on another day, by another user, in another directory, with another umask.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# context DIR: a small project, whose files are as old as the moment.
context() {
	mkdir -p "$1/src/sub"
	printf 'one\n' >"$1/src/one"
	printf 'two\n' >"$1/src/sub/two"
	ln -s one "$1/src/link"
	chmod 644 "$1/src/one" "$1/src/sub/two"
	chmod 755 "$1/src" "$1/src/sub"
	cat >"$1/Dockerfile"
}

# No base and no program: the image is the same on every machine, for every user.
test_known_digest() { # rows=user,root,one short
	context "$T/ctx" <<-'E'
		FROM scratch AS a
		COPY src /x/
		COPY --chmod=600 <<F /etc/f
		text
		F
		FROM scratch
		COPY --from=a /x/sub /sub
		COPY --from=a /etc /etc
		ENV A=b
		CMD ["/none"]
	E
	(umask 077 && hoy build -q --platform linux/amd64 -t img "$T/ctx" >"$T/id") || fail build
	run hoy image inspect -f '{{range .RootFS.Layers}}{{.}} {{end}}' img
	assert_out 'sha256:62b1751ce1865b2815ae05e7fa5aed210665d04b4976ed989e10aeaba30ccb8a sha256:5dcdeecf8ecd15b9b099aa63773c74e0174d5cac57a83aa45c97052b17202736 '
	assert_eq ffc936de4a558f512f5eaea9102e7a2e519460e3b83f41c8772651ee564e7132 "$(cat "$T/id")" 'image'
}

test_twice() { # rows=user,one
	load busybox
	context "$T/ctx" <<-'E'
		FROM busybox
		WORKDIR /app
		COPY src .
		RUN mkdir d && cp one d/copy && ln one d/hard && ln -s x d/link && touch -d '2001-01-01 00:00:00' d/old; stat -c %Y /app/one
		RUN rm sub/two && chown -R 12:34 d && mkfifo d/fifo
		RUN hostname >name; env | sort >env
	E
	run hoy build --progress plain -t one "$T/ctx"
	assert_ok
	sleep 1.1
	context "$T/elsewhere/two" <"$T/ctx/Dockerfile"
	(cd "$T/elsewhere" && umask 077 && HOY_ROOT=$T/other hoy load -q -i "$T_FIX/busybox.tar" >/dev/null &&
		HOY_ROOT=$T/other hoy build -q -t one two >"$T/id") || fail 'the second build'
	assert_eq "$(hoy image inspect -f '{{.Id}}' one)" "$(cat "$T/id")" 'image'
	hoy build -q --no-cache "$T/ctx" >"$T/id" || fail 'without the cache'
	assert_eq "$(hoy image inspect -f '{{.Id}}' one)" "$(cat "$T/id")" 'without the cache'
	HOY_ROOT=$T/other hoy system reset -f >/dev/null
}

# On the disk and in the tar there is the same time, so that what remembers times stays true.
test_times() {
	load busybox
	context "$T/ctx" <<-'E'
		FROM busybox
		COPY src /src
		RUN cp /src/one /made; stat -c %Y /src/one >/t; echo $SOURCE_DATE_EPOCH >>/t
		RUN stat -c %Y /made >>/t
	E
	hoy build -q -t img "$T/ctx" >/dev/null || fail build
	local base
	base=$(date -d "$(hoy image inspect -f '{{.Created}}' busybox | sed 's/ +0000 UTC//')" -u +%s)
	run hoy run --rm img cat /t
	assert_out "$(printf '%s\n' "$base" "$base" "$base")"
	hoy build -q -t img --timestamp 1234567890 "$T/ctx" >/dev/null || fail build
	run hoy run --rm img cat /t
	assert_out "$(printf '%s\n' 1234567890 1234567890 1234567890)"
	run hoy image inspect -f '{{.Created}}' img
	assert_has '2009-02-13'
	SOURCE_DATE_EPOCH=1000000000 hoy build -q -t img "$T/ctx" >/dev/null || fail build
	run hoy run --rm img cat /t
	assert_out "$(printf '%s\n' 1000000000 1000000000 1000000000)"
}

run_tests "$@"
