#!/bin/bash
# RUN: what its command sees and may do, what becomes of its files, how it ends.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# dockerfile: standard input is the Dockerfile in a context of its own, $T/ctx.
dockerfile() {
	mkdir -p "$T/ctx"
	cat >"$T/ctx/Dockerfile"
}
build() { run hoy build --progress plain "$@" "$T/ctx"; }
in_img() { run hoy run --rm --network none img "$@"; }
# layers IMAGE: its diffIDs.
layers() { hoy image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1"; }
# top IMAGE: the names in its topmost layer's tar, without those of directories.
top() {
	hoy save --format oci-archive -o "$T/top.tar" "$1" >/dev/null 2>&1 || fail "save $1"
	local l
	l=$(layers "$1" | grep . | tail -1)
	tar -xOf "$T/top.tar" "blobs/sha256/${l#sha256:}" >"$T/layer.tar" || fail "layer $l"
	tar -tf "$T/layer.tar" | grep -v '/$' | sort
}

test_forms() { # rows=user,root,one short
	load busybox
	dockerfile <<-'E'
		FROM busybox
		WORKDIR /w
		RUN echo "shell $0 $PWD" >/a
		RUN ["/bin/sh", "-c", "echo exec $0 >/b"]
		RUN <<-X
			echo here $PWD >/c
			echo two >>/c
		X
		RUN <<X
		#!/bin/cat
		of a script
		X
		SHELL ["/bin/ash", "-ec"]
		RUN false; echo ne''ver
	E
	build
	assert_rc 1
	[[ $out$err == *'of a script'* ]] || fail "$(last)"
	[[ $out$err != *never* ]] || fail "$(last)"
	sed -i '$d' "$T/ctx/Dockerfile"
	build -t img
	assert_ok
	in_img cat /a /b /c
	assert_out $'shell /bin/sh /w\nexec /bin/sh\nhere /w\ntwo'
}

# The step is a container as any other, but for its name; and its environment is the build's alone.
test_surroundings() { # rows=user,root,one
	load busybox
	dockerfile <<-'E'
		FROM busybox
		ENV A=b
		RUN env | sort >/env; hostname >/host; id >/id; cat /proc/1/comm >/pid1; ip -o link | wc -l >/links
		USER 1000:1000
		WORKDIR /home/app
		RUN id -u >uid; stat -c %u . >owner
		RUN --network=none ip -o link | wc -l >links
	E
	SECRET_OF_CALLER=x SOURCE_DATE_EPOCH=1000000000 build -t img
	assert_ok
	in_img sh -c 'cat /host /id /pid1 uid owner links; grep -c . /env; cat /env'
	[[ $out == $'build\nuid=0(root) gid=0(root)'*$'\nsh\n1000\n'*A=b*SOURCE_DATE_EPOCH=1000000000* ]] || fail "$(last)"
	assert_lacks SECRET_OF_CALLER
	assert_lacks HOSTNAME
	assert_lacks container=
}

# Nothing of the runtime's is in the layer: no resolv.conf, no mount points, no /dev; and a command that changes nothing makes no layer.
test_only_changes() { # rows=user,root,one short
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo x >/new; rm /etc/group; mkdir -p /d/e; touch /tmp/t; rm /tmp/t; mkfifo /p; ln -s new /l; ln new /n2
		RUN cat /etc/hosts /etc/resolv.conf /new >/dev/null; ls /proc /sys /dev >/dev/null; : >/dev/shm/x
	E
	build -t img
	assert_ok
	assert_eq 2 "$(layers img | grep -c sha256)" 'layers'
	run top img
	assert_out $'etc/.wh.group\nl\nn2\nnew\np'
	assert_eq 'd/ d/e/' "$(tar -tf "$T/layer.tar" | grep '^d.*/$' | sort | tr '\n' ' ' | sed 's/ $//')" 'directories'
	dockerfile <<-'E'
		FROM scratch
		COPY --from=busybox /bin /bin
		RUN ["/bin/sh", "-c", "echo x >/only"]
	E
	build -t img
	assert_ok
	run top img
	assert_out only
}

# What was written gets one time, on disk and in the tar; what has an older time keeps it.
test_times() { # rows=user,one
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo x >/new; touch -d '2001-02-03 04:05:06' /old; mkdir /d; ln -s x /l
		RUN test $(stat -c %Y /new) = 1000000000 && test $(stat -c %Y /d) = 1000000000
	E
	build -t img --source-date-epoch 1000000000
	assert_ok
	run top img
	assert_out $'l\nnew\nold'
	run tar -tvf "$T/layer.tar" --full-time --utc
	assert_eq 3 "$(grep -c '2001-09-09 01:46:40' <<<"$out")" 'entries of the epoch'
	assert_has '2001-02-03 04:05:06'
}

test_exit_codes() { # short
	load busybox
	local c
	for c in 'exit 3:3' 'sh -c "kill -9 \$\$"; exit $?:137' 'nosuch:127'; do
		dockerfile <<-E
			FROM busybox
			RUN ${c%:*}
		E
		build
		assert_rc "${c##*:}"
		assert_err_has "exit code ${c##*:}"
		assert_err_has E-BUILD-COMMAND
	done
	dockerfile <<-'E'
		FROM busybox
		RUN ["/nosuch"]
	E
	build
	assert_rc 127
	assert_err_has /nosuch
}

# The options of all containers of the build.
test_common_options() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN ulimit -n; grep CapEff /proc/self/status; grep mine /etc/hosts; cat /vol/f; df -k /dev/shm | tail -1
	E
	mkdir "$T/vol"
	echo from-vol >"$T/vol/f"
	build --ulimit nofile=77:77 --cap-drop all --add-host mine:1.2.3.4 -v "$T/vol:/vol:ro" --shm-size 3m -t img
	assert_ok
	for c in 77 0000000000000000 1.2.3.4 from-vol 3072; do
		[[ $out$err == *"$c"* ]] || fail "no $c: $(last)"
	done
	assert_eq 1 "$(layers img | grep -c sha256)" 'layers: the mount point is no change'
}

