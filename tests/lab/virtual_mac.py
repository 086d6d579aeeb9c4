"""`use_vmac` in network namespaces of this machine: lvsdeck and a keepalived with the same words, in both roles.

What counts is what `ip -d link` shows, from which MAC address advertisements come on the wire, and what a neighbour's ARP
table says: the address moves, its MAC address does not. `tests/lab/virtual_mac` for how to call it.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from director import PROGRAMS  # noqa: E402
from lan import Lan, delete_left_overs  # noqa: E402
from wait import check, until  # noqa: E402
from wire import Wire  # noqa: E402

VRID = 51
VIP = {4: "10.9.0.100", 6: "fd00:9::100"}
OWN = {"d1": "10.9.0.11", "d2": "10.9.0.12", "client": "10.9.0.13"}
MAC = {4: "00:00:5e:00:01:33", 6: "00:00:5e:00:02:33"}
NAME = "vrrp.51"


class Case:
    def __init__(self, first, second, version, family, more=()):
        self.programs = {"d1": first, "d2": second}
        self.version, self.family, self.more = version, family, more
        self.interval = 1 if version == 2 else 0.1
        self.name = " ".join([f"{first}/{second} v{version} IPv{family}", *more])

    def text(self, priority, words=None):
        vips = [f"{VIP[4]}/24"] if self.family == 4 else ["fe80::9:100/64", f"{VIP[6]}/64"]
        words = ["use_vmac", *self.more] if words is None else words
        lines = [f"vrrp_instance VI {{\n interface eth0\n virtual_router_id {VRID}\n version {self.version}",
                 f" priority {priority}\n advert_int {self.interval:g}", *[f" {word}" for word in words],
                 " virtual_ipaddress {", *[f"  {vip}" for vip in vips], " }", "}"]
        return "\n".join(lines) + "\n"


class Bench:
    """d1 and d2, which run the programs of a case, and a client."""

    def __init__(self, case, directory):
        self.case, self.directory = case, directory
        self.lan = Lan("vmac", {name: [f"{address}/24"] for name, address in OWN.items()})
        for number, name in enumerate(OWN, 11):
            with self.lan[name].inside(), open("/proc/sys/net/ipv6/conf/eth0/accept_dad", "w", encoding="ascii") as file:
                file.write("0")
            self.lan.batch(name, [f"address add fd00:9::{number}/64 dev eth0 nodad"])
        self.wire = Wire(self.lan)
        self.file = {name: os.path.join(directory, f"{name}.conf") for name in ("d1", "d2")}
        self.router = {name: PROGRAMS[case.programs[name]](self.lan[name], name, self.file[name], directory)
                       for name in ("d1", "d2")}
        self.base = {name: self.lan[name].mac("eth0") for name in OWN}

    def write(self, name, priority, words=None):
        with open(self.file[name], "w", encoding="ascii") as file:
            file.write(self.case.text(priority, words))

    def start(self, name, priority):
        self.write(name, priority)
        self.router[name].start()

    def links(self, name):
        """`ip -d link` of the macvlan interfaces there, by name."""
        shown = self.lan[name].must("ip", "-d", "-j", "link", "show", "type", "macvlan")
        return {link["ifname"]: link for link in json.loads(shown or "[]")}

    def addresses(self, name, interface):
        shown = self.lan[name].run("ip", "-j", "address", "show", "dev", interface).stdout
        return [found["local"] for link in json.loads(shown or "[]") for found in link.get("addr_info", [])]

    def leads(self, name, within=8):
        """Wait until the VIP is on the virtual interface of this node, and nowhere else."""
        vip = VIP[self.case.family]
        on = lambda: [n for n in ("d1", "d2") if vip in self.addresses(n, NAME)]
        until(f"the VIP is on {NAME} of {name} alone", lambda: on() == [name], within, on)

    def known(self):
        """The MAC address that the client finds when it speaks to the VIP."""
        vip, family = VIP[self.case.family], self.case.family
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        with self.lan["client"].socket(kind, socket.SOCK_DGRAM) as out:
            out.sendto(b"?", (vip, 9))
        shown = self.lan["client"].must("ip", "-j", "neighbour", "show", vip)
        return next((found.get("lladdr") for found in json.loads(shown or "[]")), None)

    def check_known(self, when):
        until(f"the client knows the VIP by its virtual MAC address {when}",
              lambda: self.known() == MAC[self.case.family], 5, self.known)

    def advertises(self, name, mark):
        """Wait for advertisements of a master there; gives the MAC address that they come from."""
        found = lambda: [f for f in self.wire.adverts(mark, port=name, vrid=VRID) if f.priority > 0]
        until(f"{name} advertises", found, 5)
        return found()[-1].mac

    def close(self):
        for router in self.router.values():
            if router.running():
                router.kill()
        self.wire.close()
        self.lan.delete()


def check_link(bench, name, up):
    """What `ip -d link` shows of lvsdeck's virtual interface."""
    family = bench.case.family
    link = until(f"{NAME} is there", lambda: bench.links(name).get(NAME), 3)
    check("it has the virtual MAC address", link["address"] == MAC[family], link["address"])
    check("it is on eth0", link.get("link") == "eth0", link)
    check("it is a macvlan interface in mode vepa", link["linkinfo"]["info_data"]["mode"] == "vepa", link)
    check("it makes no link-local address of its own", link.get("inet6_addr_gen_mode") == "none", link)
    until(f"it is {'up' if up else 'down'}", lambda: ("UP" in bench.links(name)[NAME]["flags"]) == up, 3)
    wanted = {(NAME, "arp_ignore"): "1"}
    if family == 4:
        wanted |= {(NAME, "accept_local"): "1", (NAME, "promote_secondaries"): "1",
                   (NAME, "rp_filter"): "0", ("eth0", "arp_ignore"): "1", ("eth0", "arp_filter"): "1"}
    for (interface, word), value in wanted.items():
        with bench.lan[name].inside(), open(f"/proc/sys/net/ipv4/conf/{interface}/{word}", encoding="ascii") as file:
            found = file.read().strip()
        check(f"{word} of {interface} is {value}", found == value, found)


