"""Interoperability of VRRP, in network namespaces of this machine: lvsdeck with keepalived, FRRouting and itself.

Each case is two routers on a bridge: who is what, which version, which family, multicast or unicast. What counts is what
passes on the wire, by the kernel's time stamps, and on which node the address is. `tests/lab/interop` for how to call it.
"""

import argparse
import concurrent.futures
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from director import Keepalived, Lvsdeck  # noqa: E402
from lan import Lan, delete_left_overs  # noqa: E402
from wait import check, until  # noqa: E402
from wire import Wire  # noqa: E402

PROGRAMS = ("lvsdeck", "keepalived", "frr")
VIP = {4: "10.9.0.100", 6: "fd00:9::100"}
LINK_VIP = "fe80::9:100"
OWN = {("d1", 4): "10.9.0.11", ("d2", 4): "10.9.0.12", ("d1", 6): "fd00:9::11", ("d2", 6): "fd00:9::12"}
LINK = {"d1": "fe80::11", "d2": "fe80::12"}
VRID = 51
SLACK = 0.25  # seconds: many cases share two processors


class Case:
    """One combination. `interval` in seconds: 1 in version 2, which carries whole seconds."""

    def __init__(self, first, second, version, family, unicast, authentication=None):
        self.programs = {"d1": first, "d2": second}
        self.version, self.family, self.unicast, self.authentication = version, family, unicast, authentication
        self.interval = 1.0 if version == 2 else 0.1
        way = "unicast" if unicast else "multicast"
        self.name = f"{first}/{second} v{version} IPv{family} {way}" + (f" {authentication}" if authentication else "")

    def down(self, priority):
        """Master_Down_Interval (RFC 3768 §6.1, RFC 9568 §6.1)."""
        return 3 * self.interval + self.skew(priority)

    def skew(self, priority):
        return (256 - priority) / 256 * (1 if self.version == 2 else self.interval)


def config(case, node, priority, more=()):
    """A keepalived.conf that both lvsdeck and keepalived read."""
    other = "d2" if node == "d1" else "d1"
    vips = [f"{VIP[4]}/24"] if case.family == 4 else [f"{LINK_VIP}/64", f"{VIP[6]}/64"]
    lines = [f"global_defs {{\n vrrp_version {case.version}\n}}", "vrrp_instance VI {", " interface eth0",
             f" virtual_router_id {VRID}", f" priority {priority}", f" advert_int {case.interval:g}"]
    if case.unicast:
        own = OWN[node, case.family]
        lines += [f" unicast_src_ip {own}", f" unicast_peer {{\n  {OWN[other, case.family]}\n }}"]
    if case.authentication:
        lines += [f" authentication {{\n  auth_type {case.authentication}\n  auth_pass secret\n }}"]
    lines += [" virtual_ipaddress {", *[f"  {vip}" for vip in [*vips, *more]], " }", "}"]
    return "\n".join(lines) + "\n"


class Frr:
    """zebra and vrrpd of FRRouting. It keeps the addresses on a macvlan and switches that on and off."""

    program = "frr"

    def __init__(self, space, name, case, directory):
        self.space, self.name, self.case = space, name, case
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        self.processes = []

    def prepare(self):
        family = self.case.family
        mac = f"00:00:5e:00:0{1 if family == 4 else 2}:{VRID:02x}"
        batch = f"link add vm0 link eth0 address {mac} type macvlan mode bridge\n"
        if family == 4:
            batch += f"address add {VIP[4]}/24 dev vm0\n"
        else:
            batch += f"link set vm0 addrgenmode none\naddress add {LINK_VIP}/64 dev vm0 nodad\naddress add {VIP[6]}/64 dev vm0 nodad\n"
        batch += "link set vm0 up\n"
        self.space.must("ip", "-batch", "-", text=batch)

    def start(self, priority):
        case, at = self.case, lambda kind: os.path.join(self.directory, kind)
        if not self.processes:
            self.prepare()
        word = "ip" if case.family == 4 else "ipv6"
        with open(at("vrrpd.conf"), "w", encoding="ascii") as file:
            file.write(f"interface eth0\n vrrp {VRID} version {case.version}\n vrrp {VRID} priority {priority}\n"
                       f" vrrp {VRID} advertisement-interval {int(case.interval * 1000)}\n"
                       f" vrrp {VRID} {word} {VIP[case.family]}\n")
        open(at("zebra.conf"), "w", encoding="ascii").close()
        shutil.chown(self.directory, "frr", "frr")
        shared = ["-z", at("zserv"), "-P", "0", "--vty_socket", self.directory, "--log", "stdout"]
        for daemon in ("zebra", "vrrpd"):
            self.processes.append(self.space.start(
                [f"/usr/lib/frr/{daemon}", *shared, "-f", at(f"{daemon}.conf"), "-i", at(f"{daemon}.pid")], at("log")))
            if daemon == "zebra":
                until("zebra listens", lambda: os.path.exists(at("zserv")), 10)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(10)
        self.processes = []
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.directory, "zserv"))
        self.space.run("ip", "link", "del", "vm0")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


