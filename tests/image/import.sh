#!/bin/bash
# import: a root file system becomes an image of one layer, the same one each time; mistakes are said before anything is done.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# tree: a small root below $T/tree, with busybox.
tree() {
	[ -f "$T_FIX/bin/busybox" ] || skip 'no fixtures'
	mkdir -p "$T/tree/bin" "$T/tree/etc" "$T/tree/empty"
	cp "$T_FIX/bin/busybox" "$T/tree/bin/busybox"
	ln "$T/tree/bin/busybox" "$T/tree/bin/sh"
	for a in cat ls stat echo test; do ln -s busybox "$T/tree/bin/$a"; done
	echo content >"$T/tree/etc/file"
	chmod 640 "$T/tree/etc/file"
	find "$T/tree" -exec touch -h -d '2020-01-02 03:04:05.5' {} +
	touch -d '2021-05-06 07:08:09' "$T/tree/etc/file"
}

test_tars() { # short rows=user,root,one
	tree
	local f ids
	tar -C "$T/tree" -cf "$T/t.tar" .
	gzip -k "$T/t.tar"
	for f in xz bzip2 zstd; do
		command -v $f >/dev/null && $f -kq "$T/t.tar"
	done
	for f in "$T"/t.tar*; do hoy import -q "$f"; done >"$T/ids" || fail "$f"
	hoy import - <"$T/t.tar" >>"$T/ids"
	hoy import -q - tree:1 <"$T/t.tar.gz" >>"$T/ids"
	ids=$(sort -u "$T/ids")
	[[ $ids =~ ^sha256:[0-9a-f]{64}$ ]] || fail "not one id: $ids"
	assert_eq localhost/tree:1 "$(names)" names
	run hoy run --rm tree:1 sh -c 'cat /etc/file; stat -c %a /etc/file; stat -c %Y /etc/file; stat -c %h /bin/sh'
	assert_out "$(printf 'content\n640\n1620284889\n2')"
	run hoy image inspect -f '{{.Created}}' tree:1
	assert_match '^2021-05-06'
	clean
}

# A directory gives the same image each time; links are links, and what is no file of it stays out.
test_directory() { # short
	tree
	ln -s /etc/hostname "$T/tree/link"
	mkfifo "$T/tree/fifo"
	python3 -c 'import os, socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1] + "/sock")
with open(sys.argv[1] + "/sparse", "wb") as f:
    f.truncate(5 << 20)
    f.seek(2 << 20)
    f.write(b"mid")' "$T/tree"
	local name
	name=$(printf 'long%.0s' $(seq 1 50))
	mkdir -p "$T/tree/$name/$name"
	echo deep >"$T/tree/$name/$name/$name"
	run hoy import "$T/tree" dir
	assert_ok
	assert_eq "$out" "$(hoy import -q "$T/tree")" 'the same directory'
	run hoy run --rm dir sh -c "cat /etc/file /$name/$name/$name; test -p /fifo && test -L /link && test ! -e /sock && echo kinds; test /bin/sh -ef /bin/busybox && echo hard; stat -c '%s %u' /sparse"
	assert_out "$(printf 'content\ndeep\nkinds\nhard\n5242880 0')"
	run hoy import "$T/tree/empty" nothing
	assert_ok
	clean
}

test_directory_with_other_owners() { # rows=user
	tree
	unshare --map-root-user --map-auto chown 1:2 "$T/tree/etc/file" 2>/dev/null || skip 'needs unshare --map-auto'
	unshare --map-root-user --map-auto chmod 600 "$T/tree/etc/file"
	run hoy import "$T/tree" dir
	assert_ok
	run hoy run --rm dir stat -c '%u:%g %a' /etc/file
	assert_out '1:2 600'
	unshare --map-root-user --map-auto rm -rf "$T/tree"
}

test_changes() { # rows=user,root,one
	tree
	run hoy import -c 'CMD ["echo","ran"]' -c 'ENV A="b c"' -c 'expose 80' -c LABEL=k=v -c 'WORKDIR /etc' -c 'USER 7:8' \
		-c 'ENTRYPOINT ["/bin/busybox"]' -c 'STOPSIGNAL 9' -c 'VOLUME /v' -c 'HEALTHCHECK NONE' -c 'ONBUILD RUN x' -m 'why' "$T/tree" c
	assert_ok
	run hoy run --rm c
	assert_out ran
	run hoy run --rm c sh -c 'echo "$A $PWD"; stat -c %a file'
	assert_out "$(printf 'b c /etc\n640')"
	run hoy image inspect -f '{{json .Config}}' c
	assert_has '"80/tcp"'
	run hoy image inspect -f '{{json .History}}' c
	assert_has '"comment":"why"'
	run hoy import --os linux --arch aarch64 --variant v8 "$T/tree" arm
	assert_ok
	run hoy image inspect -f '{{.Os}}/{{.Architecture}}' arm
	assert_out linux/arm64
	run hoy import --platform linux/riscv64 "$T/tree" riscv
	run hoy image inspect -f '{{.Architecture}}' riscv
	assert_out riscv64
}

