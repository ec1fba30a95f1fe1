#!/usr/bin/env python3
"""corpus.py - the Dockerfiles of corpus/, what they stand on, and what comes of them.

    bases FIXTURES OUT        the base images as docker archives OUT/NAME.tar (localhost/NAME:latest)
    unpack CASE DIR           the files of a case; prints its arguments, one a line
    unpack-all CASES DIR PATTERN...
                              the same of all whose names fit: DIR/CASE/, and the arguments in DIR/CASE.args
    show CASE ARCHIVE BASES   an image (docker archive) as text: its config, and the files in which it differs from its base image
    show-all CASES ARCHIVES BASES OUT
    compare DIR LIST GOT ROW  each file of GOT (as show made them) with the one of that name in DIR; differences have to stand in LIST

A case is one text file: comment lines, then `args WORD...` (of the build command) and `hand` (the expectation was written by hand, because what
records knows less), then files: `=== NAME [MODE]`, `=== NAME -> TARGET`, `=== NAME/ [MODE]`, with their lines below, and
`=== NAME.tar.gz < DIR`: an archive of a directory of the case, which itself goes.
Nothing here knows hoy: record uses it with podman or buildah, corpus.sh with hoy.
"""
import fnmatch
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import sys
import tarfile

MTIME = 1700000000
HERE = os.path.dirname(os.path.abspath(__file__))


# ---- base images

def layer(files):
    """A tar of (name, mode, content or "-> target" or None for a directory[, uid, gid])."""
    buf = io.BytesIO()
    with tarfile.open(fileobj=buf, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, content, *owner in files:
            t = tarfile.TarInfo(name)
            t.mode, t.mtime = mode, MTIME
            t.uid, t.gid = owner or (0, 0)
            data = b""
            if content is None:
                t.type = tarfile.DIRTYPE
            elif isinstance(content, str) and content.startswith("-> "):
                t.type, t.linkname = tarfile.SYMTYPE, content[3:]
            else:
                data = content.encode() if isinstance(content, str) else content
                t.size = len(data)
            tar.addfile(t, io.BytesIO(data))
    return buf.getvalue()


def archive(out, name, layers, config):
    ids = ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]
    doc = json.dumps({"architecture": "amd64", "os": "linux", "created": "2023-11-14T22:13:20Z", "config": config,
                      "rootfs": {"type": "layers", "diff_ids": ids},
                      "history": [{"created": "2023-11-14T22:13:20Z", "created_by": "base"} for _ in layers]}).encode()
    hexid = hashlib.sha256(doc).hexdigest()
    manifest = [{"Config": hexid + ".json", "RepoTags": ["localhost/%s:latest" % name], "Layers": ["%s/layer.tar" % i[7:] for i in ids]}]
    with tarfile.open(os.path.join(out, name + ".tar"), "w") as tar:
        for path, data in [(hexid + ".json", doc), ("manifest.json", json.dumps(manifest).encode())] + [
                ("%s/layer.tar" % i[7:], l) for i, l in zip(ids, layers)]:
            t = tarfile.TarInfo(path)
            t.size, t.mtime = len(data), MTIME
            tar.addfile(t, io.BytesIO(data))


APPLETS = ("sh cat echo ls mkdir rm cp mv ln chmod chown touch test [ [[ true false env id pwd cut sed awk grep head tail sort tr wc find xargs basename dirname "
           "stat sha256sum printf sleep tar gzip gunzip date uname readlink mktemp install tee expr seq mount umount whoami hostname adduser addgroup").split()
ETC = [("etc", 0o755, None),
       ("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\n"
                             "app:x:1000:1000:app:/home/app:/bin/sh\n"),
       ("etc/group", 0o644, "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nstaff:x:50:app\napp:x:1000:\n")]


