"""What a process holds: memory, descriptors, threads. And whether a director advertises on time."""

import os

from wait import check


def read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
        return file.read()


def kib(pid):
    """Resident KiB; a page that processes share counts once, where the kernel tells."""
    try:
        lines, word = read(pid, "smaps_rollup"), "Pss:"
    except OSError:
        lines, word = read(pid, "status"), "VmRSS:"
    return next(int(line.split()[1]) for line in lines.splitlines() if line.startswith(word))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def lateness(wire, since, port, interval=1.0):
    """Seconds by which the latest of the port's advertisements since the mark came after its interval; None without two."""
    at = [frame.at for frame in wire.adverts(since, port=port) if frame.priority]
    return max((b - a - interval for a, b in zip(at, at[1:])), default=None)


def punctual(wire, since, port, slack):
    """Some advertisements came since the mark, and none was late by more than `slack` seconds."""
    late = lateness(wire, since, port)
    check(f"{port} advertised on time", late is not None and late <= slack, late)
    return late
