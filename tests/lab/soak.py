"""An engine pair under churn, and what it holds while that goes on.

In turn, again and again: reload without and with a change, drain and restore, a server that fails and returns, a client of
the event stream that leaves, a console that comes and goes, failover and rejoin. Sampled after each round: memory,
descriptors, threads. It fails on a transition that nobody asked for and on growth.
"""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import time

import footprint
from pair import Pair
from wait import check, until
from web import Page

SERVER = "10.0.0.71:80"
INSTANCE = "internal"
FAST = ("delay_loop 10", "delay_loop 1")
ALLOWED = 2 * 1024  # KiB of growth beyond what the journal keeps
EVENT = 1  # KiB that one event in the journal may hold


class Soak:
    def __init__(self, case):
        self.case = case
        servers = ("71", "72") if os.path.exists("/proc/net/ip_vs") else ()
        configs = ("s4-dr.master.conf", "s4-dr.backup.conf")
        self.pair = Pair(case, "10.0.0", "10.0.0.1", configs, ("200",), servers, Page)
        self.balanced = bool(servers)
        for director in (self.pair.d1, self.pair.d2):
            with open(director.config, encoding="utf-8") as file:
                text = file.read().replace(*FAST)
            if not self.balanced:
                text = text[:text.index("virtual_server ")]
            director.config = case.write(f"{director.name}.conf", text)
        self.instance = text.split("vrrp_instance ")[1].split()[0]
        self.changed, self.rows, self.acts, self.mark = False, [], 0, 0

    # the acts, each back at the beginning when it returns

    def reload(self):
        os.kill(self.pair.d1.process.pid, signal.SIGHUP)

    def reload_changed(self):
        with open(self.pair.d1.config, encoding="utf-8") as file:
            text = file.read()
        self.changed = not self.changed
        swap = ("weight 1", "weight 3") if self.changed else ("weight 3", "weight 1")
        self.case.write("d1.conf", text.replace(*swap))
        self.reload()

    def drain(self):
        if self.balanced:
            self.pair.d1.must("drain", SERVER)
            self.pair.d1.must("restore", SERVER)

    def server_fails(self):
        if self.balanced:
            health = lambda: self.pair.d1.status()["virtual_servers"][0]["real_servers"][0]["health"]
            self.pair.web["r1"].stop()
            until("r1 is down", lambda: health() == "down", 15, health)
            self.pair.web["r1"].start()
            until("r1 is up", lambda: health() == "up", 15, health)

    def stream(self):
        for _ in range(5):
            with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(TimeoutError):
                client.settimeout(0.1)
                client.connect(self.pair.d1.socket)
                client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: l\r\nAccept: text/event-stream\r\n\r\n")
                client.recv(1024)

    def console(self):
        """Opened on a terminal, drawn, and killed without a word."""
        outer, inner = pty.openpty()
        with self.pair.d1.space.inside():
            process = subprocess.Popen([self.pair.d1.binary, "attach"], stdin=inner, stdout=inner, stderr=inner,
                                       start_new_session=True,
                                       env=dict(os.environ, LVSDECK_SOCKET=self.pair.d1.socket, TERM="xterm"))
        os.close(inner)
        check("the console draws", os.read(outer, 4096))
        process.kill()
        process.wait()
        os.close(outer)

    def failover(self):
        mark = self.pair.wire.mark()
        self.pair.d1.must("failover", self.instance)
        self.pair.held_by("d2", 6)
        self.pair.d1.must("rejoin", self.instance)
        self.pair.wire.advert("d1 is master again", mark, 15, port="d1", priority=200)
        self.pair.held_by("d1", 6)
        until("d2 is backup", lambda: self.pair.d2.status()["virtual_routers"][0]["state"] == "BACKUP", 5)
        self.mark = self.pair.wire.mark()

    def quiet(self):
        """Since the last fail-over that was asked for, nothing but d1's advertisements."""
        seen = self.pair.wire.adverts(self.mark, heard_by=None)
        wrong = [f for f in seen if f.port != "d1" or f.priority != 200]
        check("no transition that nobody asked for", not wrong, wrong[:3])

    def sample(self, begun):
        events = self.pair.d1.status()["last_event"]
        for director in (self.pair.d1, self.pair.d2):
            pid = director.process.pid
            check(f"{director.name} runs", director.running(), director.tail())
            self.rows.append((director.name, time.monotonic() - begun, footprint.kib(pid), footprint.descriptors(pid),
                              footprint.threads(pid), events))

    def run(self, minutes):
        self.pair.started()
        for director in (self.pair.d1, self.pair.d2):
            director.ready()
        self.mark, begun = self.pair.wire.mark(), time.monotonic()
        acts = (self.reload, self.drain, self.stream, self.reload_changed, self.console, self.server_fails, self.failover)
        while not self.rows or time.monotonic() - begun < minutes * 60:
            for act in acts:
                self.case.note(act.__name__)
                act()
                self.acts += 1
                self.quiet()
            until("it settles", lambda: self.pair.holders() == ["d1"], 5, self.pair.holders)
            self.sample(begun)
        return self.table()

    def table(self):
        """Lines for people; raises when something grew."""
        lines = [f"{self.acts} acts, {self.rows[-1][5]} events",
                 f"{'':4} {'samples':>8} {'KiB first':>10} {'last':>8} {'KiB/h':>9} {'descriptors':>12} {'threads':>9}"]
        grown = []
        for name in ("d1", "d2"):
            rows = [row for row in self.rows if row[0] == name]
            warm = rows[len(rows) // 3:] if len(rows) > 3 else rows
            hour = slope([row[1] for row in warm], [row[2] for row in warm]) * 3600
            seconds = warm[-1][1] - warm[0][1]
            allowed = ALLOWED + EVENT * (warm[-1][5] - warm[0][5])
            lines.append(f"{name:4} {len(rows):8} {rows[0][2]:10} {rows[-1][2]:8} {hour:9.0f} "
                         f"{warm[0][3]:5} → {warm[-1][3]:4} {warm[0][4]:4} → {warm[-1][4]:2}")
            if hour * seconds / 3600 > allowed:
                grown.append(f"{name}: memory grew by {hour * seconds / 3600:.0f} KiB in {seconds:.0f} s, at most {allowed}")
            grown += [f"{name}: {what} {warm[0][at]} → {warm[-1][at]}" for at, what in ((3, "descriptors"), (4, "threads"))
                      if warm[-1][at] > warm[0][at] + 8]
        text = "\n".join(lines)
        check(f"nothing grows\n{text}", not grown, "; ".join(grown))
        return text


def slope(x, y):
    """Of the straight line that fits best; 0 of one point."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread if spread else 0.0