def story(bench):
    case, family = bench.case, bench.case.family
    ours = [name for name, program in case.programs.items() if program == "lvsdeck"]
    from_base = "vmac_xmit_base" in case.more
    expected = lambda name: bench.base[name] if from_base else MAC[family]
    # The lower priority is first, the higher one takes over, each from the virtual MAC address.
    bench.start("d2", 100)
    bench.leads("d2")
    mark = bench.wire.mark()
    check("d2 advertises from the right MAC address", bench.advertises("d2", mark) == expected("d2"))
    bench.check_known("before")
    bench.start("d1", 200)
    bench.leads("d1")
    mark = bench.wire.mark()
    check("d1 advertises from the right MAC address", bench.advertises("d1", mark) == expected("d1"))
    bench.check_known("after the take-over")
    for name in ours:
        check_link(bench, name, up=name == "d1")
    if family == 4:
        mark = bench.wire.mark()
        bench.lan["client"].run("ip", "neighbour", "flush", "dev", "eth0")
        bench.check_known("when it asks anew")
        answers = lambda: {f.sender_mac for f in bench.wire.frames[mark:] if getattr(f, "operation", 0) == 2 and f.sender == VIP[4]}
        until("somebody answers ARP for the VIP", answers, 3)
        time.sleep(0.1)  # whoever else would
        check("nobody answers ARP for the VIP with another MAC address", answers() == {MAC[4]}, answers())
    # A failover there and back: the neighbour's table does not change.
    mark = bench.wire.mark()
    bench.router["d1"].stop()
    bench.leads("d2")
    bench.check_known("after the failover")
    heard = {f.mac for f in bench.wire.adverts(mark, port="d2", vrid=VRID)}
    check("d2 advertises from the right MAC address alone", heard == {expected("d2")}, heard)
    check("d1 leaves no interface behind", bench.links("d1") == {}, bench.links("d1"))
    bench.start("d1", 200)
    bench.leads("d1")
    bench.check_known("after it came back")
    for name in ours:
        died(bench, name)
    for name in ours:
        if bench.router[name].running():
            bench.router[name].stop()
        check(f"{name} leaves no interface behind", bench.links(name) == {}, bench.links(name))


