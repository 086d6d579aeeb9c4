"""One story of failures for keepalived and for lvsdeck: the same table, the same lines in the FIFO, after every step.

Quorum edges, hysteresis, sorry server, inhibit, omega, alpha, weights, ha_suspend and groups, each a service of its own. Each
program is alone in its namespace, where the checked servers are listeners on the loopback that the story opens and closes.
Compared are `ipvsadm -Sn` and, sorted within a step (checks run side by side), the lines of lvs_notify_fifo.
"""

import contextlib
import os
import socket
import threading
import time

import lan
from director import Keepalived, Lvsdeck
from netns import Namespace, ip
from wait import check, until

GLOBAL = "global_defs {{\n    lvs_notify_fifo {directory}/fifo\n}}\n"
SERVERS = 3
# name → the words of the service and of its first server. Each has three servers of weight 2, so a weight of 6 in all.
SERVICES = {
    "plain": ("", ""),
    "edge": ("quorum 3", ""),
    "hysteresis": ("quorum 3\n hysteresis 1", ""),
    "sorry": ("quorum 3\n sorry_server 10.9.2.9 80", ""),
    "hysteresis and sorry": ("quorum 4\n hysteresis 2\n sorry_server 10.9.2.9 80", ""),
    "inhibit": ("inhibit_on_failure", ""),
    "inhibit one": ("quorum 3\n sorry_server 10.9.2.9 80", "inhibit_on_failure"),
    "sorry inhibit": ("quorum 3\n sorry_server 10.9.2.9 80\n sorry_server_inhibit", "inhibit_on_failure"),
    "sorry method": ("quorum 5\n sorry_server 10.9.2.9 8080\n sorry_server_lvs_method NAT", ""),
    "alpha": ("alpha\n quorum 3\n sorry_server 10.9.2.9 80", ""),
    "alpha inhibit": ("alpha\n quorum 3\n sorry_server 10.9.2.9 80\n sorry_server_inhibit", "inhibit_on_failure"),
    "omega": ("omega\n quorum 3", ""),
    "weights": ("quorum 5", "weight 4"),
    "suspend": ("quorum 3\n ha_suspend", ""),
    "mark": ("quorum 3", ""),
    "group": ("quorum 3", ""),
    "group and sorry": ("quorum 5\n sorry_server 10.9.2.9 80", ""),
}
# Seconds in which every check runs twice.
ROUNDS = 2.4
# What happens to the servers of every service: dies (-) or returns (+).
STORY = ("-1", "-2", "-3", "+3", "+1", "+2", "-2 -3", "+2 +3", "-1 -2 -3", "+1 +2 +3")


def names(place, name):
    """The line that opens a service, and the group that it needs."""
    if name == "mark":
        return f"virtual_server fwmark {place}", ""
    if name.startswith("group"):
        lines = f"    10.9.0.{place} 80\n    10.9.3.{10 * place}-{10 * place + 2} 80\n"
        return f"virtual_server group G{place}", f"virtual_server_group G{place} {{\n{lines}}}\n"
    return f"virtual_server 10.9.0.{place} 80", ""


def configuration(directory):
    text = GLOBAL.format(directory=directory)
    for place, (name, (words, first)) in enumerate(SERVICES.items(), 1):
        opening, group = names(place, name)
        text += f"{group}{opening} {{\n lb_algo rr\n lb_kind {'NAT' if name == 'mark' else 'DR'}\n protocol TCP\n {words}\n"
        for number in range(1, SERVERS + 1):
            own = first if number == 1 else ""
            weight = "" if "weight" in own else " weight 2\n"
            text += (f" real_server 10.9.1.{number} 80 {{\n{weight} {own}\n TCP_CHECK {{\n"
                     f" connect_ip 127.0.1.{number}\n delay_loop 1\n retry 0\n warmup 0\n }}\n }}\n")
        text += "}\n"
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