# Nothing is read before the words are understood, and nothing stays of what failed.
# An image archive is no root file system: taken, as podman does, but said.
test_of_an_image_archive() { # short
	[ -f "$T_FIX/busybox.tar" ] && [ -f "$T_FIX/skopeo-oci.tar" ] || skip 'no fixtures'
	local f
	for f in busybox skopeo-oci; do
		run hoy import -q "$T_FIX/$f.tar"
		assert_ok
		assert_err_has 'hoy load -i'
	done
	tree
	touch "$T/tree/manifest.json"
	run hoy import "$T/tree"
	assert_ok
	assert_quiet
	run hoy load -i "$T/tree/etc"
	assert_err E-ARCHIVE 'hoy import'
	clean
}

# On a terminal a file shows how far it is; elsewhere, and with -q, nothing does.
test_progress() { # rows=user
	tree
	# Enough work for a look at it, which comes ten times a second.
	head -c 150m /dev/zero | tr "\\0" x >"$T/tree/big"
	tar -C "$T/tree" -cf "$T/t.tar" .
	run with_pty -- env TERM=xterm $HOY import "$T/t.tar"
	assert_ok
	assert_has 'root system unpacking ['
	run with_pty -- env TERM=xterm $HOY import -q --message other "$T/t.tar"
	assert_lacks unpacking
	run hoy import "$T/t.tar"
	assert_quiet
	clean
}

test_mistakes() { # short
	tree
	mkdir -p "$(store)/layers"
	run hoy import -c 'CMDX a' "$T/tree"
	assert_err E-USAGE
	assert_err_has 'did you mean CMD?'
	run hoy import -c "$(printf 'CMD a\nUSER b')" "$T/tree"
	assert_err E-USAGE
	run hoy import "$T/tree" Bad:Name
	assert_err E-REF
	run hoy import --arch '../x' "$T/tree"
	assert_err E-USAGE
	run hoy import "$T/nothere"
	assert_err E-
	head -c 2000 /dev/urandom >"$T/noise"
	run hoy import "$T/noise" x
	assert_err E-ARCHIVE
	tar -C "$T/tree" -czf "$T/whole.tgz" .
	head -c 20000 "$T/whole.tgz" >"$T/cut.tgz"
	run hoy import "$T/cut.tgz" x
	assert_err E-ARCHIVE
	head -c 3m /dev/zero >"$T/tree/big"
	tar -C "$T/tree" -czf "$T/big.tgz" .
	run hoy import --max-layer-size 1m "$T/big.tgz" x
	assert_err E-LAYER-TOO-BIG
	run with_pty -- $HOY import - x
	assert_rc 125
	assert_eq '' "$(names)" names
	assert_eq 0 "$(ls_count "$(store)/layers")" layers
	clean
}

test_from_a_server() {
	tree
	tar -C "$T/tree" -czf "$T/t.tgz" .
	python3 - "$T" <<'P' &
import http.server, sys, os
T = sys.argv[1]
data = open(T + "/t.tgz", "rb").read()
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        if self.path == "/t.tgz" or self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if self.path == "/t.tgz" else data[:5000])
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/t.tgz")
            self.end_headers()
        else:
            self.send_error(404)
s = http.server.HTTPServer(("127.0.0.1", 0), H)
open(T + "/port.new", "w").write(str(s.server_port))
os.rename(T + "/port.new", T + "/port")
s.serve_forever()
P
	server $!
	wait_for [ -f "$T/port" ]
	local url want
	url=http://127.0.0.1:$(cat "$T/port")
	want=$(hoy import -q "$T/t.tgz")
	run hoy import "$url/t.tgz" web
	assert_out "$want"
	run hoy import "$url/away"
	assert_out "$want"
	run hoy import "$url/nothere" x
	assert_err E-ARCHIVE
	assert_err_has 404
	run hoy import "$url/short" x
	assert_err E-
	assert_eq 'localhost/web:latest' "$(names)" names
	clean
}

run_tests "$@"
