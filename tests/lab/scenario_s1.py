"""S1: two-node failover without load balancing. VRID 41, priorities 200 and 100, 1 s, PASS, VIP 10.0.0.100/24."""

import contextlib
import socket

from pair import Pair
from wait import check, until

SKEW = (256 - 100) / 256  # seconds, the backup's (RFC 3768 §6.1)
MASTER_DOWN = 3 + SKEW
SLACK = 0.8  # seconds: a guest with one slow processor runs many pairs side by side


def run(case):
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    start(case, pair)
    master_stops(case, pair)
    master_returns(case, pair, "the master is started again")
    master_is_killed(case, pair)
    master_returns(case, pair, "the killed master is started again")
    master_is_cut_off(case, pair)
    master_loses_its_link(case, pair)
    both_stop(case, pair)


def reachable(pair):
    """Some host answers for the VIP: nothing listens there, so the answer is a refusal."""
    with pair.client.socket(socket.AF_INET, socket.SOCK_STREAM) as out:
        out.settimeout(0.5)
        with contextlib.suppress(TimeoutError, OSError):
            return out.connect_ex((pair.vip, 9)) == 111  # ECONNREFUSED
    return False


def start(case, pair):
    case.step("start: the VIP is on the master, announced, reachable")
    pair.started()
    until("the VIP answers", lambda: reachable(pair), 3)
    check("the VIP is on eth0", ("eth0", pair.vip) in pair.lan["d1"].addresses(), pair.lan["d1"].addresses())
    advert = pair.wire.adverts(port="d1")[0]
    check("v2, VRID 41, priority 200, 1 s, the one address", advert[4:9] == (2, 41, 200, 1, (pair.vip,)), advert)
    until("d1 logs its new state", lambda: pair.d1.logged("Entering MASTER STATE"), 2)
    check("d2 has sent nothing", not pair.wire.adverts(port="d2"))


def master_stops(case, pair):
    case.step("the master stops: priority 0 leaves, the backup has it after its skew time")
    mark = pair.wire.mark()
    pair.d1.stop()
    resigned = pair.wire.advert("d1 resigns", mark, 2, port="d1", priority=0)
    pair.takes_over("d2", mark, SKEW - 0.02, SKEW + SLACK, lambda: resigned.at)
    pair.held_by("d2", 2)
    pair.announced_by("d2", mark)
    until("the VIP answers", lambda: reachable(pair), 3)
    until("d2 logs its new state", lambda: pair.d2.logged("Entering MASTER STATE"), 2)


def master_returns(case, pair, why):
    case.step(f"{why}: it takes the VIP back")
    mark = pair.wire.mark()
    pair.d1.start()
    pair.wire.advert("d1 takes it back", mark, 10, port="d1", priority=200)
    pair.held_by("d1", 3)
    pair.announced_by("d1", mark)
    until("the VIP answers", lambda: reachable(pair), 3)


def silence(pair, mark):
    """d2 takes over when d1 has been silent for Master_Down_Interval."""
    frame = pair.takes_over("d2", mark, MASTER_DOWN - 0.02, MASTER_DOWN + SLACK, lambda: pair.last_heard("d2", "d1"))
    pair.announced_by("d2", mark)
    return frame


def master_is_killed(case, pair):
    case.step("the master is killed (-9): the backup has it after Master_Down_Interval")
    mark = pair.wire.mark()
    pair.d1.kill()
    silence(pair, mark)
    until("the VIP is on d2 (and still on the dead d1)", lambda: "d2" in pair.holders(), 2, pair.holders)
    until("the VIP answers", lambda: reachable(pair), 3)


def master_is_cut_off(case, pair):
    case.step("the master is cut off with its link up: the backup has it; joined again, the higher priority wins")
    mark = pair.wire.mark()
    pair.lan.unplug("d1")
    silence(pair, mark)
    until("both hold the VIP, each alone on its side", lambda: pair.holders() == ["d1", "d2"], 2, pair.holders)
    mark = pair.wire.mark()
    pair.lan.plug("d1")
    heard = pair.wire.advert("d2 hears d1", mark, 3, heard_by="d2", priority=200)
    pair.held_by("d1", 3)
    if not [advert for advert in pair.wire.adverts(mark, port="d2") if advert.at < heard.at]:
        # The winner never heard that there was another one, so it announced nothing: keepalived as well (its issue 166).
        case.note("d2 yielded without a word; the client's ARP entry is left as it was")
        pair.client.must("ip", "neighbour", "flush", "to", pair.vip)
    until("the VIP answers", lambda: reachable(pair), 3)


def master_loses_its_link(case, pair):
    case.step("the master's link goes down: the VIP leaves it, the backup has it; the link returns, so does the VIP")
    mark = pair.wire.mark()
    pair.lan.link_down("d1")
    silence(pair, mark)
    pair.held_by("d2", 3)
    mark = pair.wire.mark()
    pair.lan.link_up("d1")
    pair.wire.advert("d1 takes it back", mark, 10, port="d1", priority=200)
    pair.held_by("d1", 3)


def both_stop(case, pair):
    case.step("both stop: nobody holds the VIP, nothing is left")
    pair.d2.stop()
    pair.d1.stop()
    until("no VIP is left", lambda: not pair.holders(), 2, pair.holders)
