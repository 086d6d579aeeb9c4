"""The real servers' web service, and clients of it. A page also gives back what is not a request: for connections that stay.

`Page` is a listener in this process (cheap); `Nginx` is the real thing. Both answer every request with their own name.
"""

import contextlib
import os
import select
import signal
import socket
import threading
import time

from wait import until


class Page:
    """Answers `NAME\\n` on port 80 of a host until stopped; after that its port refuses."""

    def __init__(self, space, name, _directory, port=80):
        self.space, self.name, self.port = space, name, port
        self.listener = None
        self.start()

    def start(self):
        listener = self.space.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", self.port))
        listener.listen(64)
        self.listener = listener
        threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        body = f"{self.name}\n".encode()
        answer = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        while self.listener is listener:
            with contextlib.suppress(OSError, ValueError):
                if select.select([listener], [], [], 0.1)[0]:
                    client, _ = listener.accept()
                    threading.Thread(target=self.answer, args=(client, answer), daemon=True).start()
        listener.close()

    @staticmethod
    def answer(client, answer):
        with client, contextlib.suppress(OSError):
            client.settimeout(30)
            while line := client.recv(4096):
                if line.startswith(b"GET "):
                    return client.sendall(answer)
                client.sendall(line)

    def stop(self):
        listener, self.listener = self.listener, None
        until(f"port {self.port} of {self.name} is closed", lambda: listener.fileno() == -1, 2)


class Nginx:
    """nginx with one page."""

    def __init__(self, space, name, directory):
        self.space, self.name = space, name
        self.directory = os.path.join(directory, f"nginx-{name}")
        os.makedirs(self.directory, exist_ok=True)
        paths = " ".join(f"{kind}_temp_path tmp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{self.directory}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(f"daemon off; master_process off; pid pid; error_log stderr;\nevents {{ worker_connections 64; }}\n"
                       f"http {{ access_log off; {paths} server {{ listen 80; keepalive_timeout 0; "
                       f"location / {{ return 200 \"{name}\\n\"; }} }} }}\n")
        self.start()

    def start(self):
        self.process = self.space.start(["nginx", "-p", self.directory, "-e", "stderr", "-c", "nginx.conf"],
                                        f"{self.directory}/log")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def get(space, address, source=None, port=80, timeout=2.0):
    """One request; the body without its line end, or None when it failed."""
    with contextlib.suppress(OSError), space.socket(socket.AF_INET, socket.SOCK_STREAM) as out:
        out.settimeout(timeout)
        if source:
            out.bind((source, 0))
        out.connect((address, port))
        out.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        text = b""
        while part := out.recv(4096):
            text += part
        return text.split(b"\r\n\r\n", 1)[1].decode().strip() if b"\r\n\r\n" in text else None
    return None


def curl(space, address, source=None):
    """One request with curl; the body, or None when curl failed."""
    command = ["curl", "-sS", "--max-time", "15", "--noproxy", "*"] + (["--interface", source] if source else [])
    result = space.run(*command, f"http://{address}/")
    return result.stdout.strip() if result.returncode == 0 else None


class Traffic:
    """A client that asks again and again until stopped, and remembers when it was answered and by whom."""

    def __init__(self, space, address, pause=0.1):
        self.space, self.address, self.pause = space, address, pause
        self.answers = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)
        self.thread.start()

    def ask(self):
        while not self.stopped.is_set():
            body = get(self.space, self.address, timeout=0.5)
            self.answers.append((time.monotonic(), body))
            self.stopped.wait(self.pause)

    def mark(self):
        return len(self.answers)

    def served(self, since, within, times=5):
        """Wait until the last `times` requests since the mark were all answered."""
        def good():
            last = self.answers[since:][-times:]
            return len(last) == times and all(body for _, body in last)
        until("traffic is served again", good, within, lambda: self.answers[-3:])

    def longest_gap(self, since):
        """Seconds between two answers, the longest of them."""
        times = [at for at, body in self.answers[max(0, since - 1):] if body]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def stop(self):
        self.stopped.set()
        self.thread.join()


class Session:
    """One TCP connection that stays: sends a line again and again and waits for it to come back."""

    def __init__(self, space, address, source=None, port=80, pause=0.05):
        self.out = space.socket(socket.AF_INET, socket.SOCK_STREAM)
        if source:
            self.out.bind((source, 0))
        self.out.settimeout(20)
        self.out.connect((address, port))
        self.pause, self.error, self.echoes = pause, None, []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.talk, daemon=True)
        self.thread.start()

    def talk(self):
        number = 0
        while not self.stopped.is_set() and not self.error:
            number += 1
            line, back = b"%d\n" % number, b""
            try:
                self.out.sendall(line)
                while len(back) < len(line):
                    part = self.out.recv(len(line) - len(back))
                    if not part:
                        raise OSError("the connection was closed")
                    back += part
            except OSError as error:
                self.error = f"after {number - 1} lines: {error}"
                return
            if back != line:
                self.error = f"sent {line!r}, got {back!r}"
            self.echoes.append(time.monotonic())
            self.stopped.wait(self.pause)

    def mark(self):
        return len(self.echoes)

    def lives(self, since, within, lines=10):
        """Wait until so many more lines have come back on this very connection."""
        until("the connection goes on", lambda: self.error or len(self.echoes) >= since + lines, within,
              lambda: len(self.echoes))
        if self.error:
            raise AssertionError(f"the connection was lost: {self.error}")

    def longest_gap(self, since):
        times = self.echoes[max(0, since - 1):]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.out.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.out.close()
