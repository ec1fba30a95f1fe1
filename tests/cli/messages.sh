#!/bin/bash
# What hoy says when something is wrong: a table of faults. Each is provoked; hoy leaves with 125 (or the code in the row), says in one line of at
# most 120 columns what is wrong, has the stable id, and a hint with the word that helps (not just "hoy help E-ID explains this").
#
# A row: ID, a word of the hint, the setup (shell, may be empty), the command. Rows of one test share a store and run in order.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# asked COMMAND: the command of a row, in a shell of its own.
asked() ( eval "$1" )

# row ID WORD SETUP COMMAND [CODE]
row() {
	local line code=${5:-125}
	eval "$3" >"$T/setup" 2>&1 || fail "setup of $1 ($3): $(cat "$T/setup")"
	run asked "$4"
	[ "$code" = 125 ] || [ "$rc" = "$code" ] || fail "wanted status $code for $1: $(last)"
	[ "$code" != 125 ] || assert_rc 125
	line=$(grep '^hoy: error: ' "$T/err")
	[ "$(grep -c '^hoy: error: ' "$T/err")" = 1 ] || fail "wanted one error line for $1: $(last)"
	case $line in *"($1)") ;; *) fail "wanted id $1: $(last)" ;; esac
	line=${line//"$HOME"/\/home/user}
	line=${line//"$T_FIX"/\/home/user}
	[ ${#line} -le 120 ] || fail "a line of ${#line} columns for $1: $line"
	sed -n 's/^  hint: //p' "$T/err" | grep -qF -- "$2" || fail "the hint for $1 lacks \"$2\": $(last)"
	printf '%s\n' "$1" >>"$T/ids"
}

# twice COMMAND...: a digit with which more than one of the IDs that it lists begins.
twice() { hoy "$@" -q | cut -c1 | sort | uniq -d | head -1; }

# rows: a table on standard input, its columns parted by two or more tabs or by " | ".
rows() {
	local line id word setup command code
	while IFS= read -r line; do
		case $line in '' | '#'*) continue ;; esac
		IFS=$'\t' read -r id word setup command code <<<"${line// | /$'\t'}"
		[ "$setup" != - ] || setup=
		(row "$id" "$word" "$setup" "$command" "$code") </dev/null
	done
	note "$(sort -u "$T/ids" | wc -l) kinds of faults"
}

test_containers() { # rows=user
	load busybox cfg-nocommand
	rows <<'TABLE'
E-USAGE | --rm | - | hoy run --rmm busybox
E-CONTAINER-UNKNOWN | hoy ps -a | - | hoy start nobody
E-NAME | letters | - | hoy create --name 'a b' busybox
E-NAME-TAKEN | --replace | hoy create --name c --network none busybox true | hoy create --name c busybox
E-CONTAINER-NOT-RUNNING | hoy start | - | hoy exec c true
E-CONTAINER-RUNNING | -f | hoy run -d --name r --network none busybox sleep 1000 | hoy rm r | 2
E-CONTAINER-IN-USE | hoy rm | hoy create --name base --network none --ipc shareable busybox true; hoy create --name n --network none --ipc container:base busybox true | hoy rm base
E-NAMESPACE | start | hoy create --name s --network none busybox true | hoy run --network none --ipc container:s busybox true
E-IMAGE-UNKNOWN | hoy pull | - | hoy run --pull never nosuch
E-IMAGE-IN-USE | -f | - | hoy rmi busybox | 2
E-REF | [registry/] | - | hoy create Capital/image
E-NO-COMMAND | hoy run | - | hoy create cfg-nocommand
E-USER | UID | - | hoy run --rm --network none --user stranger busybox true
E-CAP-UNKNOWN | NET_RAW | - | hoy create --cap-add net_rav busybox
E-CAP-CONFLICT | --cap-drop | - | hoy create --cap-add kill --cap-drop kill busybox
E-DEVICE | --device PATH | - | hoy create --device-cgroup-rule "c 1:1 rwm" busybox
E-SYSCTL | net. | - | hoy create --sysctl vm.swappiness=1 busybox
E-SECURITY-OPT | no-new-privileges | - | hoy create --security-opt nothing busybox
E-SECCOMP-PROFILE | docker | echo '{}' >p | hoy create --security-opt seccomp=p busybox
E-MOUNT | tmpfs | - | hoy create --mount type=nothing,dst=/x busybox
E-NO-LOG | option | hoy create --name silent --log-driver none busybox true | hoy logs silent
E-HOST-ROOT | written | hoy create --name h --network none @host true | hoy commit h x
E-FORMAT | .Names | - | hoy ps --format '{{.Nothing}}'
E-LIMIT-BAD | 1.5 | - | hoy create --cpus many busybox
E-ABSENT | --device | - | hoy create --gpus all busybox
E-COPY | ls | - | hoy cp c:/no/such/file .
E-EXEC | image | - | hoy run --rm --network none busybox nosuchprogram | 127
E-OBJECT-UNKNOWN | hoy ps -a | - | hoy inspect --format x nobody
E-CONTAINER-AMBIGUOUS | digits | for i in {1..17}; do hoy create --network none busybox true; done | hoy start "$(twice ps -a)"
E-JSON | hoy rm | echo '{' >"$(store)/containers/$(hoy inspect --format '{{.Id}}' c)/config.json" | hoy start c
E-NEWER | release | f="$(store)/containers/$(hoy inspect --format '{{.Id}}' s)/config.json"; sed -Ei 's/"Version": *[0-9]+/"Version": 99/' "$f" | hoy start s
TABLE
	rm -rf "$(store)"/containers/*/config.json
	hoy rm -f -a -t 0 >/dev/null 2>&1
	untidy
}

test_images() { # rows=user
	load busybox
	rows <<'TABLE'
E-ARCHIVE | again | head -c 100000 "$T_FIX/busybox.tar.gz" >cut.tar.gz | hoy load -i cut.tar.gz
E-PLATFORM | pull | - | hoy create --pull never --platform linux/s390x busybox
E-NOT-UNSHARED | hoy unshare | - | hoy image mount busybox
E-NOT-MOUNTED | hoy image mount | - | hoy unshare hoy image unmount busybox
E-LIST-UNKNOWN | hoy manifest create | - | hoy manifest push nolist localhost:1/x
E-LIST-EXISTS | --amend | hoy manifest create l | hoy manifest create l
E-LIST-MEMBER | hoy manifest inspect | - | hoy manifest remove l sha256:0000000000000000000000000000000000000000000000000000000000000000
E-AUTH-FILE | --authfile | - | hoy pull --authfile nosuch.json localhost:1/x
E-NOT-LOGGED-IN | hoy login | - | hoy logout registry.example
E-REGISTRY-UNREACHABLE | listen | - | hoy pull localhost:1/x
E-SHORT-NAME | full name | mkdir -p .config/containers; printf 'unqualified-search-registries = ["a.example", "b.example"]\nshort-name-mode = "enforcing"\n' >.config/containers/registries.conf | hoy pull x
E-POLICY-FILE | policy.json | rm .config/containers/registries.conf; echo '{' >.config/containers/policy.json | hoy pull localhost:1/x
E-LAYER-MISSING | hoy rmi | rm .config/containers/policy.json; rm -rf "$(store)"/layers/*/ 2>/dev/null; hoy unshare rm -rf "$(store)"/layers; ! ls "$(store)"/layers/* 2>/dev/null | hoy run --network none --rm busybox true
TABLE
	untidy
}

test_volumes_secrets_store() { # rows=user
	load busybox
	echo data >data
	rows <<'TABLE'
E-VOLUME-UNKNOWN | hoy volume ls | - | hoy volume rm nothing | 1
E-VOLUME-EXISTS | hoy volume inspect | hoy volume create v | hoy volume create v
E-VOLUME-IN-USE | hoy rm | hoy create --network none --name c -v v:/v busybox | hoy volume rm v | 2
E-VOLUME-DRIVER | local | - | hoy volume create -d nodriver w
E-VOLUME-OPTION | nocopy | - | hoy volume create -o nothing=1 w
E-VOLUME-RECORD | it is | hoy volume create broken; echo '{' >"$(store)/volumes/broken/config.json" | hoy create -v broken:/v busybox
E-SECRET-UNKNOWN | hoy secret ls | - | hoy create --secret nothing busybox
E-SECRET-EXISTS | --replace | hoy secret create s data | hoy secret create s data
E-SECRET-DAMAGED | --replace | hoy secret create d data; echo x >"$(store)/secrets/d" | hoy create --secret d busybox
E-CONF | as in | echo 'root = 7' >h.conf | HOY_CONF=$PWD/h.conf hoy ps
E-STORE-MARK | marks | mkdir -p plain/containers | hoy --root "$PWD/plain" system reset -f
E-STORE-OWNER | chmod | mkdir open; chmod 777 open | hoy --root "$PWD/open" ps
E-NO-HOME | HOY_ROOT | - | env -u HOME -u HOY_ROOT -u XDG_DATA_HOME unshare -U --map-user=4711 "$HOY" ps
TABLE
	hoy rm c >/dev/null
	hoy volume rm broken >/dev/null 2>&1
}

test_networks() { # rows=user
	load busybox
	rows <<'TABLE'
E-NETWORK-UNKNOWN | hoy network ls | - | hoy network rm nothing | 1
E-NETWORK-EXISTS | --ignore | hoy network create n --subnet 10.77.1.0/24 | hoy network create n
E-NETWORK-BUILTIN | room | - | hoy network rm host
E-NETWORK-ADDRESS | free one | - | hoy create --network n --ip 10.78.0.1 busybox
E-NETWORK-IN-USE | disconnect | hoy create --name c --network n busybox | hoy network rm n | 2
E-NETWORK-CONNECTED | inspect | - | hoy network connect n c
E-NETWORK-NOT-CONNECTED | in n | hoy network create m | hoy network disconnect m c
E-NETWORK-MODE | --network | hoy create --name none --network none busybox | hoy network connect m none
E-NETWORK-OPTION | hoy help | - | hoy network create -o nothing=1 x
E-NETWORK-PARENT | bridge | - | hoy network create -d macvlan x
E-NETWORK-SUBNET | free one | - | hoy network create --subnet 10.77.1.0/24 x
E-NETWORK-RECORD | it is | hoy network create broken; echo '{"version": 1, "name": "other"}' >"$(store)/networks/broken/config.json" | hoy create --network broken busybox
E-PORT-RIGHTS | sysctl | - | hoy run --rm --network n -p 81:80 busybox
E-PORT-ADDRESS | address | - | hoy run --rm --network n -p 192.0.2.1:8080:80 busybox
E-PORT-UNPUBLISHED | hoy port | - | hoy port c 80
TABLE
}

# What another process has to do at the right moment.
test_killed_helpers() { # rows=user
	load busybox
	mkfifo pipe
	rows <<'TABLE'
E-WORKER-GONE | dmesg | (exec 9<>pipe; kill_child_of_load) & | hoy load -i pipe
E-SUPERVISOR-GONE | hoy | (kill_supervisor_of a) & | hoy run --name a --network none busybox sleep 1000
E-LIMIT | ulimit -n | - | ulimit -n 12; hoy run --rm --network none busybox true
E-PORT-TAKEN | another port | hoy run -d --name p -p 18765:80 busybox sleep 1000 | hoy run --rm -p 18765:80 busybox true
E-USERNET | passt | - | PATH=/nowhere "$HOY" run --rm --network pasta busybox true
E-STORE-DAMAGED | --repair | hoy rm -f -a -t 0; rm -rf "$(store)"/images/*/nothing "$(store)"/blobs/sha256/* | hoy system check
TABLE
	untidy
}
children() { pgrep -P "$1"; }
kill_child_of_load() {
	local p c
	for ((i = 0; i < 500; i++)); do
		for p in $(pgrep -f "^$HOY load -i pipe"); do
			c=$(pgrep -P "$p" | head -1)
			[ -n "$c" ] && sleep 0.1 && kill -9 "$c" && return
		done
		sleep 0.02
	done
}
kill_supervisor_of() {
	until [ "$(hoy inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = running ]; do sleep 0.02; done
	local pid
	pid=$(hoy inspect --format '{{.State.Pid}}' "$1")
	kill -9 "$(awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$pid/stat")"
}

run_tests "$@"
