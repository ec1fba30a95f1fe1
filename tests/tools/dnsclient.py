#!/usr/bin/env python3
"""dnsclient.py WHAT SERVER [ARGUMENT...] - what ordinary clients of name servers do not do.

  hold N               N connections over TCP that send one byte and wait; prints "held N", then, when all are closed, "closed"
  pipeline N NAME      N questions at once over one connection; prints how many answers came, and how many different ids
  slowly NAME          a question over TCP, one byte at a time, without end; prints "closed" when the server has had enough
  unread N NAME        N questions over TCP whose answers are not read; prints "sent"
  hostile N            N broken messages over UDP, of many kinds; prints how many answers came, and how many were no errors
  burst N NAME         the same question from N sockets at once; prints how many answers came
"""
import random, socket, struct, sys, time

what, server, args = sys.argv[1], (sys.argv[2], 53), sys.argv[3:]


def question(name, ident=None, kind=1):
    q = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", random.getrandbits(16) if ident is None else ident, 0x100, 1, 0, 0, 0) + q + struct.pack(">HH", kind, 1)


def framed(m):
    return struct.pack(">H", len(m)) + m


def connect():
    s = socket.create_connection(server, timeout=30)
    return s


def all_of(s, n):
    b = b""
    while len(b) < n:
        got = s.recv(n - len(b))
        if not got:
            raise EOFError
        b += got
    return b


def closed(s):
    try:
        while s.recv(4096):
            pass
    except OSError as e:
        if isinstance(e, TimeoutError):
            return False
    return True


if what == "hold":
    held = []
    for _ in range(int(args[0])):
        s = connect()
        s.send(b"\0")
        held.append(s)
    print("held", len(held), flush=True)
    print("closed" if all(closed(s) for s in held) else "open")
elif what == "pipeline":
    n, s, ids = int(args[0]), connect(), set()
    s.sendall(b"".join(framed(question(args[1], i)) for i in range(n)))
    s.shutdown(socket.SHUT_WR)
    count = 0
    try:
        while True:
            m = all_of(s, struct.unpack(">H", all_of(s, 2))[0])
            ids.add(m[:2])
            count += 1
    except EOFError:
        pass
    print(count, len(ids))
elif what == "slowly":
    s, m = connect(), framed(b"\1" * 4000)
    s.settimeout(0.2)
    start = time.monotonic()
    for b in m:
        try:
            s.send(bytes([b]))
            if s.recv(1) == b"":
                break
        except TimeoutError:
            pass
        except OSError:
            break
        if time.monotonic() - start > 60:
            sys.exit("open")
    print("closed")
elif what == "unread":
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(1)
    try:
        for _ in range(int(args[0])):
            s.sendall(framed(question(args[1])))
    except OSError:
        pass
    print("sent", flush=True)
    time.sleep(3)
elif what == "hostile":
    good, answers, fine = question("db"), 0, 0
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.connect(server)
    u.settimeout(0.3)
    for i in range(int(args[0])):
        m = bytearray(good)
        kind = i % 8
        if kind == 0:
            m[12:] = b"\xc0\x0c\0\1\0\1"  # a name that is itself
        elif kind == 1:
            m[12:] = b"\1a\xc0\x10\1b\xc0\x0c\0\1\0\1"
        elif kind == 2:
            m[4:6] = struct.pack(">H", random.randrange(2, 65536))
        elif kind == 3:
            m[10:12] = struct.pack(">H", random.randrange(1, 65536))
        elif kind == 4:
            m = m[: random.randrange(len(m))]
        elif kind == 5:
            m = bytearray(random.randbytes(random.randrange(1, 600)))
            if len(m) > 2:
                m[2] &= 0x7F
        elif kind == 6:
            m[random.randrange(12, len(m))] ^= 0xFF
        else:
            m[12:12] = b"\x3f" + random.randbytes(63)
        u.send(bytes(m))
        try:
            a = u.recv(65535)
            answers += 1
            fine += a[3] & 15 == 0
        except (TimeoutError, ConnectionError):
            pass
    print(answers, fine)
elif what == "burst":
    n, count = int(args[0]), 0
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
    m = question(args[1], 7)
    for s in socks:
        s.connect(server)
        s.settimeout(6)
        s.send(m)
    for s in socks:
        try:
            count += s.recv(65535)[:2] == m[:2]
        except OSError:
            pass
    print(count)
