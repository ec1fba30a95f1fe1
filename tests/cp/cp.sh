#!/bin/bash
# cp: between containers and the host, running or not.
. "$(dirname "$0")/../lib.sh"

# up [OPTION...]: a running container c.
up() {
	load busybox
	hoy run -d --name c --network none "$@" busybox sleep 1000 >/dev/null || fail run
}
# tree: a directory d with all kinds of files.
tree() {
	mkdir -p "$T/w/d/sub/deep" && cd "$T/w" || fail mkdir
	echo one >d/one
	ln d/one d/hard
	ln -s one d/link
	ln -s /nowhere d/dangling
	echo exec >d/sub/x
	chmod 751 d/sub/x
	chmod 750 d/sub
	mkfifo d/fifo
	printf 'a\nb' >"d/a name
of two lines"
	truncate -s 10M d/sparse
	touch -d 2001-02-03T04:05:06Z d/one d/sub/deep
}
# listed DIR: kinds, modes, times and contents of what is below.
listed() { (cd "$1" && find . -mindepth 1 -printf '%y %m %T@ %l %P\n' | sed 's/\.[0-9]*  *\([^ ]*\)/ \1/' | sort && find . -type f -print0 | sort -z | xargs -0 cat | cksum); }

test_into_and_out_of_a_running_one() { # peer_ok short
	up
	tree
	hoy cp d c:/new || fail 'cp in'
	run hoy cp c:/new back
	assert_ok
	rm d/fifo back/fifo # how podman does these differs
	assert_eq "$(listed d | grep -v ' sub$')" "$(listed back | grep -v ' sub$')" tree
	run hoy exec c stat -c %u:%g:%a /new/one /new/sub/x
	assert_out $'0:0:644\n0:0:751'
	[ "$(stat -c %b back/sparse)" -lt 2000 ] || is_peer || fail 'the sparse file is not sparse any more'
	[ back/one -ef back/hard ] || fail 'the hard link is a file of its own'
	hoy rm -f -t 0 c >/dev/null
}

test_into_and_out_of_one_that_does_not_run() { # short
	load busybox
	tree
	hoy create --name c --network none busybox sh -c 'cat /new/one && cat /new/sub/x' >/dev/null || fail create
	hoy cp d c:/new || fail 'cp in'
	hoy cp c:/new back || fail 'cp out'
	assert_eq "$(listed d)" "$(listed back)" tree
	run hoy start -a c
	assert_out $'one\nexec'
	echo two >d/one
	hoy cp d/one c:/new/one || fail 'cp into one that has ended'
	run hoy start -a c
	assert_out $'two\nexec'
	hoy rm c >/dev/null
	run hoy system check
	assert_ok
}

test_where_a_file_goes() { # peer_ok
	up
	cd "$T" || fail cd
	echo new >f
	hoy exec c sh -c 'mkdir /dir; echo old >/file; ln -s /dir /todir; ln -s /file /tofile' || fail exec
	hoy cp f c:/dir && hoy cp f c:/dir/g && hoy cp f c:/dir/ && hoy cp f c:todir/h && hoy cp f c:/file || fail cp
	run hoy exec c sh -c 'cat /dir/f /dir/g /dir/h /file; ls /dir'
	assert_out $'new\nnew\nnew\nnew\nf\ng\nh'
	hoy cp c:/dir/f . && hoy cp c:/dir/f g && hoy cp c:/file f || fail 'cp out'
	cmp f g || fail 'not the same'
	hoy rm -f -t 0 c >/dev/null
}

test_where_a_directory_goes() { # peer_ok
	up
	mkdir -p "$T/w/d" && cd "$T/w" && echo x >d/f || fail mkdir
	hoy cp d c:/new && hoy cp d c:/new && hoy cp d/. c:/new/ && hoy cp d/. c:/other || fail cp
	run hoy exec c find /new /other
	assert_eq "$(printf '%s\n' /new /new/d /new/d/f /new/f /other /other/f)" "$(sort "$T/out")" 'what is there'
	hoy cp c:/new . && hoy cp c:/new/d new && hoy cp c:/new/. flat || fail 'cp out'
	assert_eq "$(printf '%s\n' flat flat/d flat/d/f flat/f new new/d new/d/f new/f)" "$(find new flat | sort)" 'what came out'
	(cd d && hoy cp . c:/third) && run hoy exec c ls /third
	assert_out f
	hoy rm -f -t 0 c >/dev/null
}

