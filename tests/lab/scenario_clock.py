"""The wall clock is set a day forward and back: no timer moves. In a guest of its own, since the clock is everybody's."""

import os
import time

from pair import Pair
from wait import check, until

DAY = 86_400


def run(case):
    check("this is a guest, whose clock may be set", os.environ.get("LAB_GUEST"))
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    pair.started()
    for director in (pair.d1, pair.d2):
        director.ready()
    for what, by in (("forward", DAY), ("back", -DAY)):
        case.step(f"a day {what}")
        begun, mark = time.monotonic(), pair.wire.mark()
        time.clock_settime(time.CLOCK_REALTIME, time.time() + by)
        ours = lambda: pair.wire.adverts(mark, port="d1")
        until("d1 goes on advertising", lambda: len(ours()) >= 5, 8, pair.wire.tail)
        passed = time.monotonic() - begun
        check("five advertisements took four to five intervals", 3.2 < passed < 6, passed)
        check("d1 did not resign, d2 said nothing",
              {f.priority for f in ours()} == {200} and not pair.wire.adverts(mark, port="d2"), pair.wire.tail())
        states = [d.status()["virtual_routers"][0]["state"] for d in (pair.d1, pair.d2)]
        check("MASTER and BACKUP", states == ["MASTER", "BACKUP"], states)
        case.step("the jump is told as a warning")
        told = lambda: [w for w in pair.d1.status()["warnings"] if w["code"] == "clock-jumped" and what in w["message"]]
        until("clock-jumped is in the warnings", told, 40, lambda: pair.d1.status()["warnings"])
