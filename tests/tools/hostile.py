#!/usr/bin/env python3
"""hostile.py - a registry that misbehaves, for tests of clients.

    hostile.py DIR [--certs DIR] [--stdin]

Serves plain HTTP on two free ports, of 127.0.0.1 and of 127.0.0.2 ("the other host"), and HTTPS on a third one with --certs, whose directory gets the
certificates of registry.py. DIR/ports: "first=127.0.0.1:N", "other=127.0.0.2:N", "tls=127.0.0.1:N"; written when it listens. All of them are
proxies too: CONNECT, to whomever, leads to the HTTPS port. DIR/requests: one line per request, "first GET /v2/... auth=... range=...". DIR/digests: name=sha256:... of what it serves. --stdin: ends at the end of its input.

Everybody who asks for /v2/MODE/manifests/TAG gets an image of one small layer, with the fault that MODE names:
"""
import base64
import hashlib
import io
import json
import os
import re
import socket
import ssl
import sys
import tarfile
import threading
import time

import registry

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"
USER = "someone:secret"
MODES = {}
counts, lock = {}, threading.Lock()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layer(size):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data in (("hello", b"hello\n"), ("noise", hashlib.shake_128(b"noise").digest(size))):
            i = tarfile.TarInfo(name)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    return out.getvalue()


SMALL, LARGE = make_layer(1000), make_layer(3 << 20)
BLOBS = {digest(SMALL): SMALL, digest(LARGE): LARGE}


def make_image(layer, **more):
    conf = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/hello"]},
                       "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}).encode()
    BLOBS[digest(conf)] = conf
    desc = {"mediaType": OCI + "layer.v1.tar", "digest": digest(layer), "size": len(layer)}
    desc.update(more)
    return {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [desc],
            "config": {"mediaType": OCI + "config.v1+json", "digest": digest(conf), "size": len(conf)}}


def dump(doc):
    return json.dumps(doc).encode()


HONEST, BIG = dump(make_image(SMALL)), dump(make_image(LARGE))
MANIFESTS = {digest(HONEST): HONEST, digest(BIG): BIG}


def mode(f):
    MODES[f.__name__.replace("_", "-")] = f
    return f


def nth(key):
    """How often this was asked before."""
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key] - 1


class Closed(Exception):
    pass


class Request:
    """One request on a connection, and ways to answer it."""

    def __init__(self, conn, server, head):
        self.conn, self.server = conn, server
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path = lines[0].split(" ")[:2]
        self.headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        parts = self.path.partition("?")[0].split("/")
        self.mode = parts[2] if len(parts) > 2 else ""
        self.kind, self.what = (parts[-2], parts[-1]) if len(parts) > 4 else ("", "")
        m = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        self.start = int(m.group(1)) if m else 0

    def raw(self, data):
        try:
            self.conn.sendall(data)
        except OSError:
            raise Closed()

    def head(self, status, **headers):
        out = "HTTP/1.1 %d X\r\n" % status
        for k, v in headers.items():
            out += "%s: %s\r\n" % (k.replace("_", "-"), v)
        self.raw((out + "\r\n").encode())

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.head(status, Content_Type=kind, Content_Length=len(body), **headers)
        self.raw(body)

    def close(self):
        raise Closed()

    def drip(self, data):
        for i in range(len(data)):
            self.raw(data[i:i + 1])
            time.sleep(1)

    def manifest(self, data=HONEST, kind=MANIFEST, **headers):
        self.answer(200, data, kind, **headers)

    def blob(self, data=None):
        data = BLOBS.get(self.what) if data is None else data
        if data is None:
            return self.answer(404, dump({"errors": [{"code": "BLOB_UNKNOWN", "message": "blob unknown"}]}))
        if self.start:
            where = "bytes %d-%d/%d" % (self.start, len(data) - 1, len(data))
            return self.answer(206, data[self.start:], "application/octet-stream", Content_Range=where)
        return self.answer(200, data, "application/octet-stream")

    def honest(self, data=HONEST):
        if self.kind == "manifests":
            data = MANIFESTS.get(self.what, data)
            return self.manifest(data)
        return self.blob()

    def allowed(self):
        return self.headers.get("authorization") == "Basic " + base64.b64encode(USER.encode()).decode()

    def other(self, path):
        return "http://%s%s" % (self.server.ports["other"], path)


