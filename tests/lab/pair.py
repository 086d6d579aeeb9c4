"""Two directors on one segment: what every scenario builds, watches and takes down."""

import os

from director import PROGRAMS
from lan import Lan
from wait import check, until
from web import curl
from wire import Wire

HERE = os.path.dirname(os.path.abspath(__file__))


def scenario_file(name):
    return os.path.join(HERE, "scenarios", name)


class Pair:
    """d1 (the master by configuration) and d2, a client, and real servers; `vip` without its length."""

    def __init__(self, case, network, vip, configs, clients=("100",), servers=(), web=None, interface="eth0"):
        """`network`: the first three octets; `servers`: last octets of r1, r2 …; `clients`: of the client's addresses."""
        self.case, self.vip = case, vip
        hosts = {"client": [f"{network}.{end}/24" for end in clients]}
        hosts |= {"d1": [f"{network}.11/24"], "d2": [f"{network}.12/24"]}
        hosts |= {f"r{i}": [f"{network}.{end}/24"] for i, end in enumerate(servers, 1)}
        self.lan = case.keep(Lan(case.label, hosts, {"d1": interface, "d2": interface}), Lan.delete)
        self.interface = interface
        self.clients = [f"{network}.{end}" for end in clients]
        self.wire = case.keep(Wire(self.lan), lambda wire: (wire.close(), wire.save(case.file("wire"))))
        self.client = self.lan["client"]
        self.web = {}
        for name in [name for name in hosts if name.startswith("r")]:
            self.lan.real_server(name, vip)
            self.web[name] = web(self.lan[name], name, case.directory)
        for name in self.web:
            until(f"{name} serves its page", lambda: curl(self.lan[name], "127.0.0.1") == name, 10)
        self.macs = {name: self.lan[name].mac(interface) for name in ("d1", "d2")}
        self.d1, self.d2 = (PROGRAMS[program](self.lan[name], name, config if "/" in config else scenario_file(config), case.directory)
                            for name, program, config in zip(("d1", "d2"), case.combo, configs))
        for director in (self.d1, self.d2):
            case.keep(director, lambda d: d.running() and d.kill())

    def holders(self):
        """The directors that have the VIP on an interface."""
        return [name for name in ("d1", "d2") if self.lan[name].holds(self.vip)]

    def held_by(self, name, within):
        """Wait until this director alone holds the VIP."""
        until(f"the VIP {self.vip} is on {name} alone", lambda: self.holders() == [name], within, self.holders)

    def announced_by(self, name, since, within=3):
        """Wait until the client has heard `name` announce the VIP, and holds its hardware address for it (if it had one)."""
        frame = self.wire.announcement(f"{name} announces the VIP, the client hears it", self.vip, since, within,
                                       heard_by="client", sender_mac=self.macs[name])
        known = lambda: self.client.neighbour(self.vip)
        until(f"the client's ARP entry is {name}'s", lambda: known() in (None, self.macs[name]), within, known)
        return frame

    def started(self):
        """Start d1 and, once it listens, d2; wait until both listen and d1 is master and announced."""
        mark = self.wire.mark()
        for director in (self.d1, self.d2):
            director.start()
            until(f"{director.name} listens for VRRP", lambda: ":0070 " in director.space.read("net/raw"), 10)  # protocol 112
        self.wire.advert("d1 becomes master", mark, 12, port="d1")
        self.held_by("d1", 5)
        self.announced_by("d1", mark)

    def takes_over(self, name, mark, earliest, latest, after):
        """Wait for the first advertisement of `name` since the mark; it comes within these seconds after the moment `after()`."""
        frame = self.wire.advert(f"{name} takes over", mark, latest + 5, port=name)
        waited = frame.at - after()
        check(f"{name} takes over after {earliest:.2f} to {latest:.2f} s", earliest <= waited <= latest, f"{waited:.3f} s")
        self.case.note(f"{name} took over after {waited:.3f} s")
        return frame

    def last_heard(self, by, source, before=None):
        """When `by` last heard an advertisement of `source`, before the moment `before` (seconds, wall clock)."""
        address = source if "." in source else self.address(source)
        times = [f.at for f in self.wire.adverts(heard_by=by, source=address) if before is None or f.at < before]
        check(f"{by} has heard {source}", times)
        return times[-1]

    def address(self, name):
        return next(a for _, a in self.lan[name].addresses() if a.endswith((".11", ".12")))
