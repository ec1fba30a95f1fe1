#!/bin/bash
# ps: what is listed, how it looks, filters, order; and that damage, locks and hostile text do not matter.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# three: a container that runs, one that has exited with 3, one that was only created.
three() {
	load busybox
	hoy run -d --network none --name up --label color=red --label size=big busybox sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >"$T/id.up" || fail 'run up'
	hoy run --network none --name down --label color=blue busybox sh -c 'exit 3'
	hoy create --network none --name new -v "$HOME:/data" busybox true >"$T/id.new" || fail 'create new'
}

# no_times: a table without what changes with time.
no_times() { sed -E 's/[0-9]+ (second|minute)s?/N seconds/g; s/(About a minute|Less than a second)/N seconds/g' "$T/out"; }

test_nothing() { # peer_ok short
	run hoy ps -a
	assert_ok
	assert_match '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$'
	run hoy ps -a --format json
	assert_out '[]'
	run hoy ps -a -q
	assert_out ''
	run hoy ps -a --format '{{.ID}}'
	assert_out ''
	run hoy ps --noheading
	assert_out ''
}

test_who_is_listed() { # peer_ok
	three
	run hoy ps --format '{{.Names}}'
	assert_out up
	run hoy ps -a --format '{{.Names}}'
	assert_out $'up\ndown\nnew'
	run hoy ps -l --format '{{.Names}}'
	assert_out new
	run hoy ps -n 2 --format '{{.Names}}'
	assert_out $'down\nnew'
	run hoy ps -q --no-trunc
	assert_out "$(cat "$T/id.up")"
	run hoy ps -q
	assert_out "$(cut -c1-12 "$T/id.up")"
	run hoy container ls -a -q --filter name=new
	is_peer || assert_out "$(cut -c1-12 "$T/id.new")"
}

test_table() { # short
	three
	run hoy ps -a
	assert_quiet
	assert_eq "CONTAINER ID|IMAGE|COMMAND|CREATED|STATUS|PORTS|NAMES" "$(head -1 "$T/out" | sed -E 's/  +/|/g')"
	assert_eq "localhost/busybox:latest|sh -c trap \"exit ...|N seconds ago|Up N seconds|up
localhost/busybox:latest|sh -c exit 3|N seconds ago|Exited (3) N seconds ago|down
localhost/busybox:latest|true|N seconds ago|Created|new" "$(no_times | tail -n +2 | sed -E 's/  +/|/g; s/^[0-9a-f]{12}\|//')"
	run hoy ps -a -s --noheading
	assert_match '  0B \(virtual [0-9.]+MB\)'
	run as_docker ps -a
	assert_eq 'new down up' "$(tail -n +2 "$T/out" | awk '{ print $NF }' | xargs)"
	assert_has '"sh -c trap \"exit 0\"…"'
}

test_fields_of_both() {
	three
	run hoy ps --format '{{.ID}}|{{.Image}}|{{.State}}|{{.Labels}}|{{.Label "color"}}|{{.Exited}}|{{.ExitCode}}|{{.Networks}}|{{.Ports}}|{{.AutoRemove}}'
	assert_out "$(cut -c1-12 "$T/id.up")|localhost/busybox:latest|running|map[color:red size:big]|red|false|0|||false"
	run hoy ps -a -f name=new --format '{{.Mounts}} {{.StartedAt}} {{.Pid}} {{.Size}}'
	assert_match '^\[/data\] -62135596800 0 0B \(virtual '
	run hoy ps -a --format 'table {{.Names}} {{.State}}'
	assert_eq 'NAMES STATE up running down exited new created' "$(tr -s ' \n' ' ' <"$T/out" | sed 's/ $//')"
	run hoy ps --format '{{.Nmaes}}'
	assert_err E-FORMAT 'did you mean .Names?'
	run hoy ps -f name=nobody --format '{{.ID'
	assert_err E-FORMAT
}

