#!/bin/bash
# inspect: what is true of containers and images, under the names of podman and docker.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# field WANTED TEMPLATE: of the container c.
field() {
	run hoy inspect -f "$2" c
	assert_ok
	assert_out "$1"
}

test_facts() { # peer_ok
	local user=5:6
	[ "$T_ROW" != one ] || user=0:0 # it has no other
	load busybox
	hoy run --network none --name c -e A=1 --hostname box -w /tmp -u $user --label x=y --read-only --cap-add NET_RAW --cap-drop CHOWN \
		-v "$HOME:/data:ro" --tmpfs /scratch --stop-signal USR1 --stop-timeout 7 --ulimit nofile=100:200 busybox sh -c 'exit 4'
	is_peer || field exited '{{.State.Status}}'
	field 'false 4 0' '{{.State.Running}} {{.State.ExitCode}} {{.State.Pid}}'
	field 'sh [-c exit 4]' '{{.Path}} {{.Args}}'
	field 'c 0' '{{.Name}} {{.RestartCount}}'
	field "box $user /tmp" '{{.Config.Hostname}} {{.Config.User}} {{.Config.WorkingDir}}'
	field 'y' '{{index .Config.Labels "x"}}'
	field '[sh -c exit 4] 7' '{{.Config.Cmd}} {{.Config.StopTimeout}}'
	field "bind $HOME /data false" '{{range .Mounts}}{{if eq .Type "bind"}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}{{end}}'
	field 'true false none' '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.NetworkMode}}'
	field '' '{{.NetworkSettings.IPAddress}}'
	run hoy inspect -f '{{range .Config.Env}}{{println .}}{{end}}' c
	assert_has 'A=1'
	run hoy inspect -f '{{range .HostConfig.Ulimits}}{{println .Name .Soft .Hard}}{{end}}' c
	assert_has 'RLIMIT_NOFILE 100 200'
	run hoy inspect -f '{{json .BoundingCaps}}' c
	assert_has CAP_NET_RAW
	assert_lacks CAP_CHOWN
	run hoy inspect -f '{{json .HostConfig.Tmpfs}}' c
	assert_has '"/scratch"'
	run hoy inspect -f '{{.Created}} {{.State.StartedAt}} {{.State.FinishedAt}}' c
	is_peer || assert_match '^20[0-9-]+T[0-9:.]+Z 20[^ ]+ 20[^ ]+$'
}

test_running_and_created() { # peer_ok
	load busybox
	hoy run -d --network none --name c busybox sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >/dev/null
	hoy create --network none --name n busybox true >/dev/null
	field 'running true 0' '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}'
	run hoy inspect -f '{{.State.Pid}}' c
	[ -d "/proc/$out" ] || is_peer || fail "no process $out"
	run hoy inspect -f '{{.State.Status}} {{.State.StartedAt}}' n
	is_peer || assert_out 'created 0001-01-01T00:00:00Z'
	hoy stop -t 1 c >/dev/null
}

test_both_engines_forms() {
	load busybox
	hoy create --network none --name c --ulimit nofile=5 busybox true >"$T/id"
	local image
	image=$(hoy image inspect -f '{{.Id}}' busybox)
	field "c $image" '{{.Name}} {{.Image}}'
	field 'true' '{{if .State.Health}}true{{end}}'
	run as_docker inspect -f '{{.Name}} {{.Image}} {{.Id}}{{if .State.Health}}health{{end}} {{(index .HostConfig.Ulimits 0).Name}}' c
	assert_out "/c sha256:$image $(cat "$T/id") nofile"
	run hoy inspect c
	python3 -c '
import json, sys
l = json.load(open(sys.argv[1]))
assert len(l) == 1 and l[0]["Id"] == sys.argv[2]
assert l[0]["Config"]["CreateCommand"][1:3] == ["create", "--network"]' "$T/out" "$(cat "$T/id")" || fail "$(cat "$T/out")"
	run hoy inspect -f '{{.Nmae}}' c
	assert_err E-FORMAT 'did you mean .Name?'
}

test_many_and_missing() { # peer_ok short
	load busybox
	hoy create --network none --name a busybox true >/dev/null
	hoy create --network none --name b busybox true >/dev/null
	run hoy inspect -f '{{.Name}}' a b
	assert_out $'a\nb'
	run hoy inspect -f '{{.Name}}' b nobody
	assert_rc 125
	assert_out b
	[ -n "$err" ] || fail 'in silence'
	run hoy inspect nobody
	assert_rc 125
	assert_out '[]'
	run hoy inspect -f '{{.Name}}' nobody
	assert_rc 125
	assert_out ''
	run hoy container inspect nobody
	assert_rc 125
	assert_out '[]'
	run hoy inspect --type image a
	assert_rc 125
	run hoy inspect --type container localhost/busybox:latest
	assert_rc 125
	run hoy inspect --type nonsense a
	assert_err
	is_peer && return
	run hoy inspect -l -f '{{.Name}}'
	assert_out b
	run hoy inspect nobody
	assert_err_has E-OBJECT-UNKNOWN
	run hoy inspect --type container nobody
	assert_err_has E-CONTAINER-UNKNOWN
	run hoy inspect --type image nobody
	assert_err_has E-IMAGE-UNKNOWN
	run hoy inspect
	assert_err E-USAGE
	run hoy inspect $'no\e[31m'
	assert_err_has '\x1b[31m'
}

test_containers_before_images() { # peer_ok
	load busybox
	hoy create --network none --name busybox busybox true >/dev/null
	run hoy inspect -f '{{.Path}}' busybox
	assert_out true
	run hoy inspect --type image -f '{{.Os}}' busybox
	assert_out linux
	run hoy inspect -f '{{.Os}}' localhost/busybox:latest
	assert_out linux
}

# An object that is there and damaged is said to be damaged, not unknown; the others are shown.
test_damaged() {
	load busybox
	untidy
	hoy create --network none --name a busybox true >"$T/id"
	hoy create --network none --name b busybox true >/dev/null
	echo '{' >"$(store)/containers/$(cat "$T/id")/config.json"
	run hoy inspect -f '{{.Name}}' a b
	assert_rc 125
	assert_out b
	assert_err_has config.json
}

run_tests "$@"
