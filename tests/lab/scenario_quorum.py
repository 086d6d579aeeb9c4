"""One story of failures for keepalived and for lvsdeck: the same table, the same lines in the FIFO, after every step.

Quorum edges, hysteresis, sorry server, inhibit, omega, alpha, weights, ha_suspend, groups, retries, several checks of a server, weights
from scripts and files, each a service of its own. Each program is alone in its namespace, where the checked servers are listeners
on the loopback that the story opens and closes. Compared are `ipvsadm -Sn` and, sorted within a step (checks run side by side),
the lines of lvs_notify_fifo.
"""

import contextlib
import dataclasses
import os
import socket
import threading
import time

import lan
from director import Keepalived, Lvsdeck
from netns import Namespace, ip
from wait import check, until

GLOBAL = """global_defs {{
    lvs_notify_fifo {directory}/fifo
}}
track_file number {{
    file {directory}/number
    weight 1
}}
"""
SERVERS = 3
SORRY = "sorry_server 10.9.2.9 80\n"
CHECK = "TCP_CHECK {{\n connect_ip 127.0.1.{number}\n delay_loop 1\n retry 0\n warmup 0\n {more}\n }}\n"
SCRIPT = "MISC_CHECK {{\n misc_path {directory}/script\n misc_dynamic\n misc_timeout 10\n delay_loop 1\n retry 0\n warmup 0\n }}\n"
FILE = "FILE_CHECK {\n track_file number\n}\n"


@dataclasses.dataclass
class Service:
    """A service with three servers of weight 2, so a weight of 6 in all: the words of the service, of its first server, of each server
    and of each check; further checks of the first server; how it is reached."""

    words: str = ""
    first: str = ""
    each: str = ""
    checks: str = ""
    more: str = ""
    way: str = "address"
    protocol: str = "TCP"


SERVICES = {
    "plain": Service(),
    "edge": Service("quorum 3"),
    "hysteresis": Service("quorum 3\n hysteresis 1"),
    "sorry": Service("quorum 3\n" + SORRY),
    "hysteresis and sorry": Service("quorum 4\n hysteresis 2\n" + SORRY),
    "inhibit": Service("inhibit_on_failure"),
    "inhibit one": Service("quorum 3\n" + SORRY, "inhibit_on_failure"),
    "sorry inhibit": Service("quorum 3\n" + SORRY + "sorry_server_inhibit\n", "inhibit_on_failure"),
    "sorry method": Service("quorum 5\n sorry_server 10.9.2.9 8080\n sorry_server_lvs_method NAT"),
    "alpha": Service("alpha\n quorum 3\n" + SORRY),
    "alpha inhibit": Service("alpha\n quorum 3\n" + SORRY + "sorry_server_inhibit\n", "inhibit_on_failure"),
    "omega": Service("omega\n quorum 3"),
    "weights": Service("quorum 5", "weight 4"),
    "suspend": Service("quorum 3\n ha_suspend"),
    "mark": Service("quorum 3", way="mark"),
    "group": Service("quorum 3", way="group"),
    "group and sorry": Service("quorum 5\n" + SORRY, way="group"),
    "alpha but one": Service("alpha\n quorum 3", "alpha off"),
    "alpha of one": Service("quorum 3", "alpha"),
    "alpha of a check": Service("quorum 5\n" + SORRY, checks="alpha"),
    "omega and sorry": Service("omega\n quorum 3\n" + SORRY),
    "omega inhibit": Service("omega\n inhibit_on_failure\n quorum 3\n hysteresis 1"),
    "retries": Service("quorum 3\n" + SORRY, checks="retry 2\n delay_before_retry 0.3"),
    "warm-up": Service("alpha\n quorum 3", checks="warmup 1"),
    "weight 0": Service("quorum 3\n" + SORRY, "weight 0"),
    "beyond": Service("quorum 9\n" + SORRY),
    "marks": Service("quorum 3\n" + SORRY, way="marks"),
    "two checks": Service("quorum 5", more=CHECK.format(number=2, more="")),
    "two checks inhibit": Service("quorum 5\n" + SORRY, "inhibit_on_failure", more=CHECK.format(number=3, more="")),
    "IPv6": Service("quorum 3\n sorry_server fd00:9:2::9 80\n", way="six"),
    "IPv6 mark": Service("quorum 3\n ip_family inet6\n", way="six mark"),
    "UDP": Service("quorum 3\n ops\n" + SORRY.replace("80", "53"), protocol="UDP", checks="connect_port 80"),
    "persistence": Service("quorum 3\n persistence_timeout 300\n persistence_granularity 255.255.255.0\n" + SORRY),
    "thresholds": Service("quorum 3\n lvs_sched mh\n mh-port\n", each="uthreshold 100\n lthreshold 50\n"),
    "unchecked": Service("quorum 5\n" + SORRY, checks="none"),
    "script": Service("quorum 5\n" + SORRY, more=SCRIPT),
    "script inhibit": Service("quorum 3", "inhibit_on_failure", more=SCRIPT),
    "file": Service("quorum 5\n" + SORRY, more=FILE),
    "reached": Service("quorum 5\n hysteresis 1"),
    "not reached": Service("quorum 5\n hysteresis 2"),
    "file not reached": Service("quorum 5\n hysteresis 2\n" + SORRY, more=FILE),
    "alpha and file": Service("alpha\n quorum 3", more=FILE),
    "alpha of the others": Service("quorum 5", checks="alpha", more=CHECK.format(number=2, more="")),
}
# Seconds in which every check runs twice.
ROUNDS = 2.4
# What happens to the servers of every service: dies (-) or returns (+); what the script exits with (s), what the file says (f).
STORY = ("-1", "-2", "-3", "+3", "+1", "+2", "-2 -3", "+2 +3", "-1 -2 -3", "+1 +2 +3", "s7 f3", "s2 f-3", "s1 f-1", "s9 f2", "s0 f0")


