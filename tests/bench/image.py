#!/usr/bin/env python3
"""image.py OUT [MEGABYTES [FILES]] - a large image for measuring, made of what this machine has below /usr: four layers, as a docker-archive.

The default, 480 MB in 12,000 files, has the size and mix of a Debian base with compilers and interpreters. The first layer is the largest.
"""
import hashlib
import io
import json
import os
import stat
import sys
import tarfile

PARTS = (0.45, 0.3, 0.15, 0.1)


def files(limit, count):
    """Paths of regular files and links, the same ones each time, until there are enough bytes; each stands for `step` of what is there."""
    found, total = [], 0
    for top in ("/usr/bin", "/usr/lib", "/usr/share", "/usr/include", "/usr/libexec", "/usr/local"):
        for where, dirs, names in os.walk(top):
            dirs.sort()
            for n in sorted(names):
                p = os.path.join(where, n)
                s = os.lstat(p)
                if (stat.S_ISREG(s.st_mode) or stat.S_ISLNK(s.st_mode)) and s.st_size < 30 << 20 and os.access(p, os.R_OK):
                    found.append((p, s.st_size if stat.S_ISREG(s.st_mode) else 0))
                    total += found[-1][1]
    mean = limit / count
    small = [f for f in found if f[1] < mean]
    large = [f for f in found if f[1] >= mean]
    share = max(0.05, min(1, limit / max(1, sum(s for _, s in large))))
    step = max(1, round(1 / share))
    chosen, size = [], 0
    for p, s in large[::step]:
        if size + s > limit * 0.92:
            break
        chosen.append((p, s))
        size += s
    for p, s in small[::max(1, len(small) // max(1, count - len(chosen)))]:
        if size + s > limit or len(chosen) >= count:
            break
        chosen.append((p, s))
        size += s
    return sorted(chosen)


def layer(paths):
    out, seen = io.BytesIO(), set()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as t:
        for p in paths:
            up = os.path.dirname(p)
            missing = []
            while up != "/" and up not in seen:
                missing.append(up)
                seen.add(up)
                up = os.path.dirname(up)
            for d in reversed(missing):
                i = tarfile.TarInfo(d[1:])
                i.type, i.mode = tarfile.DIRTYPE, 0o755
                t.addfile(i)
            s = os.lstat(p)
            i = tarfile.TarInfo(p[1:])
            i.mode, i.mtime = stat.S_IMODE(s.st_mode) & 0o777, int(s.st_mtime)
            if stat.S_ISLNK(s.st_mode):
                i.type, i.linkname = tarfile.SYMTYPE, os.readlink(p)
                t.addfile(i)
            else:
                i.size = s.st_size
                with open(p, "rb") as f:
                    t.addfile(i, f)
    return out.getvalue()


def main():
    out = sys.argv[1]
    limit = (int(sys.argv[2]) if len(sys.argv) > 2 else 480) * 1000000
    chosen = files(limit, int(sys.argv[3]) if len(sys.argv) > 3 else 12000)
    total, parts, at = sum(s for _, s in chosen), [[] for _ in PARTS], 0
    for n, (p, s) in enumerate(chosen):
        parts[min(at, len(parts) - 1)].append(p)
        if at < len(PARTS) - 1 and sum(len(x) for x in parts[:at + 1]) >= len(chosen) * sum(PARTS[:at + 1]):
            at += 1
    layers = [layer(p) for p in parts]
    conf = json.dumps({"architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine), "os": "linux",
                       "config": {"Cmd": ["true"]},
                       "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(b).hexdigest() for b in layers]}}).encode()
    name = hashlib.sha256(conf).hexdigest() + ".json"
    with tarfile.open(out, "w") as t:
        def put(n, data):
            i = tarfile.TarInfo(n)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
        for n, b in enumerate(layers):
            put("%d/layer.tar" % n, b)
        put(name, conf)
        put("manifest.json", json.dumps([{"Config": name, "RepoTags": ["localhost/large:latest"],
                                          "Layers": ["%d/layer.tar" % n for n in range(len(layers))]}]).encode())
    print("%d files, %d MB, layers of %s MB" % (len(chosen), total // 1000000, " ".join(str(len(b) // 1000000) for b in layers)))


main()
