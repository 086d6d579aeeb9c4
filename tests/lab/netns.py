"""A network namespace as a value: programs started in it, sockets opened in it, its addresses and tables read.

A thread steps into a namespace for the length of one call (setns), so that most looks cost no process. Never leaves a
namespace behind: `Namespace.delete` ends what runs in it first, by process id.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCGIFCONF = 0x8912
RTMGRP_IPV4_IFADDR = 0x10
MOVES = {20: "added", 21: "removed"}  # RTM_NEWADDR, RTM_DELADDR
LIBC = ctypes.CDLL(None, use_errno=True)


def setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def ip(batch):
    """Run many `ip` commands, one a line, in one process."""
    result = subprocess.run(["ip", "-batch", "-"], input=batch, text=True, capture_output=True)
    if result.returncode != 0:
        raise RuntimeError(f"ip: {result.stderr.strip()}\nin:\n{batch}")


class Namespace:
    """One named network namespace, made by the caller with `ip netns add`."""

    def __init__(self, name):
        self.name = name
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    @contextlib.contextmanager
    def inside(self):
        """This thread is in the namespace for the length of the block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self.fd)
            try:
                yield
            finally:
                setns(home)
        finally:
            os.close(home)

    def start(self, command, output, env=None):
        """Start a program in a session of its own, its output appended to the file `output`."""
        with self.inside(), open(output, "ab") as file:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                    start_new_session=True, env=env)

    def run(self, *command, timeout=20, text=None):
        """Run a program to its end; gives the CompletedProcess with its text output."""
        with self.inside():
            process = subprocess.Popen(command, stdin=subprocess.PIPE if text else subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"not ended after {timeout} s: {' '.join(command)}\n{out}{err}") from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def must(self, *command, **more):
        """Run a program that has to succeed; gives its standard output."""
        result = self.run(*command, **more)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(command)} in {self.name}: exit {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def socket(self, *kind):
        """A socket that lives in the namespace, whoever uses it later."""
        with self.inside():
            return socket.socket(*kind)

    def read(self, path):
        """A file of /proc/net or /proc/sys/net as this namespace has it (`path` from there: `net/arp`)."""
        with self.inside(), open(f"/proc/thread-self/{path}", encoding="ascii") as file:
            return file.read()

    def addresses(self):
        """All IPv4 addresses, as (interface, address)."""
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
            room = ctypes.create_string_buffer(40 * 64)
            wanted = struct.pack("iP", len(room), ctypes.addressof(room))
            used = struct.unpack("iP", fcntl.ioctl(ask, SIOCGIFCONF, wanted))[0]
        rows = [room.raw[at:at + 40] for at in range(0, used, 40)]
        return [(row[:16].split(b"\0")[0].decode(), socket.inet_ntoa(row[20:24])) for row in rows]

    def holds(self, address):
        """Whether some interface has the address."""
        return any(held == address for _, held in self.addresses())

    def moves(self, address):
        """Watches from now on; gives a function that lists how the IPv4 address has come and gone, however late it is asked."""
        seen, kernel = [], self.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        kernel.bind((0, RTMGRP_IPV4_IFADDR))
        kernel.setblocking(False)

        def look():
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, wanted = kernel.recv(65536), socket.inet_aton(address)
                    while len(data) >= 24:
                        length, kind = struct.unpack_from("IH", data)
                        if kind in MOVES and wanted in data[24:length]:
                            seen.append(MOVES[kind])
                        data = data[(length + 3) & ~3:]
            return seen

        return look

    def neighbour(self, address):
        """The hardware address under which this namespace knows `address`, or None."""
        found = re.search(rf"^{re.escape(address)} +\S+ +0x2 +(\S+)", self.read("net/arp"), re.M)
        return found and found.group(1)

    def mac(self, interface):
        return re.search(r"link/ether (\S+)", self.must("ip", "link", "show", interface)).group(1)

    def pids(self):
        listed = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True).stdout
        return [int(pid) for pid in listed.split()]

    def delete(self):
        """End every process in it and remove it."""
        for pid in self.pids():
            if pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        os.close(self.fd)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
