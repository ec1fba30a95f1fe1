#!/bin/bash
# Archives made to hurt whoever unpacks them.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# try NAME: load the crafted image: refused with an id, or loaded; in either case nothing outside is touched and nothing half done stays.
try() {
	run timeout 100 $HOY load -q -i "$T/$1.tar"
	[ "$rc" = 0 ] || assert_err
	case $err in *E-INTERNAL* | *E-WORKER-GONE*) fail "$1: the process that read it died: $(last)" ;; esac
	untouched
	assert_eq 0 "$(ls_count "$(store)/tmp")" "unfinished work after $1"
}

test_traversal() { # short rows=user,root,one
	canary
	craft up <<'P'
b.file("../../../../../../../../../../../.." + T + "/host/new", "x").file("a/../../../x", "x")
P
	craft abs <<'P'
b.file(T + "/host/new", "x")
P
	craft through <<'P'
b.sym("s", T + "/host").file("s/new", "x").dir("s/sub2")
P
	craft through_chain <<'P'
b.sym("s0", T + "/host")
for i in range(1, 50):
    b.sym("s%d" % i, "s%d" % (i - 1))
b.file("s49/new", "x")
P
	craft hard <<'P'
b.hard("h", "../../../../../../../../../../../.." + T + "/host/secret").hard("h2", T + "/host/secret").sym("s", T + "/host").hard("h3", "s/secret")
b.file("h", "overwritten")
P
	craft chmod <<'P'
b.sym("s", T + "/host/secret").file("s", "y", 0o4777).sym("d", T + "/host").dir("d", 0o777)
P
	local n
	for n in up abs through through_chain hard chmod; do
		try $n
		if [ "$rc" = 0 ]; then
			run hoy run --rm $n sh -c 'cat /h /h2 /h3 /s 2>/dev/null; true'
			untouched
		fi
	done
}

test_root_entry_is_a_link() { # short rows=user,root,one
	canary
	local n
	craft dot <<'P'
b.sym(".", T + "/host").file("x", "x")
P
	craft slash <<'P'
b.sym("/", T + "/host").file("x", "x")
P
	craft dotslash <<'P'
b.sym("./", T + "/host").file("./x", "x")
P
	craft empty_name <<'P'
b.sym("", T + "/host").file("x", "x")
P
	for n in dot slash dotslash empty_name; do try $n; done
}

test_special_entries() { # rows=user,root,one
	canary
	craft devices <<'P'
b.add("mem", tarfile.CHRTYPE, 0o666, dev=(1, 1)).add("sda", tarfile.BLKTYPE, 0o666, dev=(8, 0)).add("w", tarfile.CHRTYPE, 0o666, dev=(0, 0))
P
	craft v3 <<'P'
b.file("v3", "x", 0o755, xattrs={"security.capability": b"\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"})
P
	local n
	for n in devices v3; do try $n; done
	[ -z "$(find "$(store)/layers" -type c -o -type b 2>/dev/null | while read -r f; do [ "$(stat -c %t:%T "$f")" = 0:0 ] || echo "$f"; done)" ] || fail 'a device node in the store'
	# Attributes that steer the overlay or hoy itself would let a layer show files from elsewhere.
	for n in trusted.overlay.redirect trusted.overlay.opaque user.overlay.redirect user.overlay.metacopy user.overlay.opaque user.hoy.owner; do
		craft xattr <<P
b.dir("d").file("d/x", "x", xattrs={"$n": "/host"})
P
		try xattr
		[ "$rc" = 125 ] || fail "$n was taken"
	done
}

test_whiteout_tricks() { # rows=user,root,one
	canary
	craft wh <<'P'
b.file(".wh..wh..opq").file("bin/.wh..wh..opq").file("x/.wh...").file("x/.wh..").file("x/.wh.").file(".wh..").file(".wh...")
P
	craft wh_slash <<'P'
b.file("x/.wh.../y", "x").file(".wh.a/b", "x")
P
	craft wh_link <<'P'
b.sym("s", T + "/host").file("s/.wh.secret").file("s/.wh..wh..opq")
P
	local n
	for n in wh wh_slash wh_link; do try $n; done
}