test_json() {
	three
	run hoy ps -a --format json
	python3 -c '
import json, sys
l = json.load(open(sys.argv[1]))
assert [c["Names"] for c in l] == [["up"], ["down"], ["new"]], l
up, down, new = l
assert up["Id"] == sys.argv[2] and up["Pid"] > 1 and up["State"] == "running" and not up["Exited"]
assert up["Labels"] == {"color": "red", "size": "big"} and up["Command"][0] == "sh"
assert down["Exited"] and down["ExitCode"] == 3 and down["ExitedAt"] >= down["StartedAt"] > 0
assert new["Mounts"] == ["/data"] and new["Labels"] is None and new["Created"] > 0' "$T/out" "$(cat "$T/id.up")" || fail "$(cat "$T/out")"
	run as_docker ps -a --format json
	python3 -c '
import json, sys
l = [json.loads(x) for x in open(sys.argv[1])]
assert [c["Names"] for c in l] == ["new", "down", "up"]
assert all(isinstance(v, str) for c in l for v in c.values())
assert l[2]["Labels"] == "color=red,size=big" and l[2]["State"] == "running" and l[2]["ID"] == sys.argv[2][:12]' "$T/out" "$(cat "$T/id.up")" || fail "$(cat "$T/out")"
}

# names FILTER...: the names that are left, in one line.
names() {
	local f args=()
	for f; do args+=(--filter "$f"); done
	hoy ps -a --format '{{.Names}}' "${args[@]}" | sort | tr '\n' ' '
}

test_filters() { # peer_ok
	three
	assert_eq 'up ' "$(names status=running)"
	assert_eq 'down new ' "$(names status=exited status=created)"
	assert_eq 'down ' "$(names exited=3)"
	assert_eq '' "$(names exited=4)"
	assert_eq 'up ' "$(names label=color=red)"
	assert_eq 'down up ' "$(names label=color)"
	assert_eq '' "$(names label=color=red label=color=blue)"
	assert_eq 'up ' "$(names label=color label=size=big)"
	assert_eq 'down up ' "$(names name=up name=down)"
	assert_eq 'down ' "$(names 'name=^d')"
	assert_eq 'new ' "$(names id="$(cut -c1-20 "$T/id.new")")"
	assert_eq 'up ' "$(names before=down)"
	assert_eq 'new ' "$(names since=down)"
	assert_eq '' "$(names status=running label=color=blue)"
	run hoy ps -q --filter status=exited
	assert_match '^[0-9a-f]{12}$'
}

test_filters_of_ours() {
	three
	assert_eq 'new ' "$(names 'label!=color')"
	assert_eq 'new ' "$(names volume=/data)"
	assert_eq 'new ' "$(names volume="$HOME")"
	assert_eq 'down new up ' "$(names ancestor=busybox)"
	assert_eq 'down new up ' "$(names ancestor=localhost/busybox:latest)"
	assert_eq '' "$(names ancestor=busyboxes)"
	assert_eq 'down up ' "$(names command=^sh)"
	assert_eq 'down new up ' "$(names network=none)"
	assert_eq '' "$(names network=host)"
	assert_eq 'down new up ' "$(names until=0s)"
	assert_eq '' "$(names until=1h)"
	assert_eq 'up ' "$(names 'name=^/up$')"
}

test_filter_refusals() { # peer_ok short
	local f
	for f in nope=1 exited=x status=nope before=nobody; do
		run hoy ps -a --filter $f
		assert_err
	done
	is_peer && return
	run hoy ps --filter 'name=['
	assert_err E-USAGE
	run hoy ps --filter until=never
	assert_err E-USAGE
	run hoy ps --filter label
	assert_err E-USAGE
	run hoy ps --filter since=nobody
	assert_err E-CONTAINER-UNKNOWN
}

test_order() { # peer_ok
	load busybox
	local n
	for n in b c a; do hoy create --network none --name $n busybox "x$n" >/dev/null; done
	run hoy ps -a --format '{{.Names}}'
	assert_out $'b\nc\na'
	run hoy ps -a --sort names --format '{{.Names}}'
	assert_out $'a\nb\nc'
	run hoy ps -a --sort command --format '{{.Names}}'
	assert_out $'a\nb\nc'
	run hoy ps -a --sort nonsense
	assert_err
}

