"""Told and tracked: notify scripts, the FIFO, track_interface, track_file, excluded addresses, routes and rules, with the same expectations
of keepalived and of lvsdeck on either side: keepalived is the oracle."""

import contextlib
import os

from pair import Pair
from wait import check, until

CONFIG = """global_defs {{
    script_user root
    vrrp_notify_fifo {fifo}
    vrrp_garp_master_delay 0
}}
track_file load {{
    file {file}
    weight -1
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    virtual_ipaddress_excluded {{
        10.0.5.1/32
    }}
    virtual_routes {{
        10.77.0.0/16 via 10.0.0.254 dev eth0 metric 50
        blackhole 10.78.0.0/16
    }}
    virtual_rules {{
        from 10.79.0.0/16 table 100 preference 900
    }}
    track_file {{
        load
    }}
    notify "{script} any"
    notify_master "{script} master 'two words'"
    notify_backup "{script} backup"
    notify_stop "{script} stop"
}}
"""
SCRIPT = """#!/bin/sh
echo "$*" >> {out}
"""


class Node:
    """The files of one director, and what its script and its FIFO were told."""

    def __init__(self, case, name, priority):
        at = lambda kind: case.file(f"{name}.{kind}")
        self.out, self.fifo, self.file = at("told"), at("fifo"), at("load")
        script = case.write(f"{name}.script", SCRIPT.format(out=self.out))
        os.chmod(script, 0o755)
        self.load(0)
        os.mkfifo(self.fifo, 0o600)
        # Open for reading and writing: neither side ever waits for the other, and nothing is lost.
        self.reader = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.read = ""
        self.config = case.write(f"{name}.conf", CONFIG.format(fifo=self.fifo, file=self.file, script=script, priority=priority))

    def load(self, number):
        with open(self.file, "w", encoding="ascii") as file:
            file.write(f"{number}\n")

    def lines(self):
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.reader, 65536):
                self.read += part.decode()
        return self.read.splitlines()

    def told(self):
        with contextlib.suppress(FileNotFoundError), open(self.out, encoding="utf-8") as file:
            return file.read().splitlines()
        return []

    def close(self):
        os.close(self.reader)


def moved(space):
    """What of the instance is on a node beside its address."""
    shown = space.must("ip", "-4", "address") + space.must("ip", "-4", "route") + space.must("ip", "-4", "rule")
    wanted = {"excluded": "10.0.5.1/32", "route": "10.77.0.0/16 via 10.0.0.254 dev eth0", "blackhole": "blackhole 10.78.0.0/16",
              "rule": "from 10.79.0.0/16 lookup 100"}
    return {name for name, text in wanted.items() if text in shown}


ALL = {"excluded", "route", "blackhole", "rule"}


def run(case):
    nodes = {"d1": case.keep(Node(case, "d1", 150), Node.close), "d2": case.keep(Node(case, "d2", 100), Node.close)}
    pair = Pair(case, "10.0.0", "10.0.0.100", [nodes[name].config for name in ("d1", "d2")], clients=("200",))
    case.step("d1 becomes master: told in order, and everything is on it")
    pair.started()
    tells(nodes["d1"], ["BACKUP 150", "MASTER 150"])
    tells(nodes["d2"], ["BACKUP 100"])
    scripts(nodes["d1"], {"backup", "any INSTANCE VI_1 BACKUP 150", "master two words", "any INSTANCE VI_1 MASTER 150"})
    until("all of it is on d1 alone", lambda: (moved(pair.lan["d1"]), moved(pair.lan["d2"])) == (ALL, set()), 5,
          lambda: (moved(pair.lan["d1"]), moved(pair.lan["d2"])))
    case.step("its file says 100: its priority falls to 50, d2 takes over, and all of it moves")
    mark = pair.wire.mark()
    nodes["d1"].load(100)
    pair.wire.advert("d1 advertises priority 50", mark, 5, port="d1", priority=50)
    pair.wire.advert("d2 takes over", mark, 10, port="d2", priority=100)
    pair.held_by("d2", 5)
    tells(nodes["d1"], ["BACKUP 150", "MASTER 150", "BACKUP 50"])
    tells(nodes["d2"], ["BACKUP 100", "MASTER 100"])
    until("all of it is on d2 alone", lambda: (moved(pair.lan["d1"]), moved(pair.lan["d2"])) == (set(), ALL), 5,
          lambda: (moved(pair.lan["d1"]), moved(pair.lan["d2"])))
    case.step("both stop: told, and nothing is left")
    for director in (pair.d1, pair.d2):
        director.stop()
    tells(nodes["d2"], ["BACKUP 100", "MASTER 100", "STOP 100"])
    scripts(nodes["d2"], {"stop", "any INSTANCE VI_1 STOP 100"})
    left = lambda: [moved(pair.lan[name]) for name in ("d1", "d2")]
    until("nothing of it is left", lambda: left() == [set(), set()], 5, left)
    for director, node in ((pair.d1, nodes["d1"]), (pair.d2, nodes["d2"])):
        if director.program == "lvsdeck":  # keepalived starts all of them at once
            told = node.told()
            states = [line.split()[3] for line in told if line.startswith("any ")]
            check("the scripts ran in order", states == [line.split()[2] for line in node.lines()], told)
            check("each after the script of its state", all(
                told[at - 1].split()[0] == line.split()[3].lower() for at, line in enumerate(told) if line.startswith("any ")), told)


def tells(node, states):
    wanted = [f'INSTANCE "VI_1" {state}' for state in states]
    until(f"the FIFO says {states}", lambda: node.lines() == wanted, 5, node.lines)


def scripts(node, wanted):
    until(f"the script was told {sorted(wanted)}", lambda: wanted <= set(node.told()), 5, node.told)
