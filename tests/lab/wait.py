"""Waiting for a condition, never for a time: each wait says what it waits for and how long at most."""

import time

POLL = 0.02  # seconds between two looks, at least
SHARE = 0.25  # of the time that may be spent looking: a look that starts a process is dear in the guest
PATIENCE = 20  # seconds that every wait has at least: a busy machine is late, and not wrong


class TimedOut(AssertionError):
    """The condition did not come in time; the text names it and what was seen last."""


def until(what, condition, within, seen=None):
    """Poll `condition` until it gives something true and return that; after `within` seconds, or PATIENCE, raise TimedOut."""
    within = max(within, PATIENCE)
    end = time.monotonic() + within
    while True:
        begun = time.monotonic()
        value = condition()
        took = time.monotonic() - begun
        if value:
            return value
        if time.monotonic() > end:
            last = f"; seen: {seen()}" if seen else f"; last: {value!r}" if value not in (None, False) else ""
            raise TimedOut(f"not within {within:g} s: {what}{last}")
        time.sleep(max(POLL, took / SHARE - took))


def check(what, truth, seen=""):
    """Raise an AssertionError that says `what` was expected unless `truth` holds."""
    if not truth:
        raise AssertionError(f"expected: {what}" + (f"; seen: {seen}" if seen != "" else ""))