test_hostile_text() {
	load busybox
	hoy create --network none --name x --label $'k=\e[31mred\n2' busybox $'a\nb\e[1m' $'\xff\tb' >/dev/null
	run hoy ps -a
	assert_ok
	assert_has 'a\nb\x1b[1m '
	LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$T/out" && fail "control bytes: $(last)"
	assert_eq 2 "$(wc -l <"$T/out")" 'lines of the table'
	run hoy ps -a --format json
	python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))[0]["Labels"]["k"] == "\x1b[31mred\n2"' "$T/out" || fail "$(cat "$T/out")"
}

test_damage_hides_nobody() { # short
	three
	untidy
	local c
	c=$(store)/containers
	fake() { printf '%s/%064d' "$c" "$1"; }
	mkdir "$(fake 1)"
	run hoy ps -a --format '{{.Names}}'
	assert_ok
	assert_out $'up\ndown\nnew'
	assert_err_has 'a damaged container is left out'
	mkdir "$(fake 2)" "$(fake 3)" "$(fake 4)" "$c/not-an-id"
	echo '{"Id":' >"$(fake 2)/state.json"
	mkfifo "$(fake 3)/state.json"
	cp "$c/$(cat "$T/id.up")/state.json" "$(fake 4)"
	: >"$(fake 5)"
	run timeout 20 $HOY ps -a --format '{{.Names}}'
	assert_ok
	assert_out $'up\ndown\nnew'
	assert_err_has '5 damaged containers are left out'
	assert_eq 1 "$(wc -l <"$T/err")" 'lines of warning'
	rm "$c/$(cat "$T/id.new")/config.json"
	run hoy ps -a --format '{{.Names}}'
	assert_out $'up\ndown\nnew'
	hoy rm -f -t 0 up >/dev/null 2>&1
}

# Lost: the supervisor is gone, the first process is not. A state from another boot is no container that runs.
test_facts_decide() {
	load busybox
	untidy
	hoy create --network none --name lost busybox true >"$T/id" || fail create
	sleep 1000 &
	local pid=$!
	rewrite() {
		python3 -c '
import json, sys
p, boot, pid = sys.argv[1:]
s = json.load(open(p))
s.update(Status="running", Started=s["Created"], Boot=boot, Pid=int(pid), Supervisor=2**22 + 1, SupervisorStart=1)
s["PidStart"] = int(open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[19])
open(p, "w").write(json.dumps(s))' "$(store)/containers/$(cat "$T/id")/state.json" "$1" $pid || fail rewrite
	}
	rewrite "$(cat /proc/sys/kernel/random/boot_id)"
	run hoy ps --format '{{.Names}} {{.Status}} {{.State}}'
	assert_out 'lost Lost lost'
	run hoy inspect -f '{{.State.Status}} {{.State.Running}}' lost
	assert_out 'lost false'
	rewrite 00000000-0000-0000-0000-000000000000
	run hoy ps -a --format '{{.Status}}'
	assert_out 'Exited (137)'
	kill $pid
	wait $pid 2>/dev/null
	run hoy ps -q
	assert_out ''
}

test_size() {
	load busybox
	hoy run --network none --name big busybox sh -c 'mkdir /d; head -c 5000 /dev/zero >/d/f; ln /d/f /d/g; chmod 700 /d' || fail run
	run hoy ps -a --format '{{.Size}}'
	assert_match '^5\.012kB \(virtual [0-9.]+MB\)$' # with the link /etc/mtab, 12 bytes
	run hoy inspect -s -f '{{.SizeRw}}' big
	assert_out 5012
}

