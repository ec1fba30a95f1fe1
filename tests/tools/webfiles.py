#!/usr/bin/env python3
"""webfiles.py DIR - a web server on a free port of 127.0.0.1 for the tests: the files of DIR, and what hostile servers do.

/redirect?URL answers with a redirect to URL; /cut promises more than it sends. DIR/.url says where it listens, DIR/.log what was asked.
"""
import http.server
import os
import sys
import urllib.parse

top = sys.argv[1]


class Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(top + "/.log", "a") as log:
            log.write(self.path + "\n")
        path, _, query = self.path.partition("?")
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", urllib.parse.unquote(query))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        try:
            with open(top + urllib.parse.unquote(path), "rb") as f:
                data = f.read()
        except OSError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) + (100 if path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
with open(top + "/.url.new", "w") as f:
    f.write("http://127.0.0.1:%d" % server.server_port)
os.rename(top + "/.url.new", top + "/.url")
server.serve_forever()