class Engine:
    """lvsdeck or keepalived."""

    def __init__(self, kind, space, name, case, directory):
        self.case, self.name, self.program = case, name, kind.program
        self.file = os.path.join(directory, f"{name}.conf")
        self.director = kind(space, name, self.file, directory)

    def write(self, priority, more=()):
        with open(self.file, "w", encoding="ascii") as file:
            file.write(config(self.case, self.name, priority, more))

    def start(self, priority):
        self.write(priority)
        self.director.start()

    def reload(self, priority, more=()):
        self.write(priority, more)
        self.director.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.director.stop()

    def close(self):
        if self.director.running():
            self.director.kill()


class Bench:
    """The segment of a case with its two routers."""

    def __init__(self, case, directory):
        self.case = case
        own = lambda node: [f"{OWN[node, 4]}/24"]
        self.lan = Lan("interop", {node: own(node) for node in ("d1", "d2")})
        try:
            for node in ("d1", "d2"):
                with self.lan[node].inside():
                    for where in ("all", "default", "eth0"):
                        with open(f"/proc/sys/net/ipv6/conf/{where}/accept_dad", "w", encoding="ascii") as file:
                            file.write("0")
                self.lan.batch(node, ["link set eth0 down", "link set eth0 addrgenmode none", "link set eth0 up",
                                     f"address add {LINK[node]}/64 dev eth0 nodad",
                                     f"address add {OWN[node, 6]}/64 dev eth0 nodad"])
            self.wire = Wire(self.lan)
            kinds = {"lvsdeck": Lvsdeck, "keepalived": Keepalived}
            self.routers = {
                node: Frr(self.lan[node], node, case, directory) if program == "frr"
                else Engine(kinds[program], self.lan[node], node, case, directory)
                for node, program in case.programs.items()
            }
        except BaseException:
            self.lan.delete()
            raise

    def close(self):
        for router in self.routers.values():
            router.close()
        self.wire.close()
        self.lan.delete()

    def adverts(self, port, mark=0):
        return [f for f in self.wire.adverts(mark, port=port) if f.vrid == VRID]

    def masters(self, span):
        """Who advertised with a priority above 0 in the last `span` seconds."""
        since = time.time() - span
        return sorted({f.port for f in self.wire.frames[-4000:] if hasattr(f, "vrid") and f.heard_by is None
                       and f.vrid == VRID and f.at >= since and f.priority > 0})

    def alone(self, node, within):
        span = 2.5 * self.case.interval
        until(f"{node} alone is master", lambda: self.masters(span) == [node], within + span + 2, lambda: self.masters(span))

    def takes(self, node, mark, base, expected, what, bound=None):
        """`node` advertises `expected` seconds after the moment `base`."""
        found = lambda: [f for f in self.adverts(node, mark) if f.priority > 0]
        until(what, found, expected + 5)
        waited = found()[0].at - base()
        latest = expected + SLACK if bound is None else bound
        check(f"{what} after {expected:.4f} s", expected - 0.03 <= waited <= latest, f"{waited:.4f} s")
        return waited


