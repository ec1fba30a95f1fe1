#!/bin/bash
# RUN --mount: binds of contexts, stages and images, caches, memory, secrets and SSH agents.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

dockerfile() {
	mkdir -p "$T/ctx"
	cat >"$T/ctx/Dockerfile"
}
build() { run hoy build --no-cache --progress plain "$@" "$T/ctx"; }
# said TEXT: it is in the output of the build.
said() { [[ $out$err == *"$1"* ]] || fail "no '$1': $(last)"; }
# refused ID TEXT: hoy itself refused the step.
refused() {
	assert_rc 125
	assert_err_has "$1"
	assert_err_has "$2"
}
layers() { hoy image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" | grep -c sha256; }

# What is written to a bind is thrown away, and its mount point is in no layer. The ignore file counts.
test_bind() { # rows=user,root,one short
	load busybox
	mkdir -p "$T/ctx/src/sub" "$T/ctx/left-out/deep"
	echo one >"$T/ctx/src/one"
	echo env >"$T/ctx/.env"
	echo k >"$T/ctx/left-out/keep"
	printf 'left-out/*\n!left-out/keep\n.env\n' >"$T/ctx/.dockerignore"
	dockerfile <<-'E'
		FROM busybox AS s
		RUN mkdir /st && echo stage >/st/f && ln -s /st/f /st/l
		FROM busybox
		RUN --mount=type=bind,target=/c find /c | sort && ! touch /c/x 2>/dev/null
		RUN --mount=target=/c,rw echo n >/c/n && rm /c/src/one && ls /c/src && cat /c/n
		RUN --mount=target=/f,source=src/one,rw echo two >>/f && cat /f
		RUN --mount=from=s,source=/st,target=rel cat rel/f && ! touch rel/x 2>/dev/null
		RUN --mount=from=s,source=st,target=/a/b/c,rw echo w >/a/b/c/f && cat /a/b/c/f
		RUN --mount=from=busybox,source=/etc/passwd,target=/pw grep -c root /pw
	E
	build -t img
	assert_ok
	said $'/c/left-out/keep'
	said stage
	[[ $out$err != */c/.env* && $out$err != */deep* ]] || fail "$(last)"
	assert_eq one "$(cat "$T/ctx/src/one")" 'the context'
	assert_eq 1 "$(layers img)" 'layers'
}

test_bind_faults() {
	load busybox
	echo x >"$T/ctx-secret"
	dockerfile <<-'E'
		FROM busybox
		RUN --mount=target=/c,source=nosuch true
	E
	build
	refused E-COPY-SOURCE nosuch
	printf 'hidden\n' >"$T/ctx/.dockerignore"
	echo x >"$T/ctx/hidden"
	sed -i 's/nosuch/hidden/' "$T/ctx/Dockerfile"
	build
	refused E-COPY-SOURCE hidden
	sed -i 's/source=hidden/U/' "$T/ctx/Dockerfile"
	build
	refused E-BUILD-MOUNT U
}

test_cache() { # rows=user,root,one short
	load busybox
	dockerfile <<-'E'
		FROM busybox AS s
		RUN mkdir /first && echo f >/first/f
		FROM busybox
		RUN --mount=type=cache,target=/root/.cache/x echo $(ls /root/.cache/x | wc -l) there; echo 1 >/root/.cache/x/$RANDOM
		RUN --mount=type=cache,target=/y,id=/root/.cache/x ls /y | wc -l >/count
		RUN --mount=type=cache,from=s,source=/first,target=/z,uid=5,gid=6,mode=710 stat -c %u:%g:%a /z; cat /z/f
		RUN --mount=type=cache,target=/root/.cache/x,ro ! touch /root/.cache/x/n 2>/dev/null
	E
	build -t img
	assert_ok
	said '0 there'
	[ "$T_ROW" = one ] || said 5:6:710
	build -t img
	assert_ok
	said '1 there'
	run hoy run --rm --network none img cat /count
	assert_out 2
	assert_eq 2 "$(layers img)" 'layers'
}

# locked: one after the other; private: each its own; shared: together.
test_cache_sharing() {
	load busybox
	local how
	for how in locked private shared; do
		mkdir -p "$T/$how"
		cat >"$T/$how/Dockerfile" <<-E
			FROM busybox AS a
			RUN --network=none --mount=type=cache,target=/m,sharing=$how touch /m/a; sleep 0.3; ls /m | wc -l >/n; rm /m/a
			FROM busybox AS b
			RUN --network=none --mount=type=cache,target=/m,sharing=$how touch /m/b; sleep 0.3; ls /m | wc -l >/n; rm /m/b
			FROM busybox
			COPY --from=a /n /a
			COPY --from=b /n /b
		E
		hoy build --jobs 2 -q -t "$how" "$T/$how" >/dev/null 2>"$T/err" || fail "$(cat "$T/err")"
		run hoy run --rm --network none "$how" cat /a /b
		case $how in
		shared) [[ $out == *2* ]] || fail "shared: $out" ;;
		*) assert_out $'1\n1' ;;
		esac
	done
}

