#!/bin/bash
# COPY: what goes where, with which owner, mode and time; what is a cache hit.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/common.bash"

test_sources_and_targets() { # short
	load busybox
	ctx
	mkdir -p d/sub 'with blank' && echo a >a && echo b >d/b && echo c >d/sub/c && echo x >'with blank/x'
	chmod 640 a && chmod 751 d/b && chmod 700 d/sub && ln -s b d/link && ln -s d way && ln d/b d/hard
	build . <<'D' || true
FROM localhost/busybox
ENV V=value
WORKDIR /w
COPY a .
COPY a d /w/all/
COPY ["with blank/x", "blank dir/"]
COPY way /o/way
COPY a /o/renamed
COPY d/* /o/star/
COPY --parents d/./sub/c d/sub/c /o/p/
COPY --exclude=sub --exclude=l* d /o/ex
COPY --chmod=u=rwX,go=rX,o-r d /o/mode
COPY --chown=12:34 --chmod=0600 a /o/new/own
COPY <<one <<"two" /o/doc/
$V
one
$V
two
D
	assert_ok
	listed /w
	assert_out "$(
		printf '%s\n' '755 0:0 .' '640 0:0 ./a' '755 0:0 ./all' '640 0:0 ./all/a' '751 0:0 ./all/b' '751 0:0 ./all/hard' \
			'./all/link -> b' '700 0:0 ./all/sub' '644 0:0 ./all/sub/c' '755 0:0 ./blank dir' '644 0:0 ./blank dir/x'
	)"
	listed /o
	assert_out "$(
		printf '%s\n' '755 0:0 .' '755 0:0 ./doc' '644 0:0 ./doc/one' '644 0:0 ./doc/two' '755 0:0 ./ex' '751 0:0 ./ex/b' \
			'751 0:0 ./ex/hard' '755 0:0 ./mode' '751 0:0 ./mode/b' '751 0:0 ./mode/hard' './mode/link -> b' '751 0:0 ./mode/sub' \
			'640 0:0 ./mode/sub/c' \
			"755 $([ "$T_ROW" = one ] && echo 0:0 || echo 12:34) ./new" "600 $([ "$T_ROW" = one ] && echo 0:0 || echo 12:34) ./new/own" \
			'755 0:0 ./p' '755 0:0 ./p/d' '700 0:0 ./p/d/sub' '644 0:0 ./p/d/sub/c' '700 0:0 ./p/sub' '644 0:0 ./p/sub/c' \
			'640 0:0 ./renamed' '755 0:0 ./star' '751 0:0 ./star/b' '644 0:0 ./star/c' '751 0:0 ./star/hard' '751 0:0 ./star/link' \
			'755 0:0 ./way' '751 0:0 ./way/b' '751 0:0 ./way/hard' './way/link -> b' '700 0:0 ./way/sub' '644 0:0 ./way/sub/c'
	)"
	run hoy run --rm --network none i sh -c 'cat /o/doc/one /o/doc/two /o/way/sub/c; [ /o/way/b -ef /o/way/hard ] && echo same'
	assert_out $'value\n$V\nc\nsame'
	run hoy run --rm --network none i stat -c %Y /o/way/b /o/way/sub /w/a
	assert_eq 1 "$(sort -u "$T/out" | wc -l)" 'different times'
}

test_owners_by_name_and_stages() { # short
	load busybox
	ctx
	echo a >a
	build . <<'D'
FROM localhost/busybox AS first
RUN mkdir -p /s/d && echo s >/s/d/f && ln -s /s/d /s/l && chown 5:6 /s/d/f && chmod 4711 /s/d/f && echo 'web:x:33:44::/:' >>/etc/passwd && echo 'staff:x:50:' >>/etc/group
FROM first AS second
COPY --chown=web a /n/web
COPY --chown=web:staff a /n/staff
COPY --chown=77 a /n/number
FROM localhost/busybox
COPY --from=second /n /n
COPY --from=first /s/l/f /s/l /o/
COPY --from=0 --chown=9:9 /s /q
COPY --from=localhost/busybox /bin/busybox /q/bb
D
	assert_ok
	[ "$T_ROW" = one ] && return
	listed /n
	assert_out $'755 0:0 .\n644 77:77 ./number\n644 33:50 ./staff\n644 33:44 ./web'
	listed /o
	assert_out $'755 0:0 .\n4711 5:6 ./f'
	listed /q
	assert_has $'755 9:9 .\n'
	assert_has $'4711 9:9 ./d/f\n./l -> /s/d'
	rm Dockerfile
	build . <<<$'FROM localhost/busybox\nCOPY --chown=nobody-here a /'
	assert_rc 125
	assert_err_has nobody-here
}

test_refused() {
	load busybox
	ctx
	echo a >file.txt && mkfifo pipe && mkdir d && ln -s /etc/passwd out && echo hidden >.env && echo .env >.dockerignore
	refused() { # LINE PIECE...
		printf 'FROM localhost/busybox\n%s\n' "$1" >Dockerfile
		build .
		assert_rc 125
		for p in "${@:2}"; do assert_err_has "$p"; done
	}
	refused 'COPY file.text /' 'did you mean file.txt?'
	refused 'COPY .env /' '.dockerignore leaves it out'
	refused 'COPY pipe /' 'pipe of the context is a FIFO'
	refused 'COPY out /' 'out is not in the context'
	refused 'COPY ../secret /' '--build-context'
	refused 'COPY file.txt pip? /x' 'FIFO'
	refused 'COPY file.txt .dockerignore /x' '/x/'
	refused 'COPY d /bin/busybox' 'no directory'
	refused 'COPY --chmod=9 file.txt /' 'chmod'
	refused 'COPY --from=nowhere/x:1 file.txt /' 'nowhere/x'
	printf 'FROM localhost/busybox\nCOPY . /all\n' >Dockerfile
	rm pipe
	build .
	assert_ok
	listed /all
	assert_out $'755 0:0 .\n644 0:0 ./.dockerignore\n644 0:0 ./Dockerfile\n755 0:0 ./d\n644 0:0 ./file.txt\n./out -> /etc/passwd'
}

test_what_is_a_hit() { # short
	load busybox
	ctx
	mkdir d && echo 1 >d/a && echo 2 >d/b && touch -d '1 hour ago' d/a d/b
	printf 'FROM localhost/busybox\nCOPY d /d\n' >Dockerfile
	build .
	first=$out
	umask 077
	touch d/a && echo beside >beside
	sleep 2.1 # ctimes that are younger are not believed
	build .
	assert_out "$first"
	build .
	command -v strace >/dev/null && {
		strace -f -qq -e trace=openat -o "$T/trace" hoy build -q -t i . >/dev/null || fail build
		grep -E '"(a|b)"' "$T/trace" && fail 'a file that has not changed is opened'
	}
	chmod 600 d/a
	build .
	assert_ne "$first" "$out" 'a mode changed'
	chmod 644 d/a
	build .
	assert_out "$first"
	touch -r d/a "$T/ref" && echo 9 >d/a && touch -r "$T/ref" d/a
	build .
	assert_ne "$first" "$out" 'content of the same size and time'
	run hoy run --rm --network none i cat /d/a
	assert_out 9
	cp -a d ../other && cd .. && mv ctx moved && mkdir ctx && cd ctx && mv ../other d && echo 1 >d/a
	printf 'FROM localhost/busybox\nCOPY d /d\n' >Dockerfile
	build .
	assert_out "$first"
}

run_tests "$@"
