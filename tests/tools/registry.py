#!/usr/bin/env python3
"""registry.py - a real registry on loopback for the tests, and what to fill it with. Shell functions for it: tests/registry.bash.

    registry.py serve DIR [--tls [--clients]] [--auth USER:PASSWORD] [--token USER:PASSWORD REALM]
        becomes the distribution project's registry on a free port of 127.0.0.1; DIR/log says "listening on ADDRESS". --tls: a certificate for localhost,
        127.0.0.1 and the names in NAMES, signed by DIR/certs/ca.crt. --clients: only for those who have a certificate of that CA, as
        DIR/cert.pem with DIR/key.pem is. --token: bearer tokens of the realm (serve them with `registry.py tokens DIR`).
    registry.py tokens DIR [--auth USER:PASSWORD] [--tls]
        a server of bearer tokens for a registry that was prepared in DIR; prints its URL into DIR/tokens.log
    registry.py proxy DIR HOST:PORT=ADDRESS...
        a proxy for HTTPS (CONNECT) that leads the named hosts to other addresses and knows no others: for names of the internet. DIR/proxy.log
    registry.py push REF ARCHIVE [--layer gzip|zstd|plain]... [--docker] [--untyped] [--platform OS/ARCH[/VARIANT]]
        pushes a docker archive (tests/fixtures/image.py) as a manifest of OCI, or of docker's schema 2; the n-th --layer is for the n-th layer,
        the last one for all that follow; --untyped: no mediaType in the manifest. Prints the manifest's digest.
    registry.py index REF [--docker] OS/ARCH[/VARIANT]=DIGEST...
        pushes an index of manifests that are there. Prints its digest.
    registry.py put REF FILE MEDIATYPE
        pushes FILE as a manifest, as it is. Prints its digest.
REF is HOST:PORT/NAME:TAG, or HOST:PORT/NAME for "by digest only". Environment: REGISTRY_CA (then HTTPS), REGISTRY_AUTH (USER:PASSWORD).
"""
import base64
import ctypes
import ctypes.util
import gzip
import hashlib
import http.server
import json
import os
import re
import select
import socket
import socketserver
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request

NAMES = ["localhost", "registry-1.docker.io", "auth.docker.io", "registry.test", "other.test"]
OCI, DOCKER = "application/vnd.oci.image.", "application/vnd.docker."
KINDS = {"manifest": (OCI + "manifest.v1+json", DOCKER + "distribution.manifest.v2+json"),
         "index": (OCI + "index.v1+json", DOCKER + "distribution.manifest.list.v2+json"),
         "config": (OCI + "config.v1+json", DOCKER + "container.image.v1+json"),
         "plain": (OCI + "layer.v1.tar", DOCKER + "image.rootfs.diff.tar"),
         "gzip": (OCI + "layer.v1.tar+gzip", DOCKER + "image.rootfs.diff.tar.gzip"),
         "zstd": (OCI + "layer.v1.tar+zstd", DOCKER + "image.rootfs.diff.tar.zstd")}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def option(args, name, n=1):
    """Takes --name and its n values out of args; None if it is not there."""
    if name not in args:
        return None
    i = args.index(name)
    values = args[i + 1:i + 1 + n]
    del args[i:i + 1 + n]
    return values[0] if n == 1 else values or True


# ---- the server

