#!/bin/bash
# events: what is written down of each verb, and how it is shown: filtered, formatted, as it comes; whatever stands in the file.
# others: rows=user
# shellcheck disable=SC2317  # functions called by wait_for
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# shown [OPTION...]: type and action of all events so far, on one line.
shown() { hoy events --stream=false --format '{{.Type}} {{.Status}}' "$@" | tr '\n' ',' | sed 's/,$//'; }

test_life_of_a_container() { # peer_ok short rows=user,root,one
	load busybox
	hoy run --rm --name a --network none --label k=v busybox sh -c 'exit 7'
	local want='create,init,start,died,remove'
	assert_eq "$want" "$(hoy events --stream=false --since 10m --format '{{.Status}}' --filter container=a | grep -vE '^(attach|cleanup)$' | tr '\n' ',' | sed 's/,$//')" 'events of run --rm'
	run hoy events --stream=false --format '{{.ContainerExitCode}} {{.Name}} {{.Image}} {{.Attributes.k}}' --filter event=died --filter container=a
	assert_out '7 a localhost/busybox:latest v'
}

test_every_verb_of_containers() {
	load busybox
	hoy create --name c --network none busybox sleep 1000 >/dev/null
	hoy start c >/dev/null
	hoy exec c sh -c 'exit 3'
	hoy kill -s CONT c >/dev/null
	hoy rename c d
	hoy top d >/dev/null
	hoy export d >/dev/null
	hoy commit -q d i >/dev/null 2>&1
	hoy cp d:/etc/passwd "$T/x" || fail cp
	hoy restart -t 0 d >/dev/null
	hoy stop -t 0 d >/dev/null
	hoy container prune -f >/dev/null
	assert_eq create,init,start,exec,exec_died,kill,rename,top,export,commit,copy,died,stop,restart,init,start,died,stop,remove,prune \
		"$(hoy events --stream=false --filter type=container --format '{{.Status}}' | tr '\n' ',' | sed 's/,$//')" 'events'
	run hoy events --stream=false --filter event=rename --format '{{.Name}} {{.Attributes.oldName}}'
	assert_out 'd c'
	run hoy events --stream=false --filter event=exec_died --format '{{.ContainerExitCode}} {{.Attributes.command}}'
	assert_out '3 sh'
	run hoy events --stream=false --filter event=kill --format '{{.Attributes.signal}}'
	assert_out 18
	run hoy events --stream=false --filter event=died --format '{{.Name}}'
	assert_out $'d\nd'
}

test_images_and_networks() { # rows=user,root
	load busybox
	hoy tag busybox b:1
	hoy untag busybox b:1 >/dev/null
	hoy save -q -o "$T/b.tar" busybox
	hoy import -q "$T/b.tar" i:1 >/dev/null 2>&1
	hoy rmi i:1 >/dev/null
	hoy image prune -f >/dev/null
	assert_eq 'image loadfromarchive,image tag,image untag,image save,image import,image untag,image remove,image prune' "$(shown)"
	hoy network create n >/dev/null || fail create
	hoy run -d --name c --network n busybox sleep 1000 >/dev/null || fail run
	hoy network create m >/dev/null
	hoy network connect m c && hoy network disconnect m c || fail connect
	hoy rm -f -t 0 c >/dev/null
	hoy network rm n m >/dev/null
	assert_eq 'network create,network create,network connect,network disconnect,network remove,network remove' "$(shown --filter type=network)"
	local id
	id=$(hoy events --stream=false --filter event=create --filter network=m --format '{{.ID}}')
	assert_eq 4 "$(hoy events --stream=false --filter "network=${id:0:12}" | wc -l)" 'events of m by its ID'
	assert_eq "$id" "$(hoy events --stream=false --filter event=disconnect --format '{{.ID}}')"
}

test_a_failed_run_leaves_create_and_remove() {
	load busybox
	hoy run --name x --network none busybox nosuch >/dev/null 2>&1
	assert_eq 'create,remove' "$(hoy events --stream=false --filter container=x --format '{{.Status}}' | tr '\n' ',' | sed 's/,$//')"
}

test_killed_supervisor() { # rows=user,root,one
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	kill -9 "$(hoy inspect -f '{{.State.ConmonPid}}' c)"
	hoy rm -f -t 0 c >/dev/null || fail rm
	assert_eq 'create,init,start,died,remove' "$(hoy events --stream=false --filter container=c --format '{{.Status}}' | grep -v stop | tr '\n' ',' | sed 's/,$//')"
}

