"""The kernel refuses one operation: the rest goes on, and the refusal is shown."""

from pair import Pair
from wait import check, until
from web import Page

SERVICE = """virtual_server {vip} {port} {{
    delay_loop 3
    lb_algo {scheduler}
    lb_kind DR
    protocol TCP
    real_server 10.0.0.71 {port} {{
        weight 2
    }}
}}
"""
INSTANCE = "vrrp_instance a {\n interface eth0\n virtual_router_id 9\n priority 200\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n"


def run(case):
    one = lambda port, scheduler: SERVICE.format(vip="10.0.0.1", port=port, scheduler=scheduler)
    # the guest's kernel has no `twos`
    config = case.write("d1.conf", INSTANCE + one(81, "wrr") + one(82, "twos") + one(83, "sh"))
    pair = Pair(case, "10.0.0", "10.0.0.1", (config, config), ("200",), ("71",), Page)
    d1 = pair.d1
    case.step("three services, one with a scheduler that the kernel does not have: the two others are there")
    d1.start()
    d1.ready()
    until("both other servers are in the table", lambda: d1.servers() == {"10.0.0.71:81": 2, "10.0.0.71:83": 2}, 5, d1.servers)
    until("the VIP is there", lambda: d1.space.holds("10.0.0.1"), 8)
    shown = lambda: [e for e in d1.must("events", "--json").splitlines() if "operation-refused" in e and "10.0.0.1:82" in e]
    until("the refusal is an event", shown, 5, lambda: d1.must("events"))
    warned = lambda: "10.0.0.1:82" in str(d1.status()["warnings"]) + str(d1.status()["drift"])
    until("the status shows it", warned, 5, lambda: (d1.status()["warnings"], d1.status()["drift"]))

    case.step("a scheduler that nobody knows: the file is refused or the word warned about, never a crash")
    strange = d1.space.run(d1.binary, "check", "-f", case.write("strange.conf", INSTANCE + one(81, "fastest")))
    check("check exits 5 or 2 and names the word", strange.returncode in (2, 5) and "fastest" in strange.stdout + strange.stderr,
          (strange.returncode, strange.stdout, strange.stderr))
    d1.stop()
    check("nothing is left", not d1.table() and not d1.space.holds("10.0.0.1"), d1.table())