def openssl(*args):
    subprocess.run(("openssl",) + args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_certificates(d):
    """d/certs/ca.crt and, signed by it, d/cert.pem with d/key.pem. The same for a second CA that signed nothing: d/strange/ca.crt."""
    os.makedirs(d + "/certs", exist_ok=True)
    if os.path.exists(d + "/cert.pem"):
        return
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *ec, "-days", "3", "-subj", "/CN=hoy test CA", "-keyout", d + "/ca.key", "-out", d + "/certs/ca.crt")
    openssl("req", *ec, "-subj", "/CN=localhost", "-keyout", d + "/key.pem", "-out", d + "/csr")
    with open(d + "/ext", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1,IP:127.0.0.2,IP:::1," + ",".join("DNS:" + n for n in NAMES) + "\nextendedKeyUsage=serverAuth,clientAuth\n")
    os.makedirs(d + "/strange", exist_ok=True)
    openssl("req", "-x509", *ec, "-days", "3", "-subj", "/CN=strange CA", "-keyout", d + "/strange.key", "-out", d + "/strange/ca.crt")
    openssl("x509", "-req", "-in", d + "/csr", "-CA", d + "/certs/ca.crt", "-CAkey", d + "/ca.key", "-CAcreateserial", "-days", "3",
            "-extfile", d + "/ext", "-out", d + "/cert.pem")


def bcrypt(password):
    crypt = ctypes.CDLL(ctypes.util.find_library("crypt")).crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$2b$04$abcdefghijklmnopqrstuu").decode()


def find_server():
    for name in ("docker-registry", "registry", "distribution"):
        for where in (os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin").split(":"):
            if where and os.access(where + "/" + name, os.X_OK):
                return where + "/" + name
    sys.exit("registry.py: no docker-registry is installed")


def serve(args):
    tls, clients = option(args, "--tls", 0), option(args, "--clients", 0)
    auth, token = option(args, "--auth"), option(args, "--token", 1)
    d = args[0]
    os.makedirs(d + "/data", exist_ok=True)
    make_certificates(d)
    conf = {"version": "0.1", "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": d + "/data"}, "delete": {"enabled": True},
                        "maintenance": {"uploadpurging": {"enabled": False}}},
            "http": {"addr": "127.0.0.1:0", "secret": "tests"}}
    if tls:
        conf["http"]["tls"] = {"certificate": d + "/cert.pem", "key": d + "/key.pem"}
        if clients:
            conf["http"]["tls"]["clientcas"] = [d + "/certs/ca.crt"]
    if auth:
        user, _, password = auth.partition(":")
        with open(d + "/htpasswd", "w") as f:
            f.write("%s:%s\n" % (user, bcrypt(password)))
        conf["auth"] = {"htpasswd": {"realm": "tests", "path": d + "/htpasswd"}}
    if token:
        conf["auth"] = {"token": {"realm": token, "service": "tests", "issuer": "tests", "rootcertbundle": d + "/certs/ca.crt"}}
    with open(d + "/config.yml", "w") as f:
        json.dump(conf, f)  # JSON is YAML
    log = os.open(d + "/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    program = find_server()
    os.execve(program, [program, "serve", d + "/config.yml"], {"PATH": os.environ.get("PATH", ""), "HOME": d, "OTEL_TRACES_EXPORTER": "none"})


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(d, scope):
    """A JSON web token as the distribution project's token specification wants it; ES256 by the openssl program."""
    kind, name, actions = (scope.split(":") + ["", ""])[:3] if scope else ("", "", "")
    with open(d + "/cert.pem") as f:
        der = base64.b64encode(ssl.PEM_cert_to_DER_cert(f.read())).decode()
    now = int(time.time())
    claims = {"iss": "tests", "sub": "", "aud": "tests", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
              "access": [{"type": kind, "name": name, "actions": actions.split(",")}] if scope else []}
    text = b64(json.dumps({"typ": "JWT", "alg": "ES256", "x5c": [der]}).encode()) + "." + b64(json.dumps(claims).encode())
    sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", d + "/key.pem"], input=text.encode(), check=True, capture_output=True).stdout
    # DER: SEQUENCE of two INTEGERs; a web token wants both as 32 bytes.
    r = sig[4:4 + sig[3]]
    s = sig[6 + sig[3]:]
    return text + "." + b64(b"".join(x.lstrip(b"\0").rjust(32, b"\0") for x in (r, s)))


def tokens(args):
    tls, auth = option(args, "--tls", 0), option(args, "--auth")
    d = args[0]
    os.makedirs(d, exist_ok=True)
    make_certificates(d)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            given = self.headers.get("Authorization", "")
            if auth and given != "Basic " + base64.b64encode(auth.encode()).decode():
                return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]})
            scope = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("scope", [""])[0]
            self.answer(200, {"token": make_token(d, scope), "expires_in": 300})

        def answer(self, status, doc):
            body = json.dumps(doc).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(d + "/cert.pem", d + "/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stderr = open(d + "/tokens.log", "w", buffering=1)
    print("listening on 127.0.0.1:%d" % server.server_port, file=sys.stderr)
    server.serve_forever()


def tunnel(a, b):
    """Passes bytes between two sockets until one of them ends."""
    while True:
        for s in select.select([a, b], [], [])[0]:
            data = s.recv(65536)
            if not data:
                return
            (b if s is a else a).sendall(data)


def proxy(args):
    d, to = args[0], dict(a.split("=") for a in args[1:])
    os.makedirs(d, exist_ok=True)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            line = self.rfile.readline().decode("latin-1").split()
            while self.rfile.readline().strip():
                pass
            print(*line[:2], file=sys.stderr)
            if len(line) < 2 or line[0] != "CONNECT" or line[1] not in to:
                return self.wfile.write(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
            host, _, port = to[line[1]].rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.wfile.write(b"HTTP/1.1 200 ok\r\n\r\n")
                tunnel(self.connection, there)

    socketserver.ThreadingTCPServer.daemon_threads = True
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    sys.stderr = open(d + "/proxy.log", "w", buffering=1)
    print("listening on 127.0.0.1:%d" % server.server_address[1], file=sys.stderr)
    server.serve_forever()


# ---- the client

authorization = None


def basic():
    return "Basic " + base64.b64encode(os.environ["REGISTRY_AUTH"].encode()).decode() if os.environ.get("REGISTRY_AUTH") else None


def opener():
    """What asks: without proxies, and with the test's own CA."""
    ca = os.environ.get("REGISTRY_CA")
    handlers = [urllib.request.ProxyHandler({})]
    if ca:
        context = ssl.create_default_context(cafile=ca)
        own = os.path.dirname(os.path.dirname(ca))
        if os.path.exists(own + "/cert.pem"):  # for --clients
            context.load_cert_chain(own + "/cert.pem", own + "/key.pem")
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def get_token(challenge):
    """What to answer to WWW-Authenticate: Bearer realm="...",service="...",scope="..."."""
    p = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    scope = re.sub(":pull$", ":pull,push", p.get("scope", ""))
    url = p["realm"] + "?" + urllib.parse.urlencode({"service": p.get("service", ""), "scope": scope})
    with opener().open(urllib.request.Request(url, headers={"Authorization": basic()} if basic() else {}), timeout=30) as a:
        return "Bearer " + json.load(a)["token"]


def request(method, url, body=None, headers=None, ok=(200, 201, 202), again=True):
    global authorization
    r = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    if authorization or basic():
        r.add_header("Authorization", authorization or basic())
    try:
        with opener().open(r, timeout=30) as a:
            return a.status, a.headers
    except urllib.error.HTTPError as e:
        if e.code == 401 and again and e.headers.get("WWW-Authenticate", "").startswith("Bearer "):
            authorization = get_token(e.headers["WWW-Authenticate"])
            return request(method, url, body, headers, ok, False)
        if e.code in ok:
            return e.code, e.headers
        sys.exit("registry.py: %s %s: %s %s" % (method, url, e.code, e.read()[:500]))


class Repository:
    def __init__(self, ref):
        host, _, rest = ref.partition("/")
        self.name, _, self.tag = rest.partition(":")
        self.base = "%s://%s/v2/%s" % ("https" if os.environ.get("REGISTRY_CA") else "http", host, self.name)

    def blob(self, data, media_type):
        d = digest(data)
        if request("HEAD", self.base + "/blobs/" + d, ok=(200, 404))[0] == 404:
            where = request("POST", self.base + "/blobs/uploads/", b"")[1]["Location"]
            where = urllib.parse.urljoin(self.base, where)
            request("PUT", where + ("&" if "?" in where else "?") + "digest=" + d, data, {"Content-Type": "application/octet-stream"})
        return {"mediaType": media_type, "digest": d, "size": len(data)}

    def manifest(self, data, media_type):
        request("PUT", self.base + "/manifests/" + (self.tag or digest(data)), data, {"Content-Type": media_type})
        print(digest(data))


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, check=True, stdout=subprocess.PIPE).stdout
    return data


def push(args):
    docker, untyped, platform = option(args, "--docker", 0), option(args, "--untyped", 0), option(args, "--platform")
    hows = []
    while "--layer" in args:
        hows.append(option(args, "--layer"))
    repo, kind = Repository(args[0]), 1 if docker else 0
    with tarfile.open(args[1]) as t:
        m = json.load(t.extractfile("manifest.json"))[0]
        conf = t.extractfile(m["Config"]).read()
        layers = [t.extractfile(name).read() for name in m["Layers"]]
    if platform:
        doc = json.loads(conf)
        doc["os"], doc["architecture"] = platform.split("/")[:2]
        doc["variant"] = "/".join(platform.split("/")[2:])
        conf = json.dumps(doc).encode()
    hows = hows or ["gzip"]
    descs = [repo.blob(compress(b, how), KINDS[how][kind]) for b, how in zip(layers, hows + hows[-1:] * len(layers))]
    doc = {"schemaVersion": 2, "mediaType": KINDS["manifest"][kind], "config": repo.blob(conf, KINDS["config"][kind]), "layers": descs}
    if untyped:
        del doc["mediaType"]
    repo.manifest(json.dumps(doc).encode(), KINDS["manifest"][kind])


def index(args):
    kind = 1 if option(args, "--docker", 0) else 0
    repo, entries = Repository(args[0]), []
    for a in args[1:]:
        platform, _, d = a.partition("=")
        where = "%s/manifests/%s" % (repo.base, d)
        size = int(request("HEAD", where, headers={"Accept": ", ".join(KINDS["manifest"])})[1]["Content-Length"])
        p = dict(zip(("os", "architecture", "variant"), platform.split("/")))
        entries.append({"mediaType": KINDS["manifest"][kind], "digest": d, "size": size, "platform": p})
    repo.manifest(json.dumps({"schemaVersion": 2, "mediaType": KINDS["index"][kind], "manifests": entries}).encode(), KINDS["index"][kind])


def put(args):
    with open(args[1], "rb") as f:
        Repository(args[0]).manifest(f.read(), args[2])


if __name__ == "__main__":
    commands = {"serve": serve, "tokens": tokens, "proxy": proxy, "push": push, "index": index, "put": put}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])
