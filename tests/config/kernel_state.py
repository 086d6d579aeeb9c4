"""What a network namespace holds, read by netlink: its addresses, and its IPVS table in the words of ipvsadm.

A process for each look would be most of what the guest kernel does. Nothing here writes.
"""

import fcntl
import os
import socket
import struct

from netns import CLONE_NEWNET, LIBC, Namespace, setns

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3
RTM_GETADDR = 22
SIOCGIFNAME = 0x8910
CONTROL, GET_FAMILY = 16, 3
GET_SERVICE, GET_DEST = 4, 8
NETLINK_GENERIC = 16
SERVICES = {6: "-t", 17: "-u", 132: "--sctp-service"}
FORWARDS = {0: "-m", 1: "-l", 2: "-i", 3: "-g"}
TUNNELS, SUMS = {0: "ipip", 1: "gue", 2: "gre"}, {0: "nocsum", 1: "csum", 2: "remcsum"}


class Own(Namespace):
    """A namespace without a name: it is gone with its last process and our descriptor."""

    def __init__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if LIBC.unshare(CLONE_NEWNET) != 0:
                raise OSError("unshare: no network namespace; this needs root")
            try:
                self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                setns(home)
        finally:
            os.close(home)
        self.name = f"net:{os.fstat(self.fd).st_ino}"

    def pids(self):
        wanted = os.fstat(self.fd).st_ino
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}/ns/net").st_ino == wanted:
                    found.append(int(pid))
            except OSError:
                pass  # it has ended meanwhile
        return found


def attributes(data):
    """Kind → value of netlink attributes."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def attribute(kind, value):
    return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


class Netlink:
    """One socket of a namespace."""

    def __init__(self, space, protocol):
        self.socket = space.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.bind((0, 0))
        self.number = 0

    def ask(self, kind, payload, flags=DUMP):
        """What is answered, without the headers."""
        self.number += 1
        self.socket.send(struct.pack("IHHII", 16 + len(payload), kind, REQUEST | flags, self.number, 0) + payload)
        answers = []
        while True:
            data = self.socket.recv(1 << 18)
            while len(data) >= 16:
                length, answer = struct.unpack_from("IH", data)
                if answer == ERROR and (code := -struct.unpack_from("i", data, 16)[0]):
                    raise OSError(code, os.strerror(code))
                if answer in (DONE, ERROR):
                    return answers
                answers.append(data[16:length])
                data = data[(length + 3) & ~3:]

    def close(self):
        self.socket.close()


class State:
    """Reads a namespace, as often as one likes."""

    def __init__(self, space):
        self.route, self.generic = Netlink(space, socket.NETLINK_ROUTE), Netlink(space, NETLINK_GENERIC)
        self.ioctl = space.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            question = struct.pack("BBxx", GET_FAMILY, 1) + attribute(2, b"IPVS\0")
            (answer,) = self.generic.ask(CONTROL, question, ACK)
            self.ipvs = struct.unpack("H", attributes(answer[4:])[1])[0]
        except OSError:
            self.ipvs = None  # a kernel without ip_vs has no table

    def close(self):
        for each in (self.route, self.generic, self.ioctl):
            each.close()

    def addresses(self):
        """`10.0.0.1/24 dev eth0`, as `ip addr` shows them; without a length where there is another end."""
        found = set()
        for family in (socket.AF_INET, socket.AF_INET6):
            for answer in self.route.ask(RTM_GETADDR, struct.pack("BBBBI", family, 0, 0, 0, 0)):
                of, length, _, _, index = struct.unpack_from("BBBBI", answer)
                if of != family:
                    continue
                held = attributes(answer[8:])
                local = held.get(2, held[1])
                text = socket.inet_ntop(family, local) + (f"/{length}" if held[1] == local else "")
                name = fcntl.ioctl(self.ioctl, SIOCGIFNAME, struct.pack("16si20x", b"", index))[:16].split(b"\0")[0]
                found.add(f"{text} dev {name.decode()}")
        return found

    def dump(self, command, payload=b""):
        return [attributes(answer[4:]) for answer in self.generic.ask(self.ipvs, struct.pack("BBxx", command, 1) + payload)]

    def table(self):
        """Services and servers in the words of `ipvsadm -Sn`, and thresholds."""
        rows = set()
        for found in self.dump(GET_SERVICE) if self.ipvs else ():
            service = attributes(found[1])
            family = struct.unpack("H", service[1])[0]
            key, which = self.named(service, family)
            rows.add(f"-A {key} -s {text_of(service[6])}{told(service, family)}")
            for found in self.dump(GET_DEST, attribute(1, which)):
                dest = attributes(found[2])
                rows |= server(key, dest, struct.unpack("H", dest[11])[0] if 11 in dest else family)
        return rows

    @staticmethod
    def named(service, family):
        """How a service is written, and which attributes name it to the kernel."""
        if 5 in service:
            mark = struct.unpack("I", service[5])[0]
            return f"-f {mark}{' -6' if family == socket.AF_INET6 else ''}", attribute(1, service[1]) + attribute(5, service[5])
        protocol = SERVICES[struct.unpack("H", service[2])[0]]
        which = b"".join(attribute(kind, service[kind]) for kind in (1, 2, 3, 4))
        return f"{protocol} {place(service[3], service[4], family)}", which


def text_of(value):
    return value.split(b"\0")[0].decode()


def place(address, port, family):
    text = socket.inet_ntop(family, address[:4] if family == socket.AF_INET else address[:16])
    port = struct.unpack(">H", port)[0]
    return f"[{text}]:{port}" if family == socket.AF_INET6 else f"{text}:{port}"


def told(service, family):
    """Persistence and flags of a service."""
    flags, timeout = struct.unpack_from("I", service[7])[0], struct.unpack("I", service[8])[0]
    netmask = service[9]
    text = ""
    if flags & 1:
        text += f" -p {timeout}"
        if family == socket.AF_INET and netmask != b"\xff\xff\xff\xff":
            text += f" -M {socket.inet_ntoa(netmask)}"
        elif family == socket.AF_INET6 and (length := struct.unpack("I", netmask)[0]) != 128:
            text += f" -M {length}"
    if 11 in service and text_of(service[11]):
        text += f" --pe {text_of(service[11])}"
    names = [f"flag-{number}" for number, bit in ((1, 8), (2, 16), (3, 32)) if flags & bit]
    return text + (" -o" if flags & 4 else "") + (f" -b {','.join(names)}" if names else "")


def server(key, dest, family):
    """The rows of one server."""
    number = {kind: struct.unpack("I", dest[kind])[0] for kind in (3, 4, 5, 6)}
    where, forward = place(dest[1], dest[2], family), number[3] & 7
    text = f"-a {key} -r {where} {FORWARDS[forward]} -w {number[4]}"
    if forward == 2:
        kind = dest.get(13, b"\0")[0]
        text += f" --tun-type {TUNNELS[kind]}"
        text += f" --tun-port {struct.unpack('>H', dest[14])[0]}" if kind == 1 else ""
        text += f" --tun-{SUMS[struct.unpack('H', dest[15])[0]]}" if kind else ""
    rows = {text}
    if number[5] or number[6]:
        rows.add(f"thresholds {key} {where} {number[5]} {number[6]}")
    return rows
