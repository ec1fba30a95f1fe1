#!/bin/bash
# What COPY, ADD, contexts and git repositories of strangers try on who builds them.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# all_of IMAGE: every byte of its /all, and the names there.
all_of() { run hoy run --rm --network none "$1" sh -c 'cd /all && find . && find . -type f | xargs cat'; }

# Links of the context, of a stage and of the image that lead to the host.
test_links_lead_nowhere() { # rows=user,one
	canary
	load busybox
	mkdir -p "$T/c/d" && cd "$T/c" || fail mkdir
	ln -s "$T/host/secret" file && ln -s "$T/host" dir && ln -s "../../../../../../../../$T/host" d/up && ln -s / d/root && ln -s /proc/self/root d/proc
	printf 'FROM localhost/busybox\nCOPY . /all\n' >Dockerfile
	run hoy build -q -t all .
	assert_ok
	all_of all
	assert_ok
	assert_has ./d/proc
	untouched
	for l in file dir/secret d/up/secret "d/root$T/host/secret" "d/proc$T/host/secret" "../host/secret" "d*/../../host/secret" "$T/host/secret" \
		'--parents dir/./secret' '--parents d/root/**/secret'; do
		printf 'FROM localhost/busybox\nWORKDIR /all\nCOPY %s /all/x/\n' "$l" >Dockerfile
		run hoy build -q -t one .
		[ "$rc" = 125 ] || all_of one
		untouched
	done
	printf 'FROM localhost/busybox AS s\nRUN ln -s %s /l; ln -s %s /f; ln -s / /r\nFROM s\nCOPY --from=s /l /all/l\nCOPY --from=s /r/l/secret /f /all/\n' "$T/host" "$T/host/secret" >Dockerfile
	run hoy build -q -t stage .
	assert_rc 125
	untouched
	# the targets of an image are within the image
	printf 'FROM localhost/busybox\nRUN ln -s %s /l; ln -s %s/made /m; ln -s ../../../../../../%s /u\nCOPY Dockerfile /l/a\nCOPY Dockerfile /m\nADD Dockerfile /u/sub/b/\nCOPY d /l/sub\n' \
		"$T/host" "$T/host" "$T/host" >Dockerfile
	run hoy build -q -t target .
	assert_ok
	untouched
	run hoy run --rm --network none target ls "$T/host" "$T/host/sub"
	assert_has made
}

# A directory and a file of the context are exchanged with links to the host while they are copied.
test_context_race() { # rows=user
	local i
	canary
	load busybox
	mkdir -p "$T/c/x/d" && cd "$T/c" || fail mkdir
	for i in $(seq 30); do echo mine >"x/d/secret$i"; done
	echo mine >x/f && ln -s "$T/host" x/to-d && ln -s "$T/host/secret" x/to-f
	for i in $(seq 30); do echo 'host canary' >"$T/host/secret$i"; done
	look_at_host >"$T/host.before"
	printf 'FROM localhost/busybox\nCOPY x/d /all/\n' >d.df
	printf 'FROM localhost/busybox\nCOPY x/f /all/\n' >f.df
	exchanging "$T/c/x"
	for ((i = 0; i < 36; i++)); do
		run hoy build -q --no-cache -t race -f "$([ $((i % 3)) = 0 ] && echo f || echo d).df" .
		refused_or_fine
		[ "$rc" = 0 ] && all_of race
		untouched
	done
	kill "$swapper"
}