def names(place, service):
    """The line that opens a service, and the group that it needs."""
    if service.way in ("mark", "six mark"):
        return f"virtual_server fwmark {place}", ""
    if service.way == "six":
        return f"virtual_server fd00:9::{place} 80", ""
    if service.way in ("group", "marks"):
        lines = f"    10.9.0.{place} 80\n    10.9.{100 + place}.0-2 80\n"
        if service.way == "marks":
            lines = f"    fwmark {100 + place}\n    fwmark {200 + place}\n"
        return f"virtual_server group G{place}", f"virtual_server_group G{place} {{\n{lines}}}\n"
    return f"virtual_server 10.9.0.{place} {53 if service.protocol == 'UDP' else 80}", ""


def server(service, number, directory):
    """The block of a real server."""
    address = f"fd00:9:1::{number}" if service.way.startswith("six") else f"10.9.1.{number}"
    own = service.each + (service.first if number == 1 else "")
    weight = "" if "weight" in own else "weight 2\n"
    checks = "" if service.checks == "none" else CHECK.format(number=number, more=service.checks)
    more = service.more.replace("{directory}", directory).replace("{{", "{").replace("}}", "}") if number == 1 else ""
    return f" real_server {address} {53 if service.protocol == 'UDP' else 80} {{\n {weight} {own}\n {checks} {more} }}\n"


def configuration(directory):
    text = GLOBAL.format(directory=directory)
    for place, service in enumerate(SERVICES.values(), 1):
        opening, group = names(place, service)
        kind = "NAT" if "mark" in service.way else "DR"
        text += f"{group}{opening} {{\n lb_algo rr\n lb_kind {kind}\n protocol {service.protocol}\n {service.words}\n"
        text += "".join(server(service, number, directory) for number in range(1, SERVERS + 1)) + "}\n"
    return text


