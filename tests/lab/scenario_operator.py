"""S4 in an operator's hands: `ctl` on a running pair, each act seen in the kernel's table or on the wire; strangers' services."""

import json

from pair import Pair
from wait import check, until
from web import Page, curl

SERVICE = "tcp/10.0.0.1:80"
FOREIGN = "10.0.0.250:8080"
R1, R2, R3 = "10.0.0.71:80", "10.0.0.72:80", "10.0.0.73:80"


def run(case):
    clients = tuple(str(n) for n in range(200, 206))
    pair = Pair(case, "10.0.0", "10.0.0.1", ("s4-dr.master.conf", "s4-dr.backup.conf"), clients, ("71", "72", "73"), Page)
    d1 = pair.d1
    case.step("start beside a service that somebody made by hand")
    d1.space.must("ipvsadm", "-A", "-t", FOREIGN, "-s", "lc")
    d1.space.must("ipvsadm", "-a", "-t", FOREIGN, "-r", "10.0.0.71:8080", "-g", "-w", "7")
    strangers = [f"TCP  {FOREIGN} lc", f"  -> {'10.0.0.71:8080':<28} Route   7"]
    pair.started()
    table_becomes(d1, {R1: 1, R2: 1})
    check("the stranger's service is untouched", set(strangers) <= set(d1.table()), d1.table())
    d1.ready()
    pair.d2.ready()
    status_agrees(case, pair)
    servers(case, pair)
    repair(case, pair)
    failover(case, pair)
    case.step("stop through the socket: ours goes, the stranger's stays")
    d1.must("stop")
    check("the engine ends with 0", d1.ended() == 0)
    check("only the stranger's service is left", d1.table() == strangers, d1.table())
    check("the VIP is gone", not d1.space.holds(pair.vip))
    late = d1.ctl("status")
    check("ctl without an engine exits 3", late.returncode == 3, (late.returncode, late.stderr))


def ours(director):
    """The kernel's table without the stranger's server."""
    return {key: weight for key, weight in director.servers().items() if not key.endswith(":8080")}


def table_becomes(director, wanted, within=3):
    until(f"the table of {director.name} is {wanted}", lambda: ours(director) == wanted, within, lambda: ours(director))


def status_agrees(case, pair):
    case.step("status --json says what the kernel and the wire say")
    here = lambda director: director.status()["virtual_routers"][0]
    for director, state, priority in ((pair.d1, "MASTER", 200), (pair.d2, "BACKUP", 100)):
        status, router = director.status(), here(director)
        check(f"{director.name} is {state}", (router["state"], status["role"], router["priority"]) == (state, state, priority), router)
        check("the address list", router["addresses"] == ["10.0.0.1/24"], router["addresses"])
        service = status["virtual_servers"][0]
        facts = (service["key"], service["scheduler"], service["forward"], service["persistence"])
        check("the service's facts", facts == (SERVICE, "rr", "dr", 7200), facts)
        kernel = lambda: {s["key"]: s["kernel"]["weight"] for s in director.status()["virtual_servers"][0]["real_servers"]}
        until("its servers are the kernel's", lambda: kernel() == ours(director), 5, kernel)
        healthy = lambda: [s["health"] for s in director.status()["virtual_servers"][0]["real_servers"]]
        until("its servers are up", lambda: healthy() == ["up", "up"], 15, healthy)
    printed = json.loads(pair.d1.must("status", "--json"))
    check("ctl status --json is GET /v1/status", printed.keys() == pair.d1.status().keys(), printed.keys())
    foreign = printed["foreign"]
    check("the stranger's service is shown as foreign", FOREIGN in str(foreign), foreign)
    for source in pair.clients[1:4]:
        check("traffic is served", curl(pair.client, pair.vip, source) in ("r1", "r2"))
    counted = lambda: pair.d1.connections(pair.vip + ":80")  # the kernel adds them up every two seconds
    until("the kernel counts three connections", lambda: counted() == 3, 5, counted)
    shown = lambda: pair.d1.status()["virtual_servers"][0]["counters"]["connections"]
    until("the status shows them", lambda: shown() == 3, 3, shown)


def servers(case, pair):
    d1 = pair.d1
    pair.lan["r1"].must("ip", "address", "add", "10.0.0.73/24", "dev", "eth0")
    for words, wanted in (
        (("drain", "10.0.0.71"), {R1: 0, R2: 1}),
        (("restore", R1), {R1: 1, R2: 1}),
        (("weight", SERVICE, R2, "5"), {R1: 1, R2: 5}),
        (("weight", SERVICE, R2, "1"), {R1: 1, R2: 1}),
        (("add-server", SERVICE, R3, "--weight", "2"), {R1: 1, R2: 1, R3: 2}),
        (("remove-server", SERVICE, R3), {R1: 1, R2: 1}),
    ):
        case.step(f"ctl {' '.join(words)}")
        preview = d1.must(*words, "--dry-run")
        check("a dry run says what it would do", preview.strip() != "")
        d1.must(*words)
        table_becomes(d1, wanted)
    table_becomes(pair.d2, {R1: 1, R2: 1})
    wrong = d1.ctl("drain", "10.0.0.99")
    check("ctl on what is not there exits 1 and says why", wrong.returncode == 1 and wrong.stderr, (wrong.returncode, wrong.stderr))
    check("ctl with a wrong word exits 2", d1.ctl("dance").returncode == 2)


def repair(case, pair):
    case.step("somebody removes one of our servers by hand: it is repaired")
    pair.d1.space.must("ipvsadm", "-d", "-t", "10.0.0.1:80", "-r", R1)
    table_becomes(pair.d1, {R1: 1, R2: 1}, within=10)


def failover(case, pair):
    d1 = pair.d1
    case.step("ctl failover: the VIP moves and stays away")
    mark = pair.wire.mark()
    d1.must("failover", "external")
    pair.held_by("d2", 5)
    pair.announced_by("d2", mark)
    check("traffic is served", curl(pair.client, pair.vip) in ("r1", "r2"))
    mark = pair.wire.mark()
    for _ in range(5):  # longer than d1's Master_Down_Interval of 3.2 s
        heard = pair.wire.mark()
        pair.wire.advert("d2 goes on", heard, 3, port="d2")
    check("d1 stays away", not pair.wire.adverts(mark, port="d1"))
    case.step("ctl rejoin: the VIP returns")
    d1.must("rejoin", "external")
    pair.held_by("d1", 8)
    case.step("ctl failover with nobody there: taken back, exit 1")
    pair.d2.stop()
    result = d1.ctl("failover", "external")
    check("it exits 1 and says that nobody took over", result.returncode == 1 and "nobody" in result.stderr + result.stdout,
          (result.returncode, result.stdout, result.stderr))
    pair.held_by("d1", 5)
