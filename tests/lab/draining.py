"""Draining under load: clients with connections that stay ask a service 500 times a second while its servers are drained, stopped and
brought back in turn. Nobody may notice.

The clients are a process of their own in the client's namespace (`draining.py ADDRESS RATE FILE`): CLIENTS threads, each at its share of
the rate, each with one connection that it keeps for ASKS requests. Any end of a connection within them, any refusal and any answer
that takes more than LATE seconds is an error. At its end (TERM) it writes what it saw to FILE, as JSON.
"""

import collections
import itertools
import json
import os
import signal
import socket
import sys
import threading
import time

CLIENTS = 25
ASKS = 40
LATE = 5.0
VIP, SERVICE = "10.0.0.1", "tcp/10.0.0.1:80"
SERVERS = {"r1": "10.0.0.71", "r2": "10.0.0.72"}
CONFIGURATION = "global_defs {{\n    router_id drain\n}}\nvirtual_server {vip} 80 {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind DR\n    protocol TCP\n{servers}}}\n"
SERVER = "    real_server {address} 80 {{\n        weight 1\n        TCP_CHECK {{\n            connect_timeout 5\n            retry 2\n            delay_before_retry 1\n        }}\n    }}\n"
STAYING = ("daemon off; master_process off; pid pid; error_log stderr;\nevents {{ worker_connections 512; }}\n"
           "http {{ access_log off; {paths} keepalive_requests 1000000; server {{ listen 80 backlog=512; keepalive_timeout 600; "
           "location / {{ return 200 \"{name}\\n\"; }} }} }}\n")


class Clients:
    """The clients, in their own process."""

    def __init__(self, address, rate):
        self.address, self.pause = address, CLIENTS / rate
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.served, self.errors, self.slowest, self.connections = collections.Counter(), [], 0.0, 0

    def talk(self, number):
        due = time.monotonic() + self.pause * number / CLIENTS
        for asks in itertools.repeat(ASKS):
            try:
                with socket.create_connection((self.address, 80), LATE) as out:
                    out.settimeout(LATE)
                    self.connections += 1
                    for _ in range(asks):
                        self.stopped.wait(due - time.monotonic())
                        if self.stopped.is_set():
                            return
                        self.ask(out)
                        due = max(due + self.pause, time.monotonic() - 1)
            except OSError as error:
                with self.lock:
                    self.errors.append(f"{time.monotonic():.3f} {error!r}")
                self.stopped.wait(0.1)

    def ask(self, out):
        begun, text = time.monotonic(), b""
        out.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not text.endswith(b"\n") or b"\r\n\r\n" not in text or text.endswith(b"\r\n\r\n"):
            part = out.recv(4096)
            if not part:
                raise ConnectionError("the connection was closed")
            text += part
        with self.lock:
            self.served[text.rsplit(b"\r\n\r\n", 1)[1].decode().strip()] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def run(self, path):
        threads = [threading.Thread(target=self.talk, args=(number,)) for number in range(CLIENTS)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        # The event is not set where the signal finds us: perhaps within its own wait, with its lock.
        told = []
        signal.signal(signal.SIGTERM, lambda *_: told.append(True))
        while not told:
            self.tell(path, begun)
            self.stopped.wait(0.2)
        self.stopped.set()
        for thread in threads:
            thread.join()
        self.tell(path, begun)

    def tell(self, path, begun):
        with self.lock:
            said = {"seconds": time.monotonic() - begun, "served": dict(self.served), "errors": self.errors, "slowest": self.slowest,
                    "connections": self.connections}
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(said, file)
        os.rename(path + ".new", path)


def active(space, address):
    """The kernel's connections of a server that are open."""
    row = f"{int.from_bytes(socket.inet_aton(address), 'big'):08X}:0050"
    return sum(int(line.split()[4]) for line in space.read("net/ip_vs").splitlines() if f"-> {row} " in line)


def run(case, seconds, rate=500):
    """Drains r1 and r2 in turn for so long, at least each once; gives what happened, a line of it each."""
    from director import PROGRAMS  # not in the clients' process
    from lan import Lan
    from wait import check, until
    from web import Nginx

    class Staying(Nginx):
        """nginx that keeps connections."""

        def start(self):
            paths = " ".join(f"{kind}_temp_path tmp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            with open(f"{self.directory}/nginx.conf", "w", encoding="utf-8") as file:
                file.write(STAYING.format(paths=paths, name=self.name))
            super().start()
            until(f"{self.name} listens", lambda: ":0050 " in self.space.read("net/tcp"), 10)

    hosts = {"client": ["10.0.0.100/24"], "d1": ["10.0.0.11/24", f"{VIP}/32"]}
    hosts |= {name: [f"{address}/24"] for name, address in SERVERS.items()}
    lan = case.keep(Lan(case.label, hosts), Lan.delete)
    web = {}
    for name in SERVERS:
        lan.real_server(name, VIP)
        web[name] = case.keep(Staying(lan[name], name, case.directory), Nginx.stop)
    servers = "".join(SERVER.format(address=address) for address in SERVERS.values())
    director = PROGRAMS["lvsdeck"](lan["d1"], "d1", case.write("conf", CONFIGURATION.format(vip=VIP, servers=servers)), case.directory)
    case.keep(director, lambda one: one.running() and one.kill())
    director.start()
    director.ready()
    weights = lambda: {key.split(":")[0]: weight for key, weight in director.servers().items()}
    until("both serve", lambda: weights() == dict.fromkeys(SERVERS.values(), 1), 10, weights)
    path = case.file("clients")
    clients = lan["client"].start([sys.executable, os.path.abspath(__file__), VIP, str(rate), path], case.file("clients.log"))

    def seen():
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    of = lambda name: seen()["served"].get(name, 0)
    until("clients are served", lambda: os.path.exists(path) and all(of(name) for name in SERVERS), 20)
    lines, begun = [], time.monotonic()
    for name in itertools.cycle(SERVERS):
        address, started = SERVERS[name], time.monotonic()
        director.must("drain", address, "--deadline", "120s", "--reason", "bench")
        left = lambda: active(lan["d1"], address)
        until(f"{name} has weight 0", lambda: weights().get(address) == 0, 5, weights)
        until(f"no connection of {name} is left", lambda: left() == 0, 60, left)
        emptied = time.monotonic() - started
        told = seen()["seconds"]
        until("the clients tell what they saw", lambda: seen()["seconds"] > told + 0.2, 10)
        before = of(name)
        web[name].stop()
        time.sleep(0.5)  # whoever would still go there meets nobody
        check(f"{name} was asked no more", of(name) == before, (before, of(name)))
        web[name].start()
        director.must("restore", address)
        until(f"{name} serves again", lambda: of(name) > before, 30, seen)
        lines.append(f"{name} drained in {emptied:.1f} s")
        if time.monotonic() - begun > seconds and len(lines) >= len(SERVERS):
            break
    clients.terminate()
    clients.wait()
    said = seen()
    total = sum(said["served"].values())
    lines.append(f"{total} requests at {total / said['seconds']:.0f} a second over {said['connections']} connections, {len(lines)} drains, "
                 f"{len(said['errors'])} errors, the slowest answer after {said['slowest'] * 1000:.0f} ms")
    check("no request was lost", not said["errors"], said["errors"][:5])
    director.stop()
    return lines


if __name__ == "__main__":
    Clients(sys.argv[1], float(sys.argv[2])).run(sys.argv[3])
