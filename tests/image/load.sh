#!/bin/bash
# Archives of every kind: what other tools wrote is read, says the same about itself as they do, and what is refused leaves no trace.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

test_from_a_pipe_that_does_not_block() {
	run sh -c '(cat "$1" && sleep 0.3 && cat "$2") | python3 -c "import os, sys; os.set_blocking(0, False); os.execvp(sys.argv[1], sys.argv[1:])" $3 load -q' \
		- "$T_FIX/busybox.tar" /dev/null "$HOY"
	assert_ok
	assert_has localhost/busybox
}

test_prints_the_names() { # short peer_ok
	run hoy load -i "$T_FIX/busybox.tar"
	assert_ok
	assert_has 'Loaded image: localhost/busybox:latest'
	run hoy load -q -i "$T_FIX/twotags.tar"
	assert_ok
	assert_has 'localhost/first:1'
	run hoy image exists localhost/second:2
	assert_ok
}

test_standard_input_and_compressors() { # short
	local f
	for f in busybox.tar busybox.tar.gz busybox.tar.xz busybox.tar.bz2 busybox.tar.zst; do
		[ -f "$T_FIX/$f" ] || continue
		run hoy load -i "$T_FIX/$f"
		assert_out 'Loaded image: localhost/busybox:latest'
		hoy rmi -q busybox 2>/dev/null || hoy rmi busybox >/dev/null || fail "rmi after $f"
		run bash -c "cat '$T_FIX/$f' | $HOY load"
		assert_out 'Loaded image: localhost/busybox:latest'
		hoy rmi busybox >/dev/null || fail "rmi after $f"
		run bash -c "$HOY load <'$T_FIX/$f'"
		assert_out 'Loaded image: localhost/busybox:latest'
		hoy rmi busybox >/dev/null || fail "rmi after $f"
	done
	clean
	assert_eq 0 "$(ls_count "$(store)/layers" | sed 's/^1$/0/')" 'layers after the last rmi'
}

test_a_terminal_is_no_archive() {
	run with_pty -- $HOY load
	assert_rc 125
}

# The archives of real tools and of hand, all from the same content.
test_forms() { # short rows=user,root,one
	local n
	for n in docker-legacy docker-modern oci-plain podman-docker podman-oci skopeo-docker skopeo-oci skopeo-zstd; do
		[ -f "$T_FIX/$n.tar" ] || continue
		run hoy load -i "$T_FIX/$n.tar"
		assert_has "Loaded image: localhost/$n:latest"
		run hoy run --rm "$n" sh -c 'echo ran'
		assert_out ran
	done
	clean
}

test_layout_directories() {
	[ -d "$T_FIX/umoci" ] || skip 'no fixture umoci'
	run hoy load -i "$T_FIX/umoci"
	assert_out 'Loaded image: localhost/latest:latest'
	run hoy run --rm latest sh -c 'echo ran'
	assert_out ran
	if [ -d "$T_FIX/skopeo-layout" ]; then
		run hoy load -i "$T_FIX/skopeo-layout"
		assert_out 'Loaded image: localhost/skopeo-layout:latest'
	fi
	mkdir "$T/empty"
	run hoy load -i "$T/empty"
	assert_err E-ARCHIVE
	clean
}

# What skopeo says about an archive is what image inspect says after the load.
agree() {
	local name=$1 source=$2 want
	hoy load -q -i "$T_FIX/$name.tar" >/dev/null || fail "load $name"
	# skopeo's oci-archive wants to chown; the layout inside will do.
	case $source in
	oci-archive:*)
		mkdir -p "$T/$name" && tar --no-same-owner --no-same-permissions -xf "${source#*:}" -C "$T/$name"
		source=oci:$T/$name
		;;
	esac
	want=$(skopeo inspect "$source" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["Digest"], d["Architecture"], d["Os"], " ".join(d["Env"] or []), sorted((d["Labels"] or {}).items()))')
	run hoy image inspect "localhost/$name"
	printf '%s' "$out" | python3 -c '
import json, sys
d = json.load(sys.stdin)[0]
print(d["Digest"], d["Architecture"], d["Os"], " ".join(d["Config"]["Env"] or []), sorted((d["Config"]["Labels"] or {}).items()))' >"$T/got"
	assert_eq "$want" "$(cat "$T/got")" "$name"
	want=$(skopeo inspect --config --raw "$source" | sha256sum | cut -d' ' -f1)
	assert_eq "$want" "$(id_of "localhost/$name")" "id of $name"
}

