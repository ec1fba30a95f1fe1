#!/usr/bin/env python3
"""nameserver.py ADDRESS LOG - a name server whose answers follow from the question, on port 53, UDP and TCP.

Writes a line for each question: udp or tcp, the name, the type. The first label of a name says what is done:
  nx, servfail, refused   that error
  slow                    the answer comes after half a second
  bigN                    N addresses; over UDP cut off (TC) if they do not fit into what the asker takes
  spoof                   forged answers come first: other ids, other questions, another sender
  loop, short, junk       broken answers: a name that points to itself, fewer records than counted, random bytes
  notcp                   cut off over UDP, and nothing over TCP
Any other name has ADDRESS as its address, "hello" as its TXT, and nothing else. To make it silent, stop it (SIGSTOP).
"""
import os, random, socket, struct, sys, threading, time

address, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
HEAD = struct.Struct(">HHHHHH")


def parse(m):
    labels, at = [], 12
    while m[at]:
        labels.append(m[at + 1 : at + 1 + m[at]].decode("latin1"))
        at += 1 + m[at]
    size = 512
    if len(m) >= at + 16 and m[at + 5] == 0 and m[at + 6 : at + 8] == b"\0\x29":  # OPT right behind the question
        size = max(512, struct.unpack(">H", m[at + 8 : at + 10])[0])
    return labels, m[12 : at + 5], struct.unpack(">H", m[at + 1 : at + 3])[0], size


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(data)) + data


def answer(m, udp):
    labels, question, kind, size = parse(m)
    first = labels[0].lower() if labels else ""
    log.write("%s %s %d\n" % ("udp" if udp else "tcp", ".".join(labels), kind))
    rcode = {"nx": 3, "servfail": 2, "refused": 5}.get(first, 0)
    records = []
    if first.startswith("big"):
        records = [record(1, struct.pack(">I", 0x0A000000 + i)) for i in range(int(first[3:]))]
    elif rcode == 0 and kind == 1:
        records = [record(1, socket.inet_aton(address))]
    elif rcode == 0 and kind == 16:
        records = [record(16, b"\5hello")]
    body = b"".join(records)
    if udp and (first == "notcp" or 12 + len(question) + len(body) > size):
        return HEAD.pack(*struct.unpack(">H", m[:2]), 0x8380, 1, 0, 0, 0) + question
    return HEAD.pack(*struct.unpack(">H", m[:2]), 0x8180 | rcode, 1, len(records), 0, 0) + question + body


def forge(s, a, r):
    for _ in range(300):
        s.sendto(struct.pack(">H", random.getrandbits(16)) + r[2:-4] + b"\6\6\6\6", a)
    other = bytearray(r)
    other[13] ^= 1
    s.sendto(bytes(other)[:-4] + b"\6\6\6\6", a)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as t:
        t.bind(("127.0.0.99", 53))
        t.sendto(r[:-4] + b"\6\6\6\6", a)
    time.sleep(0.05)


def udp():
    while True:
        m, a = u.recvfrom(65535)
        r = answer(m, True)
        first = parse(m)[0][:1]
        first = first[0].lower() if first else ""
        if first == "slow":
            threading.Timer(0.5, u.sendto, (r, a)).start()
            continue
        if first == "spoof":
            forge(u, a, r)
        elif first == "loop":
            r = r[:-16] + struct.pack(">H", 0xC000 | (len(r) - 16)) + r[-14:]
        elif first == "short":
            r = r[:6] + b"\0\7" + r[8:]
        elif first == "junk":
            r = r[:12] + os.urandom(40)
        u.sendto(r, a)


def one(c):
    try:
        while len(n := c.recv(2, socket.MSG_WAITALL)) == 2:
            m = c.recv(struct.unpack(">H", n)[0], socket.MSG_WAITALL)
            if parse(m)[0][:1] == ["notcp"]:
                return c.close()
            r = answer(m, False)
            c.sendall(struct.pack(">H", len(r)) + r)
    except OSError:
        pass


def tcp():
    while True:
        c, _ = t.accept()
        threading.Thread(target=one, args=(c,), daemon=True).start()


family = socket.AF_INET6 if ":" in address else socket.AF_INET
u = socket.socket(family, socket.SOCK_DGRAM)
u.bind((address, 53))
t = socket.socket(family)
t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
t.bind((address, 53))
t.listen(64)
threading.Thread(target=tcp, daemon=True).start()
log.write("ready\n")
udp()
