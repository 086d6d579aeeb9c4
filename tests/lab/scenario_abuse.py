"""Bad treatment of a running master: HUP storms, a full and a read-only disk, damaged state, clients that misbehave.

After each the engine is still master, has advertised on time, and its memory is bounded. The peer never takes over.
"""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time

import footprint
from director import Lvsdeck
from pair import Pair, scenario_file
from wait import check, until

SLACK = 0.8  # seconds: a guest with one slow processor runs many pairs side by side
MEMORY = 96 * 1024  # KiB
HUPS, CLIENTS = 1000, 10_000


class OnDisk(Lvsdeck):
    """lvsdeck with its state on a file system of its own."""

    state = None

    def command(self):
        return [*super().command(), "--state-dir", self.state]


class Small:
    """A tmpfs of 256 KiB; a step may fill it or write-protect it."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path)
        self.mount("-t", "tmpfs", "-o", "size=256k,mode=0755", "tmpfs", path)

    @staticmethod
    def mount(*words):
        subprocess.run(["mount", *words], check=True, capture_output=True)

    def fill(self):
        with contextlib.suppress(OSError), open(f"{self.path}/ballast", "wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        free = os.statvfs(self.path).f_bavail
        check("nothing is free on it", free == 0, free)

    def empty(self):
        os.unlink(f"{self.path}/ballast")

    def cover(self, directory):
        """From here on whoever opens something below finds it read-only; a remount fails while a file is open."""
        self.mount("-t", "tmpfs", "-o", "ro,mode=0755", "tmpfs", directory)

    @staticmethod
    def uncover(directory):
        subprocess.run(["umount", "-l", directory], check=True, capture_output=True)

    def delete(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            mounted = [line.split()[1] for line in file if line.split()[1].startswith(os.path.abspath(self.path))]
        for path in reversed(mounted):
            self.uncover(path)


class Watch:
    """Says after each step that nobody noticed it."""

    def __init__(self, pair):
        self.pair, self.mark = pair, 0

    def begin(self):
        self.mark = self.pair.wire.mark()

    def undisturbed(self, adverts=2):
        pair = self.pair
        ours = lambda: pair.wire.adverts(self.mark, port="d1")
        until("d1 goes on advertising", lambda: len(ours()) > adverts, 8, pair.wire.tail)
        late = footprint.punctual(pair.wire, self.mark, "d1", SLACK)
        check("d1 did not resign", all(frame.priority == 200 for frame in ours()), ours())
        check("d2 said nothing", not pair.wire.adverts(self.mark, port="d2"), pair.wire.adverts(self.mark, port="d2"))
        until("d1 answers", pair.d1.answers, 10, pair.d1.tail)
        state = pair.d1.status()["virtual_routers"][0]["state"]
        check("d1 is MASTER and alone has the VIP", (state, pair.holders()) == ("MASTER", ["d1"]), (state, pair.holders()))
        memory = footprint.kib(pair.d1.process.pid)
        check(f"memory stays below {MEMORY} KiB", memory < MEMORY, memory)
        pair.case.note(f"latest advertisement late by {late * 1000:.0f} ms, {memory / 1024:.1f} MiB")


def run(case):
    disk = case.keep(Small(case.file("disk")), Small.delete)
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    pair.d1 = case.keep(OnDisk(pair.lan["d1"], "d1", scenario_file("s1-failover.master.conf"), case.directory),
                        lambda d: d.running() and d.kill())
    pair.d1.state = os.path.join(disk.path, "state")
    watch = Watch(pair)
    case.step("start")
    pair.started()
    pair.d1.ready()

    case.step(f"{HUPS} HUPs at once")
    watch.begin()
    for _ in range(HUPS):
        os.kill(pair.d1.process.pid, signal.SIGHUP)
    watch.undisturbed()

    for what, begin, end in (("full", disk.fill, disk.empty),
                             ("read-only", lambda: disk.cover(pair.d1.state), lambda: disk.uncover(pair.d1.state))):
        case.step(f"a {what} disk under its state")
        watch.begin()
        begin()
        os.kill(pair.d1.process.pid, signal.SIGUSR1)  # writes the status there
        pair.d1.must("status")
        watch.undisturbed()
        takes_the_address_back(pair, watch)
        end()

    clients_that_misbehave(case, pair, watch)

    case.step("kill -9, and every file of its state is damaged: it starts, says so, and takes the VIP back")
    pair.d1.kill()
    damage(pair.d1.state)
    mark = pair.wire.mark()
    pair.d1.start()
    pair.d1.ready()
    pair.wire.advert("d1 takes it back", mark, 12, port="d1", priority=200)
    pair.held_by("d1", 5)
    told = pair.d1.must("events")
    check("it says which files", all(f"{name}.json: " in told for name in ("addresses", "services")), told)
    watch.begin()
    watch.undisturbed()


def takes_the_address_back(pair, watch):
    """What can't be written down must not stop a take-over: d2 leaves and comes back while the disk is as it is."""
    pair.d1.must("failover", "VRRP1", "--for", "2s")
    pair.held_by("d2", 5)
    mark = pair.wire.mark()
    pair.wire.advert("d1 takes the VIP back", mark, 12, port="d1")
    pair.held_by("d1", 5)
    until("d2 is silent", lambda: pair.d2.status()["virtual_routers"][0]["state"] == "BACKUP", 5)
    watch.begin()
    watch.undisturbed(1)


def damage(directory):
    names = [name for name in os.listdir(directory) if name.endswith(".json")]
    check("there is something to damage", names, os.listdir(directory))
    for name in names:
        with open(os.path.join(directory, name), "r+b") as file:
            file.truncate(7)
            file.seek(0)
            file.write(b'{"life\xff')


def clients_that_misbehave(case, pair, watch):
    case.step("clients that ask without end and never read")
    watch.begin()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(0.5)
            with contextlib.suppress(OSError):
                client.connect(pair.d1.socket)
                while True:
                    client.sendall(b"GET /v1/status HTTP/1.1\r\nHost: l\r\n\r\n" * 64)
        watch.undisturbed()

    case.step(f"{CLIENTS} connections that say nothing")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(most[0], 2 * CLIENTS), max(most[1], 2 * CLIENTS)))
    watch.begin()
    with contextlib.ExitStack() as stack:
        made, end = 0, time.monotonic() + 15
        while made < CLIENTS and time.monotonic() < end:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(0.05)
            with contextlib.suppress(OSError):  # the engine may refuse to take more
                client.connect(pair.d1.socket)
            made += 1
        case.note(f"{made} connections tried; the engine has {footprint.descriptors(pair.d1.process.pid)} descriptors")
        ours = lambda: pair.wire.adverts(watch.mark, port="d1")
        until("d1 goes on advertising", lambda: len(ours()) > 2, 8)
    watch.undisturbed()