def story(bench):
    case, (d1, d2) = bench.case, (bench.routers["d1"], bench.routers["d2"])
    notes = {}
    # Election: the higher priority, whoever was first.
    d2.start(100)
    bench.alone("d2", case.down(100) + 3)
    mark = bench.wire.mark()
    d1.start(200)
    bench.alone("d1", case.down(200) + 4)
    # Silent death: Master_Down_Interval after the last advertisement that was heard.
    mark = bench.wire.mark()
    bench.lan.unplug("d1")
    last = lambda: max(f.at for f in bench.wire.adverts(heard_by="d2") if f.priority == 200 and f.at)
    notes["silent"] = bench.takes("d2", mark, last, case.down(100), "d2 takes over from the silent d1")
    bench.lan.plug("d1")
    bench.alone("d1", case.down(200) + 2)
    # Planned: lvsdeck is swift in version 3.
    mark = bench.wire.mark()
    d1.stop()
    resigned = until("d1 resigns", lambda: [f for f in bench.adverts("d1", mark) if f.priority == 0], 3)[0]
    swift = d1.program == "lvsdeck" and case.version == 3
    expected = 0.01 * 156 / 256 if swift else case.skew(100)
    notes["planned"] = bench.takes("d2", mark, lambda: resigned.at, expected, "d2 takes over from d1, which resigned")
    # It returns, and takes mastership back.
    d1.start(200)
    bench.alone("d1", case.down(200) + 4)
    # Equal priorities are decided among masters by the higher address: d2's.
    if d1.program != "frr" and d2.program != "frr":
        d1.reload(100)
        time_of_change = bench.wire.mark()
        until("d1 advertises its new priority", lambda: [f for f in bench.adverts("d1", time_of_change) if f.priority == 100], 5)
        bench.lan.unplug("d1")
        until("both are master, each on its side", lambda: bench.masters(2.5 * case.interval) == ["d1", "d2"], case.down(100) + 4)
        bench.lan.plug("d1")
        bench.alone("d2", 3 * case.interval + 2)
        # Reload with a VIP more, on both.
        more = ["10.9.0.101/24"] if case.family == 4 else ["fd00:9::101/64"]
        d2.reload(100, more)
        d1.reload(100, more)
        until("the new address is on d2", lambda: holds(bench.lan["d2"], more[0]), 5)
        bench.alone("d2", case.down(100) + 2)
    return notes


def holds(space, address):
    return f" {address.split('/')[0]}/" in space.must("ip", "address", "show", "dev", "eth0")


def run(case):
    with tempfile.TemporaryDirectory(prefix="interop-") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(case, directory)
        try:
            return story(bench)
        except AssertionError as error:
            logs = []
            for node in ("d1", "d2"):
                with contextlib.suppress(FileNotFoundError), open(os.path.join(directory, node, "log"), encoding="utf-8", errors="replace") as file:
                    logs.append(f"{node}:\n" + file.read()[-700:])
            raise AssertionError(f"{error}\n" + "\n".join(logs)) from None
        finally:
            bench.close()


def cases(full):
    pairs = [("lvsdeck", "lvsdeck")] + [pair for other in ("keepalived", "frr") for pair in (("lvsdeck", other), (other, "lvsdeck"))]
    if full:
        pairs = [(a, b) for a, b in itertools.product(PROGRAMS, PROGRAMS) if "lvsdeck" in (a, b) or a == b == "keepalived"]
    for first, second in pairs:
        for version, family, unicast in ((3, 4, False), (3, 6, False), (3, 4, True), (3, 6, True), (2, 4, False), (2, 4, True)):
            if unicast and "frr" in (first, second):
                continue  # FRRouting has no unicast
            if not full and (version == 2 and unicast or version == 3 and family == 6 and unicast):
                continue
            yield Case(first, second, version, family, unicast)
        if "frr" in (first, second):
            continue  # nor authentication
        for unicast, authentication in ((False, "AH"), (True, "AH"), (False, "PASS")):
            if full or not unicast and authentication == "AH":
                yield Case(first, second, 2, 4, unicast, authentication)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--jobs", type=int, default=4)
    words = parser.parse_args()
    delete_left_overs()
    chosen = [case for case in cases(words.full) if words.only in case.name]
    if not chosen:
        sys.exit(f"no case has {words.only!r} in its name")
    failed = 0
    began = time.monotonic()
    print(f"{'case':52} {'silent [ms]':>12} {'late':>7} {'planned [ms]':>13}")
    with concurrent.futures.ThreadPoolExecutor(words.jobs) as pool:
        for case, future in [(case, pool.submit(run, case)) for case in chosen]:
            try:
                notes = future.result()
            except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"{case.name:52} FAILED: {error}")
                continue
            late = notes["silent"] - case.down(100)
            print(f"{case.name:52} {notes['silent'] * 1000:12.2f} {late * 1000:7.2f} {notes['planned'] * 1000:13.2f}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} cases, {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