# A layer may hide the whole of what lies below it; the kernel looks at no such mark on the root of a layer.
test_opaque_root() { # rows=user,root,one
	hostile hidden <<'P'
layers = [Layer().file("old", "x").file("etc/old", "x").bytes(), Layer().file(".wh..wh..opq").file("new", "x").bytes(), bb]
P
	run hoy run --rm hidden sh -c 'echo /old* /etc/old* /new'
	assert_out '/old* /etc/old* /new'
}

test_broken_headers() {
	canary
	local n
	craft pax <<'P'
def pax(records):
    body = records
    t = tarfile.TarInfo("./PaxHeaders/x"); t.type = tarfile.XHDTYPE; t.size = len(body)
    return t.tobuf(tarfile.USTAR_FORMAT) + body + b"\0" * (-len(body) % 512)
f = tarfile.TarInfo("file"); f.size = 0
plain = f.tobuf(tarfile.USTAR_FORMAT)
bad = [b"no equals sign", b"0 path=x\n", b"99 path=x\n", b"999999999999999999999 path=x\n", b"-5 path=x\n", b"11 path=a\0b\n", b"12 size=-1\n\n", b"30 size=99999999999999999999\n",
       b"1000000 SCHILY.xattr.user.x=y\n", b"20 GNU.sparse.map=1\n", b"10 uid=-1\n", b"22 uid=99999999999999\n", b"9 mtime=\n", b"18 mtime=1e999999\n", b"\xff" * 40]
layers = [bb]
for i, r in enumerate(bad):
    open(T + "/pax%d.raw" % i, "wb").write(pax(r) + plain + b"\0" * 1024)
    docker_archive(T + "/pax%d.tar" % i, ["localhost/pax%d:latest" % i], [pax(r) + plain + b"\0" * 1024])
P
	for n in {0..14}; do
		try "pax$n"
	done
}

# as_saved WHAT: if it was taken, then with the content that it was saved with.
as_saved() {
	find "$(store)/layers" -type f -path '*/diff/d/f' 2>/dev/null | while read -r f; do
		cmp -s "$f" "$T/content" || fail "$1: a layer is not what was saved: $(last)"
	done
	[ ! -s "$T/why" ] || exit 1
}

# Every truncation and a bit flipped here and there of a whole archive: an error, never a crash, nothing left.
test_broken_archives() {
	canary
	craft whole <<'P'
layers = [Layer().dir("d").file("d/f", "content" * 700).sym("s", "d/f").bytes()]
P
	local size at
	size=$(stat -c %s "$T/whole.tar")
	printf 'content%.0s' {1..700} >"$T/content"
	# Each into a store of its own: a layer that is there already would not be read.
	for ((at = 0; at < size; at += 61 + size / 80)); do
		export HOY_ROOT=$T/home/cut$at
		head -c "$at" "$T/whole.tar" >"$T/cut.tar"
		try cut
		as_saved "cut at $at"
	done
	for at in {1..40}; do
		export HOY_ROOT=$T/home/flip$at
		python3 -c '
import random, sys
r = random.Random(int(sys.argv[1]))
d = bytearray(open(sys.argv[2], "rb").read())
for _ in range(3):
    d[r.randrange(len(d))] ^= 1 << r.randrange(8)
open(sys.argv[3], "wb").write(d)' "$at" "$T/whole.tar" "$T/flip.tar"
		try flip
		as_saved "flip $at"
	done
}