test_refusals_leave_the_target() {
	up
	tree
	hoy exec c sh -c 'mkdir /dir; mkdir /dir/one; echo old >/dir/one/x; echo old >/file' || fail exec
	run hoy cp d c:/file
	assert_err E-COPY
	run hoy cp d/one c:/no/where
	assert_err E-COPY
	run hoy cp d/one c:/no/
	assert_err E-COPY
	run hoy cp c:/none .
	assert_err E-COPY
	run hoy cp none c:/
	assert_err E-COPY
	run hoy cp d/one c:/dir/
	assert_err E-COPY
	run hoy cp d/. c:/dir
	assert_err E-COPY
	run hoy exec c sh -c 'cat /dir/one/x /file'
	assert_out $'old\nold'
	hoy cp --overwrite d/one c:/dir/ || fail overwrite
	run hoy exec c cat /dir/one
	assert_out one
	run hoy cp nosuch:/x .
	assert_err E-CONTAINER-UNKNOWN
	run hoy cp d e
	assert_err E-USAGE
	run hoy cp c:/proc/cpuinfo .
	assert_err E-COPY
	run hoy cp c:/dir c:/dir/below
	assert_err E-COPY
	run hoy cp - - </dev/null
	assert_err E-USAGE
	hoy rm -f -t 0 c >/dev/null
}

test_streams() { # peer_ok
	up
	tree
	rm d/fifo d/a*
	tar -c d | hoy cp - c:/tmp || fail 'cp from a stream'
	hoy cp c:/tmp/d - | tar -x -C "$T" || fail 'cp to a stream'
	assert_eq "$(listed d)" "$(listed "$T/d")" tree
	hoy cp c:/tmp/d/one - >"$T/one.tar" || fail 'a file to a stream'
	assert_eq one "$(tar -tf "$T/one.tar")" names
	run hoy cp - c:/none </dev/null
	assert_ne 0 "$rc" status
	hoy rm -f -t 0 c >/dev/null
}

test_a_stream_is_not_written_to_a_terminal() { # short
	up
	run with_pty -- "$HOY" cp c:/etc/passwd -
	assert_has E-USAGE
	hoy rm -f -t 0 c >/dev/null
}

test_broken_streams() {
	up
	tree
	tar -c d >"$T/d.tar"
	head -c 3000 "$T/d.tar" >"$T/cut.tar"
	run hoy cp - c:/tmp <"$T/cut.tar"
	assert_err E-ARCHIVE
	head -c 20000 /dev/urandom >"$T/noise"
	run hoy cp - c:/tmp <"$T/noise"
	assert_err E-ARCHIVE
	run hoy exec c true
	assert_ok
	hoy rm -f -t 0 c >/dev/null
}

test_owners() { # rows=user,root
	up -u 1000:1001
	cd "$T" || fail cd
	echo x >f
	mkdir d && echo y >d/g
	hoy cp f c:/tmp/f && hoy cp d c:/tmp/d && hoy cp --archive=false f c:/tmp/mine || fail cp
	run hoy exec c stat -c '%u:%g' /tmp/f /tmp/d /tmp/d/g /tmp/mine
	assert_out $'1000:1001\n1000:1001\n1000:1001\n0:0'
	as_docker cp -q f c:/tmp/docker && as_docker cp -q -a f c:/tmp/kept || fail 'docker cp'
	run hoy exec c stat -c '%u:%g' /tmp/docker /tmp/kept
	assert_out $'0:0\n0:0'
	hoy exec -u 0 c sh -c 'echo s >/tmp/s; chown 7:8 /tmp/s; chmod 6755 /tmp/s'
	hoy cp c:/tmp/s . || fail 'cp out'
	assert_eq "$(id -u):$(id -g):755" "$(stat -c %u:%g:%a s)" 'owner and mode'
	run hoy cp c:/tmp/s -
	tar -tvf "$T/out" | grep -q -- '-rwsr-sr-x 7/8' || fail "the stream lost the owner: $(tar -tvf "$T/out")"
	hoy rm -f -t 0 c >/dev/null
}

test_owners_with_one_uid() { # rows=one
	load busybox
	cd "$T" && echo x >f || fail cd
	hoy create --name c --network none -u 1000:1001 busybox stat -c %u:%g /f >/dev/null || fail create
	hoy cp f c:/f || fail cp
	run hoy cp c:/f -
	tar -tvf "$T/out" | grep -q '1000/1001' || fail "the owner is not kept: $(tar -tvf "$T/out")"
	hoy rm c >/dev/null
}

test_links_as_podman_and_docker() {
	up
	cd "$T" || fail cd
	echo x >f
	ln -s f l
	hoy exec c sh -c 'echo y >/f; ln -s f /l; mkdir /d; ln -s d /ld'
	hoy cp l c:/tmp/ && hoy cp c:/l hout && hoy cp c:/ld houtd || fail cp
	as_docker cp -q l c:/tmp/dl && as_docker cp -q c:/l dout && as_docker cp -q -L c:/l dfollowed || fail 'docker cp'
	run hoy exec c sh -c 'readlink /tmp/l; readlink /tmp/dl'
	assert_out f
	[ ! -L hout ] && [ -d houtd ] && [ -L dout ] && [ ! -L dfollowed ] || fail "$(ls -l)"
	hoy rm -f -t 0 c >/dev/null
}