def died(bench, name):
    """SIGKILL and a new start: what is there is gone on with; without the words it is removed."""
    other, priority = ("d2", 200) if name == "d1" else ("d1", 100)
    bench.router[name].kill()
    check("the interface is still there", len(bench.links(name)) == 1, bench.links(name))
    bench.start(name, priority)
    bench.router[name].ready()
    until("one is there, and it is the same", lambda: len(bench.links(name)) == 1, 3, lambda: bench.links(name))
    bench.leads("d1")
    bench.check_known(f"after the death of {name}")
    # The interface below goes down and comes back: FAULT, and no traffic.
    if name == "d1":
        bench.lan.batch(name, ["link set eth0 down"])
        bench.leads(other)
        bench.lan.batch(name, ["link set eth0 up"] + ["address replace fd00:9::11/64 dev eth0 nodad"])
        bench.leads("d1")
        bench.lan.batch(name, [f"link del {NAME}"])
        bench.leads("d1")
        bench.check_known("after somebody deleted the interface")
    # A reload without the words moves the address, one with them moves it back.
    bench.write(name, priority, words=[])
    bench.router[name].process.send_signal(signal.SIGHUP)
    until("a reload without use_vmac removes it", lambda: bench.links(name) == {}, 3, lambda: bench.links(name))
    if name == "d1":
        vip = VIP[bench.case.family]
        until("the VIP is on eth0", lambda: vip in bench.addresses(name, "eth0"), 3, lambda: bench.addresses(name, "eth0"))
    bench.write(name, priority)
    bench.router[name].process.send_signal(signal.SIGHUP)
    until("a reload with use_vmac makes it", lambda: len(bench.links(name)) == 1, 3)
    bench.leads("d1")
    # Killed, and started without the words.
    bench.router[name].kill()
    bench.write(name, priority, words=[])
    bench.router[name].start()
    bench.router[name].ready()
    until("what was left behind is removed", lambda: bench.links(name) == {}, 3, lambda: bench.links(name))
    bench.router[name].stop()
    bench.start(name, priority)
    bench.router[name].ready()
    bench.leads("d1")


def run(case):
    with tempfile.TemporaryDirectory(prefix="vmac-") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(case, directory)
        try:
            story(bench)
        except AssertionError as error:
            logs = []
            for name in ("d1", "d2"):
                with contextlib.suppress(FileNotFoundError), open(bench.router[name].log, encoding="utf-8", errors="replace") as file:
                    logs.append(f"{name}:\n" + file.read()[-1500:])
            raise AssertionError(f"{error}\n" + "\n".join(logs)) from None
        finally:
            bench.close()


CASES = [
    Case("lvsdeck", "keepalived", 2, 4), Case("keepalived", "lvsdeck", 3, 4), Case("lvsdeck", "keepalived", 3, 6),
    Case("keepalived", "lvsdeck", 3, 6), Case("lvsdeck", "lvsdeck", 3, 4), Case("lvsdeck", "keepalived", 3, 4, ["vmac_xmit_base"]),
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    words = parser.parse_args()
    delete_left_overs()
    failed = 0
    for case in [case for case in CASES if words.only in case.name]:
        began = time.monotonic()
        try:
            run(case)
            print(f"{case.name:52} passed in {time.monotonic() - began:.0f} s", flush=True)
        except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"{case.name:52} FAILED: {error}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
