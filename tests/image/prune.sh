#!/bin/bash
# image prune, system prune, and what rmi takes along.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"


# room: bytes of all layers and blobs in the store, counted from outside.
room() {
	local s all='find "$1/layers" "$1/blobs" -type f -printf "%D:%i %s\n" 2>/dev/null | sort -u | cut -d" " -f2 | paste -sd+ | sed "s/^\$/0/" | bc'
	s=$(store)
	if [ "$T_ROW" = user ]; then unshare --map-auto --map-root-user sh -c "$all" - "$s"; else sh -c "$all" - "$s"; fi
}

# dangling NAME: the image loses its name. Prints its id.
dangling() {
	id_of "$1"
	hoy untag "$1" >/dev/null || fail "untag $1"
}

# family: images parent (one layer) and child (two, the first is the parent's), with the same first step.
family() {
	craft <<'P'
import datetime
def image_of(name, layers, steps):
    cfg = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(l) for l in layers]},
           "history": [{"created": "2024-01-01T00:00:00Z", "created_by": s} for s in steps]}
    text = json.dumps(cfg).encode()
    files = {digest(text) + ".json": text}
    for i, l in enumerate(layers):
        files[name + str(i) + "/layer.tar"] = l
    files["manifest.json"] = json.dumps([{"Config": digest(text) + ".json", "RepoTags": ["localhost/" + name + ":latest"],
                                          "Layers": [name + str(i) + "/layer.tar" for i in range(len(layers))]}]).encode()
    archive(name, files)
def layer(name, data):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w") as t:
        put(t, name, data)
    return b.getvalue()
one, two, three = layer("one", b"1" * 1000), layer("two", b"2" * 2000), layer("three", b"3" * 3000)
image_of("parent", [one], ["first"])
image_of("child", [one, two], ["first", "second"])
image_of("sister", [one, three], ["first", "third"])
P
	local n
	for n; do hoy load -q -i "$T/$n.tar" >/dev/null || fail "load $n"; done
}

test_prune_takes_what_has_no_name() { # peer_ok short
	load busybox cfg-env
	local id
	run hoy image prune -f
	assert_ok
	assert_out ''
	id=$(dangling cfg-env)
	run hoy image prune -f
	assert_ok
	assert_out "$id"
	run hoy image exists busybox
	assert_ok
	run hoy image exists "$id"
	assert_rc 1
}

test_prune_all_keeps_what_is_used() { # peer_ok short
	load busybox cfg-env cfg-cmd
	local id
	id=$(id_of cfg-env)
	hoy create --name user --network none busybox true >/dev/null || fail create
	run hoy image prune -a -f --filter 'label=nobody.has.it'
	assert_ok
	assert_out ''
	run hoy image prune -a -f --filter until=2000-01-01T00:00:00Z
	assert_ok
	assert_out ''
	run hoy image prune -a -f
	assert_ok
	assert_has "$id"
	assert_eq 2 "$(wc -l <"$T/out")" 'images that went'
	assert_eq 1 "$(hoy images -q | wc -l)" 'images that stayed'
	run hoy run --rm --network none busybox echo whole
	assert_out whole
	hoy rm user >/dev/null
}

test_prune_asks() { # peer_ok short
	load busybox
	dangling busybox >/dev/null
	run hoy image prune
	assert_rc 125
	run hoy image prune -f --filter nope=1
	assert_rc 125
	echo n | hoy image prune >"$T/out" 2>/dev/null || fail no
	assert_eq 1 "$(hoy images -qa | wc -l)" 'after no'
	echo y | hoy image prune >"$T/out" 2>/dev/null || fail yes
	assert_eq 0 "$(hoy images -qa | wc -l)" 'after yes'
}

test_prune_labels() { # peer_ok
	load busybox cfg-labels
	local key id
	id=$(id_of cfg-labels)
	key=$(hoy image inspect --format '{{range $k, $v := .Config.Labels}}{{$k}} {{end}}' cfg-labels | cut -d' ' -f1)
	[ -n "$key" ] || fail 'the fixture has no label'
	run hoy image prune -a -f --filter "label=$key"
	assert_ok
	assert_out "$id"
	run hoy image prune -a -f --filter "label!=$key"
	assert_ok
	assert_eq 1 "$(wc -l <"$T/out")"
}