test_filters() {
	load busybox
	hoy run --rm --name a --network none --label x=1 --label y=2 busybox true
	hoy run --rm --name b --network none --label x=2 busybox true
	local id
	id=$(hoy events --stream=false --filter container=a --filter event=create --format '{{.ID}}')
	assert_eq 6 "$(hoy events --stream=false -f "container=${id:0:8}" | wc -l)" 'by the beginning of its ID'
	assert_eq 12 "$(hoy events --stream=false -f container=a -f container=b | wc -l)" alternatives
	assert_eq 2 "$(hoy events --stream=false -f container=a -f event=died -f event=create | wc -l)" 'two keys'
	assert_eq 6 "$(hoy events --stream=false -f label=x -f label=y=2 | wc -l)" 'labels must all fit'
	assert_eq 0 "$(hoy events --stream=false -f label=x=1 -f label=x=2 | wc -l)" 'labels must all fit'
	assert_eq 2 "$(hoy events --stream=false -f event=die | wc -l)" "docker's word"
	assert_eq 13 "$(hoy events --stream=false -f image=busybox | wc -l)" 'the image and its containers'
	assert_eq 13 "$(hoy events --stream=false -f image=localhost/busybox:latest | wc -l)" 'the whole name'
	assert_eq 0 "$(hoy events --stream=false -f image=box | wc -l)" 'a part of a name'
	assert_eq 1 "$(hoy events --stream=false -f type=image | wc -l)"
	assert_eq 12 "$(hoy events --stream=false -f type=container -f scope=local | wc -l)"
	local bad
	for bad in nope=1 container container= label!= type=pod type=daemon event=nope pod=x scope=swarm container!=a =; do
		run hoy events --stream=false -f "$bad"
		assert_err E-USAGE
	done
}

test_times() {
	load busybox
	sleep 0.01
	local middle
	middle=$(date +%s.%N)
	sleep 0.01
	hoy tag busybox b:1
	assert_eq 'image tag' "$(shown --since "$middle")"
	assert_eq 'image loadfromarchive' "$(shown --until "$middle")"
	assert_eq '' "$(shown --until 1h)"
	assert_eq 'image loadfromarchive,image tag' "$(shown --since 1h)"
	assert_eq 'image loadfromarchive,image tag' "$(hoy events --until 0s --format '{{.Type}} {{.Status}}' | tr '\n' ',' | sed 's/,$//')" 'a past end ends at once'
	run hoy events --since nope
	assert_err E-USAGE
	run hoy events nope
	assert_err E-USAGE
}

# It goes on with what comes, over rotations, and ends at a time to come.
test_follow() {
	load busybox
	hoy events --since 0s --until -4s --format '{{.Type}} {{.Status}} {{.Name}}' >"$T/o" 2>&1 &
	local pid=$!
	tagged() { hoy tag busybox first:1 && file_has "$T/o" first:1; }
	wait_for tagged
	hoy run --rm --name c --network none busybox true
	wait_for file_has "$T/o" 'container remove c'
	gone $pid && fail 'it ended before its time'
	file_has "$T/o" loadfromarchive && fail 'the past was shown'
	wait $pid || fail "status $?"
	env --default-signal=INT $HOY events --format '{{.Name}}' >"$T/p" & # a shell has its background ignore it
	pid=$!
	tagged2() { hoy tag busybox second:1 && file_has "$T/p" second:1; }
	wait_for tagged2
	mv "$(store)/events" "$(store)/events.1" # as a writer does that finds it too large
	hoy tag busybox third:1
	wait_for file_has "$T/p" third:1
	kill -INT $pid
	wait $pid
	assert_eq 130 $? 'the status after Ctrl-C'
}

test_follow_before_anything_happened() {
	hoy events --format '{{.Type}} {{.Status}}' --until -5s >"$T/o" &
	local pid=$!
	there() { [ -e "$(store)" ]; }
	wait_for there
	sleep 0.2
	load busybox
	wait_for file_has "$T/o" 'image loadfromarchive'
	kill $pid
	wait $pid
	hoy events --until -5s | head -1 >"$T/p" &
	pid=$!
	first() { hoy tag busybox x:1 && [ -s "$T/p" ]; }
	wait_for first
	wait $pid || fail "status $?"
}

test_shapes() { # short
	load busybox
	hoy run --name a --network none --label k=v busybox true
	hoy exec a true 2>/dev/null
	run hoy events --stream=false --filter event=died
	assert_match '^[0-9]{4}-[0-9-]+ [0-9:]+\.[0-9]+ [+-][0-9]{4} [A-Z+0-9-]+ container died [0-9a-f]{64} \(image=localhost/busybox:latest, name=a, exitCode=0, k=v\)$'
	run hoy events --stream=false --no-trunc=false --filter event=died
	assert_match ' container died [0-9a-f]{12} \('
	run hoy events --stream=false --filter event=died --format json
	assert_match '^\{"ContainerExitCode":0,"ID":"[0-9a-f]{64}","Image":"localhost/busybox:latest","Name":"a","Status":"died","time":[0-9]{10},"timeNano":[0-9]{19},"Type":"container","Attributes":\{"k":"v"\}\}$'
	run as_docker events --since 1h --until 0s --filter event=die
	assert_match '^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5}) container die [0-9a-f]{64} \(exitCode=0, image=localhost/busybox:latest, k=v, name=a\)$'
	run as_docker events --since 1h --until 0s --filter event=die --format '{{json .}}'
	assert_match '^\{"status":"die","id":"[0-9a-f]{64}","from":"localhost/busybox:latest","Type":"container","Action":"die","Actor":\{"ID":"[0-9a-f]{64}","Attributes":\{.*"exitCode":"0"\}\},"scope":"local","time":[0-9]+,"timeNano":[0-9]+\}$'
	run as_docker events --since 1h --until 0s --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.ID}}' --filter type=image
	assert_match '^load localhost/busybox:latest sha256:[0-9a-f]{64}$'
	run hoy events --stream=false --format '{{.Nope}}'
	assert_err E-FORMAT
	run hoy system events --stream=false
	assert_ok
}

