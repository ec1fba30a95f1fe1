#!/usr/bin/env python3
"""relay.py - stands between a client and a registry: counts, slows down, holds, and goes away.

    relay.py DIR HOST:PORT [--hold BYTES] [--rate BYTES]

Listens on a free port of 127.0.0.1 and passes everything on. DIR/log: "listening on ADDRESS". DIR/served: how many bytes the clients got so far. --hold: after so
many bytes nothing goes on until DIR/go exists. --rate: bytes a second for each connection.
"""
import os
import socket
import sys
import threading
import time


def option(args, name):
    if name not in args:
        return 0
    i = args.index(name)
    value = int(args[i + 1])
    del args[i:i + 2]
    return value


args = sys.argv[1:]
hold, rate = option(args, "--hold"), option(args, "--rate")
where, target = args
host, port = target.rsplit(":", 1)
served, lock = 0, threading.Lock()


def note(n):
    global served
    with lock:
        served += n
        with open(where + "/served.new", "w") as f:
            f.write("%d\n" % served)
        os.rename(where + "/served.new", where + "/served")
        return served


def back(client, server):
    try:
        while True:
            data = server.recv(min(rate // 4, 16384) if rate else 16384)
            if not data:
                break
            client.sendall(data)
            if rate:
                time.sleep(len(data) / rate)
            if note(len(data)) >= hold > 0:
                while not os.path.exists(where + "/go"):
                    time.sleep(0.02)
    except OSError:
        pass
    for s in (client, server):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def forth(client, server):
    try:
        while True:
            data = client.recv(16384)
            if not data:
                break
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
    except OSError:
        pass


os.makedirs(where, exist_ok=True)
note(0)
listener = socket.create_server(("127.0.0.1", 0))
with open(where + "/log", "w") as f:
    f.write("listening on 127.0.0.1:%d\n" % listener.getsockname()[1])
while True:
    c, _ = listener.accept()
    s = socket.create_connection((host, int(port)))
    for fn in (back, forth):
        threading.Thread(target=fn, args=(c, s), daemon=True).start()