test_network_modes() { # rows=user,one
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo default $(ls /sys/class/net | wc -l)
		RUN --network=none echo none $(ls /sys/class/net | wc -l)
		RUN --network=host echo host $(readlink /proc/self/ns/net)
	E
	build
	assert_ok
	[[ $out$err == *'default 2'*'none 1'*"host $(readlink /proc/self/ns/net)"* ]] || fail "$(last)"
	build --no-cache --network none
	assert_ok
	[[ $out$err == *'default 1'* ]] || fail "$(last)"
}

# While a step runs, nothing of it is to be seen; and the next command finds nothing to do.
test_is_no_container() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --network=none --mount=type=bind,target=/ctx while ! test -e /ctx/go; do sleep 0.05; done
	E
	hoy build --progress plain "$T/ctx" >"$T/b" 2>&1 &
	for ((i = 0; i < 400; i++)); do
		[ -e "$(echo "$(store)"/tmp/*/upper/ctx)" ] && break
		sleep 0.02
	done
	run hoy ps -aq
	assert_out ''
	touch "$T/ctx/go"
	wait $! || fail "$(cat "$T/b")"
	run hoy events --since 1h --until 0s
	assert_lacks container
	assert_eq '' "$(ls "$(store)/tmp")" 'garbage'
	assert_eq '' "$(ls "$(store)/containers" 2>/dev/null)" 'containers'
}

# With one uid only package managers and their kin work in a step, and the owners that they meant are in the layer.
test_one_uid() { # rows=one
	load debian
	dockerfile <<-'E'
		FROM debian
		RUN useradd -m somebody && chown somebody:daemon /opt && su somebody -c id
		RUN dpkg-deb --version >/dev/null && install -o daemon -g daemon -m 640 /etc/hostname /x
	E
	build -t img
	assert_ok
	[[ $out$err == *'(somebody)'* ]] || fail "$(last)"
	run top img
	tar -tvf "$T/layer.tar" --numeric-owner | grep -q ' 1/1 .* x$' || fail "owner of /x: $(tar -tvf "$T/layer.tar" --numeric-owner)"
}

# As cron does it: no environment, no terminal, no session.
test_empty_environment() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo done >/x
	E
	run env -i PATH="$PATH" HOME="$HOME" HOY_ROOT="$HOY_ROOT" setsid -w "$(command -v "${HOY%% *}")" build -q "$T/ctx"
	assert_ok
	assert_match '^[0-9a-f]+$'
}

# Output is passed on as it comes, and no more of it is kept than the last lines.
test_flood() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --network=none head -c 300000000 /dev/zero | tr '\0' 'x'; echo; echo end
	E
	hoy build --progress plain "$T/ctx" 2>&1 | tail -c 200 >"$T/tail" &
	wait
	grep -q end "$T/tail" || fail "$(cat "$T/tail")"
}

test_squash() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo a >/a; echo b >/b
		RUN rm /a; echo c >/c
	E
	build --squash -t img
	assert_ok
	assert_eq 2 "$(layers img | grep -c sha256)" 'layers'
	run top img
	assert_out $'b\nc'
	build --squash-all -t img
	assert_ok
	assert_eq 1 "$(layers img | grep -c sha256)" 'layers'
	in_img sh -c 'cat /b /c; test ! -e /a'
	assert_ok
	assert_out $'b\nc'
}

run_tests "$@"
