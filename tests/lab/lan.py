"""One Ethernet segment and the hosts on it, each host a network namespace.

    client ─┐            ┌─ d1
            ├── br0 ─────┼─ d2
    ...    ─┘            └─ r1, r2

The bridge br0 lives in a namespace of its own, so that several segments stand side by side and nothing of the machine's
own network is touched. A host's interface is `eth0` unless said otherwise; its cable's other end carries the host's
name and is a port of br0.
"""

import itertools
import os
import re
import subprocess

from netns import Namespace, ip

NUMBERS = itertools.count(1)


class Lan:
    """Hosts by name on one bridge; `lan["d1"]` is that host's namespace, `lan.switch` the bridge's."""

    def __init__(self, label, hosts, interfaces=None):
        """`hosts`: name → list of addresses with length; `interfaces`: name → interface name where not eth0."""
        self.prefix = f"lab{os.getpid()}-{next(NUMBERS)}-"
        self.label = label
        self.interfaces = {name: (interfaces or {}).get(name, "eth0") for name in hosts}
        names = ["switch", *hosts]
        self.names = names
        ip("".join(f"netns add {self.prefix}{name}\n" for name in names))
        self.spaces = {name: Namespace(self.prefix + name) for name in names}
        self.switch = self.spaces["switch"]
        inside = ["link add name br0 type bridge", "link set br0 up", "link set lo up"]
        for name in hosts:
            inside += [
                f"link add {name} type veth peer name {self.interfaces[name]} netns {self.prefix}{name}",
                f"link set {name} master br0 up",
            ]
        self.batch("switch", inside)
        for name, addresses in hosts.items():
            eth = self.interfaces[name]
            self.batch(name, ["link set lo up", f"link set {eth} up"]
                       + [f"address add {address} dev {eth}" for address in addresses])

    def batch(self, host, lines):
        """Run `ip` commands in a host's namespace."""
        result = self.spaces[host].run("ip", "-batch", "-", text="\n".join(lines) + "\n")
        if result.returncode != 0:
            raise RuntimeError(f"ip in {host}: {result.stderr.strip()} of {lines}")

    def __getitem__(self, name):
        return self.spaces[name]

    def unplug(self, host):
        """Nothing gets through to or from the host any more, and its link stays up: a death that nobody hears."""
        self.batch("switch", [f"link set {host} nomaster"])

    def plug(self, host):
        self.batch("switch", [f"link set {host} master br0"])

    def link_down(self, host):
        """The host's cable is pulled: it sees its carrier go."""
        self.batch("switch", [f"link set {host} down"])

    def link_up(self, host):
        self.batch("switch", [f"link set {host} up"])

    def real_server(self, host, vip):
        """What a real server under direct routing has: the VIP on lo, silent in ARP."""
        with self[host].inside():
            for key in ("all", self.interfaces[host]):
                for name, value in (("arp_ignore", 1), ("arp_announce", 2)):
                    with open(f"/proc/sys/net/ipv4/conf/{key}/{name}", "w", encoding="ascii") as file:
                        file.write(str(value))
        self.batch(host, [f"address add {vip}/32 dev lo"])

    def delete(self):
        for space in self.spaces.values():
            space.delete()


def delete_left_overs():
    """Remove the namespaces of a lab that was killed before it could do so."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name, owner in re.findall(r"^(lab(\d+)-\d+-\S+)", listed, re.M):
        if not os.path.exists(f"/proc/{owner}"):
            Namespace(name).delete()
