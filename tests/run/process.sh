#!/bin/bash
# The flags of run and create about the process and what surrounds it: groups, environment, time, limits, the platform of the image.
. "$(dirname "$0")/../lib.sh"

r() { run hoy run --rm --network none "$@"; }

test_umask() { # peer_ok short
	load busybox
	r busybox sh -c umask
	assert_out 0022
	r --umask 77 busybox sh -c umask
	assert_out 0077
	r --umask 0 busybox sh -c 'umask; touch /tmp/x; stat -c %a /tmp/x'
	assert_out '0000
666'
	for bad in 9 07777 077777 -1 u=rwx; do
		r --umask "$bad" busybox true
		assert_rc 125
	done
	hoy run -d --name c --network none --umask 27 busybox sleep 1000 >/dev/null || fail run
	run hoy exec c sh -c umask
	assert_out 0027
	hoy rm -f -t 0 c >/dev/null
}

test_groups_are_added() { # peer_ok rows=user,root short
	load busybox
	r --group-add 5000 --group-add wheel busybox sh -c 'id -G | tr " " "\n" | sort -n | tr "\n" " "'
	assert_has ' 10 '
	assert_has ' 5000 '
	r -u 1000 --group-add 5000 busybox id -G
	assert_match '(^| )2000( |$)'
	assert_match '(^| )5000( |$)'
	hoy run -d --name c --network none --group-add 5000 busybox sleep 1000 >/dev/null || fail run
	run hoy exec c id -G
	assert_has 5000
	hoy rm -f -t 0 c >/dev/null
}

test_groups_that_are_none() {
	load busybox
	for bad in nope 4294967295 -1 'a b' ''; do
		r --group-add "$bad" busybox true
		[ -z "$bad" ] && continue
		assert_err E-USER
	done
	r --group-add keep-groups --group-add 5 busybox true
	assert_err E-USAGE keep-groups
}

test_keep_groups() { # rows=user
	load busybox
	r --group-add keep-groups busybox grep Groups /proc/self/status
	assert_ok
	# As many as we have; those without a number in the container show as the overflow id.
	assert_eq "$(grep Groups /proc/self/status | wc -w)" "$(wc -w <"$T/out")" 'groups'
}

test_environment_of_the_host() { # peer_ok
	load busybox
	export http_proxy=p1 HTTPS_PROXY=p2 MINE=yes
	r busybox env
	assert_has 'http_proxy=p1'
	assert_has 'HTTPS_PROXY=p2'
	assert_lacks MINE
	r --http-proxy=false busybox env
	assert_lacks p1
	r --env-host -e B=2 busybox env
	assert_has 'MINE=yes'
	assert_has 'B=2'
	r --env-host -e MINE=other busybox env
	assert_has 'MINE=other'
	r -e '' busybox true
	assert_ok
}

test_environment_taken_away() { # peer_ok
	load busybox
	r --unsetenv PATH busybox /bin/env
	assert_lacks 'PATH='
	r --unsetenv-all -e A=1 busybox /bin/env
	assert_has A=1
	assert_lacks 'PATH='
}

test_docker_passes_no_proxies() {
	load busybox
	ln -s "$(command -v "$HOY")" "$T/docker"
	export http_proxy=p1
	run "$T/docker" run --rm --network none busybox env
	assert_ok
	assert_lacks p1
}

test_time_zone() { # peer_ok
	[ -f /usr/share/zoneinfo/Asia/Tokyo ] || skip 'needs /usr/share/zoneinfo'
	load busybox
	r --tz Asia/Tokyo busybox date +%z
	assert_out +0900
	r --tz local busybox date +%z
	assert_out "$(date +%z)"
	for bad in Nope ../../etc/passwd /etc/passwd Asia; do
		r --tz "$bad" busybox true
		assert_rc 125
	done
}

test_time_zone_through_a_dangling_link() {
	[ -f /usr/share/zoneinfo/Asia/Tokyo ] || skip 'needs /usr/share/zoneinfo'
	load busybox
	hoy create --name c --network none --tz Asia/Tokyo busybox date +%z >/dev/null || fail create
	hoy run --name b --network none busybox ln -s ../usr/share/zoneinfo/Etc/UTC /etc/localtime || fail run
	# The container's own layer gets the link of the other one.
	local up
	up=$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/upper
	mkdir -p "$up/etc"
	ln -s ../usr/share/zoneinfo/Etc/UTC "$up/etc/localtime"
	run hoy start -a c
	assert_ok
	assert_out +0900
	rm "$up/etc/localtime"
	ln -s /etc/localtime "$up/etc/localtime" # a loop
	run timeout 20 $HOY start -a c
	assert_rc 125
}