def bases(fixtures, out):
    with open(os.path.join(fixtures, "bin", "busybox"), "rb") as f:
        busybox = f.read()
    root = [("bin", 0o755, None), ("bin/busybox", 0o755, busybox)] + [("bin/" + a, 0o777, "-> busybox") for a in APPLETS] + ETC + [
        (d, 0o755, None) for d in ("usr", "usr/bin", "usr/local", "usr/local/bin", "usr/lib", "var", "var/lib", "var/www", "home", "opt", "srv")] + [
        ("root", 0o700, None), ("tmp", 0o1777, None), ("home/app", 0o755, None, 1000, 1000), ("lib", 0o777, "-> usr/lib"),
        ("proc", 0o755, None), ("sys", 0o755, None), ("dev", 0o755, None), ("run", 0o755, None), ("etc/resolv.conf", 0o644, ""),
        ("etc/hosts", 0o644, "127.0.0.1 localhost\n")]
    box = layer(root)
    path = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["sh"]}
    archive(out, "box", [box], path)
    with open(os.path.join(HERE, "toolbox"), "rb") as f:
        script = f.read()
    names = "gcc cc make go npm node yarn pip python3 mvn gradle javac jar apt-get dpkg apk dnf hugo cargo ruby bundle composer".split()
    tools = layer([("usr/local/bin/toolbox", 0o755, script)] + [("usr/local/bin/" + n, 0o777, "-> toolbox") for n in names] + [("var/lib/apt", 0o755, None), (
        "var/lib/apt/lists", 0o755, None), ("var/lib/dpkg", 0o755, None), ("var/lib/dpkg/status", 0o644, "")])
    archive(out, "tools", [box, tools], path)
    archive(out, "trigger", [box], dict(path, OnBuild=["COPY . /src/", "RUN cat /src/name > /built", "ENV TRIGGERED=yes"], WorkingDir="/work"))
    archive(out, "full", [box, layer([("data", 0o750, None, 1000, 50), ("data/a", 0o640, "a\n", 1000, 50), ("data/b", 0o644, "b\n"), ("data/l", 0o777, "-> a")])], {
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LEVEL=base", "KEEP=1"], "Cmd": ["serve"], "Entrypoint": ["/bin/entry"], "User": "app", "WorkingDir": "/srv",
        "Labels": {"base": "full", "level": "base"}, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT", "Shell": ["/bin/sh", "-ec"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000}})


# ---- cases

def read_case(path):
    args, hand, files, at = [], False, [], None
    with open(path, newline="") as f:
        for line in f:
            if line.startswith("=== "):
                at = [line[4:].rstrip("\n"), []]
                files.append(at)
            elif at:
                at[1].append(line)
            elif line.startswith("args "):
                args += shlex.split(line[5:])
            elif line.strip() == "hand":
                hand = True
    return args, hand, files


def pack(archive, source):
    """Everything of it belongs to 5:6."""
    def owner(t):
        t.uid, t.gid, t.uname, t.gname, t.mtime = 5, 6, "", "", MTIME
        return t
    with tarfile.open(archive, "w:gz" if archive.endswith("gz") else "w:xz" if archive.endswith("xz") else "w") as tar:
        tar.add(source, arcname=".", filter=owner)
    shutil.rmtree(source)


def unpack(path, to):
    args, _, files = read_case(path)
    made = []
    for head, lines in files:
        name, _, source = head.partition(" < ")
        if source:
            pack(os.path.join(to, name), os.path.join(to, source))
            continue
        name, _, target = head.partition(" -> ")
        found = re.fullmatch("(.*) (0?[0-7]{3,4})", name)
        name, mode = found.groups() if found else (name, "")
        full = os.path.join(to, name.rstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if target:
            os.symlink(target, full)
            continue
        if name.endswith("/"):
            os.makedirs(full, exist_ok=True)
        else:
            with open(full, "w", newline="") as f:
                f.write("".join(lines))
        if mode:
            os.chmod(full, int(mode, 8))
        made.append((full, int(mode, 8) if mode else 0o755 if name.endswith("/") else 0o644))
    for top, dirs, _ in os.walk(to):
        os.chmod(top, 0o755)
    for full, mode in reversed(made):
        if os.path.lexists(full):
            os.chmod(full, mode)
            os.utime(full, (MTIME, MTIME))
    return args


# ---- images as text

def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for m in tar:
            yield m, tar.extractfile(m).read() if m.isreg() else b""


def image(path):
    """The config and the files of an image in a docker archive."""
    blobs = {}
    with tarfile.open(path) as tar:
        for m in tar:
            if m.isreg():
                blobs[m.name] = tar.extractfile(m).read()
            elif m.issym():
                blobs[m.name] = os.path.normpath(os.path.join(os.path.dirname(m.name), m.linkname))
    get = lambda n: blobs[blobs[n]] if isinstance(blobs[n], str) else blobs[n]
    manifest = json.loads(get("manifest.json"))[0]
    files = {}
    for name in manifest["Layers"]:
        for m, data in members(get(name)):
            p = re.sub("^(\\.?/)+", "", m.name).rstrip("/")
            head, base = os.path.split(p)
            if base == ".wh..wh..opq":
                for old in [f for f in files if f.startswith(head + "/")]:
                    del files[old]
            elif base.startswith(".wh."):
                gone = os.path.join(head, base[4:])
                for old in [f for f in files if f == gone or f.startswith(gone + "/")]:
                    del files[old]
            elif p and p != ".":
                if not m.isdir():
                    for old in [f for f in files if f.startswith(p + "/")]:
                        del files[old]
                files[p] = describe(m, data, files)
    return json.loads(get(manifest["Config"])), files


def describe(m, data, files):
    owner = "%o %d:%d" % (m.mode & 0o7777, m.uid, m.gid)
    if m.isdir():
        return "d " + owner
    if m.issym():
        return "l %d:%d -> %s" % (m.uid, m.gid, m.linkname)
    if m.islnk():
        return files.get(re.sub("^(\\.?/)+", "", m.linkname), "hard link to " + m.linkname)
    if m.isreg():
        text = data.decode("latin-1")
        plain = len(data) <= 60 and text.isascii() and text.rstrip("\n").isprintable()
        return "f %s %s" % (owner, json.dumps(text) if plain else "%d %s" % (len(data), hashlib.sha256(data).hexdigest()[:16]))
    return "%s %s %d,%d" % ("?pcb"[m.isfifo() + 2 * m.ischr() + 3 * m.isblk()], owner, m.devmajor, m.devminor)


KEEP = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "OnBuild", "Shell", "StopSignal", "User", "Volumes", "WorkingDir")


def show(path, base_files):
    doc, files = image(path)
    config = {k: v for k, v in (doc.get("config") or {}).items() if k in KEEP and v}
    for l in ("io.buildah.version",):
        config.get("Labels", {}).pop(l, None)
    config["Env"] = sorted(config.get("Env", []))
    if not config.get("WorkingDir", "").strip("/"):
        config.pop("WorkingDir", None)
    lines = ["%s %s" % (k, json.dumps(config[k], sort_keys=True)) for k in sorted(config) if config[k]]
    if doc.get("author"):
        lines.append("author " + json.dumps(doc["author"]))
    for p in sorted(set(files) | set(base_files)):
        if files.get(p) != base_files.get(p):
            lines.append("/%s %s" % (p, files.get(p, "is gone")))
    return lines


BASE_CACHE = {}


def base_of(case, bases_dir):
    """The files of the base image of the last stage; {} for scratch."""
    names, variables = {}, {}
    last = None
    for head, lines in read_case(case)[2]:
        if not os.path.basename(head.split()[0]).endswith("ockerfile"):
            continue
        for line in lines:
            w = line.split()
            if len(w) == 2 and w[0] == "ARG" and not last:
                name, _, value = w[1].partition("=")
                variables.update({"$" + name: value, "${%s}" % name: value})
            if len(w) > 1 and w[0].upper() == "FROM":
                for v in variables:
                    w[-1 if len(w) == 2 else 1] = w[-1 if len(w) == 2 else 1].replace(v, variables[v])
                w = [x for x in w if not x.startswith("--")]
                last = names.get(w[1].lower(), w[1])
                if len(w) > 3:
                    names[w[3].lower()] = last
    last = (last or "").replace("localhost/", "").split(":")[0]
    path = os.path.join(bases_dir, last + ".tar")
    if not os.path.exists(path):
        return {}
    if path not in BASE_CACHE:
        BASE_CACHE[path] = image(path)[1]
    return BASE_CACHE[path]


def read_differences(path):
    with open(path) as f:
        return [l.rstrip("\n").split("\t") for l in f if l.strip() and not l.startswith("#")]


def compare(expected, listed, got, row):
    """Prints what is not explained; returns how much that is. "one:CASE" in the list is for that row of the tests alone."""
    rows = [[c.split(":")[-1], p, why] for c, p, why in read_differences(listed) if ":" not in c or c.startswith(row + ":")]
    bad = 0
    used = set()
    for name in sorted(os.listdir(got)):
        with open(os.path.join(got, name)) as f:
            have = f.read().splitlines()
        try:
            with open(os.path.join(expected, name)) as f:
                want = [l for l in f.read().splitlines() if not l.startswith("#")]
        except FileNotFoundError:
            want = ["no expectation is recorded"]
        lines = ["- " + l for l in want if l not in have] + ["+ " + l for l in have if l not in want]
        for l in lines:
            for i, (case, pattern, _) in enumerate(rows):
                if fnmatch.fnmatchcase(name, case) and fnmatch.fnmatchcase(l, pattern):
                    used.add(i)
                    break
            else:
                print("%s: %s" % (name, l))
                bad += 1
    for i, (case, pattern, _) in enumerate(rows):
        if i not in used and not any(c in case for c in "*?[") and os.path.exists(os.path.join(got, case)):
            print("%s: no difference any more: %s" % (case, pattern))
            bad += 1
    return bad


def main():
    what, *args = sys.argv[1:]
    if what == "bases":
        os.makedirs(args[1], exist_ok=True)
        bases(*args)
    elif what == "unpack":
        print("\n".join(unpack(*args)))
    elif what == "unpack-all":  # CASES DIR PATTERN...: DIR/CASE/, and its arguments in DIR/CASE.args
        for name in sorted(os.listdir(args[0])):
            if any(fnmatch.fnmatchcase(name, p) for p in args[2:]):
                os.mkdir(os.path.join(args[1], name))
                words = unpack(os.path.join(args[0], name), os.path.join(args[1], name))
                with open(os.path.join(args[1], name + ".args"), "w") as f:
                    f.write("".join(w + "\n" for w in words))
    elif what == "show":  # CASE ARCHIVE BASES
        print("\n".join(show(args[1], base_of(args[0], args[2]))))
    elif what == "show-all":  # CASES ARCHIVES BASES OUT
        os.makedirs(args[3], exist_ok=True)
        for name in sorted(os.listdir(args[1])):
            case = os.path.splitext(name)[0]
            with open(os.path.join(args[3], case), "w") as f:
                f.write("\n".join(show(os.path.join(args[1], name), base_of(os.path.join(args[0], case), args[2]))) + "\n")
    elif what == "compare":
        return 1 if compare(*args) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
