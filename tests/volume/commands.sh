#!/bin/bash
# volume create, ls, inspect, rm, prune, exists: what they print, what they refuse, and who uses what.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_create() { # peer_ok short
	run hoy volume create data
	assert_ok
	assert_out data
	run hoy volume create data
	assert_err E-VOLUME-EXISTS
	is_peer || run hoy volume create --ignore data # podman has it since 4.4
	is_peer || assert_out data
	run hoy volume create
	assert_ok
	assert_match '^[0-9a-f]{64}$'
	local name=$out
	run hoy volume inspect "$name"
	assert_ok
	run hoy volume exists data
	assert_ok
	run hoy volume exists date
	assert_rc 1
	assert_eq '' "$out$err"
	run hoy volume create -l a=b --label c=d -d local labelled
	assert_ok
	run hoy volume inspect -f '{{.Name}} {{.Driver}} {{.Labels.a}} {{index .Labels "c"}} {{.Scope}}' labelled
	assert_out 'labelled local b d local'
}

test_bad_names() { # peer_ok
	local n
	for n in .. . a/b -x 'a b' "$(printf 'a\nb')" "$(printf 'a\033[31m')" "$(printf 'x%.0s' $(seq 300))" ../../etc; do
		run hoy volume create -- "$n"
		assert_rc 125
		is_peer || assert_err
	done
	[ "$(hoy volume ls -q)" = '' ] || fail "something was made: $(hoy volume ls -q)"
}

test_options() {
	local o
	for o in type=nfs type=ext4 device=/dev/sda1 size=10m o=size=10m colour=red type=none; do
		run hoy volume create -o "$o" x
		assert_err E-VOLUME-OPTION
	done
	run hoy volume create -d nosuchdriver x
	assert_rc 125
	run hoy volume exists x
	assert_rc 1
	run hoy volume create -o type=tmpfs -o o=size=1m,mode=1770 mem
	assert_ok
	run hoy volume inspect -f '{{.Options.type}} {{.Options.o}}' mem
	assert_out 'tmpfs size=1m,mode=1770'
}

test_ls() { # peer_ok
	hoy volume create -l k=v b >/dev/null
	hoy volume create a >/dev/null
	run hoy volume ls -q
	assert_out "$(printf 'a\nb')"
	run hoy volume list --format '{{.Name}}:{{.Driver}}'
	assert_out "$(printf 'a:local\nb:local')"
	run hoy volume ls -q --filter label=k
	assert_out b
	run hoy volume ls -q --filter label=k=w
	assert_out ''
	run hoy volume ls -q --filter name=a
	assert_out a
	is_peer || run hoy volume ls -q --filter driver=local --filter name=b # podman 4 shows what fits one of them
	is_peer || assert_out b
	run hoy volume ls -q --filter colour=red
	assert_rc 125
	run hoy volume ls
	assert_match '^DRIVER +VOLUME NAME'
	run hoy volume ls -n
	assert_lacks DRIVER
	run hoy volume ls --format json
	assert_has '"Name"'
}

test_filters() {
	load busybox
	hoy volume create first >/dev/null
	hoy volume create -l 'x=1' -o o=nocopy second >/dev/null
	hoy create --network none -v first:/a -v /anon --name c busybox true >/dev/null || fail create
	local anon
	anon=$(hoy volume ls -q --filter anonymous=true)
	[ ${#anon} = 64 ] || fail "anonymous: $anon"
	run hoy volume ls -q --filter dangling=true
	assert_out second
	run hoy volume ls -q --filter dangling=false --filter anonymous=false
	assert_out first
	run hoy volume ls -q --filter opt=o=nocopy
	assert_out second
	run hoy volume ls -q --filter 'label!=x' --filter anonymous=0
	assert_out first
	run hoy volume ls -q --filter since=first --filter anonymous=false
	assert_out second
	run hoy volume ls -q --filter until=1h
	assert_out ''
	run hoy volume ls -q --filter since=frist
	assert_err E-VOLUME-UNKNOWN 'did you mean first'
	run hoy volume ls --format '{{.Name}} {{.MountCount}} {{.Anonymous}}' --filter name=first
	assert_out 'first 1 false'
	run hoy ps -a --filter volume=first --format '{{.Names}}'
	assert_out c
	run hoy ps -a --filter volume=second --format '{{.Names}}'
	assert_out ''
}

test_inspect() { # peer_ok
	hoy volume create x >/dev/null
	run hoy volume inspect x
	assert_ok
	assert_has '"Name": "x"'
	assert_has '"Scope": "local"'
	[ -d "$(hoy volume inspect -f '{{.Mountpoint}}' x)" ] || fail "no mountpoint"
	run hoy volume inspect nope
	assert_rc 125
	assert_has '[]'
	run hoy volume inspect x nope
	assert_rc 125
	assert_has '"Name": "x"'
	run hoy volume inspect --all -f '{{.Name}}'
	assert_out x
}

test_rm() { # peer_ok
	load busybox
	run hoy volume rm nope
	assert_rc 1
	run hoy volume rm -f nope
	assert_ok
	hoy create --network none -v used:/a --name keeper busybox true >/dev/null || fail create
	run hoy volume rm used
	assert_rc 2
	is_peer || assert_err_has 'used by the container keeper'
	hoy volume create free >/dev/null
	run hoy volume rm free used
	assert_rc 2
	assert_out free
	run hoy volume rm -f used
	assert_ok
	run hoy volume ls -q
	assert_out ''
	run hoy ps -aq
	assert_out ''
}

test_rm_nearest() {
	hoy volume create database >/dev/null
	run hoy volume rm databsae
	assert_rc 1
	assert_err_has 'did you mean database?'
	run hoy volume inspect "$(printf 'x\033[31m')"
	assert_rc 125
	LC_ALL=C grep -q "$(printf '\033')" "$T/err" && fail 'an escape got through'
	local n
	n=$(hoy volume create)
	run hoy volume rm "${n:0:12}"
	assert_ok
	run hoy volume rm -a
	assert_out database
}

test_docker() {
	load busybox
	run as_docker volume create x
	assert_out x
	run as_docker volume create x
	assert_ok
	run as_docker volume inspect x
	assert_has '"CreatedAt"'
	assert_lacks MountCount
	assert_has '"Labels": null'
	run as_docker volume ls --format json
	assert_has '"Links":"0"'
	assert_has '"Size":"N/A"'
	assert_lacks '['
	run as_docker volume rm nope
	assert_rc 1
	as_docker create --network none -v /d -v x:/x --name c busybox true >/dev/null || fail create
	run as_docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Driver}} "{{.Propagation}}";{{end}} {{json .HostConfig.Binds}} {{json .Config.Volumes}}' c
	assert_out 'volume /d local "";volume /x local ""; ["x:/x"] {"/d":{}}'
	run as_docker ps -a --format '{{.Mounts}} {{.LocalVolumes}}'
	assert_match '^[0-9a-f]+….x 2$|^[0-9a-f]{14}….*x 2$'
	hoy rm c >/dev/null
	run as_docker volume prune -f
	assert_has 'Deleted Volumes:'
	assert_has 'Total reclaimed space: 0B'
	assert_lacks "$(printf '\nx\n')"
	run as_docker volume prune -af
	assert_match 'x'
}