test_oom_score() { # peer_ok rows=user,root
	load busybox
	r --oom-score-adj 300 busybox cat /proc/self/oom_score_adj
	assert_out 300
	hoy run -d --name c --network none --oom-score-adj 200 busybox sleep 1000 >/dev/null || fail run
	run hoy exec c cat /proc/self/oom_score_adj
	assert_out 200
	hoy rm -f -t 0 c >/dev/null
}

test_oom_score_that_cannot_be_had() { # rows=user,one
	load busybox
	r --oom-score-adj -300 busybox cat /proc/self/oom_score_adj
	assert_ok
	assert_out "$(cat /proc/self/oom_score_adj)"
	assert_err_has 'takes root'
	r --oom-score-adj 1001 busybox true
	assert_err E-USAGE
	# The supervisor itself is not made a victim.
	hoy run -d --name c --network none --oom-score-adj 200 busybox sleep 1000 >/dev/null || fail run
	run hoy inspect -f '{{.State.ConmonPid}}' c
	assert_eq "$(cat /proc/self/oom_score_adj)" "$(cat "/proc/$out/oom_score_adj")" "the supervisor's"
}

test_timeout() { # peer_ok
	load busybox
	local before=$SECONDS
	run hoy run --rm --network none --timeout 1 busybox sleep 100
	assert_rc 255
	[ $((SECONDS - before)) -lt 30 ] || fail 'it was not killed'
	r --timeout 100 busybox true
	assert_ok
}

test_timeout_in_the_background() {
	load busybox
	hoy run -d --name c --network none --timeout 1 busybox sleep 100 >/dev/null || fail run
	run hoy wait c
	assert_out 255
	r --timeout 99999999999 busybox true
	assert_err E-USAGE
}

test_pidfile() {
	load busybox
	hoy run -d --name c --network none --pidfile "$T/pid" busybox sleep 1000 >/dev/null || fail run
	assert_eq "$(hoy inspect -f '{{.State.Pid}}' c)" "$(cat "$T/pid")"
	assert_eq "$T/pid" "$(hoy inspect -f '{{.PidFile}}' c)"
	hoy restart -t 0 c >/dev/null || fail restart
	assert_eq "$(hoy inspect -f '{{.State.Pid}}' c)" "$(cat "$T/pid")" 'after a restart'
	hoy stop -t 0 c >/dev/null || fail stop
	[ ! -e "$T/pid" ] || fail 'a pidfile without its process'
	cd "$T" || fail cd
	hoy run -d --name d --network none --pidfile rel busybox sleep 1000 >/dev/null || fail run
	assert_eq "$(hoy inspect -f '{{.State.Pid}}' d)" "$(cat "$T/rel")"
	echo 1 >"$T/rel" # somebody else's by now
	hoy rm -f d >/dev/null
	[ -e "$T/rel" ] || fail 'the pidfile of another was removed'
	run hoy run -d --network none --pidfile /nonexistent/dir/pid busybox sleep 1000
	assert_err
	run hoy ps -aq
	assert_out "$(hoy ps -aq --filter name=c)"
}

test_attach() { # peer_ok short
	load busybox
	r -a stdout busybox sh -c 'echo o; echo e >&2'
	assert_out o
	assert_eq '' "$err" stderr
	r -a stderr busybox sh -c 'echo o; echo e >&2'
	assert_out ''
	assert_eq e "$err" stderr
	r -a stdout -a stderr busybox sh -c 'echo o; echo e >&2; exit 3'
	assert_rc 3
	assert_out o
	assert_eq e "$err" stderr
	echo in | hoy run --rm -i --network none -a stdin -a stdout busybox cat >"$T/out"
	assert_eq in "$(cat "$T/out")"
	r -a nope busybox true
	assert_rc 125
}

test_attach_to_input_only() {
	load busybox
	echo in | hoy run -i --name c --network none -a stdin busybox sh -c 'cat; exit 4' >"$T/out"
	assert_eq 4 $? status
	assert_eq "$(hoy inspect -f '{{.Id}}' c)" "$(cat "$T/out")" 'what it prints'
	run hoy logs c
	assert_out in
	echo in | hoy run -i --rm --network none -a stdout busybox sh -c 'read x <&0 & sleep 0.2; echo "got $x"' >"$T/out"
	assert_eq 'got ' "$(cat "$T/out")" 'input that was not asked for'
	ln -s "$(command -v "$HOY")" "$T/docker"
	run "$T/docker" run -d -a stdout --network none busybox true
	assert_err E-USAGE
}

test_labels_and_annotations() { # peer_ok
	load busybox
	printf '# comment\nk1=v1\n\nk2=v 2=x\n' >"$T/labels"
	hoy create --name c --network none --label-file "$T/labels" -l k1=mine --annotation a=b=c busybox true >/dev/null || fail create
	run hoy inspect -f '{{index .Config.Labels "k1"}} {{index .Config.Labels "k2"}} {{index .Config.Annotations "a"}}' c
	assert_out 'mine v 2=x b=c'
	run hoy create --network none --annotation nope busybox true
	assert_rc 125
	run hoy create --network none --label-file "$T/nope" busybox true
	assert_rc 125
	hoy rm c >/dev/null
}