# What is used stays when caches are pruned.
test_cache_in_use() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --network=none --mount=type=cache,target=/m --mount=target=/c touch /m/x; while ! test -e /c/go; do sleep 0.05; done; ls /m
	E
	hoy build --progress plain "$T/ctx" >"$T/b" 2>&1 &
	for ((i = 0; i < 400; i++)); do
		[ -e "$(echo "$(store)"/build/mounts/*/data/x)" ] && break
		sleep 0.02
	done
	run hoy builder prune -af
	assert_ok
	touch "$T/ctx/go"
	wait $! || fail "$(cat "$T/b")"
	[ -e "$(echo "$(store)"/build/mounts/*/data/x)" ] || fail 'it was removed'
	run hoy builder prune -af
	assert_ok
	assert_eq '' "$(ls "$(store)/build/mounts")" 'caches'
}

test_tmpfs() { # rows=user,one
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --mount=type=tmpfs,target=/t,size=1m grep ' /t tmpfs' /proc/mounts && stat -c %a /t && ! head -c 2000000 /dev/zero >/t/x
	E
	build -t img
	assert_ok
	said 1024k
	said 1777
	assert_eq 1 "$(layers img)" 'layers'
}

# A secret is nowhere but in the step: not in the layer, the config, the history, the cache, and not in the store.
test_secret() { # rows=user,root,one short
	load busybox
	printf 'of-a-file-4711' >"$T/s"
	dockerfile <<-'E'
		FROM busybox
		RUN --mount=type=secret,id=f --mount=type=secret,id=e,target=/x/y,mode=0444,required --mount=type=secret,id=e,env=V \
		    stat -c '%a %u %s' /run/secrets/f && wc -c </x/y && test "$V" = "$(cat /x/y)" && grep -c secrets /proc/mounts && ! echo n 2>/dev/null >/x/y
		RUN --mount=type=secret,id=notgiven ls /run/secrets 2>/dev/null; test ! -e /run/secrets/f && echo gone
	E
	OF_ENV=of-the-env-0815 build --secret "id=f,src=$T/s" --secret id=e,env=OF_ENV -t img
	assert_ok
	said '400 0 14'
	said gone
	assert_eq 1 "$(layers img)" 'layers'
	! grep -rqE 'of-a-file-4711|of-the-env-0815' "$(store)" || fail "$(grep -rlE 'of-a-file|of-the-env' "$(store)")"
	build --secret id=f,src=/nosuch
	refused E- /nosuch
	build
	refused E-BUILD-MOUNT 'required'
}

# A secret that changes does not change the key.
test_secret_is_no_input() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --mount=type=secret,id=f cat /run/secrets/f | wc -c >/n
	E
	echo 1 >"$T/s"
	run hoy build -q --secret "id=f,src=$T/s" "$T/ctx"
	assert_ok
	first=$out
	echo 22 >"$T/s"
	run hoy build -q --secret "id=f,src=$T/s" "$T/ctx"
	assert_out "$first"
}

# An agent can be asked for keys and signatures, and for nothing else; given keys need no agent.
test_ssh() {
	need ssh-agent ssh-add ssh-keygen
	load debian
	ssh-keygen -q -t ed25519 -N '' -f "$T/key"
	ssh-keygen -q -t ed25519 -N 'pass' -f "$T/locked"
	dockerfile <<-'E'
		FROM debian
		RUN --mount=type=ssh,required,uid=5 <<P
		#!/usr/bin/perl
		use IO::Socket::UNIX;
		for my $t (11, 19) {
			my $s = IO::Socket::UNIX->new(Peer => $ENV{SSH_AUTH_SOCK}) or die "no: $!";
			print $s pack("NC", 1, $t); $s->flush;
			sysread($s, my $b, 9); my ($n, $k, $keys) = unpack("NCN", $b);
			print "asked $t got $k $keys\n";
		}
		printf "owner %d\n", (stat $ENV{SSH_AUTH_SOCK})[4];
		P
	E
	build --ssh "default=$T/key" -t img
	assert_ok
	said 'asked 11 got 12 1'
	said 'asked 19 got 5 '
	said 'owner 5'
	eval "$(ssh-agent)" >/dev/null
	ssh-add -q "$T/key" 2>/dev/null
	build --ssh default -t img
	kill "$SSH_AGENT_PID"
	assert_ok
	said 'asked 11 got 12 1'
	assert_eq 1 "$(layers img)" 'layers'
	build --ssh "default=$T/locked"
	refused E-BUILD-MOUNT passphrase
	build
	refused E-BUILD-MOUNT required
}

run_tests "$@"