test_agrees_with_skopeo() {
	need skopeo
	local n
	for n in busybox cfg-labels podman-docker skopeo-docker; do
		[ -f "$T_FIX/$n.tar" ] && agree $n "docker-archive:$T_FIX/$n.tar"
	done
	for n in oci-plain podman-oci skopeo-oci skopeo-zstd; do
		[ -f "$T_FIX/$n.tar" ] && agree $n "oci-archive:$T_FIX/$n.tar"
	done
	true
}

test_127_layers() { # short rows=user,root,one
	load layers127
	run hoy image inspect -f '{{len .RootFS.Layers}}' layers127
	assert_out 127
	run hoy run --rm layers127 sh -c 'echo ran'
	assert_out ran
}

test_docker_prints_its_own_lines() {
	ln -s "$(command -v "${HOY%% *}")" "$T/docker"
	run "$T/docker" load -i "$T_FIX/busybox.tar"
	assert_out 'Loaded image: localhost/busybox:latest'
	craft <<'P'
layer = Layer().file("f", "x").bytes()
docker_archive(T + "/short.tar", ["short:1"], [layer])
docker_archive(T + "/none.tar", None, [Layer().file("g", "x").bytes()])
P
	run "$T/docker" load -i "$T/short.tar"
	assert_out 'Loaded image: short:1'
	run "$T/docker" load -i "$T/none.tar"
	assert_match '^Loaded image ID: sha256:[0-9a-f]{64}$'
	run hoy load -i "$T/none.tar"
	assert_match '^Loaded image: sha256:[0-9a-f]{64}$'
	assert_eq 'docker.io/library/short:1 localhost/busybox:latest <none>:<none>' \
		"$(hoy images --sort repository --format '{{.Repository}}:{{.Tag}}' | sort -r | sort -k1,1 | tr '\n' ' ' | sed 's/^<none>:<none> \(.*\) $/\1 <none>:<none>/')"
}

test_several_images_and_shared_layers() {
	craft <<'P'
common = Layer().file("common", "c" * 5000).bytes()
files, man = {digest(common) + ".tar": common}, []
for i in range(3):
    own = Layer().file("own", "own %d" % i).bytes()
    conf = make_config([common, own], {"Cmd": ["x%d" % i]})
    files[digest(own) + ".tar"] = own
    files[digest(conf) + ".json"] = conf
    man.append({"Config": digest(conf) + ".json", "RepoTags": ["localhost/m%d:a" % i, "localhost/m%d:b" % i], "Layers": [digest(common) + ".tar", digest(own) + ".tar"]})
files["manifest.json"] = json.dumps(man).encode()
archive("three", files)
P
	run hoy load -i "$T/three.tar"
	assert_eq 6 "$(printf '%s\n' "$out" | grep -c '^Loaded image: localhost/m')" 'lines'
	assert_eq 4 "$(find "$(store)/layers" -mindepth 1 -maxdepth 1 -type d | wc -l)" 'layers'
	run hoy rmi -f m0:a m1:a m0:b m1:b
	assert_ok
	assert_eq 2 "$(find "$(store)/layers" -mindepth 1 -maxdepth 1 -type d | wc -l)" 'layers that m2 needs'
	clean
}

# One image in the index for several machines: this machine's is taken; attestations and signatures beside it are not images.
test_platforms() {
	craft <<'P'
files, _, _ = oci_files("localhost/this:latest", [Layer().file("this", "x").bytes()])
this = dict(manifest_of(files), platform={"os": "linux", "architecture": sys.argv[3] and {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)})
this.pop("annotations", None)
other_files, _, _ = oci_files("localhost/other:latest", [Layer().file("other", "x").bytes()])
other = dict(manifest_of(other_files), platform={"os": "linux", "architecture": "vax"})
other.pop("annotations", None)
lie = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 5, "platform": {"os": "unknown", "architecture": "unknown"}}
files.update({k: v for k, v in other_files.items() if k.startswith("blobs/")})
def index(name, entries, **annotations):
    inner = add_blob(files, {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries})
    inner.update(mediaType="application/vnd.oci.image.index.v1+json", annotations={"org.opencontainers.image.ref.name": "localhost/%s:latest" % name})
    archive(name, dict(files, **{"index.json": json.dumps({"schemaVersion": 2, "manifests": [inner]}).encode()}))
index("multi", [other, lie, this])
index("foreign", [other, lie])
archive("flat", dict(files, **{"index.json": json.dumps({"schemaVersion": 2, "manifests": [other, lie, this]}).encode()}))
P
	run hoy load -i "$T/multi.tar"
	assert_out 'Loaded image: localhost/multi:latest'
	[ -n "$(find "$(store)/layers" -name this)" ] || fail 'not the layer for this machine'
	[ -z "$(find "$(store)/layers" -name other)" ] || fail 'the layer for another machine, too'
	run hoy load -i "$T/flat.tar"
	assert_match '^Loaded image: sha256:[0-9a-f]{64}$'
	listing >"$T/listing"
	run hoy load -i "$T/foreign.tar"
	assert_err E-PLATFORM linux/vax
	listing | diff "$T/listing" - || fail 'the refusal left something'
}