# What it says is what goes, in a dry run too, and nothing is left when all is gone.
test_prune_counts_the_room() { # short
	need bc
	load empty busybox debian cfg-env
	local before after said
	run hoy image prune -a --dry-run
	assert_ok
	assert_eq 4 "$(wc -l <"$T/out")" 'dry run'
	assert_eq 4 "$(hoy images -q | wc -l)" 'after the dry run'
	hoy untag debian >/dev/null || fail untag
	before=$(room)
	run as_docker image prune --dry-run
	said=${out##*: }
	run as_docker image prune -f
	assert_ok
	assert_match $'^Deleted Images:\ndeleted: sha256:[0-9a-f]{64}\n\nTotal reclaimed space: [0-9.]+[kMG]?B$'
	assert_eq "$said" "${out##*: }" 'what the dry run said'
	after=$(room)
	python3 - "${out##*: }" $((before - after)) <<'P' || fail "said ${out##*: }, were $((before - after))"
import re, sys
n, unit = re.match(r"([0-9.]+)(k|M|G)?B", sys.argv[1]).groups()
said = float(n) * {None: 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
assert abs(said - int(sys.argv[2])) <= max(1000, 0.005 * said), said
P
	run as_docker image prune -a -f
	assert_ok
	assert_has 'untagged: localhost/busybox:latest'
	assert_eq 0 "$(room)" 'room of a store without images'
	clean
}

# An image that was pulled or loaded by digest has a name.
test_prune_keeps_what_is_named_by_digest() { # short
	load busybox
	local s id
	s=$(store) id=$(id_of busybox)
	ln -s "sha256:$id" "$s/names/localhost/busybox/@$(readlink "$s/images/$id")"
	hoy untag busybox:latest >/dev/null || fail untag
	[ -L "$s/names/localhost/busybox/@$(readlink "$s/images/$id")" ] || fail 'untag took the digest'
	run hoy images --filter dangling=true -q
	assert_out ''
	run hoy image prune -f
	assert_ok
	assert_out ''
	run hoy image prune -a -f
	assert_out "$id"
	clean
}

test_prune_takes_leftovers() { # short rows=user,root,one
	load busybox
	local s
	s=$(store)
	mkdir -p "$s/tmp/abandoned" "$s/layers/$(printf '1%.0s' {1..64}).sub/diff"
	: >"$s/images/.add-0123456789abcdef"
	run hoy image prune -f
	assert_ok
	assert_out ''
	clean
	assert_eq 1 "$(ls_count "$s/layers")" layers
}

test_rmi_takes_dangling_parents() { # short
	family parent child sister
	local parent child
	parent=$(dangling parent) child=$(id_of child)
	# The sister was built upon it, too.
	run hoy rmi sister
	assert_ok
	assert_lacks "$parent"
	run hoy rmi child
	assert_ok
	assert_has "Deleted: $child"
	assert_has "Deleted: $parent"
	assert_eq 0 "$(hoy images -qa | wc -l)"
	family parent child
	dangling parent >/dev/null
	run hoy rmi --no-prune child
	assert_ok
	assert_lacks "$parent"
	run hoy image exists "$parent"
	assert_ok
	family child
	hoy create --name user --network none "$parent" true >/dev/null || fail create
	run hoy rmi child
	assert_ok
	assert_lacks "$parent"
	hoy rm user >/dev/null
	family child
	hoy tag "$parent" named || fail tag
	run hoy rmi child
	assert_lacks "$parent"
	clean
}

# docker's -f takes no container along.
test_rmi_as_docker() { # short
	load busybox
	local id
	id=$(id_of busybox)
	hoy create --name down --network none busybox echo down >/dev/null || fail create
	hoy run -d --name up --network none busybox sleep 1000 >/dev/null || fail run
	run as_docker rmi busybox
	assert_rc 2
	run as_docker rmi -f "$id"
	assert_rc 2
	assert_err_has 'running container up'
	run as_docker rmi -f busybox
	assert_ok
	assert_out 'Untagged: localhost/busybox:latest'
	hoy rm -f -t 0 up >/dev/null || fail rm
	run as_docker rmi -f "$id"
	assert_ok
	assert_out "Deleted: sha256:$id"
	run hoy start -a down
	assert_ok
	assert_out down
	hoy rm down >/dev/null
	run as_docker image prune -f
	assert_eq 0 "$(ls_count "$(store)/layers")" 'layers after the last container'
	clean
}

test_system_prune() { # peer_ok short rows=user,root,one
	load busybox cfg-env cfg-cmd
	local down image
	image=$(dangling cfg-env)
	down=$(hoy create --name down --network none cfg-cmd true) || fail create
	hoy run -d --name up --network none busybox sleep 1000 >/dev/null || fail run
	run hoy system prune </dev/null
	assert_rc 125
	run hoy system prune -f --filter nope=1
	assert_rc 125
	run hoy system prune -f --filter until=2000-01-01T00:00:00Z
	assert_out 'Total reclaimed space: 0B'
	run hoy system prune -f
	assert_ok
	assert_match "^Deleted Containers
$down
Deleted Images
$image
Total reclaimed space: [0-9.]+k?M?B\$"
	run hoy image exists cfg-cmd
	assert_ok
	run hoy system prune -a -f --volumes
	assert_ok
	assert_lacks 'Deleted Containers'
	assert_has 'Deleted Images'
	run hoy image exists cfg-cmd
	assert_rc 1
	run hoy image exists busybox
	assert_ok
	hoy rm -f -t 0 up >/dev/null
}

# A dry run counts images as unused whose last container would go, and says the room that comes free.
test_system_prune_dry_run_and_docker() { # short
	load busybox
	local c id said
	id=$(id_of busybox)
	c=$(hoy create --name c --network none busybox true) || fail create
	run as_docker system prune -a --dry-run
	assert_ok
	assert_has "deleted: sha256:$id"
	hoy container exists c || fail 'the dry run removed it'
	said=$out
	assert_match "^Deleted Containers:
$c

Deleted Images:
untagged: localhost/busybox:latest
untagged: localhost/busybox@sha256:[0-9a-f]+
deleted: sha256:$id

Total reclaimed space: [1-9][0-9.]+MB\$"
	run as_docker system prune -a -f
	assert_ok
	assert_out "$said"
	run as_docker system prune -f
	assert_out 'Total reclaimed space: 0B'
	run hoy system prune
	assert_err E-USAGE 'nobody answered'
	clean
}

# Who is killed while it deletes has removed the image all the same; the room comes back with the next command that writes.
test_rmi_survives_kill() { # short rows=user,root,one
	load debian
	local s p
	s=$(store)
	hoy rmi debian >/dev/null || fail rmi
	for p in $(our_pids); do kill -9 "$p" 2>/dev/null; done
	run hoy image exists debian
	assert_rc 1
	hoy image prune -f >/dev/null || fail prune
	wait_for nothing_in "$s/tmp" # prune, too, deletes behind a command that has ended
	wait_for nothing_in "$s/layers"
	clean
}
nothing_in() { [ "$(ls_count "$1")" = 0 ]; }

# kill -9 at any point: what is left is whole.
test_rmi_and_prune_storm() { # rows=user,root,one
	local i
	load busybox
	for i in {1..12}; do
		hoy load -q -i "$T_FIX/cfg-env.tar" >/dev/null || fail load
		hoy untag cfg-env >/dev/null
		$HOY image prune -f >/dev/null 2>&1 & # the program itself, not a shell around it
		perl -e "select undef, undef, undef, $i / 2000"
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
		run hoy system check
		assert_ok
	done
	hoy image prune -f >/dev/null || fail prune
	run hoy run --rm --network none busybox echo whole
	assert_out whole
	clean
}

# What a command does at the moment is no fault, however often it is looked at.
test_check_beside_writers() { # short
	load busybox
	local i p
	(for i in {1..15}; do
		$HOY load -q -i "$T_FIX/cfg-env.tar" >/dev/null
		$HOY untag cfg-env >/dev/null
		$HOY image prune -f >/dev/null
	done) &
	p=$!
	while kill -0 $p 2>/dev/null; do
		run hoy system check
		assert_ok
	done
	clean
}

run_tests "$@"