# What a list shows of the config stands in the record too; a record of a build before that sends it to the config.
test_older_records() {
	three
	hoy ps -a --format json >"$T/new"
	assert_eq 1 "$(grep -c '"/data"' "$T/new")"
	local f
	for f in "$(store)"/containers/*/state.json; do
		python3 - "$f" <<-'END'
			import json, sys
			s = json.load(open(sys.argv[1]))
			assert s.pop('Network') == 'none'
			s.pop('Mounts', None)
			open(sys.argv[1], 'w').write(json.dumps(s))
		END
	done
	hoy ps -a --format json >"$T/old"
	sed -i '/"\(Status\|CreatedAt\)"/d' "$T/new" "$T/old"
	assert_bytes "$T/new" "$T/old"
	run hoy ps -a --filter volume=/data --format '{{.Names}} {{.Mounts}}'
	assert_out 'new [/data]'
}

# System calls for each container and each image are few, whatever is asked for; nothing is locked, made or executed.
test_cost() { # rows=user
	need strace
	load busybox
	local i
	hoy create --network none --name first -v "$HOME:/data" busybox true >/dev/null
	hoy tag busybox many:0 || fail tag
	calls() { strace -f -o "$T/calls" -- "${HOY%% *}" "$@" >/dev/null && wc -l <"$T/calls"; }
	local few_ps few_json few_images many
	few_ps=$(calls ps -a) few_json=$(calls ps -a --format json) few_images=$(calls images)
	for ((i = 1; i <= 20; i++)); do
		hoy create --network none --name "c$i" busybox true >/dev/null || fail create
		hoy tag busybox "many:$i" || fail tag
	done
	many=$(calls ps -a)
	[ $((many - few_ps)) -le $((20 * 6 + 20)) ] || fail "ps: $((many - few_ps)) system calls for 20 containers"
	many=$(calls ps -a --format json)
	[ $((many - few_json)) -le $((20 * 6 + 20)) ] || fail "ps --format json: $((many - few_json)) system calls for 20 containers"
	! grep -Eq 'flock|O_CREAT|clone|vfork|rename' "$T/calls" || fail "$(grep -E 'flock|O_CREAT|clone|vfork|rename' "$T/calls")"
	many=$(calls images)
	[ $((many - few_images)) -le $((20 * 2 + 20)) ] || fail "images: $((many - few_images)) system calls for 20 names"
	! grep -Eq 'flock|O_CREAT|clone|vfork|rename' "$T/calls" || fail "$(grep -E 'flock|O_CREAT|clone|vfork|rename' "$T/calls")"
	load cfg-labels cfg-env cfg-workdir cfg-cmd cfg-entrypoint
	many=$(($(calls images) - many))
	[ $many -le $((5 * 14 + 10)) ] || fail "images: $many system calls for 5 images"
}

test_namespaces() { # short
	load busybox
	local up='' n
	hoy run -d --name up --network none busybox sleep 1000 >/dev/null || fail run
	hoy create --name idle busybox true >/dev/null
	for n in cgroup ipc mnt net pid user uts; do
		up="$up $(hoy exec up readlink /proc/self/ns/$n | tr -dc 0-9)"
	done
	run hoy ps -a --format '{{.Names}} {{.CGROUPNS}} {{.IPC}} {{.MNT}} {{.NET}} {{.PIDNS}} {{.USERNS}} {{.UTS}}|' --sort names
	assert_out "$(printf 'idle       |\nup%s|' "$up")"
	run hoy ps --ns
	assert_has PIDNS
	assert_has "$(echo "$up" | cut -d' ' -f6)"
	run hoy ps --ns --format '{{.Names}}'
	assert_out up
	hoy ps --namespace --format json >"$T/out"
	python3 -c 'import json, sys; n = json.load(open(sys.argv[1]))[0]["Namespaces"]; assert " ".join([""] + [n[k] for k in "Cgroup Ipc Mnt Net Pidns User Uts".split()]) == sys.argv[2], n' "$T/out" "$up" || fail "$(cat "$T/out")"
	hoy rm -f -t 0 up >/dev/null
}

test_watch() { # short
	load busybox
	hoy create --name one busybox true >/dev/null
	# shellcheck disable=SC2086
	$HOY ps -a --watch 1 --format '{{.Names}}' >"$T/seen" &
	wait_for file_has "$T/seen" one
	hoy rename one two
	wait_for file_has "$T/seen" two
	kill $!
	wait $! 2>/dev/null
	run hoy ps --watch 0
	assert_err E-USAGE 3600
}

run_tests "$@"
