"""An engine pair under churn, and what it holds while that goes on.

In turn, again and again: reloads without and with a change, drain and restore, a server that fails and returns, clients of
the event stream that leave, a console that comes and goes, failover and rejoin. Sampled after each round: memory,
descriptors, threads, the files of the journal. It fails on a transition that nobody asked for and on growth.

A leak is told from what fills up like this: both engines start on a journal of `RING` events, so that its ring in memory is
full from the beginning; a crowd of clients comes once before the first sample, so that the bounded pool of threads and the
memory that each keeps for itself are there; and of the rest only the history still grows, by some bytes a second. So from the middle third of
the time to its last one memory may rise by `FLAT`, which is less than a KiB for each act between.
"""

import collections
import concurrent.futures
import contextlib
import json
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

HEADER = '{"format":"lvsdeck-journal","version":1,"node":"lab","after":0}\n'
SERVER = "10.0.0.71:80"
INSTANCE = "internal"
FAST = ("delay_loop 10", "delay_loop 1")
TIMES = 8  # how often a cheap act is done in a round
RING = 4096  # events that the journal keeps in memory
CROWD = 96  # clients at once, twice as many as an engine has threads for
FLAT = 512  # KiB between two thirds that are to be equal
FILES = 17 * 1024  # KiB of the journal on disk


Row = collections.namedtuple("Row", "name at kib descriptors threads events files")


class Soak:
    def __init__(self, case, samples=None):
        self.case, self.samples = case, samples
        servers = ("71", "72") if os.path.exists("/proc/net/ip_vs") else ()
        configs = ("s4-dr.master.conf", "s4-dr.backup.conf")
        self.pair = Pair(case, "10.0.0", "10.0.0.1", configs, ("200",), servers, Page)
        self.balanced = bool(servers)
        for director in self.directors():
            with open(director.config, encoding="utf-8") as file:
                text = file.read().replace(*FAST)
            if not self.balanced:
                text = text[:text.index("virtual_server ")]
            director.config = case.write(f"{director.name}.conf", text)
            fill_journal(director)
        self.instance = text.split("vrrp_instance ")[1].split()[0]
        self.changed, self.rows, self.acts, self.mark = False, [], 0, 0

    # the acts, each back at the beginning when it returns

    def directors(self):
        return self.pair.d1, self.pair.d2

    def reload(self):
        for _ in range(TIMES):
            for director in self.directors():
                director.must("reload")
        for director in self.directors():
            os.kill(director.process.pid, signal.SIGHUP)

    def reload_changed(self):
        self.changed = not self.changed
        swap = ("weight 1", "weight 3") if self.changed else ("weight 3", "weight 1")
        for director in self.directors():
            with open(director.config, encoding="utf-8") as file:
                text = file.read()
            self.case.write(os.path.basename(director.config), text.replace(*swap))
            director.must("reload")

    def drain(self):
        if not self.balanced:
            return
        for director in self.directors():
            for _ in range(TIMES):
                director.must("drain", SERVER)
                director.must("restore", SERVER)

    def crowd(self):
        """More clients at once than there are threads for them."""
        def client(director):
            for body in ("", json.dumps({"verb": "reload"})) * TIMES:
                head = f"POST /v1/commands HTTP/1.1\r\nContent-Length: {len(body)}" if body else "GET /v1/status HTTP/1.1"
                with socket.socket(socket.AF_UNIX) as asked:
                    asked.connect(director.socket)
                    asked.sendall(f"{head}\r\nHost: l\r\nConnection: close\r\n\r\n{body}".encode())
                    while asked.recv(65536):
                        pass

        with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
            list(pool.map(client, self.directors() * (CROWD // 2)))

    def server_fails(self):
        if self.balanced:
            health = lambda: self.pair.d1.status()["virtual_servers"][0]["real_servers"][0]["health"]
            self.pair.web["r1"].stop()
            until("r1 is down", lambda: health() == "down", 15, health)
            self.pair.web["r1"].start()
            until("r1 is up", lambda: health() == "up", 15, health)

    def stream(self):
        for _ in range(TIMES):
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
        for director in self.directors():
            check(f"{director.name} runs", director.running(), director.tail())
            pid, events = director.process.pid, director.status()["last_event"]
            kept = [os.path.join(director.socket + ".d", name) for name in ("journal.jsonl", "journal.old.jsonl")]
            files = sum(os.path.getsize(path) for path in kept if os.path.exists(path)) // 1024
            self.rows.append(Row(director.name, time.monotonic() - begun, footprint.kib(pid), footprint.descriptors(pid),
                                 footprint.threads(pid), events, files))
            if self.samples:
                with open(self.samples, "a", encoding="ascii") as file:
                    print(*self.rows[-1]._replace(at=round(self.rows[-1].at)), file=file)

    def run(self, minutes):
        self.pair.started()
        for director in self.directors():
            director.ready()
        self.crowd()
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
        lines = [f"{self.acts} rounds of acts in {self.rows[-1].at:.0f} s",
                 f"{'':4} {'samples':>8} {'events':>7} {'KiB first':>10} {'middle':>8} {'last':>8} {'rise':>6} "
                 f"{'descriptors':>12} {'threads':>9} {'files KiB':>10}"]
        grown = []
        for name in ("d1", "d2"):
            rows = [row for row in self.rows if row.name == name]
            third = max(1, len(rows) // 3)
            middle, last = rows[-2 * third:-third] or rows, rows[-third:]
            before, after = (mean(row.kib for row in part) for part in (middle, last))
            # Threads that wait for a client or the kernel come and go: what is left when they have gone counts.
            descriptors, threads = ([min(row[at] for row in part) for part in (middle, last)] for at in (3, 4))
            events = rows[-1].events - RING
            lines.append(f"{name:4} {len(rows):8} {events:7} {rows[0].kib:10} {before:8.0f} {after:8.0f} {after - before:6.0f} "
                         f"{descriptors[0]:5} → {descriptors[1]:4} {threads[0]:4} → {threads[1]:2} {rows[-1].files:10}")
            if after - before > FLAT:
                grown.append(f"{name}: memory rose by {after - before:.0f} KiB, at most {FLAT}")
            if rows[-1].files > FILES:
                grown.append(f"{name}: the journal's files have {rows[-1].files} KiB, at most {FILES}")
            grown += [f"{name}: {what} {was} → {now}" for what, (was, now) in (("descriptors", descriptors), ("threads", threads))
                      if now > was + 2]
        text = "\n".join(lines)
        check(f"nothing grows\n{text}", not grown, "; ".join(grown))
        return text


def fill_journal(director):
    """A journal as a long life leaves it: its newest events fill the ring."""
    place = director.socket + ".d"
    os.makedirs(place, mode=0o700, exist_ok=True)
    event = {"at": "2026-01-01T00:00:00Z", "monotonic_ms": 1, "kind": "command", "severity": "notice", "subject": "drain", "from": None,
             "to": "done", "reason": "before the soak", "who": "root", "detail": "drain 10.0.0.71:80: 1 real server drains: 10.0.0.71:80"}
    with open(os.path.join(place, "journal.jsonl"), "w", encoding="ascii") as file:
        file.write(HEADER)
        file.writelines(json.dumps({"seq": seq, **event}) + "\n" for seq in range(1, RING + 1))


def mean(values):
    values = list(values)
    return sum(values) / len(values)