@mode
def honest(q):
    "no fault"
    q.honest()


@mode
def big(q):
    "no fault; a layer of 3 MiB"
    q.honest(BIG)


@mode
def silent(q):
    "never answers"
    time.sleep(600)


@mode
def slow(q):
    "the manifest comes with one byte a second"
    q.head(200, Content_Type=MANIFEST, Content_Length=len(HONEST))
    q.drip(HONEST)


@mode
def slow_blob(q):
    "layers come with one byte a second"
    if q.kind == "manifests":
        return q.manifest()
    q.head(200, Content_Length=len(BLOBS[q.what]))
    q.drip(BLOBS[q.what])


@mode
def endless(q):
    "the manifest has no end"
    q.head(200, Content_Type=MANIFEST, Transfer_Encoding="chunked")
    q.raw(b'400\r\n{"a":"' + b"x" * 1018 + b"\r\n")
    while True:
        q.raw(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@mode
def endless_blob(q):
    "blobs have no end"
    if q.kind == "manifests":
        return q.manifest()
    q.head(200, Transfer_Encoding="chunked")
    while True:
        q.raw(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@mode
def endless_headers(q):
    "headers have no end"
    q.raw(b"HTTP/1.1 200 OK\r\n")
    while True:
        q.raw(b"X-Header: " + b"x" * 1000 + b"\r\n")


@mode
def endless_error(q):
    "an error's text has no end"
    q.head(404, Content_Type="text/plain", Transfer_Encoding="chunked")
    while True:
        q.raw(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@mode
def huge(q):
    "the manifest is announced with 100 MiB"
    q.head(200, Content_Type=MANIFEST, Content_Length=100 << 20)
    for _ in range(1600):
        q.raw(b"x" * 65536)


@mode
def deep(q):
    "the manifest is nested 100,000 times"
    q.manifest(b"[" * 100000 + b"]" * 100000)


@mode
def loop(q):
    "redirects to itself"
    q.answer(307, Location="/v2/loop/manifests/%d" % nth("loop"))


@mode
def far(q):
    "wants a password, then redirects to the other host"
    if not q.allowed():
        return q.answer(401, WWW_Authenticate='Basic realm="x"')
    q.answer(307, Location=q.other("/v2/honest/%s/%s" % (q.kind, q.what)))


@mode
def far_and_wants(q):
    "redirects to the other host, which wants a password"
    if q.server.name == "other":
        return q.answer(401, WWW_Authenticate='Basic realm="x"')
    q.answer(307, Location=q.other(q.path))


@mode
def downgrade(q):
    "over HTTPS: redirects to plain HTTP"
    q.answer(307, Location="http://%s/v2/honest/%s/%s" % (q.server.ports["first"], q.kind, q.what))


@mode
def nowhere(q):
    "redirects to what is no web address"
    q.answer(302, Location="file:///etc/passwd")


@mode
def html(q):
    "answers with web pages"
    q.answer(200, b"<!DOCTYPE html><html><body>Log in</body></html>", "text/html; charset=utf-8")


@mode
def html_as_manifest(q):
    "a web page that claims to be a manifest"
    q.manifest(b"<html>")


@mode
def shorter(q):
    "layers end too early, every time"
    if q.kind == "manifests":
        return q.manifest()
    q.head(200, Content_Length=len(BLOBS[q.what]))
    q.raw(BLOBS[q.what][:100])
    q.close()


@mode
def announce(q):
    "blobs are announced longer than the manifest says"
    if q.kind == "manifests":
        return q.manifest()
    q.blob(BLOBS[q.what] + b"more")


@mode
def chunked_short(q):
    "blobs without a length, one byte short"
    if q.kind == "manifests":
        return q.manifest()
    data = BLOBS[q.what][:-1]
    q.head(200, Transfer_Encoding="chunked")
    q.raw(b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")


@mode
def wrong(q):
    "blobs of the right size with other bytes"
    if q.kind == "manifests":
        return q.manifest()
    q.blob(b"x" * len(BLOBS[q.what]))


@mode
def wrong_manifest(q):
    "whatever manifest is asked for by digest, the same one comes"
    q.manifest(Docker_Content_Digest=q.what)


@mode
def liar(q):
    "Docker-Content-Digest lies; the content is right"
    if q.kind == "manifests":
        return q.manifest(Docker_Content_Digest=digest(b"other"))
    q.blob()


def cutting(q, ranges):
    if q.kind == "manifests":
        return q.manifest(BIG)
    data, start = BLOBS[q.what], q.start if ranges else 0
    if len(data) < 100000:
        return q.blob()
    n = nth(q.mode + q.what)
    end = len(data) if n >= 3 else min(len(data), q.start + 700000)
    if start:
        q.head(206, Content_Length=len(data) - start, Content_Range="bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
    else:
        q.head(200, Content_Length=len(data))
    q.raw(data[start:end])
    if end < len(data):
        q.close()


@mode
def cut(q):
    "cuts connections of large blobs three times"
    cutting(q, True)


@mode
def cut_norange(q):
    "the same, and ignores Range"
    cutting(q, False)


@mode
def cut_badrange(q):
    "the same, and sends another range than was asked for"
    if q.kind == "manifests" or not q.start:
        return cutting(q, True)
    data = BLOBS[q.what]
    q.answer(206, data[q.start - 1:], "application/octet-stream", Content_Range="bytes %d-%d/%d" % (q.start - 1, len(data) - 1, len(data)))


@mode
def cut_always(q):
    "cuts connections of large blobs after 10 bytes, for ever"
    if q.kind == "manifests":
        return q.manifest(BIG)
    if len(BLOBS[q.what]) < 100000:
        return q.blob()
    data = BLOBS[q.what]
    q.head(206 if q.start else 200, Content_Length=len(data) - q.start,
           **({"Content_Range": "bytes %d-%d/%d" % (q.start, len(data) - 1, len(data))} if q.start else {}))
    q.raw(data[q.start:q.start + 10])
    q.close()


@mode
def limit(q):
    "takes no more requests, twice, for a second"
    if nth("limit") < 2:
        return q.answer(429, dump({"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}), Retry_After=1)
    q.honest()


@mode
def limit_forever(q):
    "takes no more requests for an hour"
    q.answer(429, dump({"errors": [{"code": "TOOMANYREQUESTS", "message": "you have reached your limit"}]}), Retry_After=3600)


@mode
def fault(q):
    "fails twice"
    if nth("fault") < 2:
        return q.answer(503)
    q.honest()


@mode
def fault_forever(q):
    "always fails"
    q.answer(500, b"oops", "text/plain")


@mode
def basic(q):
    "wants a password"
    if not q.allowed():
        return q.answer(401, dump({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}), WWW_Authenticate='Basic realm="x"')
    q.honest()


@mode
def certificate(q):
    "over HTTPS: wants a certificate of its client"
    q.honest() if q.server.context and q.conn.getpeercert() else q.answer(403)


@mode
def forbidden(q):
    "lets nobody in"
    q.answer(403, dump({"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}))


def bearing(q, realm, good):
    if q.headers.get("authorization") not in good:
        return q.answer(401, WWW_Authenticate='Bearer realm="%s",service="tests",scope="repository:secret/of-others:pull,push"' % realm)
    q.honest()


@mode
def bearer(q):
    "wants a token, which everybody gets"
    bearing(q, "http://%s/v2/token/of/bearer" % q.server.ports["first"], ["Bearer token-of-bearer"])


@mode
def bearer_expires(q):
    "wants a token, which is good for two requests"
    with lock:
        good = "Bearer token-of-expiring-%d" % (counts.get("expiring", 0) // 2)
        if q.headers.get("authorization") == good:
            counts["expiring"] = counts.get("expiring", 0) + 1
    bearing(q, "http://%s/v2/token/of/expiring" % q.server.ports["first"], [good])


@mode
def bearer_never(q):
    "wants a token, and takes none"
    bearing(q, "http://%s/v2/token/of/bearer" % q.server.ports["first"], [])


@mode
def bearer_private(q):
    "wants a token, for which a password is needed"
    bearing(q, "http://%s/v2/token/of/private" % q.server.ports["first"], ["Bearer token-of-private"])


@mode
def bearer_far(q):
    "wants a token of the other host over plain HTTP"
    bearing(q, q.other("/v2/token/of/bearer"), ["Bearer token-of-bearer"])


@mode
def bearer_userinfo(q):
    "wants a token of the other host, whose address begins like its own"
    bearing(q, "http://%s@%s/v2/token/of/bearer" % (q.server.ports["first"], q.server.ports["other"]), ["Bearer token-of-bearer"])


@mode
def userinfo(q):
    "redirects to the other host, with an address that begins like its own"
    q.answer(307, Location="http://%s@%s/v2/honest/%s/%s" % (q.server.ports["first"], q.server.ports["other"], q.kind, q.what))


@mode
def bearer_injected(q):
    "the token would make a header of its own"
    bearing(q, "http://%s/v2/token/of/injected" % q.server.ports["first"], [])


@mode
def bearer_far_redirect(q):
    "the place that gives tokens redirects to the other host"
    bearing(q, "http://%s/v2/token/of/far" % q.server.ports["first"], ["Bearer token-of-bearer"])


@mode
def token(q):
    "not an image: the server of tokens"
    which = q.path.partition("?")[0].rpartition("/")[2]
    if which == "far":
        return q.answer(302, Location=q.other("/v2/token/of/bearer"))
    if which == "private" and not q.allowed():
        return q.answer(401, dump({"details": "incorrect username or password"}))
    if which == "expiring":
        with lock:
            which += "-%d" % (counts.get("expiring", 0) // 2)
    text = "a\r\nX-Injected: yes" if which == "injected" else "token-of-" + which
    q.answer(200, dump({"access_token" if which == "private" else "token": text, "expires_in": 60}))


@mode
def unknown_scheme(q):
    "wants a way to log in that nobody has"
    q.answer(401, WWW_Authenticate="Negotiate abc==")


@mode
def malformed_challenge(q):
    "a challenge that is none"
    q.answer(401, WWW_Authenticate='Bearer realm="http://x')


@mode
def escapes(q):
    "an error with escapes for terminals"
    q.answer(404, dump({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no\x1b]0;title\x07\x1b[31m such\r\nhoy: error: forged\u202e"}]}))


@mode
def ambiguous(q):
    "a document that is manifest and index at once"
    doc = make_image(SMALL)
    doc["manifests"] = []
    q.manifest(dump(doc)) if q.kind == "manifests" else q.blob()


@mode
def disguised(q):
    "an index that is announced as a manifest"
    q.manifest(dump({"schemaVersion": 2, "manifests": []})) if q.kind == "manifests" else q.blob()


@mode
def relabelled(q):
    "Content-Type and mediaType are both allowed, and differ"
    q.manifest(HONEST, DOCKER + "distribution.manifest.v2+json") if q.kind == "manifests" else q.blob()


@mode
def twice(q):
    "a key stands twice"
    q.manifest(HONEST[:-1] + b', "layers": []}') if q.kind == "manifests" else q.blob()


@mode
def schema1(q):
    "the first form of manifests"
    q.manifest(dump({"schemaVersion": 1, "name": "x", "tag": "1", "fsLayers": []}), DOCKER + "distribution.manifest.v1+prettyjws")


@mode
def vague(q):
    "nothing is said about types; the content is right"
    doc = make_image(SMALL)
    del doc["mediaType"]
    q.manifest(dump(doc), "application/json") if q.kind == "manifests" else q.blob()


def foreign_layer(q, **more):
    if q.kind == "manifests":
        layer = make_layer(5)
        return q.manifest(dump(make_image(layer, urls=[q.other("/v2/honest/blobs/" + digest(layer))], **more)))
    q.blob()


@mode
def foreign(q):
    "the layer names another place to get it from, and is not here"
    foreign_layer(q)


@mode
def foreign_type(q):
    "the same, and its type says so"
    foreign_layer(q, mediaType=OCI + "layer.nondistributable.v1.tar")


@mode
def no_http(q):
    "says something else than HTTP"
    q.raw(b"SSH-2.0-OpenSSH_9.2\r\n")
    q.close()


def page(q, key, entries, more=True):
    """A page of a list; the next one is the same."""
    path, _, query = q.path.partition("?")
    n = nth(path)
    q.answer(200, dump({key: ["%s%d" % (x, n) for x in entries]}),
             **({"Link": '<%s?last=%d>; rel="next"' % (path, n)} if more else {}))


@mode
def endless_tags(q):
    "the list of tags has no end"
    page(q, "tags", ["a", "b"])


@mode
def empty_tags(q):
    "the list of tags has no end, and nothing in it"
    page(q, "tags", [])


@mode
def far_tags(q):
    "wants a password; the second page of tags is at the other host"
    if not q.allowed():
        return q.answer(401, WWW_Authenticate='Basic realm="x"')
    q.answer(200, dump({"tags": ["1"]}), Link='<%s>; rel="next"' % q.other("/v2/endless-tags/tags/list"))


@mode
def three_pages(q):
    "three pages of tags"
    n = nth("three")
    q.answer(200, dump({"tags": ["%d-a" % n, "\x1b[31m", "%d-b" % n]}), **({"Link": '</v2/three-pages/tags/list?last=%d>; rel="next"' % n} if n < 2 else {}))


@mode
def slow_tags(q):
    "the list of tags comes with one byte a second"
    q.head(200, Content_Type="application/json", Content_Length=1000)
    q.drip(b" " * 1000)


def search(q):
    "not an image: docker's old search, /v1/search?q=WORD"
    word = q.path.partition("q=")[2].partition("&")[0]
    if word == "none":
        return q.answer(404)
    if word == "slow":
        q.head(200, Content_Type="application/json", Content_Length=1000)
        return q.drip(b" " * 1000)
    if word == "endless":
        q.head(200, Content_Type="application/json", Content_Length=100 << 20)
        for _ in range(1600):
            q.raw(b" " * 65536)
    hits = [{"name": "library/" + word, "description": "made of " + word, "star_count": 20, "is_official": True, "is_automated": False},
            {"name": "user/" + word, "description": "a description that is too long for one line of a table, by far", "star_count": 3},
            {"name": "user/auto", "description": None, "star_count": 1, "is_automated": True},
            {"name": "../../etc/passwd", "description": "no name"}]
    if word == "escapes":
        hits[0]["description"] = "no\x1b]0;title\x07\x1b[31m such\r\nhoy: error: forged\u202e"
    q.answer(200, dump({"num_results": len(hits), "query": word, "results": hits}))


def catalog(q):
    "not an image: the names of repositories, without end"
    page(q, "repositories", ["team/none", "team/other"])


MODES["search"], MODES["_catalog"] = search, catalog


def taking(q, where="", status=None, finish=None):
    """Takes whatever is pushed, and keeps nothing."""
    where = where or "/v2/%s/blobs/uploads/1?state=x" % q.mode
    if q.method == "HEAD":
        return q.head(404, Content_Length=0)
    if q.method in ("POST", "PATCH"):
        return q.answer(202, Location=where)
    if q.method == "PUT":
        return q.answer(201, Docker_Content_Digest=finish) if finish else q.answer(201)
    q.head(204, Location=where, **({"Range": status} if status else {}))


@mode
def push(q):
    "takes all that is pushed"
    taking(q)


@mode
def push_resumes(q):
    "cuts a large upload three times, and says what it has of it; the rest has to follow without a gap"
    got = counts.get("resumes", 0)
    if q.method == "PATCH" and got:
        start = int(q.headers.get("content-range", "0-").partition("-")[0])
        if start != got:
            return q.answer(416)
        counts["resumes"] = got + int(q.headers["content-length"])
        q.server.requests.write("whole\n" if q.headers["content-range"].endswith("-%d" % (counts["resumes"] - 1)) else "gap\n")
    taking(q, status="0-%d" % (got - 1) if got else "0-0")


def cut_upload(q, conn, data):
    """Takes 1.2 MB of an upload and hangs up, three times. True: it did."""
    if q.mode != "push-resumes" or q.method != "PATCH" or int(q.headers["content-length"]) < 100000 or nth("cut-upload") >= 3:
        return False
    n = 1200000
    while len(data) < n:
        data += conn.recv(65536)
    counts["resumes"] = counts.get("resumes", 0) + n
    q.server.requests.write("cut\n")
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return True


@mode
def push_far(q):
    "wants a password; uploads go to the other host"
    if q.server.name == "first" and not q.allowed():
        return q.answer(401, WWW_Authenticate='Basic realm="x"')
    taking(q, q.other("/v2/push-far/blobs/uploads/1?state=x"))


@mode
def push_far_wants(q):
    "the same, and the other host wants a password, too"
    if not q.allowed():
        return q.answer(401, WWW_Authenticate='Basic realm="x"')
    taking(q, q.other("/v2/push-far-wants/blobs/uploads/1?state=x"))


@mode
def push_redirect(q):
    "uploads are redirected to the other host"
    if q.method == "PATCH":
        return q.answer(307, Location=q.other("/v2/push/blobs/uploads/1"))
    taking(q)


@mode
def push_downgrade(q):
    "over HTTPS: uploads go to plain HTTP"
    taking(q, "http://%s/v2/push/blobs/uploads/1" % q.server.ports["first"])


@mode
def push_nowhere(q):
    "uploads go to what is no web address"
    taking(q, "file:///etc/passwd")


@mode
def push_liar(q):
    "says that it got something else"
    taking(q, finish=digest(b"else"))


@mode
def push_breaks(q):
    "each upload breaks, and it says that it has more than there is"
    if q.method == "PATCH":
        q.close()
    taking(q, status="0-999999999")


@mode
def push_size(q):
    "says that it has the blobs, with another size"
    if q.method == "HEAD":
        return q.head(200, Content_Length=7)
    taking(q)


@mode
def push_endless(q):
    "answers without end"
    if q.method != "POST":
        return taking(q)
    q.head(202, Location="/v2/push/blobs/uploads/1", Transfer_Encoding="chunked")
    while True:
        q.raw(b"10000\r\n" + b"x" * 65536 + b"\r\n")


class Server(threading.Thread):
    def __init__(self, name, address, directory, ports, context=None):
        super().__init__(daemon=True)
        self.name, self.ports, self.context = name, ports, context
        self.requests = open(directory + "/requests", "a", buffering=1)
        self.socket = socket.create_server((address, 0), backlog=64)
        ports[name] = "%s:%d" % self.socket.getsockname()

    def run(self):
        while True:
            conn, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        try:
            if self.context:
                conn = self.context.wrap_socket(conn, server_side=True)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    more = conn.recv(65536)
                    if not more or more[0] == 0x16:  # TLS, as clients try first on loopback
                        return
                    data += more
                head, _, data = data.partition(b"\r\n\r\n")
                q = Request(conn, self, head)
                if cut_upload(q, conn, data):
                    return
                length = int(q.headers.get("content-length", 0))
                while len(data) < length:
                    more = conn.recv(65536)
                    if not more:
                        return
                    data += more
                data = data[length:]
                self.requests.write("%s %s %s auth=%s range=%s\n" % (self.name, q.method, q.path, q.headers.get("authorization", "-"), q.headers.get("range", "-")))
                if q.method == "CONNECT":
                    host, _, port = self.ports["tls"].rpartition(":")
                    with socket.create_connection((host, int(port))) as there:
                        q.raw(b"HTTP/1.1 200 X\r\n\r\n")
                        return registry.tunnel(conn, there)
                MODES.get(q.mode, lambda x: x.answer(404, b"{}"))(q)
        except (Closed, OSError, ValueError):
            pass
        finally:
            conn.close()


def main():
    args = sys.argv[1:]
    wait = "--stdin" in args and not args.remove("--stdin")
    certs = args.pop(args.index("--certs") + 1) if "--certs" in args else None
    d, ports = args[0], {}
    os.makedirs(d, exist_ok=True)
    sys.stderr = open(d + "/log", "w", buffering=1)
    servers = [Server("first", "127.0.0.1", d, ports), Server("other", "127.0.0.2", d, ports)]
    if certs:
        registry.make_certificates(certs)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs + "/cert.pem", certs + "/key.pem")
        context.load_verify_locations(certs + "/certs/ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        servers.append(Server("tls", "127.0.0.1", d, ports, context))
    for s in servers:
        s.start()
    with open(d + "/digests", "w") as f:
        f.write("manifest=%s\nbig_manifest=%s\nsmall=%s\nlarge=%s\nsmall_size=%d\nlarge_size=%d\n" % (
            digest(HONEST), digest(BIG), digest(SMALL), digest(LARGE), len(SMALL), len(LARGE)))
    with open(d + "/ports.new", "w") as f:
        f.write("".join("%s=%s\n" % p for p in ports.items()))
    os.rename(d + "/ports.new", d + "/ports")
    if wait:
        sys.stdin.read()
    else:
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__ + "".join("    %-20s %s\n" % (n, f.__doc__) for n, f in MODES.items()))
    main()