class Run:
    """One program through the story, in a namespace of its own."""

    def __init__(self, case, kind):
        self.directory = os.path.join(case.directory, kind.program)
        os.makedirs(self.directory)
        name = f"lab{os.getpid()}-{next(lan.NUMBERS)}-{kind.program}"
        ip(f"netns add {name}\n")
        self.space = case.keep(Namespace(name), Namespace.delete)
        self.space.must("ip", "link", "set", "lo", "up")
        for place, service in enumerate(SERVICES, 1):
            if service != "suspend":
                self.address("add", place)
        self.fifo = os.path.join(self.directory, "fifo")
        os.mkfifo(self.fifo)
        self.reader = case.keep(os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK), os.close)
        self.act("s0 f0")
        path = os.path.join(self.directory, "conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(self.directory))
        self.listeners, self.lock = {}, threading.Lock()
        self.ended = threading.Event()
        case.keep(self.ended, threading.Event.set)
        threading.Thread(target=self.answer, daemon=True).start()
        self.act("+1 +2 +3")
        self.director = kind(self.space, "d1", path, self.directory)

    def address(self, act, place):
        self.space.must("ip", "address", act, f"10.9.0.{place}/32", "dev", "lo")

    def answer(self):
        """Takes the connections of the checks."""
        while not self.ended.wait(0.05):
            with self.lock:
                for listener in self.listeners.values():
                    with contextlib.suppress(BlockingIOError):
                        while True:
                            listener.accept()[0].close()

    def act(self, step):
        for word in step.split():
            if word[0] in "sf":
                self.says(word[0], word[1:])
                continue
            with self.lock:
                if word[0] == "-":
                    self.listeners.pop(word[1:]).close()
                    continue
                listener = self.space.socket(socket.AF_INET, socket.SOCK_STREAM)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((f"127.0.1.{word[1:]}", 80))
                listener.listen(64)
                listener.setblocking(False)
                self.listeners[word[1:]] = listener

    def says(self, what, number):
        """What the script exits with, or the file has, from now on: never half of it."""
        name, text = ("script", f"#!/bin/sh\nexit {number}\n") if what == "s" else ("number", f"{number}\n")
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def told(self):
        """The lines since the last time, sorted."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                data += os.read(self.reader, 65536)
        return sorted(data.decode().splitlines())

    def table(self):
        return sorted(self.space.must("ipvsadm", "-Sn").splitlines())


def compare(case, runs, step, act):
    """Acts on both, and waits until both tables are the same after every check has run."""
    case.step(step)
    for one in runs:
        act(one)
    time.sleep(ROUNDS)  # what is compared must be what came of it, not what was before
    keepalived, lvsdeck = runs
    only = lambda: (sorted(set(keepalived.table()) - set(lvsdeck.table())), sorted(set(lvsdeck.table()) - set(keepalived.table())))
    until(f"{step}: both tables are the same (keepalived's lines, lvsdeck's)", lambda: keepalived.table() == lvsdeck.table(), 6, only)
    theirs, ours = keepalived.told(), lvsdeck.told()
    extra = (sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs)))
    check(f"{step}: the same lines are told (keepalived's alone, lvsdeck's alone)", theirs == ours, extra)
    case.note(f"{len(keepalived.table())} lines of table, {len(theirs)} told")


def run(case):
    runs = [Run(case, Keepalived), Run(case, Lvsdeck)]
    compare(case, runs, "the start", lambda one: one.director.start())
    for step in STORY:
        compare(case, runs, step, lambda one, step=step: one.act(step))
    place = list(SERVICES).index("suspend") + 1
    compare(case, runs, "-1 -2", lambda one: one.act("-1 -2"))
    compare(case, runs, "the suspended service's address comes", lambda one: one.address("add", place))
    compare(case, runs, "it goes", lambda one: one.address("del", place))
    compare(case, runs, "+1 +2", lambda one: one.act("+1 +2"))
    compare(case, runs, "the end", lambda one: one.director.stop())
