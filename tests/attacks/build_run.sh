#!/bin/bash
# What a hostile Dockerfile, image or command of RUN tries against the build and its machine.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

dockerfile() {
	mkdir -p "$T/ctx"
	cat >"$T/ctx/Dockerfile"
}
build() { run hoy build --no-cache --progress plain "$T/ctx"; }

# CVE-2024-1753, CVE-2024-11218, CVE-2024-23652: sources and targets of mounts that are links out; what is made as a mount point is taken away within the image.
test_mounts_through_links() { # rows=user,root
	canary
	hostile evil <<-E
		b.sym('l', '/')
		b.sym('host', '$T/host')
		b.sym('up', '../../../../../../$T/host')
	E
	mkdir -p "$T/ctx"
	ln -s "$T/host" "$T/ctx/out"
	local line
	# Each is refused, or stays within the image.
	while IFS= read -r line; do
		printf 'FROM evil\n%s\n' "$line" >"$T/ctx/Dockerfile"
		build
		[[ $out$err != *'host canary'* ]] || fail "$line: $(last)"
		untouched
	done <<-E
		RUN --mount=from=evil,source=/l,target=/m,rw rm -rf /m/home /m/root /m$T/host; ls /m
		RUN --mount=from=evil,source=/bin,target=/host/sub,rw cat /host/secret; rm -rf /host/*
		RUN --mount=from=evil,source=/host,target=/m cat /m/secret
		RUN --mount=type=cache,target=/up/sub/new/deep rm -rf /up; mkdir -p $T; ln -s / $T/host
		RUN --mount=type=tmpfs,target=/host/sub echo x >/host/sub/x
		RUN --mount=source=out,target=/m cat /m/secret
		RUN --mount=source=out/secret,target=/m cat /m
		RUN --mount=target=/m,rw cat /m/out/secret; rm -rf /m/out/* /m/*; echo x >/m/out/secret
	E
	[ -h "$T/ctx/out" ] || fail 'the context was changed'
}

# CVE-2024-9675, CVE-2024-9407, CVE-2024-23651: the id and the source of a cache lead nowhere; a cache that was filled with links is no way out.
test_cache_leads_nowhere() { # rows=user,root
	load busybox
	canary
	dockerfile <<-E
		FROM busybox
		RUN --mount=type=cache,id=../../../../../..$T/host,target=/c ls -A /c | wc -l; echo x >/c/secret
		RUN --mount=type=cache,id=x,target=/c rm -rf /c/../c/d; ln -s $T/host /c/d; ln -s / /c/e
		RUN --mount=type=cache,id=x,source=d,target=/m ls -A /m/d/ 2>/dev/null | grep -c cana''ry; echo y >/m/d/secret; true
		RUN --mount=type=cache,id=x,target=/c,bind-propagation=rshared mkdir -p /c/p; mount -t tmpfs t /c/p; true
	E
	build
	[[ $out$err != *canary* ]] || fail "$(last)"
	untouched
	! grep -q "$T.*tmpfs" /proc/self/mountinfo || fail 'a mount came out'
	[ ! -e "$(store)/../host" ] || fail 'a path was made of the id'
}

# What one build puts into a cache is not what another step of another id sees; and a step that only reads it cannot change it.
test_cache_is_apart() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --mount=type=cache,id=a,target=/c echo poison >/c/f
		RUN --mount=type=cache,id=b,target=/c test ! -e /c/f
		RUN --mount=type=cache,id=a,target=/c,ro ! echo x 2>/dev/null >/c/f; cat /c/f
	E
	build
	assert_ok
	[[ $out$err == *poison* ]] || fail "$(last)"
}

# CVE-2024-23653, CVE-2022-29162: rights that were not given. No inheritable capability; --security=insecure wants a word of the caller.
test_rights() { # rows=user,root
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN grep -E '^Cap(Inh|Amb)|^Seccomp:|^NoNew' /proc/self/status; ! mount -t tmpfs t /opt 2>/dev/null; ls -l /proc/self/fd | grep -c -- '->'
	E
	build
	assert_ok
	[[ $out$err == *CapInh:*0000000000000000*CapAmb:*0000000000000000*Seccomp:*2* ]] || fail "$(last)"
	echo 'RUN --security=insecure true' >>"$T/ctx/Dockerfile"
	build
	[ "$rc" != 0 ] || fail 'insecure without --allow'
}

# CVE-2023-25173: USER gets the groups that the image says, so what is kept from a group is kept from it in a step, too.
test_groups() { # rows=user,root
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN echo x >/f && chgrp 2000 /f && chmod 604 /f
		USER app
		RUN ! cat /f
	E
	build
	assert_ok
}

# CVE-2024-21626, CVE-2019-5736: no descriptor of the host in a step, no program of the engine to be written to.
test_no_way_out() { # rows=user,root
	load busybox
	mkdir -p "$T/bin"
	cp "$(engine)" "$T/bin/hoy" && chmod 755 "$T/bin/hoy"
	local sum
	sum=$(sha256sum <"$T/bin/hoy")
	export HOY=$T/bin/hoy
	dockerfile <<-'E'
		FROM busybox
		RUN ls -l /proc/self/fd /proc/1/fd; for f in /proc/*/exe; do echo x 2>/dev/null >>$f; done; true
		RUN ["/proc/self/exe", "--version"]
	E
	build
	[[ $out$err != *"$T"/* || $out$err != *'-> '"$T"* ]] || fail "$(last)"
	assert_eq "$sum" "$(sha256sum <"$T/bin/hoy")" 'the engine'
	local n
	for n in 3 5 8 12; do
		dockerfile <<-E
			FROM busybox
			WORKDIR /proc/self/fd/$n
			RUN pwd; ls ../../.. | grep -c lost+found; cat ../../../etc/hostname
		E
		build
		[[ $out$err != *"$(cat /etc/hostname 2>/dev/null || echo none)"* ]] || [ "$rc" != 0 ] || fail "fd $n: $(last)"
	done
}

# What a command leaves running ends with it; what it forks without end is held by --pids-limit or its own end.
test_daemons_end() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN --network=none (trap '' HUP TERM; while :; do sleep 1; done) >/dev/null 2>&1 & setsid sleep 1000 & echo left
	E
	build
	assert_ok
	assert_eq '' "$(ls "$(store)/tmp")" 'unfinished work'
	nothing_left || fail "left: $(our_pids)"
}

# Files that would hang or mislead whoever packs them: FIFOs, sockets, names of whiteouts, deep trees, links to links.
test_odd_files() {
	load busybox
	dockerfile <<-'E'
		FROM busybox AS a
		RUN mkfifo /p /q; ln -s /p /l; ln -s loop /loop; mkdir -p $(yes d | head -300 | tr '\n' '/'); echo x >'/new
		line'
		FROM busybox
		COPY --from=a / /x/
		RUN --mount=from=a,target=/m test -p /m/p && test -p /x/q
	E
	sed -i ':a;N;$!ba;s/\n\t*line/ line/' "$T/ctx/Dockerfile"
	build
	assert_ok
	dockerfile <<-'E'
		FROM busybox
		RUN echo x >/.wh.etc
	E
	build
	assert_rc 125
	assert_err_has E-LAYER
}

# CVE-2024-24557 and its like: an image that is pulled or loaded, or a record that was tampered with, never stands for a step.
test_poison() { # short
	load busybox
	mkdir -p "$T/c"
	printf '%s\n' 'FROM busybox AS one' 'RUN echo one >/one' 'FROM busybox' 'COPY --from=one /one /one' 'RUN echo two >/two' >"$T/c/Dockerfile"
	run hoy build -q -t victim "$T/c"
	assert_ok
	# an image that says to be the result of the same steps, with other files
	mkdir "$T/evil"
	printf '%s\n' 'FROM victim' 'RUN echo evil >/two' >"$T/evil/Dockerfile"
	run hoy build -q -t evil "$T/evil"
	assert_ok
	hoy save -o "$T/evil.tar" evil || fail save
	(
		export HOY_ROOT=$T/other
		load busybox
		run hoy load -q -i "$T/evil.tar"
		assert_ok
		run hoy build -t y "$T/c"
		assert_ok
		case $out in *'Using cache'*) fail "a loaded image gave a step: $out" ;; esac
		run hoy run --rm y cat /two
		assert_out two
		# the record of one step under the key of another
		local d f first=
		d=$(store)/build/cache
		for f in "$d"/*; do
			[ -n "$first" ] && cp "$first" "$f"
			first=$f
		done
		run hoy build -t y "$T/c"
		assert_ok
		run hoy run --rm y cat /one /two
		assert_out 'one
two'
		for f in "$d"/*; do
			echo '{' >"$f"
		done
		run hoy build -t y "$T/c"
		assert_ok
		case $out in *'Using cache'*) fail "a broken record gave a step: $out" ;; esac
	) || exit
}

run_tests "$@"
