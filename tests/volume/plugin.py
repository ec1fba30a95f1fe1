#!/usr/bin/env python3
# plugin.py SOCKET DIR [EVIL] - a volume plugin of docker's protocol: volumes are directories below DIR. It writes each call to DIR/calls. EVIL makes it
# answer what no plugin should.
import json, os, socketserver, sys
from http.server import BaseHTTPRequestHandler

path, base = sys.argv[1], os.path.abspath(sys.argv[2])
evil = sys.argv[3] if len(sys.argv) > 3 else ""
volumes = {}


def answer(method, q):
    name = q.get("Name", "")
    if method == "Plugin.Activate":
        return {"Implements": ["NetworkDriver" if evil == "kind" else "VolumeDriver"]}
    if method == "VolumeDriver.Create":
        if "bad" in (q.get("Opts") or {}):
            return {"Err": "no option \033[31mbad\n here"}
        volumes[name] = os.path.join(base, name)
        os.makedirs(volumes[name], exist_ok=True)
        return {"Err": ""}
    if method == "VolumeDriver.List":
        l = [{"Name": n, "Mountpoint": p} for n, p in volumes.items()]
        return {"Volumes": l + ([{"Name": "../../x"}, {"Name": "a\nb"}, {}] if evil == "names" else []), "Err": ""}
    if method == "VolumeDriver.Capabilities":
        return {"Capabilities": {"Scope": "local"}}
    if name not in volumes:
        return {"Err": "no such volume"}
    if method == "VolumeDriver.Remove":
        del volumes[name]
        return {"Err": ""}
    if method == "VolumeDriver.Mount" and evil.startswith("mount="):
        return {"Mountpoint": evil[6:], "Err": ""}
    if method in ("VolumeDriver.Mount", "VolumeDriver.Path"):
        return {"Mountpoint": volumes[name], "Err": ""}
    if method == "VolumeDriver.Get":
        return {"Volume": {"Name": name, "Mountpoint": volumes[name], "Status": {"hello": "world"}}, "Err": ""}
    return {"Err": ""}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.path[1:]
        q = json.loads(body or b"{}")
        with open(os.path.join(base, "calls"), "a") as f:
            f.write(" ".join([method, q.get("Name", ""), q.get("ID", "")[:12]]).strip() + "\n")
        text = json.dumps(answer(method, q)).encode()
        if evil == "json":
            text = b"{" * 100000
        if evil == "deep":
            text = b'{"a":' * 5000 + b"1" + b"}" * 5000
        if evil == "long":
            text = b'{"Err":"' + b"x" * (8 << 20) + b'"}'
        if evil == "array":
            text = b"[]"
        self.send_response(500 if evil == "500" else 200)
        self.end_headers()
        try:
            self.wfile.write(b"" if evil in ("500", "empty") else text)
        except OSError:
            pass

    def log_message(self, *a):
        pass

    def address_string(self):
        return "unix"


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


# The address of a socket has room for 108 bytes: it is bound by its name alone.
os.chdir(os.path.dirname(os.path.abspath(path)))
Server(os.path.basename(path), Handler).serve_forever()
