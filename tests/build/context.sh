#!/bin/bash
# Contexts: directories, archives, standard input, URLs; which Dockerfile and which ignore file count.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/common.bash"

# shown FILE: its text in the image i.
shown() {
	run hoy run --rm --network none i cat "$1"
	assert_ok
}

test_which_files_count() { # short
	load busybox
	ctx
	echo 1 >a && mkdir sub
	printf 'FROM localhost/busybox\nCOPY * /c/\n' >Containerfile
	printf 'FROM localhost/busybox\nLABEL d=1\n' >Dockerfile
	printf 'FROM localhost/busybox\nCOPY a /from-sub\n' >sub/x.df
	echo a >sub/x.df.dockerignore
	printf '*\n!a\n' >.containerignore
	echo a >.dockerignore
	build .
	assert_ok
	listed /c
	assert_out $'755 0:0 .\n644 0:0 ./a'
	run as_docker build -q -t i .
	assert_ok
	run as_docker image inspect -f '{{.Config.Labels.d}}' docker.io/library/i
	assert_out 1
	build -f sub/x.df .
	assert_rc 125
	assert_err_has 'sub/x.df.dockerignore leaves it out'
	build -f sub/x.df --ignorefile .containerignore .
	assert_ok
	shown /from-sub
	assert_out 1
	cd / || fail cd
	build -f sub/x.df --ignorefile "$T/ctx/.containerignore" "$T/ctx"
	assert_ok
	run hoy build -q -t i -f - "$T/ctx" <<<$'FROM localhost/busybox\nCOPY a /by-stdin'
	assert_ok
	shown /by-stdin
	assert_out 1
	rm "$T/ctx/"*file
	run hoy build -q "$T/ctx"
	assert_rc 125
	assert_err_has 'no Containerfile and no Dockerfile'
	run hoy build -q "$T/nothing"
	assert_rc 125
	assert_err_has "$T/nothing"
	run hoy build -q - <<<$'FROM localhost/busybox\nCOPY a /'
	assert_rc 125
	assert_err_has 'no context'
	run hoy build -q -t i - <<<$'FROM localhost/busybox\nCOPY <<x /x\ntext\nx'
	assert_ok
}

test_archives_and_named_contexts() { # short
	load busybox
	ctx
	mkdir d && echo tar >d/a && chmod 751 d/a && mkdir ../named && echo n >../named/n && echo hide >../named/hide && echo hide >../named/.dockerignore
	printf 'FROM localhost/busybox\nCOPY d /d\n' >Dockerfile
	tar cf ../c.tar . && for z in gzip xz zstd bzip2; do $z <../c.tar >"../c.tar.$z" || fail "$z"; done
	build .
	first=$out
	for z in tar tar.gzip tar.xz tar.zstd tar.bzip2; do
		run hoy build -q -t i "../c.$z"
		assert_out "$first"
	done
	run hoy build -q -t i - <../c.tar.gzip
	assert_out "$first"
	listed /d
	assert_out $'755 0:0 .\n751 0:0 ./a'
	rm Dockerfile
	build --build-context n=../named --build-context t=../c.tar . <<<$'FROM localhost/busybox\nCOPY --from=n . /n/\nCOPY --from=t d/a /t'
	assert_ok
	listed /n
	assert_out $'755 0:0 .\n644 0:0 ./.dockerignore\n644 0:0 ./n'
	echo text >../c.txt
	run hoy build -q ../c.txt
	assert_rc 125
	assert_err_has 'neither a directory nor an archive'
	head -c 3000 ../c.tar.gzip >../cut.tgz && truncate -s -20 ../cut.tgz
	run hoy build -q ../cut.tgz
	assert_rc 125
	assert_eq '' "$(ls "$(store)/tmp")" 'something is left in tmp'
}

test_urls() {
	load busybox
	serve
	ctx
	echo u >u
	printf 'FROM localhost/busybox\nCOPY u /u\n' >Dockerfile
	tar czf "$T/web/c.tgz" . && printf 'FROM localhost/busybox\nCOPY <<x /x\ntext\nx\n' >"$T/web/Dockerfile"
	run hoy build -q -t i "$URL/c.tgz"
	assert_ok
	shown /u
	assert_out u
	run hoy build -q -t i "$URL/redirect?$URL/Dockerfile"
	assert_ok
	shown /x
	assert_out text
	run hoy build -q -t i -f "$URL/Dockerfile" .
	assert_ok
	for bad in "$URL/none" "$URL/redirect?file:///etc/passwd"; do
		run hoy build -q "$bad"
		assert_rc 125
		assert_err_has "$URL"
	done
}

run_tests "$@"
