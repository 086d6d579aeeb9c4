"""What is seen on the segment: VRRP advertisements and ARP, with the kernel's time of each frame and the port it passed.

A frame is seen once where it comes in from a host (`heard_by` None) and once for each port that it goes out of
(`heard_by` that host), so that "the backup heard it" and "the master sent it" are different facts.
"""

import collections
import contextlib
import ctypes
import ipaddress
import select
import socket
import struct
import threading
import time

from wait import until

ETH_P_ALL = 0x0003
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
VRRP = 112
AH = 51
AH_LENGTH = 24
# What `decode` knows and nothing else, in the kernel (linux/filter.h): clients may make thousands of frames a second.
LOAD_HALF, LOAD_BYTE, EQUAL, GIVE = 0x28, 0x30, 0x15, 0x06
WANTED = (
    (LOAD_HALF, 0, 0, 12),
    (EQUAL, 7, 0, 0x0806),
    (EQUAL, 0, 3, 0x0800),
    (LOAD_BYTE, 0, 0, 23),
    (EQUAL, 4, 0, VRRP),
    (EQUAL, 3, 4, AH),
    (EQUAL, 0, 3, 0x86DD),
    (LOAD_BYTE, 0, 0, 20),
    (EQUAL, 0, 1, VRRP),
    (GIVE, 0, 0, 0xFFFF),
    (GIVE, 0, 0, 0),
)

Advert = collections.namedtuple("Advert", "at port heard_by source version vrid priority interval_s addresses mac")
Arp = collections.namedtuple("Arp", "at port heard_by operation sender_mac sender target")


class Wire:
    """Records from the moment it is made until `close`. `frames` only grows; `mark()` is a place in it."""

    def __init__(self, lan):
        self.frames = []
        self.socket = lan.switch.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in WANTED))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(WANTED), ctypes.addressof(program)))
        self.open = True
        self.thread = threading.Thread(target=self.record, daemon=True)
        self.thread.start()

    def record(self):
        while self.open:
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            with contextlib.suppress(OSError):
                data, control, _, where = self.socket.recvmsg(2048, 64)
                at = next((struct.unpack("qq", v) for level, kind, v in control if kind == SO_TIMESTAMPNS), None)
                at = at[0] + at[1] / 1e9 if at else time.time()
                port = where[0]
                if port in ("br0", "lo"):
                    continue
                frame = decode(at, port, port if where[2] == PACKET_OUTGOING else None, data)
                if frame:
                    self.frames.append(frame)

    def mark(self):
        return len(self.frames)

    def close(self):
        self.open = False
        self.thread.join()
        self.socket.close()

    def adverts(self, since=0, **wanted):
        """Advertisements since the mark; `port="d1"` sent by d1, `heard_by="d2"` reached d2, `priority=0` and so on."""
        return select_frames(self.frames[since:], Advert, wanted)

    def announcements(self, address, since=0, **wanted):
        """Gratuitous ARP frames for an address."""
        return [f for f in select_frames(self.frames[since:], Arp, wanted) if f.sender == f.target == address]

    def advert(self, what, since, within, **wanted):
        """Wait for the first such advertisement."""
        found = lambda: self.adverts(since, **wanted)[:1]
        return until(f"{what} (advertisement {wanted})", found, within, lambda: self.tail())[0]

    def announcement(self, what, address, since, within, **wanted):
        """Wait for the first gratuitous ARP frame for the address."""
        found = lambda: self.announcements(address, since, **wanted)[:1]
        return until(f"{what} (gratuitous ARP {address} {wanted})", found, within, lambda: self.tail())[0]

    def tail(self):
        return [tuple(frame)[:7] for frame in self.frames[-6:]]

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{frame}\n" for frame in self.frames)


def select_frames(frames, kind, wanted):
    if "port" in wanted:
        wanted = {"heard_by": None, **wanted}
    return [f for f in frames if isinstance(f, kind) and all(getattr(f, k) == v for k, v in wanted.items())]


def decode(at, port, heard_by, data):
    """An Advert, an Arp, or None for all else (and for what is too short to be one)."""
    kind = int.from_bytes(data[12:14], "big")
    if kind == 0x0806 and len(data) >= 42:
        operation = int.from_bytes(data[20:22], "big")
        return Arp(at, port, heard_by, operation, data[22:28].hex(":"),
                   socket.inet_ntoa(data[28:32]), socket.inet_ntoa(data[38:42]))
    if kind == 0x0800 and len(data) >= 42 and data[23] in (VRRP, AH):
        body, source, size = data[14 + (data[14] & 15) * 4:], socket.inet_ntoa(data[26:30]), 4
        if data[23] == AH:
            body = body[AH_LENGTH:] if body[0] == VRRP else b""
    elif kind == 0x86DD and len(data) >= 62 and data[20] == VRRP:
        body, source, size = data[54:], socket.inet_ntop(socket.AF_INET6, data[22:38]), 16
    else:
        return None
    if len(body) < 8:
        return None
    version = body[0] >> 4
    interval = body[5] if version == 2 else (int.from_bytes(body[4:6], "big") & 0xFFF) / 100
    ends = range(8, min(8 + size * body[3], len(body) - size + 1), size)
    shown = lambda packed: socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, packed)
    addresses = tuple(shown(body[i:i + size]) for i in ends)
    return Advert(at, port, heard_by, source, version, body[1], body[2], interval, addresses, data[6:12].hex(":"))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advertisement(vrid, priority, addresses, password, interval=1, version=2, kind=1):
    """The bytes of a VRRP v2 message with PASS authentication (RFC 2338 §5.3), the checksum right."""
    packed = b"".join(ipaddress.ip_address(a).packed for a in addresses)
    head = struct.pack("!BBBBBB", version << 4 | kind, vrid, priority, len(addresses), 1, interval)
    tail = packed + password.encode().ljust(8, b"\0")[:8]
    return head + struct.pack("!H", checksum(head + b"\0\0" + tail)) + tail


def send(space, source, message, ttl=255):
    """Put one VRRP message on the wire from the host, to 224.0.0.18, as protocol 112."""
    with space.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        out.bind((source, 0))
        out.sendto(message, ("224.0.0.18", 0))
