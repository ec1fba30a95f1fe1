#!/bin/bash
# Package managers in a container that has one uid only.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# A package whose archive has owners, a device and a set-user-ID file, and whose script makes a user, gives files away and sets capabilities.
make_deb() { # FILE
	python3 - "$1" <<'P'
import io, sys, tarfile

POSTINST = b"""#!/bin/sh
set -e
adduser --system --group --home /var/lib/trial --no-create-home trial >/dev/null
mkdir -p /var/lib/trial/deep/er
touch /var/lib/trial/deep/file
chown -R trial:trial /var/lib/trial
chown trial:adm /var/lib/trial/deep/file
chmod 2750 /var/lib/trial/deep
cp /bin/true /usr/bin/trial-cap
setcap cap_net_raw+ep /usr/bin/trial-cap
[ -e /var/lib/trial/null ] || mknod -m 666 /var/lib/trial/null c 1 3
dpkg-statoverride --list /usr/bin/trial-suid >/dev/null || dpkg-statoverride --update --add root trial 4710 /usr/bin/trial-suid
su -s /bin/sh trial -c 'test $(id -un) = trial'
"""


def tar(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as t:
        for name, kind, mode, uid, gid, data in entries:
            i = tarfile.TarInfo(name)
            i.type, i.mode, i.uid, i.gid, i.size = kind, mode, uid, gid, len(data) if kind == tarfile.REGTYPE else 0
            i.linkname = data.decode() if kind == tarfile.SYMTYPE else ""
            i.devmajor, i.devminor = 1, 3
            t.addfile(i, io.BytesIO(data))
    return out.getvalue()


F, D = tarfile.REGTYPE, tarfile.DIRTYPE
control = tar(("./", D, 0o755, 0, 0, b""), ("./postinst", F, 0o755, 0, 0, POSTINST),
              ("./control", F, 0o644, 0, 0, b"Package: trial\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n"
               b"Depends: adduser, libcap2-bin\nDescription: a trial\n"))
data = tar(("./", D, 0o755, 0, 0, b""), ("./usr/", D, 0o755, 0, 0, b""), ("./usr/bin/", D, 0o755, 0, 0, b""),
           ("./usr/bin/trial-suid", F, 0o4755, 0, 0, b"#!/bin/sh\n"), ("./srv/", D, 0o755, 0, 0, b""), ("./srv/trial/", D, 0o2775, 33, 44, b""),
           ("./srv/trial/page", F, 0o640, 33, 44, b"page\n"), ("./srv/trial/link", tarfile.SYMTYPE, 0o777, 33, 44, b"page"),
           ("./srv/trial/node", tarfile.CHRTYPE, 0o666, 0, 0, b""))
with open(sys.argv[1], "wb") as f:
    f.write(b"!<arch>\n")
    for name, body in ("debian-binary", b"2.0\n"), ("control.tar.gz", control), ("data.tar.gz", data):
        f.write(b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(body)) + body + b"\n" * (len(body) % 2))
P
}

# Two runs of one container: what is installed, and what it is good for.
test_apt() { # rows=one
	load debian
	mkdir v
	make_deb v/trial.deb || fail 'make the package'
	cat >v/do <<-'E'
		set -e
		rm -rf /etc/apt/sources.list.d /etc/apt/sources.list
		echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C
		apt-get -q update
		apt-get -q -y --no-install-recommends install cron at man-db iputils-ping openssh-client sudo
		dpkg -i /v/trial.deb
		dpkg -i /v/trial.deb
	E
	run hoy run --name c --network none -v "$PWD/v:/v:ro" debian bash /v/do
	assert_ok
	grep -hiE 'operation not permitted|permission denied|invalid argument|^E: |^W: ' "$T/out" "$T/err" >bad
	[ ! -s bad ] || fail "complaints: $(cat bad)"
	local up
	up=$(store)/containers/$(ls "$(store)/containers")/upper
	run python3 -c '
import os, sys
for n in sys.argv[2:]:
    p = os.path.join(sys.argv[1], n)
    try: o = os.getxattr(p, "user.hoy.owner").decode()
    except OSError: o = "-"
    print(n, oct(os.stat(p).st_mode & 0o7777), o)' "$up" srv/trial srv/trial/page usr/bin/trial-suid usr/bin/sudo var/lib/trial/deep srv/trial/node
	assert_match 'srv/trial 0o2775 33:44'
	assert_match 'srv/trial/page 0o640 33:44'
	assert_match 'usr/bin/trial-suid 0o4710 0:[1-9]'
	assert_match 'usr/bin/sudo 0o4755 -'
	assert_match 'var/lib/trial/deep 0o2750 [1-9][0-9]*:[1-9]'
	assert_match 'srv/trial/node 0o666 -'
	cat >v/do <<-'E'
		exec 2>&1
		su -s /bin/sh trial -c 'id -un'
		setpriv --reuid=trial --regid=trial --init-groups id -un
		sudo -u trial id -un
		getcap /usr/bin/trial-cap /usr/bin/ping
		useradd -m -s /bin/sh joe && su - joe -c 'id -un; pwd'
		install -o joe -g trial -m 640 /etc/passwd /tmp/p && echo installed
		runuser -u joe -- sh -c 'echo $(id -u) $(id -g)'
		dpkg -P trial >/dev/null && echo purged
		ssh-agent sh -c 'ssh-add -l'
	E
	run hoy start -a c
	assert_out "trial
trial
trial
/usr/bin/trial-cap cap_net_raw=ep
/usr/bin/ping cap_net_raw=ep
joe
/home/joe
installed
1000 1000
purged
The agent has no identities."
}

test_npm() { # rows=one
	need npm node # as far as they are in the directories that @host shows
	mkdir -p v/pkg v/app
	cat >v/pkg/package.json <<-'E'
		{"name": "trial", "version": "1.0.0", "bin": {"trial": "./x.js"},
		 "scripts": {"postinstall": "node -e \"require('fs').writeFileSync('ran', String(process.getuid()))\""}}
	E
	printf '#!/usr/bin/env node\nconsole.log("here")\n' >v/pkg/x.js
	tar -C v -czf v/trial.tgz --owner=1234 --group=1234 --transform 's/^pkg/package/' pkg
	run hoy run --rm --network none -v "$PWD/v:/v" -w /v/app -e HOME=/root @host npm install --offline --no-audit --no-fund --no-update-notifier --loglevel=error ../trial.tgz
	assert_ok
	assert_eq 0 "$(cat v/app/node_modules/trial/ran)" 'the uid of its script'
	run hoy run --rm --network none -v "$PWD/v:/v" -w /v/app @host node_modules/.bin/trial
	assert_out here
	run hoy run --rm --network none @host node -e '
		const fs = require("fs"), p = require("child_process");
		fs.writeFileSync("/tmp/f", ""); fs.chownSync("/tmp/f", 1000, 1000);
		console.log(p.execFileSync("id", ["-u"], {uid: 1000, gid: 1000}).toString().trim());
		process.setgid(7); process.setuid(7); console.log(process.getuid(), process.geteuid(), process.getgid());
		try { process.setuid(0) } catch (e) { console.log(e.code) }'
	assert_out "$(printf '1000\n7 7 7\nEPERM')"
}

run_tests "$@"