test_refusals_leave_nothing() { # short rows=user,root,one
	load busybox
	craft <<'P'
good = Layer().file("good", "g" * 3000).bytes()
bad = Layer().file("bad", "b" * 3000).bytes()
def two(name, conf2, tags=None):
    conf1 = make_config([good], {"Cmd": ["1"]})
    archive(name, {"g.tar": good, "b.tar": bad, "c1": conf1, "c2": conf2, "manifest.json": json.dumps([
        {"Config": "c1", "RepoTags": ["localhost/%s:1" % name], "Layers": ["g.tar"]},
        {"Config": "c2", "RepoTags": tags or ["localhost/%s:2" % name], "Layers": ["b.tar"]}]).encode()})
two("second_lies", make_config([Layer().file("third", "t").bytes()], {"Cmd": ["2"]}))
two("second_name", make_config([bad], {"Cmd": ["2"]}), ["../../x:1"])
two("second_config", b'{"config":{"Cmd":"a string"},"rootfs":{"diff_ids":["sha256:%s"]}}' % digest(bad).encode())
two("second_env", json.dumps({"config": {"Env": [1]}, "rootfs": {"diff_ids": ["sha256:" + digest(bad)]}}).encode())
conf = make_config([good], {})
archive("no_layer", {"c": conf, "manifest.json": json.dumps([{"Config": "c", "RepoTags": None, "Layers": ["g.tar"]}]).encode()})
archive("named_lie", {digest(bad) + ".json": conf, "g.tar": good, "manifest.json": json.dumps([{"Config": digest(bad) + ".json", "RepoTags": None, "Layers": ["g.tar"]}]).encode()})
archive("dots", {"../c": conf, "g.tar": good, "manifest.json": json.dumps([{"Config": "../c", "RepoTags": None, "Layers": ["g.tar"]}]).encode()})
archive("rootfs", {"etc/passwd": b"root:x:0:0::/:/bin/sh\n", "bin/sh": b"x"})
archive("old", {"repositories": b"{}", "x/json": b"{}", "x/VERSION": b"1.0", "x/layer.tar": good})
files, _, descs = oci_files("localhost/big:latest", [good])
archive("huge_index", dict(files, **{"index.json": files["index.json"][:-1] + b" " * (5 << 20) + b"}"}))
index = json.loads(files["index.json"]); index["manifests"][0]["size"] += 1
archive("size_lie", dict(files, **{"index.json": json.dumps(index).encode()}))
files["blobs/sha256/" + digest(json.dumps(1).encode())] = b"1"
deep = b'{"a":' * 10000 + b"1" + b"}" * 10000
archive("deep_index", dict(files, **{"index.json": deep}))
for k in list(files):
    if descs[0]["digest"].endswith(k.split("/")[-1]):
        flipped = bytearray(files[k]); flipped[len(flipped) // 2] ^= 1
        archive("flipped", dict(files, **{k: bytes(flipped)}))
        archive("blob_gone", {n: v for n, v in files.items() if n != k})
open(T + "/empty.tar", "w").close()
open(T + "/text.tar", "w").write("this is no archive at all\n" * 100)
P
	head -c 1000000 "$T_FIX/busybox.tar" >"$T/cut.tar"
	head -c 500000 "$T_FIX/busybox.tar.gz" >"$T/cutgz.tar"
	listing >"$T/listing"
	local f
	for f in "$T"/*.tar; do
		run hoy load -i "$f"
		assert_err
		assert_err_has "$(basename "$f" .tar)"
		listing | diff "$T/listing" - || fail "$f left something"
		run bash -c "cat '$f' | $HOY load"
		assert_rc 125
		listing | diff "$T/listing" - || fail "$f left something, from a pipe"
	done
	run hoy load -i "$T/nowhere"
	assert_err '' nowhere
	run hoy load -i /dev/null
	assert_err E-ARCHIVE
	clean
}

# A load that is interrupted, or killed without any chance to clean up.
slow_load() { # a pipe that stays open: the load waits for the rest
	head -c "$1" "$T_FIX/layers127.tar" >"$T/part"
	mkfifo "$T/fifo"
	(cat "$T/part" && sleep 1000) >"$T/fifo" 2>/dev/null &
	feeder=$!
	$HOY load <"$T/fifo" >"$T/load.out" 2>"$T/load.err" &
	loader=$!
}

adding() { compgen -G "$(store)/images/.add-*" >/dev/null; }

test_interrupted() {
	load busybox
	listing >"$T/listing"
	local sig
	for sig in INT TERM HUP; do
		rm -f "$T/fifo"
		set -m
		slow_load 300000
		set +m
		wait_for adding
		kill -$sig $loader
		wait $loader
		rc=$?
		kill -- -$feeder
		wait $feeder
		assert_ne 0 $rc "status after $sig"
		listing | diff "$T/listing" - || fail "SIG$sig left something"
	done
	clean
}

alone() { [ -z "$(our_pids)" ]; }

test_killed() { # rows=user,root,one
	load busybox
	listing >"$T/listing"
	set -m
	slow_load 300000
	set +m
	wait_for adding
	kill -KILL $loader
	wait $loader
	kill -- -$feeder
	wait $feeder
	wait_for alone
	run hoy system check
	assert_ok
	hoy tag busybox other || fail tag
	load empty
	hoy rmi other empty >/dev/null || fail rmi
	wait_for alone # what rmi has taken away is deleted behind it
	listing | diff "$T/listing" - || fail 'the next commands left something'
	clean
}

# On a full disk: a load says so and leaves nothing, and rmi works.
test_full_disk() { # rows=user,one
	mkdir "$T/small"
	# shellcheck disable=SC2016
	run unshare --map-root-user --mount bash -c '
		mount -t tmpfs -o size=6m,mode=700 small "$1" || exit 9
		export HOY_ROOT=$1/store
		$HOY load -q -i "$T_FIX/busybox.tar" >/dev/null || exit 8
		(cd "$HOY_ROOT" && find . -printf "%p %y %s\n" | grep -v "^\./u0\| d " | sort) >"$T/listing"
		$HOY load -q -i "$T_FIX/stop.tar" && exit 7
		(cd "$HOY_ROOT" && find . -printf "%p %y %s\n" | grep -v "^\./u0\| d " | sort) | diff "$T/listing" - || exit 6
		head -c 9000000 /dev/zero >"$1/fill" 2>/dev/null
		$HOY rmi busybox || exit 5
		$HOY system check || exit 4' bash "$T/small"
	assert_ok
	assert_err_has E-DISK-FULL
	assert_has 'Deleted: '
	assert_has 'clean: 0 images'
}

test_many_loads_at_once() {
	local i
	for i in 1 2 3 4 5 6; do
		hoy load -q -i "$T_FIX/busybox.tar" >/dev/null 2>"$T/e$i" || fail "load $i: $(cat "$T/e$i")" &
		hoy load -q -i "$T_FIX/twotags.tar" >/dev/null 2>"$T/f$i" || fail "load $i: $(cat "$T/f$i")" &
	done
	wait
	assert_eq 'localhost/busybox:latest localhost/first:1 localhost/second:2' "$(names)"
	clean
}

# Two archives name the same layer; one of them holds something else.
test_known_layer_is_compared_all_the_same() { # short rows=user,root,one
	craft two <<'P'
layer = Layer().file("x", "content").bytes()
def one(name, data, env):
    cfg = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": [env]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]}}).encode()
    archive(name, {digest(cfg) + ".json": cfg, "l.tar": data,
        "manifest.json": json.dumps([{"Config": digest(cfg) + ".json", "RepoTags": ["localhost/" + name + ":1"], "Layers": ["l.tar"]}]).encode()})
one("honest", layer, "A=1")
one("lies", Layer().file("x", "another").bytes(), "A=2")
one("too", layer, "A=3")
P
	hoy load -q -i "$T/honest.tar" >/dev/null || fail 'load'
	run hoy load -i "$T/lies.tar"
	assert_err E-DIGEST-MISMATCH
	run hoy load -i "$T/too.tar"
	assert_ok
	assert_eq 'localhost/honest:1 localhost/too:1' "$(names)" names
	clean
}

test_left_out_devices_are_told() { # rows=user,one
	craft dev <<'P'
layer = Layer().dir("dev").add("dev/null", tarfile.CHRTYPE, 0o666, dev=(1, 3)).add("lost", tarfile.CHRTYPE, 0o666, dev=(1, 3)).bytes()
cfg = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]}}).encode()
archive("dev", {digest(cfg) + ".json": cfg, "l.tar": layer,
    "manifest.json": json.dumps([{"Config": digest(cfg) + ".json", "RepoTags": ["localhost/dev:1"], "Layers": ["l.tar"]}]).encode()})
open(T + "/raw.tar", "wb").write(layer)
P
	run hoy load -i "$T/dev.tar"
	assert_err_has 'note: 1 device node of the image was left out'
	run hoy load -q -i "$T/dev.tar"
	assert_quiet
	run hoy import "$T/raw.tar"
	assert_err_has 'note: 1 device node'
}

run_tests "$@"
