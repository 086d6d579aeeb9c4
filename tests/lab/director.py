"""A director: the program under test on one node, keepalived or lvsdeck, behind the same few words.

Each keeps its own files in its own directory, since all nodes of the lab share one file system.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess

from wait import PATIENCE, check, until


class Director:
    """Start, stop (TERM) and kill one engine in the namespace of its node. Subclasses say how it is called."""

    program = None

    def __init__(self, space, name, config, directory):
        self.space, self.name = space, name
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        self.config = config
        self.log = os.path.join(self.directory, "log")
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        check(f"{self.name} does not run yet", not self.running())
        self.process = self.space.start(self.command(), self.log, self.environment())

    def environment(self):
        return dict(os.environ, NO_COLOR="1")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def ended(self, within=5):
        """Wait for the engine's own end; gives its exit code."""
        try:
            return self.process.wait(max(within, PATIENCE))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} ({self.program}) did not end within {max(within, PATIENCE)} s") from None

    def stop(self, within=5):
        """TERM, and wait for an end in good order."""
        self.process.terminate()
        code = self.ended(within)
        check(f"{self.name} ({self.program}) stops with 0 on TERM", code == 0, code)

    def kill(self):
        """SIGKILL to all its processes at once: nothing is said, nothing is cleaned up."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def logged(self, text):
        with contextlib.suppress(FileNotFoundError), open(self.log, encoding="utf-8", errors="replace") as file:
            return text in file.read()
        return False

    def table(self):
        """The kernel's table in this namespace, as `ipvsadm -ln` prints it, without its heading and the columns that count."""
        lines = self.space.must("ipvsadm", "-ln").splitlines()[3:]
        return [line.rsplit(None, 2)[0].rstrip() if line.startswith("  ->") else line.rstrip() for line in lines]

    def connections(self, service):
        """A TCP service's connections as the kernel counts them: one that was made anew starts at 0."""
        stats = self.space.must("ipvsadm", "-ln", "--stats", "--exact")
        return int(re.search(rf"^TCP +{re.escape(service)} +(\d+)", stats, re.M).group(1))

    def servers(self):
        """The real servers in the kernel's table, `{"10.0.0.71:80": weight}`; for polling, since it starts no process."""
        rows = [line.split() for line in self.space.read("net/ip_vs").splitlines()[3:]]
        return {endpoint(row[1]): int(row[3]) for row in rows if row[0] == "->"}


def endpoint(text):
    """`0A000047:0050` of /proc/net/ip_vs as `10.0.0.71:80`."""
    address, port = text.split(":")
    return ".".join(str(byte) for byte in bytes.fromhex(address)) + f":{int(port, 16)}"


class Keepalived(Director):
    """The peer."""

    program = "keepalived"

    def command(self):
        at = lambda kind: os.path.join(self.directory, kind)
        return ["keepalived", "--dont-fork", "--log-console", "--log-detail", "--use-file", self.config,
                "--pid", at("pid"), "--vrrp_pid", at("vrrp.pid"), "--checkers_pid", at("checkers.pid")]

    def kill(self):
        """Its children set themselves up to get TERM when the parent dies: stop all of them first, then kill."""
        group = [self.process.pid, *descendants(self.process.pid)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in reversed(group):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait()
        until(f"no process of {self.name} is left", lambda: not any(alive(pid) for pid in group), 2)
        for kind in ("pid", "vrrp.pid", "checkers.pid"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, kind))


class Lvsdeck(Director):
    """The program under test."""

    program = "lvsdeck"
    binary = os.environ.get("LAB_BINARY", "target/release/lvsdeck")

    def __init__(self, space, name, config, directory):
        super().__init__(space, name, config, directory)
        self.socket = os.path.join(self.directory, "socket")
        self.options = []  # further words of `run`

    def command(self):
        return [self.binary, "run", "-f", self.config, "--socket", self.socket, *self.options]

    def ctl(self, *words):
        """`lvsdeck ctl WORDS`; gives the CompletedProcess."""
        return self.space.run(self.binary, "ctl", "--socket", self.socket, *words)

    def must(self, *words):
        result = self.ctl(*words)
        check(f"ctl {' '.join(words)} on {self.name} exits 0", result.returncode == 0,
              f"exit {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def status(self):
        """`GET /v1/status`, without a process: it is asked again and again."""
        code, body = self.ask_status()
        check(f"{self.name} answers GET /v1/status with 200", code == 200, code)
        return json.loads(body)

    def ask_status(self):
        with socket.socket(socket.AF_UNIX) as out:
            out.settimeout(5)
            out.connect(self.socket)
            out.sendall(b"GET /v1/status HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(out)
            answer.begin()
            return answer.status, answer.read()

    def answers(self):
        """Whether it answers; one whose seats are all taken says 503."""
        with contextlib.suppress(OSError):
            return self.ask_status()[0] == 200
        return False

    def ready(self, within=10):
        """Wait until the control socket answers."""
        until(f"{self.name} answers on its socket", self.answers, within, self.tail)

    def tail(self):
        with contextlib.suppress(FileNotFoundError), open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-600:]
        return ""


PROGRAMS = {kind.program: kind for kind in (Keepalived, Lvsdeck)}


def descendants(pid):
    """All processes below one, read from /proc."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            below = [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []
    return below + [pid for child in below for pid in descendants(child)]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
