"""A restart that keeps: the S1 master ends without resigning and goes on, its peer notices nothing; too late, it gives way."""

from pair import Pair
from wait import check, until

INTERVAL = 1
DOWN = 3 * INTERVAL  # at least; then d2 takes over, rightly
SLACK = 0.8  # seconds: a guest with one slow processor


def run(case):
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    pair.started()
    pair.d1.ready()
    in_time(case, pair)
    too_late(case, pair)
    if pair.d2.program == "lvsdeck":
        by_command(case, pair)


def ends(pair):
    """`ctl stop --keep`, and the end of the process; gives the mark before."""
    mark = pair.wire.mark()
    pair.d1.must("stop", "--keep")
    code = pair.d1.ended()
    check("d1 ends with 0", code == 0, code)
    check("the VIP stays on the dead d1", pair.lan["d1"].holds(pair.vip), pair.lan["d1"].addresses())
    return mark


def in_time(case, pair):
    case.step("d1 is restarted with keep: no resignation, the VIP never leaves, d2 stays silent")
    for _ in range(5):
        mark, silent = restarts(pair)
        case.note(f"d1 was silent for {silent:.3f} s")
        if silent < DOWN:
            break
        # The guest was too slow for a restart within the interval: that says nothing about the program.
        pair.held_by("d1", 10)
    check("a restart is done in time", silent < DOWN, silent)
    for _ in range(4):
        last = pair.wire.mark()
        pair.wire.advert("d1 advertises", last, INTERVAL + SLACK, port="d1", priority=200)
    check("nobody resigned", not [f for f in pair.wire.adverts(mark, port="d1") if f.priority == 0])
    check("d2 has sent nothing", not pair.wire.adverts(mark, port="d2"))
    check("the VIP is on d1 alone", pair.holders() == ["d1"], pair.holders())
    reason = pair.d1.status()["virtual_routers"][0]["reason"]
    check("the status says why", reason == "resumed after a restart", reason)


def restarts(pair):
    """d1 is ended with keep and started again; gives the mark before, and for how many seconds it was silent."""
    mark = ends(pair)
    before, back = pair.last_heard("d2", "d1"), pair.wire.mark()
    pair.d1.start()
    frame = pair.wire.advert("d1 goes on as master", back, 10, port="d1", priority=200)
    pair.d1.ready()
    return mark, frame.at - before


def too_late(case, pair):
    case.step("d1 comes back after d2 took over: it gives the VIP up within an interval, and preempts by the rules")
    mark = ends(pair)
    pair.wire.advert("d2 takes over", mark, 6, port="d2")
    mark, moves = pair.wire.mark(), pair.d1.space.moves(pair.vip)
    pair.d1.start()
    pair.wire.advert("d1 takes it back", mark, 10, port="d1", priority=200)
    pair.held_by("d1", 3)
    check("it gave the VIP up before it took it back", moves() == ["removed", "added"], moves())


def by_command(case, pair):
    case.step("takeover on d2: it leads with priority 254 until rejoin, and d1 yields")
    mark = pair.wire.mark()
    pair.d2.must("takeover", "VRRP1")
    pair.wire.advert("d2 leads", mark, 2, port="d2", priority=254)
    pair.held_by("d2", 3)
    pair.announced_by("d2", mark)
    until("d1 is backup", lambda: pair.d1.status()["virtual_routers"][0]["state"] == "BACKUP", 3)
    mark = pair.wire.mark()
    pair.d2.must("rejoin", "VRRP1")
    pair.wire.advert("d1 takes it back", mark, 10, port="d1", priority=200)
    pair.held_by("d1", 3)
