"""`lvsdeck watch` beside a running pair: what it says is what ipvsadm and the wire say, and it changes nothing.

The directors are keepalived where the combo says so. The watch's system calls are recorded: nothing leaves, nothing is written.
"""

import json
import os
import re
import signal
import subprocess
import time

from director import Lvsdeck, descendants
from scenario_s4 import build
from wait import check, until

BINARY = os.path.abspath(Lvsdeck.binary)
NOBODY = 65534


class Watch:
    """A watch that prints JSON lines, in the namespace of a director."""

    def __init__(self, case, director, *words):
        self.output = case.file(f"watch-{director.name}.json")
        self.trace = case.file(f"watch-{director.name}.strace")
        command = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-o", self.trace, "-e",
                   "trace=network,write,writev,pwrite64,execve,kill", BINARY, "watch", "--json", *words]
        with open(self.output, "w", encoding="utf-8") as out, director.space.inside():
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def lines(self):
        with open(self.output, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def told(self, kind, **fields):
        events = [event for event in self.lines()[1:] if event["kind"] == kind]
        return [e for e in events if all(e.get(name) == value for name, value in fields.items())]

    def heard_as(self, state):
        """Whether the instance was in this state at first, or came into it."""
        lines = self.lines()
        first = [router["state"] for line in lines[:1] for router in line["virtual_routers"]]
        return state in first or self.told("instance-state", to=state)

    def stop(self):
        if self.process.poll() is None:
            for child in descendants(self.process.pid):  # strace itself takes no signal while it traces
                os.kill(child, signal.SIGTERM)
            self.process.wait(10)


def once(director, *words, **more):
    with director.space.inside():
        return subprocess.run([BINARY, "watch", "--once", *words], capture_output=True, text=True, timeout=20, **more)


def status(director, *words, **more):
    result = once(director, "--json", *words, **more)
    check("watch --once --json succeeds", result.returncode == 0, result.stderr)
    return json.loads(result.stdout)


def as_ipvsadm(seen):
    """The table of a status in the words of `ipvsadm -ln`, without the servers that are not in the kernel."""
    table = {}
    for service in seen["virtual_servers"]:
        servers = {s["key"]: (s["kernel"]["forward"], s["kernel"]["weight"]) for s in service["real_servers"] if s["kernel"]}
        table[service["key"]] = (service["scheduler"], service["persistence"], servers)
    return table


def ipvsadm(director):
    table, forward = {}, {"Route": "dr", "Masq": "nat", "Tunnel": "tun"}
    for line in director.space.must("ipvsadm", "-ln").splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            servers[words[1]] = (forward[words[2]], int(words[3]))
        else:
            servers = {}
            persistent = int(words[words.index("persistent") + 1]) if "persistent" in words else None
            table[f"{words[0].lower()}/{words[1]}"] = (words[2], persistent, servers)
    return table


def run(case):
    balanced = build(case)
    pair = balanced.pair
    case.step("start: both directors serve, d1 is master")
    pair.started()
    balanced.tables_are("r1", "r2", within=15)
    before = {d.name: (d.space.must("ipvsadm", "-Sn"), sorted(d.space.addresses())) for d in (pair.d1, pair.d2)}

    case.step("a watch on each: the table is ipvsadm's, the instances are those of the wire")
    watches = {d.name: case.keep(Watch(case, d, "-f", d.config), Watch.stop) for d in (pair.d1, pair.d2)}
    for director in (pair.d1, pair.d2):
        until("the first line came", lambda: watches[director.name].lines(), 30)
        check("the table is ipvsadm's", as_ipvsadm(status(director)) == ipvsadm(director), status(director)["virtual_servers"])
    states = {d.name: [r["state"] for r in status(d, "-f", d.config)["virtual_routers"]] for d in (pair.d1, pair.d2)}
    check("a picture alone waits for the advertisements", states == {"d1": ["MASTER"], "d2": ["BACKUP"]}, states)
    until("d1 is heard as master", lambda: watches["d1"].heard_as("MASTER"), 5, watches["d1"].lines)
    until("d2 is backup beside it", lambda: watches["d2"].heard_as("BACKUP"), 5, watches["d2"].lines)

    case.step("without a file and without root: what /proc gives, and what is missing")
    plain = once(pair.d1, user=NOBODY, group=NOBODY, extra_groups=[])
    check("it ends well", plain.returncode == 0, plain.stderr)
    for word in ("10.0.0.1:80", "10.0.0.71:80", "CAP_NET_ADMIN", "VRRP can't be heard"):
        check(f"it says {word}", word in plain.stdout, plain.stdout)
    seen = as_ipvsadm(status(pair.d1, user=NOBODY, group=NOBODY, extra_groups=[]))
    wanted = {key: (scheduler, None, servers) for key, (scheduler, _, servers) in ipvsadm(pair.d1).items()}
    check("the table is ipvsadm's all the same, but for the persistence", seen == wanted, (seen, wanted))

    case.step("a real server dies: the watch says that it left the table")
    pair.web["r2"].stop()
    for name in ("d1", "d2"):
        until(f"{name}'s watch tells of it", lambda: watches[name].told("server-table", to="absent")
              or watches[name].told("server-weight", to="0"), 40, watches[name].lines)

    case.step("the master dies: the watch on d2 hears the takeover")
    mark = time.time()
    pair.d1.kill()
    until("d2 is heard as master", lambda: watches["d2"].told("instance-state", to="MASTER"), 8, watches["d2"].lines)
    case.note(f"told {time.time() - mark:.1f} s after the master was killed")

    case.step("nothing left the watches, and nothing was written but their lines")
    for name, watch in watches.items():
        watch.stop()
        with open(watch.trace, encoding="utf-8") as file:
            trace = file.read()
        wrong = [line for line in trace.splitlines() if is_act(line)]
        check(f"{name}: no packet, no write, no program, no signal", not wrong, "\n".join(wrong[:20]))
        check(f"{name}: the record is one", "NETLINK" in trace and "AF_PACKET" in trace, trace[:2000])


# What the kernel may be asked: RTM_GETLINK (0x12) and RTM_GETADDR (0x16), a family (0x10, 3), services and destinations (4, 8).
ASKS = re.compile(r'nlmsg_type=(0x1[26] .*"\\x00|0x10 .*"\\x03|0x[0-9a-f]+ .*"\\x0[48])')


def is_act(line):
    """Whether a line of strace is more than asking the kernel and printing."""
    if "resumed>" in line:
        return False
    if re.search(r"\b(sendto|sendmsg|sendmmsg|send)\(", line):
        return not ASKS.search(line)
    if re.search(r"\b(write|writev|pwrite64)\(", line):
        return not re.search(r"\bwrite\([12]<", line)
    return bool(re.search(r"\bkill\(", line) or ("execve(" in line and "lvsdeck" not in line))