# Archives whose names and links lead out; FIFOs that would block, devices.
test_archives_stay_inside() { # rows=user,one
	canary
	load busybox
	mkdir "$T/c" && cd "$T/c" || fail mkdir
	python3 -B - "$T" <<'P'
import io, sys, tarfile
T = sys.argv[1]
def tar(name, *entries):
    with tarfile.open(name, "w") as t:
        for path, kind, link in entries:
            i = tarfile.TarInfo(path)
            i.type = kind
            i.linkname = link
            data = b"evil" if kind == tarfile.REGTYPE else b""
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
F, S, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
tar("up.tar", ("../" * 12 + T[1:] + "/host/evil", F, ""))
tar("abs.tar", (T + "/host/evil", F, ""))
tar("link.tar", ("l", S, T + "/host"), ("l/evil", F, ""))
tar("over.tar", ("l", S, T + "/host/secret"), ("l", F, ""))
tar("hard.tar", ("h", H, T + "/host/secret"), ("h", F, ""))
tar("hard2.tar", ("l", S, T + "/host"), ("h", H, "l/secret"))
tar("fifo.tar", ("all/fifo", tarfile.FIFOTYPE, ""), ("Dockerfile", F, ""))
P
	for a in up abs link over hard hard2; do
		printf 'FROM localhost/busybox\nADD %s.tar /all\n' $a >Dockerfile
		run hoy build -q -t "$a" .
		refused_or_fine
		[ "$rc" = 125 ] || all_of "$a"
		untouched
		run hoy build -q -f Dockerfile - <$a.tar
		assert_rc 125
		untouched
	done
	printf 'FROM localhost/busybox\nCOPY all /all\n' | cat >Dockerfile
	mkfifo all && run timeout 20 hoy build -q .
	assert_rc 125
	assert_err_has FIFO
	run timeout 20 hoy build -q - <fifo.tar
	assert_rc 125
}

# Repositories: arguments for git in their addresses, transports that run programs, hooks and filters, submodules that are directories of the host.
test_repositories() { # rows=user
	need git
	canary
	load busybox
	g() { HOME=$T/maker git -c user.name=t -c user.email=t@t -c protocol.file.allow=always "$@" >/dev/null 2>&1 || fail "git $*"; }
	mkdir -p "$T/maker" "$T/c" && cd "$T/c" || fail mkdir
	g init -q -b main "$T/host/repo"
	echo 'host canary' >"$T/host/repo/secret"
	g -C "$T/host/repo" add . && g -C "$T/host/repo" commit -qm s
	g init -q -b main "$T/r"
	printf 'FROM localhost/busybox\nCOPY . /all\n' >"$T/r/Dockerfile"
	g -C "$T/r" add . && g -C "$T/r" commit -qm one && g -C "$T/r" branch plain
	g -C "$T/r" submodule add "$T/host/repo" sub && g -C "$T/r" commit -qm two
	g -C "$T/r" checkout -q plain
	printf '* filter=evil\n' >"$T/r/.gitattributes" && g -C "$T/r" add . && g -C "$T/r" commit -qm three
	printf '[filter "evil"]\n\tsmudge = touch %s/ran; cat\n[core]\n\thooksPath = %s/hooks\n[url "ext::touch %s/ran "]\n\tinsteadOf = https://evil\n' "$T" "$T" "$T" >"$HOME/.gitconfig"
	mkdir "$T/hooks" && printf '#!/bin/sh\ntouch %s/ran\n' "$T" >"$T/hooks/post-checkout" && chmod 755 "$T/hooks/post-checkout"
	look_at_host >"$T/host.before"
	run hoy build -q -t sub "file://$T/r#main"
	[ "$rc" = 125 ] || all_of sub
	untouched
	run hoy build -q -t plain "file://$T/r#plain"
	assert_ok
	for bad in "ext::touch $T/ran" "--upload-pack=touch $T/ran" "file://$T/r#--upload-pack=touch\${IFS}$T/ran" "ssh://-oProxyCommand=touch\${IFS}$T/ran/x" \
		"git@-oProxyCommand=touch\${IFS}$T/ran:x" "file://$T/r?ref=--output=$T/ran" "https://evil/x.git" "file://$T/r#main:../../.." "file://$T/r#:$T/host" \
		"fd::17" "file://$T/r#plain..main"; do
		run timeout 60 hoy build -q -t bad "$bad"
		assert_rc 125
		printf 'FROM localhost/busybox\nADD ["%s", "/all"]\n' "$bad" >Dockerfile
		run timeout 60 hoy build -q -t bad .
		assert_rc 125
		untouched
		[ ! -e "$T/ran" ] || fail "a program ran: $bad"
	done
	[ ! -e "$T/ran" ] || fail 'a filter or hook of the user ran'
}

run_tests "$@"