test_prune() { # peer_ok
	load busybox
	hoy volume create -l keep=1 a >/dev/null
	hoy create --network none -v b:/b --name c busybox true >/dev/null || fail create
	run hoy volume prune -f --filter label=nothing
	assert_ok
	run hoy volume ls -q
	assert_out "$(printf 'a\nb')"
	run hoy volume prune
	is_peer || assert_err # nobody there to answer
	run hoy volume prune -f
	assert_ok
	assert_has a
	run hoy volume ls -q
	assert_out b
}

test_prune_dry() {
	hoy volume create -l x a >/dev/null
	hoy volume create b >/dev/null
	run hoy volume prune --dry-run --filter 'label!=x'
	assert_out b
	run hoy volume ls -q
	assert_out "$(printf 'a\nb')"
	run hoy volume prune -f --filter until=5m
	assert_out ''
	run hoy volume prune -f --filter dangling=true
	assert_err E-USAGE
	run hoy system prune -f
	run hoy volume ls -q
	assert_out "$(printf 'a\nb')"
	run hoy system prune -f --volumes
	assert_has 'Deleted Volumes'
	run hoy volume ls -q
	assert_out ''
}

test_df() {
	load busybox
	hoy volume create idle >/dev/null
	hoy run --network none -v used:/d --name c busybox sh -c 'head -c 5000 /dev/zero >/d/f; chown 5:5 /d/f 2>/dev/null; chmod 700 /d; true' || fail run
	run hoy system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}'
	assert_has 'Local Volumes 2 1 5kB 0B (0%)'
	run hoy system df -v
	assert_match 'used +1 +5kB'
	assert_match 'idle +0 +0B'
}

test_complete() {
	hoy volume create data >/dev/null
	hoy volume create dump >/dev/null
	run hoy __complete volume rm d
	assert_has data
	assert_has dump
	run hoy __complete run -v da
	assert_has data
}

test_broken_record() {
	untidy
	hoy volume create good >/dev/null
	hoy volume create bad >/dev/null
	echo '{' >"$(store)/volumes/bad/config.json"
	run hoy volume ls -q
	assert_out good
	assert_err_has 'damaged volume'
	run hoy volume inspect bad
	assert_rc 125
	run hoy volume rm bad
	assert_ok
	hoy volume create newer >/dev/null
	sed -i 's/"Version":1/"Version":9/' "$(store)/volumes/newer/config.json"
	run hoy volume inspect newer
	assert_rc 125
	assert_err_has E-NEWER
}

test_system_check_looks_at_volumes() { # short
	load busybox
	hoy volume create good >/dev/null
	hoy create --name c -v used:/d busybox true >/dev/null
	run hoy system check
	assert_has '2 volumes'
	mkdir "$(store)/volumes/odd"
	hoy volume create empty >/dev/null && rmdir "$(store)/volumes/empty/_data"
	mv "$(store)/volumes/used" "$T/used"
	run hoy system check --quiet
	assert_rc 125
	assert_has 'volume odd: it has no record'
	assert_has 'volume empty: its files are gone'
	assert_has 'volume used: container c uses it, and it is gone'
	mv "$T/used" "$(store)/volumes/used"
	rm -r "$(store)/volumes/odd" "$(store)/volumes/empty"
	run hoy system check
	assert_ok
}

run_tests "$@"