test_what_is_mounted() {
	mkdir -p "$T/host"
	echo host >"$T/host/f"
	up --tmpfs /t -v "$T/host:/v"
	cd "$T" && echo new >n || fail cd
	hoy cp n c:/t/n && hoy cp n c:/v/n && hoy cp n c:/etc/hosts || fail cp
	run hoy exec c cat /t/n /etc/hosts
	assert_out $'new\nnew'
	assert_eq new "$(cat host/n)" 'in the volume'
	hoy cp c:/v ov && hoy cp c:/t ot && hoy cp c:/ all || fail 'cp out'
	[ -f ov/f ] && [ -f ot/n ] && [ -f all/v/f ] && [ -f all/t/n ] || fail "$(ls -R ov ot)"
	[ "$(ls_count all/proc)$(ls_count all/sys)" = 00 ] || fail 'the kernel files were copied'
	hoy stop -t 0 c >/dev/null
	hoy cp c:/v/f of && hoy cp n c:/v/later || fail 'cp of a stopped one'
	[ "$(cat of host/later)" = $'host\nnew' ] || fail 'the volume of a stopped one is not seen'
	hoy rm -f -t 0 c >/dev/null
}

test_read_only_root() {
	up --read-only --tmpfs /t
	cd "$T" && echo x >f || fail cd
	run hoy cp f c:/f
	assert_err E-READ-ONLY
	hoy cp f c:/t/f || fail 'cp to its tmpfs'
	hoy rm -f -t 0 c >/dev/null
}

test_between_containers() { # peer_ok
	up
	hoy run -d --name other --network none busybox sleep 1000 >/dev/null || fail run
	hoy exec c sh -c 'mkdir /d; echo x >/d/f; chown 5:6 /d/f'
	hoy cp c:/d other:/e || fail 'to another'
	hoy cp c:/d/f c:/g || fail 'to itself'
	run hoy exec other cat /e/f
	assert_out x
	run hoy exec c cat /g
	assert_out x
	hoy rm -f -t 0 c other >/dev/null
}

test_between_containers_that_do_not_run() {
	load busybox
	hoy run --name c --network none busybox sh -c 'mkdir /d; echo x >/d/f' || fail run
	hoy create --name other --network none busybox cat /e/f /f >/dev/null || fail create
	hoy cp c:/d other:/e && hoy cp c:/d/f other:/f && hoy cp c:/d c:/again || fail cp
	run hoy start -a other
	assert_out $'x\nx'
	run hoy cp c:/again/f -
	assert_ok
	hoy rm c other >/dev/null
	run hoy system check
	assert_ok
}

# Two processes of ours at one container: neither is taken for a member of the shared user namespace.
test_many_times_between_two_that_run() { # rows=user,root
	up
	hoy exec c sh -c 'echo x >/f'
	local i
	for i in $(seq 40); do hoy cp c:/f c:/g || fail "cp number $i"; done
	hoy rm -f -t 0 c >/dev/null
}

test_docker_says_how_much() { # short
	up
	cd "$T" && head -c 2048 /dev/zero >f || fail cd
	run as_docker cp f c:/f
	assert_eq 'Successfully copied 2.048kB to c:/f' "$err" message
	run as_docker cp -q f c:/f
	assert_quiet
	run hoy cp f c:/f
	assert_quiet
	hoy rm -f -t 0 c >/dev/null
}

test_killed_at_any_moment() { # rows=user
	load busybox
	mkdir -p "$T/d"
	for i in $(seq 300); do echo "$i" >"$T/d/$i"; done
	hoy create --name c --network none busybox true >/dev/null || fail create
	for i in 1 2 3 5 8 13 20 40; do
		hoy cp "$T/d" c:/d 2>/dev/null &
		sleep 0.0$i
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
	done
	wait_for hoy start c 2>/dev/null
	hoy wait c >/dev/null
	hoy rm c >/dev/null || fail rm
	run hoy system check
	assert_ok
}

test_full_target() { # rows=user
	up --tmpfs /t:size=1m
	head -c 3M /dev/zero | tr '\0' x >"$T/f"
	run hoy cp "$T/f" c:/t/f
	assert_ne 0 "$rc" status
	assert_err_has 'No space left'
	hoy rm -f -t 0 c >/dev/null
}

test_completion() {
	up
	cd "$T" || fail cd
	run hoy __complete -- cp c
	assert_has 'c:'
	assert_has ':file'
	hoy rm -f -t 0 c >/dev/null
}

run_tests "$@"