# Of an exec no argument is written down, nor is any part of the environment.
test_no_secrets() {
	load busybox
	hoy run -d --name c --network none -e PASSWORD=hidden1 busybox sleep 1000 >/dev/null || fail run
	hoy exec -e TOKEN=hidden2 c sh -c 'true hidden3'
	hoy rm -f -t 0 c >/dev/null
	! grep -q hidden "$(store)/events" || fail "$(grep hidden "$(store)/events")"
	assert_eq 600 "$(stat -c %a "$(store)/events")" mode
}

# Labels are a stranger's text: no line of it looks like an event, no escape reaches a terminal.
test_hostile_labels() {
	load busybox
	local evil=$'a\n\036{"time":1,"type":"image","action":"forged"}\n\e[31mred\e[0m\r\x9b2J'
	hoy run --rm --name c --network none --label "evil=$evil" --label "$evil=1" busybox true || fail run
	assert_eq 0 "$(hoy events --stream=false --format '{{.Status}}' | grep -c forged)" 'forged events'
	assert_eq 7 "$(hoy events --stream=false | wc -l)" lines
	! hoy events --stream=false | LC_ALL=C grep -q "$(printf '[\033\r]')" || fail 'an escape was printed'
	! as_docker events --since 1h --until 0s | LC_ALL=C grep -q "$(printf '[\033\r]')" || fail 'an escape was printed for docker'
	assert_eq 7 "$(hoy events --stream=false --format json | wc -l)" 'lines of JSON'
	! hoy events --stream=false --format json | LC_ALL=C grep -q "$(printf '\033')" || fail 'an escape was printed in JSON'
}

test_broken_file() { # short
	load busybox
	local f
	f=$(store)/events
	cp "$f" "$T/good"
	{ printf 'garbage\n\0\377\n\036{"time":1,"type":"im'; cat "$T/good"; printf '\036{"time":"x"}\n\036[]\n{}\n'; head -c 100000 /dev/zero | tr '\0' x; printf '\n'; cat "$T/good"; printf '\036{"ti'; } >"$f"
	assert_eq 'image loadfromarchive,image loadfromarchive' "$(shown)"
	hoy tag busybox b:1
	assert_eq 'image loadfromarchive,image loadfromarchive,image tag' "$(shown)" 'behind a torn line'
	rm "$f" && mkfifo "$f"
	run timeout 10 $HOY tag busybox b:2
	assert_ok
	run timeout 10 $HOY events --stream=false
	assert_ne 124 "$rc" status
	rm "$f" && mkdir "$f"
	run hoy tag busybox b:3
	assert_ok
	assert_quiet
	rmdir "$f" && ln -s "$T/elsewhere" "$f"
	run hoy tag busybox b:4
	assert_ok
	[ ! -e "$T/elsewhere" ] || fail 'a link was followed'
	rm "$f"
	run hoy system check
	assert_ok
}

# The file is capped, and the one before is kept.
test_rotation() {
	load busybox
	local f
	f=$(store)/events
	head -c 1060000 /dev/zero | tr '\0' '\n' >>"$f"
	moved() { hoy tag busybox "b:$((RANDOM % 5))" && [ -e "$f.1" ]; }
	wait_for moved
	[ "$(stat -c %s "$f.1")" -gt 1048576 ] || fail 'too early'
	hoy tag busybox last:1
	assert_eq 'image loadfromarchive' "$(hoy events --stream=false --format '{{.Type}} {{.Status}}' | head -1)" 'the oldest event'
	assert_eq 'localhost/last:1' "$(hoy events --stream=false --format '{{.Name}}' | tail -1)" 'the newest event'
	run hoy system check
	assert_ok
	hoy system reset -f >/dev/null 2>&1
	[ ! -e "$f" ] && [ ! -e "$f.1" ] || fail 'reset leaves them'
}

test_cost() { # rows=user,one
	need strace
	load busybox
	hoy run -d --name holder --network none busybox sleep 1000 >/dev/null || fail run
	strace -f -qq -y -e trace=openat,write,lseek,close,flock,renameat -o "$T/trace" $HOY run --rm --network none busybox true || fail run
	local n
	n=$(grep -cE '/events[">]' "$T/trace")
	note "run --rm: $n system calls for events"
	[ "$n" -le 12 ] || fail "$n system calls: $(grep -E '/events[">]' "$T/trace")"
	assert_eq 3 "$(grep -cE 'write\([0-9]+<[^>]*/events>' "$T/trace")" writes
}

run_tests "$@"
