# shellcheck shell=bash
# Bundles for the tests of `hoy oci`, and short words for it.

oci() { hoy oci --root "$T/oci" "$@"; }

# field NAME: of a JSON object on stdin.
field() { jq -r ".$1"; }

# status ID WANTED
status() { assert_eq "$2" "$(oci state "$1" | field status)" "status of $1"; }
stopped() { [ "$(oci state "$1" | field status)" = stopped ]; }

# bundle [FILTER]: makes ./b with busybox as its root; FILTER changes config.json (jq).
bundle() {
	local a
	need jq busybox
	cd "$HOME" || fail cd
	mkdir -p "$T/oci"
	if [ ! -d b ]; then
		mkdir -p b/rootfs/{bin,etc,tmp,proc,sys,dev,data}
		cp "$(command -v busybox)" b/rootfs/bin/busybox
		for a in sh cat ls echo sleep true id pwd tty stty wc mount grep env hostname touch stat ip ps; do ln -s busybox "b/rootfs/bin/$a"; done
		echo root:x:0:0:root:/root:/bin/sh >b/rootfs/etc/passwd
	fi
	rm -f b/config.json
	# shellcheck disable=SC2046
	oci spec --bundle b $([ "$(id -u)" = 0 ] || echo --rootless) || fail spec
	# by default the group has the container's name, which other tests may have at the same time
	jq --arg g "/hoy-test-$$-$RANDOM$RANDOM" '.process.terminal = false | .root.readonly = false | .linux.cgroupsPath = $g' b/config.json | jq "${1:-.}" >b/c && mv b/c b/config.json
}

# console SOCKET: takes a terminal's master there, in the background; what comes of it goes to SOCKET.out.
console() {
	need python3
	python3 - "$1" <<'PY' &
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
c, _ = s.accept()
m, anc, _, _ = c.recvmsg(100, 100)
fd = array.array("i", anc[0][2][:4])[0]
out = open(sys.argv[1] + ".out", "wb", 0)
try:
    while True:
        d = os.read(fd, 1000)
        if not d:
            break
        out.write(d)
except OSError:
    pass
PY
	wait_for test -S "$1"
}