test_lying_documents() { # short
	canary
	craft lies <<'P'
layer = Layer().file("f", "x").bytes()
def archive(name, manifest=None, config=None, files=None):
    conf = config if config is not None else make_config([layer], {})
    with tarfile.open(T + "/" + name + ".tar", "w") as t:
        put(t, "c.json", conf)
        put(t, "l.tar", layer)
        for k, v in (files or {}).items():
            put(t, k, v)
        man = manifest if manifest is not None else [{"Config": "c.json", "RepoTags": ["localhost/%s:latest" % name], "Layers": ["l.tar"]}]
        put(t, "manifest.json", man if isinstance(man, bytes) else json.dumps(man).encode())
wrong = json.loads(make_config([layer], {})); wrong["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
archive("wrong_diffid", config=json.dumps(wrong).encode())
for i, d in enumerate(["sha256:../../../../x", "sha256:" + "A" * 64, "sha512:" + "0" * 128, "md5:00", "sha256:", "../x", 7, None]):
    w = json.loads(make_config([layer], {})); w["rootfs"]["diff_ids"] = [d]
    archive("diffid%d" % i, config=json.dumps(w).encode())
archive("path_config", [{"Config": "../../../../etc/passwd", "RepoTags": [], "Layers": ["l.tar"]}])
archive("path_layer", [{"Config": "c.json", "RepoTags": [], "Layers": ["../../../../../../etc/passwd"]}])
archive("tags", [{"Config": "c.json", "RepoTags": ["../../x:y", "a\nb", "\x1b[31m"], "Layers": ["l.tar"]}])
archive("types", [{"Config": 1, "RepoTags": "x", "Layers": {}}])
archive("empty_list", [])
archive("no_list", {})
archive("deep", b"[" * 200000)
archive("dup", b'[{"Config":"c.json","Config":"x","RepoTags":[],"Layers":["l.tar"]}]')
archive("count", config=make_config([layer, layer], {}))
for i, conf in enumerate([b"", b"[]", b"null", b'{"config":7}', b'{"config":{"Env":{}}}', b'{"rootfs":[]}', b'{"config":{"Env":["A=\\u0000"]}}', b"[" * 10000, b'{"config":{"User":1}}']):
    archive("conf%d" % i, config=conf)
P
	local f
	for f in "$T"/*.tar; do
		f=$(basename "$f" .tar)
		[ "$f" = lies ] && continue
		try "$f"
		case $f in tags) ;; *) [ "$rc" != 0 ] || fail "$f was taken" ;; esac
		[ "$rc" -lt 126 ] || fail "$f: $(last)"
		LC_ALL=C grep -q $'\e' "$T/err" && fail "an escape in the error for $f"
	done
	run hoy images -q
	[ "$(ls_count "$(store)/layers")" -le 1 ] || fail "layers of refused images stayed: $(ls "$(store)/layers")"
}

test_ambiguous_document() {
	canary
	craft both <<'P'
layer = Layer().file("f", "x").bytes()
files, conf, descs = oci_files("localhost/both:latest", [layer])
idx = json.loads(files["index.json"])
man = json.loads(files["blobs/" + idx["manifests"][0]["digest"].replace(":", "/")])
man["manifests"] = idx["manifests"]
data = json.dumps(man).encode()
files["blobs/sha256/" + digest(data)] = data
idx["manifests"][0]["digest"] = "sha256:" + digest(data); idx["manifests"][0]["size"] = len(data)
files["index.json"] = json.dumps(idx).encode()
with tarfile.open(T + "/ambiguous.tar", "w") as t:
    for k, v in files.items():
        put(t, k, v)
files, conf, descs = oci_files("localhost/short:latest", [layer])
name = "blobs/" + descs[0]["digest"].replace(":", "/")
for n, body in (("short", files[name][:-1]), ("longer", files[name] + b"\0"), ("other", b"x" * len(files[name]))):
    with tarfile.open(T + "/" + n + ".tar", "w") as t:
        for k, v in files.items():
            put(t, k, body if k == name else v)
P
	local n
	for n in ambiguous short longer other; do
		try $n
		[ "$rc" = 125 ] || fail "$n was taken"
	done
}

# A small archive that unpacks to much more than it may: bounded, said, and nothing of it stays.
test_bomb() { # long
	canary
	need gzip
	craft base <<'P'
layers = [bb]
P
	python3 -B - "$T" <<'P'
import gzip, hashlib, io, json, sys, tarfile
T = sys.argv[1]
h = tarfile.TarInfo("zeros"); h.size = 10 << 30
sha, out = hashlib.sha256(), open(T + "/l", "wb")
z = gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0)
def w(b):
    sha.update(b); z.write(b)
w(h.tobuf(tarfile.PAX_FORMAT))
block = bytes(1 << 20)
for _ in range(10 << 10):
    w(block)
w(bytes(1024)); z.close(); out.close()
conf = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha.hexdigest()]}}).encode()
with tarfile.open(T + "/bomb.tar", "w") as t:
    for name, data in (("c.json", conf), ("manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["localhost/bomb:latest"], "Layers": ["l"]}]).encode())):
        i = tarfile.TarInfo(name); i.size = len(data); t.addfile(i, io.BytesIO(data))
    t.add(T + "/l", "l")
P
	try bomb
	assert_rc 125
}

# The files of the layer with the secret become something else before it is saved: links, pipes, other files. What save writes is the layer,
# or nothing.
save_is_harmless() {
	run timeout 60 $HOY save -o "$T/saved.tar" victim
	assert_err "$1"
	untouched
	[ ! -e "$T/saved.tar" ] || fail "$2: an archive was written"
	run bash -c "timeout 60 $HOY save victim 2>/dev/null | grep -c 'host canary'"
	assert_out 0
}

victim_layer() { dirname "$(dirname "$(find "$(store)/layers" -path '*/diff/victim')")"; }

test_save_of_a_layer_that_was_exchanged() { # short
	canary
	hostile victim <<'P'
b.dir("victim").file("victim/secret", "image canary").dir("victim/sub").file("victim/sub/secret", "IMAGE CANARY")
P
	local d
	d=$(victim_layer)/diff/victim
	rm -f "$d/secret"
	ln -s "$T/host/secret" "$d/secret"
	save_is_harmless E-LAYER-REBUILD 'a link in place of a file'
	rm -f "$d/secret"
	printf 'other canary' >"$d/secret"
	save_is_harmless E-LAYER-REBUILD 'another file'
	rm -f "$d/secret"
	mkfifo "$d/secret"
	save_is_harmless E-LAYER-REBUILD 'a pipe'
	rm -f "$d/secret"
	printf 'image canary' >"$d/secret"
	rm -rf "$d/sub"
	ln -s "$T/host" "$d/sub"
	save_is_harmless E-LAYER-REBUILD 'a link in place of a directory'
}

# A recipe that names files of the host.
test_save_of_a_recipe_that_lies() { # short
	canary
	hostile victim <<'P'
b.dir("victim").file("victim/secret", "image canary")
P
	local d path
	d=$(victim_layer)
	for path in "$T/host/secret" "../../../../../../../../../../../../../../..$T/host/secret" "victim/../../../../../../../../../../../../../..$T/host/secret"; do
		python3 -c '
import sys
p = sys.argv[1].encode()
def num(v):
    o = b""
    while v > 127:
        o, v = o + bytes([v & 127 | 128]), v >> 7
    return o + bytes([v])
n = int(sys.argv[2])
sys.stdout.buffer.write(b"hoy-recipe 1\nF" + num(len(p)) + p + b"D" + num(12) + b"L" + num(n - 12) + bytes(n - 12) + b"E" + num(n))' \
			"$path" "$(sed -E 's/.*"tarSize":([0-9]+).*/\1/' "$d/meta")" >"$d/recipe"
		save_is_harmless E-LAYER-REBUILD "$path"
	done
}

# The same root tars through import, and directories that lead out of themselves.
test_import_traversal() { # short rows=user,root,one
	canary
	craft made <<'P'
def raw(name, layer):
    open(T + "/" + name + ".tar", "wb").write(layer.bytes())
raw("up", Layer().file("../../../../../../../../../../../.." + T + "/host/new", "x"))
raw("abs", Layer().file(T + "/host/new", "x"))
raw("through", Layer().sym("s", T + "/host").file("s/new", "x"))
raw("hard", Layer().hard("h", T + "/host/secret").file("h", "overwritten"))
raw("root", Layer().sym(".", T + "/host").file("x", "x"))
raw("owner", Layer().file("x", "x", xattrs={"user.hoy.owner": "0:0:4755"}))
raw("dev", Layer().add("sda", tarfile.BLKTYPE, 0o666, dev=(8, 0)).file("x", "x"))
P
	local n
	for n in up abs through hard root owner dev; do
		run hoy import "$T/$n.tar" "$n"
		[ "$rc" = 0 ] || assert_err
		untouched
		assert_eq 0 "$(ls_count "$(store)/tmp")" "unfinished work after $n"
	done
	[ -z "$(find "$(store)/layers" -type b)" ] || fail 'a device node in the store'
	mkdir "$T/d"
	ln -s "$T/host/secret" "$T/d/secret"
	ln -s "$T/host" "$T/d/dir"
	ln -s / "$T/d/root"
	run hoy import "$T/d" links
	assert_ok
	run bash -c "$HOY save links | grep -c 'host canary'"
	assert_out 0
	untouched
}

run_tests "$@"
