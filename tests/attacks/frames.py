#!/usr/bin/env python3
"""frames - writes Ethernet frames as hex, one per line, for fixtures/src/frames.c.

    frames.py KIND WHO...     WHO: name=MAC,IPv4,IPv6 for me, victim, third and gate; KIND: a function below
Each frame that must not arrive has the text SPOOF-<name>, each that must HONEST-<name>.
"""
import ipaddress
import struct
import sys


class Who:
    def __init__(self, mac, ip4, ip6):
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.ip4 = ipaddress.ip_address(ip4).packed
        self.ip6 = ipaddress.ip_address(ip6).packed
        m = self.mac
        self.local = bytes.fromhex("fe80000000000000") + bytes([m[0] ^ 2]) + m[1:3] + b"\xff\xfe" + m[3:]


ALL = b"\xff" * 6
ALL6 = bytes.fromhex("333300000001")
NODES = ipaddress.ip_address("ff02::1").packed
out = []


def frame(text, to, source, kind, body):
    raw = to + source + struct.pack("!H", kind) + body + text.encode()
    out.append(raw.ljust(60, b"\0").hex())


def checksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s ^ 0xFFFF


def udp(sport, dport, n):
    return struct.pack("!HHHH", sport, dport, 8 + n, 0)


def ip4(text, to, source, ip_to, ip_from, sport=4000, extra=0):
    n = len(text)
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + n + extra, 1, 0, 64, 17, 0, ip_from, ip_to)
    h = h[:10] + struct.pack("!H", checksum(h)) + h[12:]
    frame(text, to, source, 0x0800, h + udp(sport, 4001, n))


def arp(text, to, source, op, sha, spa, tha, tpa):
    frame(text, to, source, 0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, op, sha, spa, tha, tpa))


def ip6(text, to, source, ip_to, ip_from, proto, body, before=b"", first=None):
    """before: extension headers, whose first has the number first."""
    body = before + body
    frame(text, to, source, 0x86DD,
          struct.pack("!IHBB", 6 << 28, len(body) + len(text), proto if first is None else first, 255) + ip_from + ip_to + body)


def icmp6(text, to, source, ip_to, ip_from, kind, rest, **more):
    pseudo = ip_from + ip_to + struct.pack("!II", 4 + len(rest) + len(text), 58)
    c = checksum(pseudo + struct.pack("!BBH", kind, 0, 0) + rest + text.encode())
    ip6(text, to, source, ip_to, ip_from, 58, struct.pack("!BBH", kind, 0, c) + rest, **more)


def advert(target, mac):
    return bytes.fromhex("60000000") + target + b"\x02\x01" + mac


ROUTER = bytes.fromhex("40000708" "00000000" "00000000")  # hop limit, lifetime 1800
OPTIONS = bytes.fromhex("0104" "00000000")[:2] + b"\0" * 4  # PadN


def mac_and_ip4(me, victim, third, gate):
    ip4("SPOOF-mac", victim.mac, third.mac, victim.ip4, me.ip4)
    ip4("SPOOF-all", victim.mac, third.mac, victim.ip4, third.ip4)
    ip4("SPOOF-ip4", victim.mac, me.mac, victim.ip4, third.ip4)
    ip4("SPOOF-gateway", victim.mac, me.mac, victim.ip4, gate.ip4)
    ip4("SPOOF-gateway-all", victim.mac, gate.mac, victim.ip4, gate.ip4)
    ip4("SPOOF-zero", ALL, me.mac, b"\xff" * 4, b"\0" * 4)
    ip4("SPOOF-outside", victim.mac, me.mac, victim.ip4, b"\x08\x08\x08\x08")
    ip4("SPOOF-broken", victim.mac, me.mac, victim.ip4, me.ip4, extra=200)


def in_arp(me, victim, third, gate):
    arp("SPOOF-reply", victim.mac, me.mac, 2, me.mac, third.ip4, victim.mac, victim.ip4)
    arp("SPOOF-gateway", ALL, me.mac, 2, me.mac, gate.ip4, ALL, gate.ip4)
    arp("SPOOF-request", ALL, me.mac, 1, me.mac, third.ip4, b"\0" * 6, victim.ip4)
    arp("SPOOF-sender", ALL, me.mac, 2, third.mac, me.ip4, ALL, me.ip4)
    arp("SPOOF-both", ALL, me.mac, 2, third.mac, third.ip4, ALL, third.ip4)
    arp("SPOOF-frame", ALL, third.mac, 2, me.mac, me.ip4, ALL, me.ip4)
    arp("SPOOF-all", ALL, third.mac, 2, third.mac, third.ip4, ALL, third.ip4)
    # The same with lengths that put the addresses elsewhere.
    frame("SPOOF-lengths", ALL, me.mac, 0x0806,
          struct.pack("!HHBBH", 1, 0x0800, 8, 4, 2) + me.mac + me.ip4 + third.ip4 + third.mac + third.ip4)


