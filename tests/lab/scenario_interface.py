"""An interface that is not there yet, and a VIP that is there already."""

from pair import Pair
from wait import check, until

LATE = """vrrp_instance late {
    state BACKUP
    interface eth7
    virtual_router_id 55
    priority 150
    advert_int 1
    virtual_ipaddress {
        10.0.7.1/24
    }
}
"""


def run(case):
    config = case.write("late.conf", LATE)
    pair = Pair(case, "10.0.0", "10.0.0.100", (config, "s1-failover.backup.conf"), clients=("200",))
    d1 = pair.d1
    router = lambda director: director.status()["virtual_routers"][0]
    case.step("the interface does not exist: the instance is in FAULT and says so")
    d1.start()
    d1.ready()
    until("the instance is in FAULT", lambda: router(d1)["state"] == "FAULT", 3, lambda: router(d1))
    check("the reason names the interface", "eth7" in router(d1)["reason"], router(d1)["reason"])

    case.step("the interface appears: the instance starts and becomes master")
    pair.lan.batch("switch", [f"link add late type veth peer name eth7 netns {pair.lan.prefix}d1",
                              "link set late master br0", "link set late up"])
    mark = pair.wire.mark()
    pair.lan.batch("d1", ["address add 10.0.7.11/24 dev eth7", "link set eth7 up"])
    pair.wire.advert("d1 is master", mark, 10, port="late", vrid=55)
    until("the VIP is on eth7", lambda: ("eth7", "10.0.7.1") in d1.space.addresses(), 3, d1.space.addresses)

    case.step("the interface is removed: FAULT again, the engine goes on")
    pair.lan.batch("switch", ["link delete late"])
    until("the instance is in FAULT", lambda: router(d1)["state"] == "FAULT", 5, lambda: router(d1))
    d1.stop()

    case.step("the VIP sits on the host already: it is master all the same, and announces it")
    d2 = pair.d2
    pair.lan.batch("d2", ["address add 10.0.0.100/24 dev eth0"])
    mark = pair.wire.mark()
    d2.start()
    pair.wire.advert("d2 is master", mark, 10, port="d2")
    pair.announced_by("d2", mark)
    until("the VIP is on d2", lambda: d2.space.holds("10.0.0.100"), 3)
    d2.stop()
