"""A kernel without ip_vs: `run` with a virtual server ends with 5 and names both ways out; VRRP alone does not need it."""

import os

from pair import Pair, scenario_file
from wait import check


def run(case):
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    d1 = pair.d1
    check("this kernel has no ip_vs (else this proves nothing)", not os.path.exists("/proc/net/ip_vs"))
    case.step("a configuration with a virtual server: exit 5")
    result = d1.space.run(d1.binary, "run", "-f", scenario_file("s4-dr.master.conf"), "--socket", d1.socket, timeout=10)
    check("exit 5", result.returncode == 5, (result.returncode, result.stdout, result.stderr))
    check("it names modprobe ip_vs and the other dataplane",
          "modprobe ip_vs" in result.stderr and "--dataplane userspace" in result.stderr, result.stderr)
    case.step("a configuration without one: it runs")
    pair.started()
    d1.stop()
    case.step("what another dataplane left written down, or half of it, is set aside: it runs all the same")
    with open(os.path.join(d1.socket + ".d", "services.json"), "w", encoding="utf-8") as file:
        file.write('{"life')
    d1.start()
    d1.ready()
    check("the log names the file", d1.logged("services.json: the state is damaged"), d1.tail())
    d1.stop()
