"""What the host has that hurts is told with its remedy, and the remedy works: the warning goes."""

import os
import subprocess

from director import Keepalived
from pair import Pair
from wait import check, until

WITHIN = 45  # seconds: the engine looks every half minute
FILTER = ["add table ip lab", "add chain ip lab guard { type filter hook input priority 0 ; policy drop ; }",
          "add rule ip lab guard iifname lo accept", "add rule ip lab guard ct state established,related accept",
          "add rule ip lab guard tcp dport 22 accept"]


def run(case):
    """ip_forward needs ip_vs, which the guest has; the filter needs tables for nft, which the guest's kernel has not."""
    pair = Pair(case, "10.0.0", "10.0.0.1", ("s4-dr.master.conf", "s4-dr.backup.conf"), clients=("200",))
    guest = os.path.exists("/proc/net/ip_vs")
    for director in (pair.d1, pair.d2):
        with open(director.config, encoding="utf-8") as file:
            text = file.read().replace("lb_kind DR", "lb_kind NAT")
        director.config = case.write(f"{director.name}.conf", text if guest else text[:text.index("virtual_server ")])
    word("d1", pair, "net.ipv4.ip_forward=0")
    case.step("start")
    pair.started()
    for director in (pair.d1, pair.d2):
        director.ready()
    beside(pair)
    if guest:
        forwarding(pair)
        case.note("the guest's kernel has no tables for nft: LAB_NATIVE=1 tests/lab/run warnings tells the rest")
    else:
        firewall(pair)


def beside(pair):
    """A keepalived with an instance of its own, so that only the warning is about lvsdeck."""
    pair.case.step("keepalived is started beside the engine: told, and no more once it is gone")
    own = "vrrp_instance other {\n interface eth0\n virtual_router_id 99\n priority 50\n virtual_ipaddress {\n 10.0.0.99\n }\n}\n"
    keepalived = Keepalived(pair.lan["d2"], "beside", pair.case.write("beside.conf", own), pair.case.directory)
    pair.case.keep(keepalived, lambda d: d.running() and d.kill())
    keepalived.start()
    found = until("vrrp-beside is told", lambda: told(pair.d2, "vrrp-beside"), WITHIN, lambda: pair.d2.status()["warnings"])
    check("it ends with a command", "systemctl disable --now keepalived" in found["next"], found)
    keepalived.stop()
    until("it is gone", lambda: not told(pair.d2, "vrrp-beside"), WITHIN, lambda: pair.d2.status()["warnings"])


def forwarding(pair):
    d1 = pair.d1
    pair.case.step("ip_forward is off, and the service needs it")
    found = until("ip-forward-off is told", lambda: told(d1, "ip-forward-off"), 10, lambda: d1.status()["warnings"])
    check("it ends with a command", found["next"].startswith("sysctl -w net.ipv4.ip_forward=1"), found)
    pair.case.step("the command is typed: the warning goes")
    d1.space.must(*found["next"].split(",")[0].split())
    until("it is gone", lambda: not told(d1, "ip-forward-off"), WITHIN, lambda: d1.status()["warnings"])
    until("both are events", lambda: "its cause is gone" in d1.must("events"), 5, lambda: d1.must("events"))


def firewall(pair):
    pair.case.step("a firewall that lets no VRRP in, on the backup: told, with its chain")
    made = pair.d2.space.run("nft", "-f", "-", text="\n".join(FILTER) + "\n")
    check("the filter is made", made.returncode == 0, made.stderr)
    found = until("firewall-drops-vrrp is told", lambda: told(pair.d2, "firewall-drops-vrrp"), WITHIN,
                  lambda: pair.d2.status()["warnings"])
    check("it names the chain", "chain guard of table ip lab" in found["message"], found)
    pair.case.step("the remedy is typed: both sides agree again, the warning goes")
    pair.d2.space.must(*found["next"].split(",")[0].split())
    until("it is gone", lambda: not told(pair.d2, "firewall-drops-vrrp"), WITHIN, lambda: pair.d2.status()["warnings"])
    pair.held_by("d1", 5)


def told(director, code):
    return next((w for w in director.status()["warnings"] if w["code"] == code), None)


def word(host, pair, setting):
    result = pair.lan[host].run("sysctl", "-w", setting)
    if result.returncode:
        raise subprocess.SubprocessError(result.stderr)
