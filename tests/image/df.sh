#!/bin/bash
# system df: what it says is what a count from outside finds.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"


# room DIR...: bytes of all files below, hard links once, counted from outside.
room() {
	local all='find "$@" -type f -printf "%D:%i %s\n" 2>/dev/null | sort -u | awk "{ n += \$2 } END { print n + 0 }"'
	if [ "$T_ROW" = user ]; then unshare --map-auto --map-root-user sh -c "$all" - "$@"; else sh -c "$all" - "$@"; fi
}

raw() { hoy system df --format json | python3 -c 'import json, sys
for k in json.load(sys.stdin):
    if k["Type"] == sys.argv[1]: print(k[sys.argv[2]])' "$1" "$2"; }

# near WANTED GOT: within half a percent, or a KB (symbolic links have a length too).
near() { python3 -c 'import sys
w, g = map(int, sys.argv[1:])
sys.exit(abs(w - g) > max(1024, w * 0.005))' "$1" "$2" || fail "$3: wanted about $1, got $2"; }

test_shape() { # short
	load busybox
	hoy create --name c --network none busybox true >/dev/null || fail create
	run hoy system df
	assert_ok
	assert_match $'^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE *\nImages +1 +1 +[0-9.]+MB +0B \\(0%\\) *\nContainers +1 +0 .*\nLocal Volumes +0 +0 +0B +0B \\(0%\\)'
	run hoy system df --format '{{.Type}} {{.Total}} {{.Active}} {{.TotalCount}}'
	assert_out 'Images 1 1 1
Containers 1 0 1
Local Volumes 0 0 0'
	run hoy system df --format '{{.RawSize}} {{.RawReclaimable}}'
	assert_match $'^[1-9][0-9]* 0\n'
	run hoy system df -v
	assert_ok
	assert_match 'Images space usage:'
	assert_match 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS'
	assert_match 'CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES'
	assert_match 'VOLUME NAME +LINKS +SIZE'
	run hoy system df -v --format json
	assert_rc 125
	hoy rm c >/dev/null
}

test_empty() { # peer_ok short
	run hoy system df --format '{{.Type}} {{.Total}} {{.Size}} {{.Reclaimable}}'
	assert_out 'Images 0 0B 0B (0%)
Containers 0 0B 0B (0%)
Local Volumes 0 0B 0B (0%)'
	run hoy system df -v
	assert_ok
	run hoy system df --format '{{.Nope}}'
	assert_rc 125
}

test_as_docker() { # short
	run as_docker system df
	assert_ok
	assert_match $'Local Volumes +0 +0 +0B +0B\nBuild Cache +0 +0 +0B +0B'
	load busybox
	run as_docker system df --format json
	assert_has '"TotalCount":"1","Type":"Images"}'
	run as_docker system df -v
	assert_ok
	assert_has $'Build cache usage: 0B\n'
	run as_docker system df -v --format '{{range .Images}}{{.Repository}} {{.Containers}}{{end}}{{len .Volumes}}'
	assert_out 'localhost/busybox 00'
	run as_docker system df -v --format json
	assert_has '{"Images":[{"Repository":"localhost/busybox"'
}

# Layers that images share count once, in whatever forms they are there; what is reclaimable is what a prune frees.
test_sizes() { # short rows=user,root,one
	load busybox cfg-env cfg-cmd debian
	local s before free after
	s=$(store)
	hoy create --name user --network none cfg-env true >/dev/null || fail create
	before=$(raw Images RawSize) free=$(raw Images RawReclaimable)
	near "$(room "$s/layers" "$s/blobs")" "$before" 'size of images'
	run hoy system df -v
	assert_match 'localhost/debian .* 0B +[0-9.]+MB +0 *'$'\n'
	assert_match 'localhost/busybox .* [0-9.]+MB +[0-9.]+MB +[0-9]+k?B +0 *'$'\n'
	hoy image prune -a -f >/dev/null || fail prune
	after=$(raw Images RawSize)
	near "$free" $((before - after)) 'what the prune freed'
	near "$(room "$s/layers" "$s/blobs")" "$after" 'size after the prune'
	assert_eq 0 "$(raw Images RawReclaimable)" 'still reclaimable'
	hoy rm user >/dev/null
}

has_ready() { hoy logs up | grep -q ready; }

test_containers() { # short
	load busybox
	hoy run --name down --network none busybox sh -c 'dd if=/dev/zero of=/x bs=1000 count=70 2>/dev/null' || fail run
	hoy run -d --name up --network none busybox sh -c 'dd if=/dev/zero of=/x bs=1000 count=30 2>/dev/null; echo ready; exec sleep 1000' >/dev/null || fail run
	wait_for has_ready
	near 100000 "$(raw Containers RawSize)" 'what both wrote'
	near 70000 "$(raw Containers RawReclaimable)" 'what the one wrote that is down'
	assert_eq 1 "$(raw Containers Active)" active
	hoy rm -f -t 0 up down >/dev/null
}

# One damaged image does not hide the rest.
test_damaged() { # short
	untidy
	load busybox cfg-env
	: >"$(store)/blobs/sha256/$(id_of cfg-env)"
	run hoy system df
	assert_ok
	assert_match 'Images +2 '
	run hoy system df -v
	assert_ok
	assert_has localhost/busybox
}

run_tests "$@"