test_inspect_shows_them() { # rows=user
	load busybox
	hoy create --name c --network none --umask 27 --timeout 7 --oom-score-adj 9 --group-add 77 -a stdout --cidfile "$T/cid" \
		--log-opt max-size=10m busybox true >/dev/null || fail create
	run hoy inspect -f '{{.Config.Umask}} {{.Config.Timeout}} {{.HostConfig.OomScoreAdj}} {{.HostConfig.GroupAdd}} {{.Config.AttachStdout}} {{.Config.AttachStderr}} {{.HostConfig.ContainerIDFile}} {{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}}' c
	assert_out "0027 7 9 [77] true false $T/cid local 10m"
	assert_eq "$(hoy inspect -f '{{.Id}}' c)" "$(cat "$T/cid")" cidfile
	run hoy create --cidfile "$T/cid" busybox true
	assert_err E-USAGE
}

test_stop_signal_may_be_empty() { # peer_ok
	load busybox
	r --stop-signal '' busybox true
	assert_ok
	r --stop-signal NOPE busybox true
	assert_rc 125
}

test_platform() {
	load busybox
	local arch
	arch=$(hoy image inspect -f '{{.Architecture}}' busybox)
	r --platform "linux/$arch" busybox true
	assert_ok
	r --arch "$(uname -m)" --os linux busybox true
	assert_ok
	r --platform linux/s390x busybox true
	assert_err E-PLATFORM "linux/$arch"
	r --os windows busybox true
	assert_err E-PLATFORM
	for bad in x//y a/b/c/d 'linux/a b' /; do
		r --platform "$bad" busybox true
		assert_err E-USAGE
	done
	r --platform linux/amd64 --arch amd64 busybox true
	assert_err E-USAGE
}

test_preserved_descriptors() { # short
	load busybox
	printf 'a\n' >"$T/a"
	printf 'b\n' >"$T/b"
	run hoy run --rm --network none --preserve-fds 2 busybox sh -c 'cat <&3; cat <&4' 3<"$T/a" 4<"$T/b"
	assert_out 'a
b'
	run hoy run --rm --network none --preserve-fd 7,30 busybox sh -c 'cat <&7; cat /proc/self/fd/30' 7<"$T/a" 30<"$T/b"
	assert_out 'a
b'
	run hoy run --rm --network none --preserve-fds 1 --init busybox cat /proc/self/fd/3 3<"$T/a"
	assert_out a
	run hoy run --rm --network none --preserve-fds 1 --preserve-fd 9 -u 1000 busybox sh -c 'cat <&9; cat <&3' 3<"$T/a" 9<"$T/b"
	assert_out 'b
a'
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy exec --preserve-fds 1 c sh -c 'cat <&3' 3<"$T/a"
	assert_out a
	run hoy exec --preserve-fd 5 -l sh -c 'cat <&5' 5<"$T/b"
	assert_out b
	# Where the engine executes itself again, its own descriptors stay out of the way.
	mkdir "$T/bin"
	cp "$(command -v "$HOY")" "$T/bin/hoy"
	run "$T/bin/hoy" run --rm --network none --preserve-fds 4 busybox sh -c 'cat <&3; cat <&4; cat <&5; cat <&6' 3<"$T/a" 4<"$T/b" 5<"$T/a" 6<"$T/b"
	assert_out 'a
b
a
b'
	run "$T/bin/hoy" exec --preserve-fd 3,13 c sh -c 'cat <&3; cat /proc/self/fd/13' 3<"$T/a" 13<"$T/b"
	assert_out 'a
b'
}

test_preserved_pipe_ends() {
	load busybox
	# The reader sees the end of its pipe when the container ends or closes it, though hoy still runs.
	mkfifo "$T/p"
	cat "$T/p" >"$T/got" &
	local reader=$!
	$HOY run --name c --network none --preserve-fds 1 busybox sh -c 'echo said >&3; exec 3>&-; sleep 1000' 3>"$T/p" &
	wait_for gone $reader
	assert_eq said "$(cat "$T/got")"
	hoy kill c >/dev/null
	wait
}

test_descriptors_that_are_not_open() {
	load busybox
	run hoy run --rm --network none --preserve-fds 1 busybox true 3<&-
	assert_err E-USAGE 'descriptor 3'
	run hoy run --rm --network none --preserve-fds 2 busybox true 3</dev/null 4<&-
	assert_err E-USAGE 'descriptor 4'
	local bad
	for bad in 2 0 -1 x 99999999999; do
		run hoy run --rm --network none --preserve-fd "$bad" busybox true
		assert_err E-USAGE
	done
	run hoy exec --preserve-fd 50 nope true
	assert_err E-USAGE
	run hoy exec nope
	assert_err E-USAGE
}

run_tests "$@"
