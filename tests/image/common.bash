# shellcheck shell=bash
# common.bash - what the tests of images share.

# craft OUT: Python on stdin writes $T/OUT.tar with the helpers of fixtures/image.py; `archive(name, files)` writes a tar of bytes.
craft() {
	local body
	body=$(cat)
	[ -d "$T_FIX/bin" ] || skip 'no fixtures'
	python3 -B -c '
import sys
sys.path.insert(0, sys.argv[1])
from image import *
T = sys.argv[2]
def archive(name, files):
    with tarfile.open(T + "/" + name + ".tar", "w") as t:
        for k, v in files.items():
            put(t, k, v)
def manifest_of(files):
    return json.loads(files["index.json"])["manifests"][0]
def add_blob(files, data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    files["blobs/sha256/" + digest(data)] = data
    return {"digest": "sha256:" + digest(data), "size": len(data)}
exec(sys.argv[3])
' "$(dirname "$0")/../fixtures" "$T" "$body" || fail 'craft'
}

# listing: every entry of the store with type, link target and size; what must not change when something is refused.
listing() { (cd "$(store)" && find . -printf '%p %y %l %s\n' | grep -v '^\./u0\|^\./events\| d \|/\.lock ' | sort); }

# no_tmp: nothing is unfinished, and nothing is being removed; for wait_for.
no_tmp() { [ -z "$(ls "$(store)/tmp")" ]; }

# clean: the store is whole, and nothing unfinished lies in it.
clean() {
	run hoy system check
	assert_ok
	case $out in *leftover*) fail "leftovers: $(last)" ;; esac
}

names() { hoy images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' ' | sed 's/ $//'; }
id_of() { hoy image inspect -f '{{.Id}}' "$1"; }

# shared_object NAME: the path of tools/NAME.c, made for LD_PRELOAD.
shared_object() {
	local so
	so=$T_SCRATCH/$1.$(id -u).so
	if [ ! -s "$so" ]; then
		need cc
		cc -O2 -D_GNU_SOURCE -shared -fPIC -o "$so.$$" "$(dirname "$0")/../tools/$1.c" 2>"$T/cc" || fail "cc: $(cat "$T/cc")"
		mv "$so.$$" "$so"
	fi
	printf '%s\n' "$so"
}