def in_ip6(me, victim, third, gate):
    near = (victim.mac, me.mac, victim.ip6, third.ip6)
    ip6("SPOOF-ip6", *near, 17, udp(4000, 4001, 9))
    ip6("SPOOF-local", victim.mac, me.mac, victim.ip6, third.local, 17, udp(4000, 4001, 11))
    ip6("SPOOF-mac", victim.mac, third.mac, victim.ip6, me.ip6, 17, udp(4000, 4001, 9))
    ip6("SPOOF-none", ALL6, me.mac, NODES, b"\0" * 16, 17, udp(4000, 4001, 10))
    for name, target in (("third", third.ip6), ("gateway", gate.ip6), ("local", third.local)):
        icmp6("SPOOF-advert-" + name, ALL6, me.mac, NODES, me.ip6, 136, advert(target, me.mac))
        icmp6("SPOOF-hidden-" + name, ALL6, me.mac, NODES, me.ip6, 136, advert(target, me.mac),
              before=b"\x3a\x00" + OPTIONS, first=60)
    icmp6("SPOOF-ask", ALL6, me.mac, NODES, third.ip6, 135, b"\0" * 4 + victim.ip6 + b"\x01\x01" + me.mac)
    icmp6("SPOOF-detect", ALL6, me.mac, NODES, b"\0" * 16, 135, b"\0" * 4 + third.ip6)


def router(me, victim, third, gate):
    for name, kind, rest in (("router", 134, ROUTER), ("redirect", 137, b"\0" * 4 + victim.ip6 + third.ip6)):
        icmp6("SPOOF-" + name, ALL6, me.mac, NODES, me.local, kind, rest)
        icmp6("SPOOF-hidden-" + name, ALL6, me.mac, NODES, me.local, kind, rest, before=b"\x3a\x00" + OPTIONS, first=60)
        icmp6("SPOOF-hops-" + name, ALL6, me.mac, NODES, me.local, kind, rest, before=b"\x3a\x00" + OPTIONS, first=0)
        icmp6("SPOOF-first-" + name, ALL6, me.mac, NODES, me.local, kind, rest, before=b"\x3a\x00\x00\x01\0\0\0\7", first=44)
    ip4("SPOOF-dhcp", ALL, me.mac, b"\xff" * 4, me.ip4, sport=67)
    ip6("SPOOF-dhcp6", ALL6, me.mac, NODES, me.local, 17, udp(547, 546, 11))


def others(me, victim, third, gate):
    for kind in (0x8100, 0x88A8):
        start = len(out)
        ip4("SPOOF-vlan", victim.mac, me.mac, victim.ip4, me.ip4)
        out[start] = out[start][:24] + "%04x0005" % kind + out[start][24:]
    for kind in (0x88B5, 0x8863, 0x88E5, 0x8035, 0x0004):
        frame("SPOOF-type-%04x" % kind, victim.mac, me.mac, kind, b"\0" * 30)


def learning(me, victim, third, gate):
    # To addresses that a bridge takes for itself, before rules see them.
    for last in (0x00, 0x01, 0x03, 0x0E):
        frame("SPOOF-learn", bytes.fromhex("0180c20000%02x" % last), victim.mac, 0x88CC, b"\0" * 40)


def honest(me, victim, third, gate):
    ip4("HONEST-ip4", victim.mac, me.mac, victim.ip4, me.ip4)
    ip4("HONEST-broadcast", ALL, me.mac, b"\xff" * 4, me.ip4)
    arp("HONEST-arp", ALL, me.mac, 1, me.mac, me.ip4, b"\0" * 6, victim.ip4)
    ip6("HONEST-ip6", victim.mac, me.mac, victim.ip6, me.ip6, 17, udp(4000, 4001, 10))
    ip6("HONEST-local", ALL6, me.mac, NODES, me.local, 17, udp(4000, 4001, 12))
    icmp6("HONEST-advert", ALL6, me.mac, NODES, me.ip6, 136, advert(me.ip6, me.mac))
    icmp6("HONEST-ask", ALL6, me.mac, NODES, me.ip6, 135, b"\0" * 4 + victim.ip6 + b"\x01\x01" + me.mac)
    ip4("HONEST-end", victim.mac, me.mac, victim.ip4, me.ip4)


who = dict(a.split("=", 1) for a in sys.argv[2:])
globals()[sys.argv[1]](**{k: Who(*v.split(",")) for k, v in who.items()})
print("\n".join(out))
