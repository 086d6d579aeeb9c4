"""kill -9 of a director's engine: its next start adopts what it had made, and leaves nothing of it behind."""

from pair import Pair
from wait import check, until
from web import Page, curl

FOREIGN = "10.0.0.250:8080"
SERVICE = "10.0.0.1:80"


def run(case):
    clients = tuple(str(n) for n in range(200, 204))
    pair = Pair(case, "10.0.0", "10.0.0.1", ("s4-dr.master.conf", "s4-dr.backup.conf"), clients, ("71", "72"), Page)
    d1 = pair.d1
    d1.space.must("ipvsadm", "-A", "-t", FOREIGN, "-s", "rr")
    case.step("start, and serve some clients")
    pair.started()
    until("the table is there", lambda: len(d1.servers()) == 2, 5)
    for source in pair.clients:
        check("traffic is served", curl(pair.client, pair.vip, source) in ("r1", "r2"))
    counted = lambda: d1.connections(SERVICE)  # the kernel adds them up every two seconds
    until("the kernel counts them", lambda: counted() == len(pair.clients), 5, counted)

    case.step("kill -9: VIP and services stay in the kernel, the peer takes over")
    mark = pair.wire.mark()
    table, served = d1.table(), d1.connections(SERVICE)
    d1.kill()
    pair.wire.advert("d2 takes over", mark, 8, port="d2")
    check("the dead engine's table still stands", d1.table() == table and d1.connections(SERVICE) >= served, d1.table())

    case.step("started again: a backup holds no VIP; the services are adopted, not made anew; then it takes the VIP back")
    mark, moves = pair.wire.mark(), d1.space.moves(pair.vip)
    d1.start()
    pair.wire.advert("d1 takes it back", mark, 10, port="d1")
    pair.held_by("d1", 3)
    check("it gave the VIP up before it became master again", moves() == ["removed", "added"], moves())
    check("the kernel's counts went on", d1.connections(SERVICE) >= served, (served, d1.connections(SERVICE)))
    check("the table is the same", d1.table() == table, (table, d1.table()))

    case.step("drained, kill -9, started again: weight 0 in the kernel all the time, and nothing is written there")
    drained = "10.0.0.71:80"
    d1.must("drain", drained, "--reason", "disk")
    until("it is drained", lambda: d1.servers().get(drained) == 0, 3, d1.servers)
    table = d1.table()
    d1.kill()
    check("the dead engine's drain still stands", d1.table() == table, d1.table())
    mark = pair.wire.mark()
    d1.start()
    d1.ready()
    servers = lambda: [s for v in d1.status()["virtual_servers"] for s in v["real_servers"] if s["key"] == drained]
    server = lambda: servers()[0] if servers() else {"health": None}  # the first view may have none yet
    seen = set()
    until("its check passed again", lambda: seen.add(d1.servers().get(drained)) or server()["health"] == "up", 20, server)
    check("it was at weight 0 whenever somebody looked", seen == {0}, seen)
    check("it drains for the engine too", server()["admin"] == "draining", server())
    check("the table is the same", d1.table() == table, (table, d1.table()))
    pair.wire.advert("d1 is master again", mark, 15, port="d1")
    d1.must("restore", drained)
    until("restore takes it back", lambda: d1.servers().get(drained, 0) > 0, 3, d1.servers)

    case.step("kill -9, and started with another configuration: what its former life made is removed")
    d1.kill()
    d1.config = case.write("other.conf", "vrrp_instance other {\n interface eth0\n virtual_router_id 77\n priority 50\n"
                           " virtual_ipaddress {\n 10.0.0.99/24\n }\n}\n")
    d1.start()
    until("the service of its former life is gone", lambda: not d1.servers(), 5, d1.table)
    check("the stranger's service stays", d1.table() == [f"TCP  {FOREIGN} rr"], d1.table())
    until("the VIP of its former life is gone", lambda: not d1.space.holds(pair.vip), 5, d1.space.addresses)
    until("it is master of the other", lambda: d1.space.holds("10.0.0.99"), 8)
    d1.stop()
    check("it leaves nothing", not d1.space.holds("10.0.0.99") and d1.table() == [f"TCP  {FOREIGN} rr"], d1.table())
