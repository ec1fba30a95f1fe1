#!/bin/bash
# ADD: archives, URLs and git repositories.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/common.bash"

test_archives() { # short
	load busybox
	ctx
	mkdir -p in/d && echo f >in/d/f && touch -d 2001-02-03T04:05:06Z in/d/f && chmod 4711 in/d/f
	tar cf a.tar -C in --owner=3 --group=4 . && xz <a.tar >a.tar.xz && echo text >plain.tar
	build . <<'D'
FROM localhost/busybox
ADD a.tar.xz /u
ADD --unpack=false a.tar /v/
ADD --chown=7:8 a.tar /w
ADD plain.tar /x/
COPY a.tar /y/
D
	assert_ok
	run hoy run --rm --network none i stat -c '%Y %a' /u/d/f
	assert_out '981173106 4711'
	run hoy run --rm --network none i sh -c 'ls /v /x /y; cat /w/d/f'
	assert_out $'/v:\na.tar\n\n/x:\nplain.tar\n\n/y:\na.tar\nf'
	[ "$T_ROW" = one ] && return
	run hoy run --rm --network none i stat -c %u:%g /u/d/f /w/d/f /w
	assert_out $'3:4\n7:8\n7:8'
}

test_urls() {
	load busybox
	serve
	ctx
	mkdir in && echo f >in/f && tar czf "$T/web/a b.tgz" -C in . && echo data >"$T/web/data"
	sum=$(sha256sum <"$T/web/data") && sum=${sum%% *}
	build . <<D
FROM localhost/busybox
ADD $URL/data /one
ADD $URL/a%20b.tgz $URL/data?x=1 /two/
ADD --unpack=true --chown=1:1 $URL/a%20b.tgz /three/
ADD --checksum=sha256:$sum --chmod=755 $URL/data /four
ADD $URL/ /five/
D
	assert_rc 125
	assert_err_has 'status 404'
	sed -i \$d Dockerfile
	build .
	assert_ok
	run hoy run --rm --network none i sh -c 'stat -c "%a %n" /one /two/* /four; cat /one /three/f; stat -c %Y /one /four | sort -u | wc -l'
	assert_out $'600 /one\n600 /two/a b.tgz\n600 /two/data\n755 /four\ndata\nf\n1'
	# what has a checksum is not asked for again
	printf 'FROM localhost/busybox\nADD --checksum=sha256:%s --chmod=755 %s /four\n' "$sum" "$URL/data" >Dockerfile
	build .
	: >"$T/web/.log"
	build .
	assert_ok
	assert_eq '' "$(cat "$T/web/.log")" requests
	# changed content is seen, a wrong one refused
	echo other >"$T/web/data"
	build --no-cache .
	assert_rc 125
	assert_err_has "$sum"
	printf 'FROM localhost/busybox\nADD %s /x\n' "$URL/redirect?file:///etc/passwd" >Dockerfile
	build .
	assert_rc 125
	printf 'FROM localhost/busybox\nCOPY %s /x\n' "$URL/data" >Dockerfile
	build .
	assert_rc 125
	assert_err_has ADD
}

# repository: $T/r.git with two commits, a tag, a branch, a directory, a submodule of a file, and hooks; $T/work is what it was made in.
repository() {
	need git
	git() { HOME=$T command git -c user.name=t -c user.email=t@t -c protocol.file.allow=always "$@" >/dev/null 2>&1 || fail "git $*"; }
	git init -q -b main "$T/work"
	(
		cd "$T/work" || exit
		mkdir sub && echo one >sub/f && chmod 755 sub/f && printf 'FROM localhost/busybox\nCOPY . /c\n' | tee Dockerfile >sub/Dockerfile
		git add . && git commit -q -m one && git tag -a -m v1 v1
		echo two >sub/f && git commit -q -a -m two && git checkout -q -b side && echo side >sub/f && git commit -q -a -m side && git checkout -q main
	) || fail repository
	git clone -q --bare "$T/work" "$T/r.git"
	COMMIT=$(command git -C "$T/r.git" rev-parse v1^{})
}

test_git() {
	load busybox
	repository
	ctx
	build . <<D
FROM localhost/busybox
ADD file://$T/r.git /main
ADD file://$T/r.git#side:sub /side/
ADD --checksum=$COMMIT file://$T/r.git?tag=v1 /tag
ADD --keep-git-dir=true file://$T/r.git#$COMMIT /git
D
	assert_ok
	run hoy run --rm --network none i sh -c 'cat /main/sub/f /side/f /tag/sub/f /git/sub/f; stat -c %a /main/sub/f /main; ls -A /main; ls -d /git/.git'
	assert_out $'two\nside\none\none\n755\n755\nDockerfile\nsub\n/git/.git'
	run hoy build -q -t i "file://$T/r.git#side:sub"
	assert_ok
	run hoy run --rm --network none i cat /c/f
	assert_out side
	for bad in "file://$T/r.git#nothing" "file://$T/r.git#:none" "file://$T/none.git"; do
		run hoy build -q "$bad"
		assert_rc 125
		assert_err_has "${bad%%#*}"
	done
	rm Dockerfile
	build . <<<$'FROM localhost/busybox\nADD --checksum=0123456789 file://'"$T/r.git /"
	assert_rc 125
	assert_eq '' "$(ls "$(store)/tmp")" 'something is left in tmp'
}

run_tests "$@"
