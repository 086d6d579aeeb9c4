"""Draining under load, seconds of it (`benches/drain`): 500 requests a second over connections that stay, and none is lost."""

import draining


def run(case):
    for line in draining.run(case, 5):
        case.note(line)
