"""lvsdeck takes over from a running keepalived, and gives back: the VIP never leaves, and a connection that stays lives on."""

import os

from director import PROGRAMS
from pair import Pair, scenario_file
from wait import check, until
from web import Page, Session, curl


INTERVAL = 3
MARKED = "61.164.122.11:80"
# NAT behind a mark rewrites to the file's port: keepalived has it in the table, and so must lvsdeck.
BY_MARK = """virtual_server fwmark 7 {
    lb_algo rr
    lb_kind NAT
    real_server 61.164.122.11 80 {
        weight 1
    }
}
"""


def patient(case, name):
    """S11 with a longer interval: in a guest with one busy processor a restart of two programs takes more than 2.9 s."""
    with open(scenario_file(name), encoding="utf-8") as file:
        return case.write(name, file.read().replace("advert_int 1", f"advert_int {INTERVAL}") + BY_MARK)


def run(case):
    clients = tuple(str(n) for n in range(200, 204))
    files = [patient(case, name) for name in ("s11-dr-wrr.master.conf", "s11-dr-wrr.backup.conf")]
    pair = Pair(case, "61.164.122", "61.164.122.8", files, clients, ("9", "10"), Page)
    keepalived = pair.d1
    lvsdeck = PROGRAMS["lvsdeck"](pair.lan["d1"], "d1-lvsdeck", files[0], case.directory)
    adopted = lambda *words: lvsdeck.space.run(lvsdeck.binary, "adopt", "--socket", lvsdeck.socket, *words)
    case.step("keepalived runs and serves a connection that stays")
    pair.started()
    until("all servers serve", lambda: len(keepalived.servers()) == 3, 15, keepalived.servers)
    session = case.keep(Session(pair.client, pair.vip), Session.stop)
    session.lives(0, 10)
    began, table = pair.wire.mark(), keepalived.table()

    case.step("a dry run says what it would do, and does nothing; a wrong file lets keepalived go on")
    said = adopted("--dry-run")
    check("the dry run names the file and the counts",
          said.returncode == 0 and "1 instances and 2 services" in said.stdout and "nothing was done" in said.stdout, said)
    wrong = case.write("wrong.conf", "vrrp_instance VI_1 {\n interface eth0\n}\n")
    check("a file that would not run exits 2", adopted("-f", wrong).returncode == 2)
    lacking = case.write("lacking.conf", "virtual_server 61.164.122.8 81 {\n protocol TCP\n}\n")
    said = adopted("-f", lacking)
    check("a file that lacks what keepalived has is refused, and says what",
          said.returncode == 2 and "vrrp_instance VI_1" in said.stderr, said)
    check("keepalived still runs", keepalived.running())

    case.step("adopted: the VIP stays, no advertisement of the peer, the same services with their counters")
    counted = keepalived.connections("61.164.122.8:80")
    since = session.mark()
    said = adopted()
    check("adopt exits 0", said.returncode == 0, (said, lvsdeck.tail()))
    case.note(said.stdout.strip().splitlines()[0])
    status = lvsdeck.status()
    check("the engine is master in its place", status["role"] == "MASTER", status["role"])
    until("keepalived has ended", lambda: not keepalived.running(), 3)
    session.lives(since, 10)
    case.note(f"longest gap on the connection {session.longest_gap(since):.3f} s")
    check("the table is the same", lvsdeck.table() == table, (table, lvsdeck.table()))
    lvsdeck.must("drain", "61.164.122.11")
    check("the server behind the mark is the file's, and can be drained", lvsdeck.servers()[MARKED] == 0, lvsdeck.servers())
    lvsdeck.must("restore", MARKED)
    with open(os.path.join(lvsdeck.socket + ".d", "addresses.json"), encoding="utf-8") as file:
        check("the VIP is written down as lvsdeck's", pair.vip in file.read())
    check("the kernel's counts went on", lvsdeck.connections("61.164.122.8:80") >= counted)
    mark = pair.wire.mark()
    pair.wire.advert("the engine advertises", mark, INTERVAL + 1, port="d1", priority=100)
    undisturbed(pair, began)

    case.step("restarted with --keep: nobody notices")
    since = session.mark()
    lvsdeck.must("stop", "--keep")
    check("the VIP stayed", lvsdeck.space.holds(pair.vip))
    check("the table stayed", lvsdeck.table() == table, lvsdeck.table())
    lvsdeck.start()
    lvsdeck.ready()
    until("it is master again", lambda: lvsdeck.status()["role"] == "MASTER", 2, lvsdeck.tail)
    session.lives(since, 10)
    undisturbed(pair, began)

    case.step("the way back: stop --keep and start keepalived, which takes the VIP off until it is master: clients are served again")
    since = session.mark()
    lvsdeck.must("stop", "--keep")
    keepalived.start()
    pair.wire.advert("keepalived is master here again", pair.wire.mark(), 4 * INTERVAL + 5, port="d1", priority=100)
    pair.held_by("d1", 5)
    until("new clients are served", lambda: curl(pair.client, pair.vip, pair.clients[1]) in ("r1", "r2"), 10)
    # Where the peer was master in between, it has reset the connection: its kernel did not know it.
    case.note(f"the old connection: {session.error or 'lives on'}; longest gap {session.longest_gap(since):.3f} s")


def undisturbed(pair, since):
    """d1 held the VIP alone all the time, nobody resigned, and no two advertisements were further apart than the peer's patience."""
    check("the peer has sent nothing", not pair.wire.adverts(since, port="d2"))
    adverts = pair.wire.adverts(since, port="d1")
    check("nobody resigned", all(advert.priority == 100 for advert in adverts), adverts)
    gaps = [b.at - a.at for a, b in zip(adverts, adverts[1:])]
    check("the peer was never without an advertisement for long", max(gaps, default=0) < 3 * INTERVAL, gaps)
    check("d1 holds the VIP alone", pair.holders() == ["d1"], pair.holders())
