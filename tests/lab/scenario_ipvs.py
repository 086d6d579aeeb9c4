"""The kernel's IPVS beside services: lvs_* words, the sync daemon, connections, alarms, sysctls, live totals, drift by policy.

What lvsdeck says or does is compared with the guest's ipvsadm each time.
"""

import contextlib
import json
import os
import re
import socket

from pair import Pair
from wait import check, until
from web import Page

GLOBAL = """global_defs {{
    lvs_sync_daemon {interface} inst a id 51
    lvs_timeouts tcp 700 tcpfin 61 udp 250
{more}}}
vrrp_instance a {{
    interface eth0
    virtual_router_id 9
    priority {priority}
    advert_int 0.5
    virtual_ipaddress {{
        10.0.0.1/24
    }}
}}
"""
SERVICE = """virtual_server 10.0.0.1 {port} {{
    lb_algo rr
    lb_kind DR
    protocol {protocol}
{servers}}}
"""
R1, R2 = "10.0.0.71:80", "10.0.0.72:80"
STRANGER = "10.0.0.250:8080"
FLOOD = 16_500  # more than four for each of the 4,096 places of the connection table


def service(port, *servers, protocol="TCP"):
    lines = "".join(f"    real_server {server} {port} {{\n        weight 1\n    }}\n" for server in servers)
    return SERVICE.format(port=port, protocol=protocol, servers=lines)


def configuration(priority, interface="eth0", more=""):
    services = [service(80, "10.0.0.71", "10.0.0.72"), service(81, "10.0.0.71"), service(82, "10.0.0.71"),
                service(83, "10.0.0.71", protocol="UDP")]
    return GLOBAL.format(priority=priority, interface=interface, more=more) + "".join(services)


def run(case):
    flushing = "    lvs_flush\n    lvs_flush_on_stop\n"
    files = (case.write("d1.conf", configuration(200, more=flushing)), case.write("d2.conf", configuration(100)))
    pair = Pair(case, "10.0.0", "10.0.0.1", files, ("200", "201"), ("71", "72"), Page)
    d1, d2 = pair.d1, pair.d2
    d1.options = d2.options = ["--settings", case.write("lvsdeck.toml", "")]
    case.step("lvs_flush: a stranger's service is gone after the start, and so is what it had")
    d1.space.must("ipvsadm", "-A", "-t", STRANGER, "-s", "lc")
    defaults_are_the_kernels(case, d1)
    pair.started()
    d1.ready()
    d2.ready()
    until("d1 has its four services alone", lambda: sorted(services(d1)) == [f"10.0.0.1:{port}" for port in (80, 81, 82, 83)], 5,
          lambda: services(d1))
    case.step("alarms, to be looked for later: no destination, no weight")
    d1.must("remove-server", "tcp/10.0.0.1:81", "10.0.0.71:81")
    d1.must("drain", "10.0.0.71:82")
    timeouts_and_daemons(case, pair)
    with connections(case, pair):
        sync_follows_the_instance(case, pair)
        a_crowded_table(case, pair)
        alarms(case, pair)
    drift(case, pair)
    the_daemon_can_not_run(case, pair)
    case.step("lvs_flush_on_stop: not even a stranger's service is left; without it the stranger's stays")
    for director in (d1, d2):
        director.space.must("ipvsadm", "-A", "-t", STRANGER, "-s", "lc")
        director.stop()
    check("d1 left nothing", services(d1) == [], services(d1))
    check("d2 left the stranger's alone", services(d2) == [STRANGER], services(d2))
    for director in (d1, d2):
        check(f"{director.name} runs no sync daemon any more", daemons(director) == [], daemons(director))


def services(director):
    rows = [line.split() for line in director.space.must("ipvsadm", "-ln").splitlines()[3:]]
    return [row[1] for row in rows if row[0] != "->"]


def set_word(director, name, value):
    with director.space.inside(), open(f"/proc/sys/net/ipv4/vs/{name}", "w", encoding="ascii") as file:
        file.write(value)


def sysctls(director):
    return {word["name"]: word for word in json.loads(director.must("sysctls", "--json"))}


def warned(director):
    return {warning["code"] for warning in director.status()["warnings"]}


def events(director, kind):
    found = map(json.loads, director.must("events", "--json").splitlines())
    return [event for event in found if event["kind"] == kind]


def daemons(director):
    """`master eth0 51` for each that runs."""
    text = director.space.must("ipvsadm", "-l", "--daemon")
    return [" ".join(found) for found in re.findall(r"^(\w+) sync daemon \(mcast=(\w+), syncid=(\d+)", text, re.M)]


def defaults_are_the_kernels(case, d1):
    case.step("the defaults that lvsdeck knows are those of this namespace, in which nobody changed one")
    with d1.space.inside():
        place = "/proc/sys/net/ipv4/vs"
        fresh = {}
        for name in os.listdir(place):
            with open(os.path.join(place, name), encoding="ascii") as file:
                fresh[name] = file.read().strip("\n")
    page = open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "sysctls.md"), encoding="utf-8").read()
    known = dict(re.findall(r"^\| `(\w+)` \| (\S.*?) \|", page, re.M))
    wrong = {name: (value, known.get(name)) for name, value in fresh.items()
             if known.get(name) not in ("depends", f"`{value.replace(chr(9), ' ')}`", "empty" if value == "" else None)}
    check("each word of this kernel is known with its default", not wrong, wrong)


def timeouts_and_daemons(case, pair):
    case.step("lvs_timeouts and lvs_sync_daemon: what ipvsadm shows")
    for director, role in ((pair.d1, "master"), (pair.d2, "backup")):
        until(f"{director.name} runs the {role} daemon", lambda: daemons(director) == [f"{role} eth0 51"], 5, lambda: daemons(director))
        shown = director.space.must("ipvsadm", "-l", "--timeout").strip()
        check("the timeouts are the file's", shown == "Timeout (tcp tcpfin udp): 700 61 250", shown)


@contextlib.contextmanager
def connections(case, pair):
    case.step("connections: ctl counts what ipvsadm -Lnc lists, and the backup gets them by the sync daemon")
    d1, d2 = pair.d1, pair.d2
    held = []
    for source in ("10.0.0.200", "10.0.0.201", "10.0.0.201"):
        one = pair.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.settimeout(5)
        one.bind((source, 0))
        one.connect(("10.0.0.1", 80))
        held.append(one)
    try:
        for _ in range(60):  # sync_threshold: the third packet tells the other director
            for one in held:
                one.sendall(b"hello\n")
                check("the server gives it back", one.recv(100) == b"hello\n")
            if d2.space.read("net/ip_vs_conn_sync").count(" ESTABLISHED ") >= 3:
                break
        for director in (d1, d2):
            listed = lambda: [line for line in director.space.must("ipvsadm", "-Lnc").splitlines() if " ESTABLISHED " in line]
            until(f"ipvsadm on {director.name} lists three", lambda: len(listed()) == 3, 10, listed)
            told = json.loads(director.must("connections", "--json"))
            check(f"ctl connections on {director.name} counts three", told["total"] == 3, told)
            clients = {(group["client"], group["connections"]) for group in told["clients"]}
            check("and whose they are", clients == {("10.0.0.200", 1), ("10.0.0.201", 2)}, clients)
            pairs = {tuple(re.split(r" +", line)[3:6]) for line in listed()}
            rows = {(row["client"], row["service"].removeprefix("tcp/"), row["server"]) for row in told["rows"]}
            check("the rows are ipvsadm's", rows == pairs, (rows, pairs))
        yield
    finally:
        for one in held:
            one.close()


def sync_follows_the_instance(case, pair):
    d1, d2 = pair.d1, pair.d2
    case.step("the sync daemons turn with the instance, and back")
    d1.must("failover", "a")
    for director, role in ((d1, "backup"), (d2, "master")):
        until(f"{director.name} runs the {role} daemon", lambda: daemons(director) == [f"{role} eth0 51"], 5, lambda: daemons(director))
    d1.must("rejoin", "a")
    for director, role in ((d1, "master"), (d2, "backup")):
        until(f"{director.name} runs the {role} daemon", lambda: daemons(director) == [f"{role} eth0 51"], 8, lambda: daemons(director))
    turns = [(event["from"], event["to"]) for event in events(d1, "sync-daemon")]
    check("each turn is an event", turns[-2:] == [("master", "backup"), ("backup", "master")], turns)


def a_crowded_table(case, pair):
    case.step(f"{FLOOD} UDP flows: the totals are live though the estimator stands still")
    d1 = pair.d1
    before = d1.status()["ipvs"]["counters"]["connections"]
    set_word(d1, "run_estimation", "0")
    with pair.client.inside():
        for source in ("10.0.0.200", "10.0.0.201"):
            for port in range(20_000, 20_000 + FLOOD // 2):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                    one.bind((source, port))
                    one.sendto(b"x", ("10.0.0.1", 83))
    set_word(d1, "drop_packet", "3")
    entries = lambda: sum(int(n) for row in udp_row(d1) for n in row)
    until("the kernel has them", lambda: entries() >= FLOOD, 10, entries)
    total = lambda: d1.status()["ipvs"]
    until("the totals count them all", lambda: total()["counters"]["connections"] - before >= FLOOD, 5, total)
    check("and say that the services' numbers are stale", total()["stale"], total())
    service = next(s for s in d1.status()["virtual_servers"] if s["key"] == "udp/10.0.0.1:83")
    check("which they are", service["counters"]["connections"] < FLOOD, service["counters"])
    check("ctl status says so", "stand still" in d1.must("status"), d1.must("status"))
    percpu = d1.space.read("net/ip_vs_stats_percpu").splitlines()
    counted = sum(int(line.split()[1], 16) for line in percpu[2:] if re.match(r" *[0-9A-F]+ ", line) and len(line.split()) == 6)
    check("as the kernel's own file has it", total()["counters"]["connections"] <= counted, (total(), counted))


def udp_row(director):
    rows = [line.split() for line in director.space.read("net/ip_vs").splitlines()[3:]]
    return [row[4:6] for row in rows if row[0] == "->" and row[1] == "0A000047:0053"]


def alarms(case, pair):
    case.step("the alarms are there")
    d1 = pair.d1
    wanted = {"no-destination", "no-weight", "connection-table-small", "run-estimation-off", "drop-defence"}
    until("all five", lambda: wanted <= warned(d1), 40, lambda: warned(d1))
    words = sysctls(d1)
    check("sysctls has value, default and effect", (words["run_estimation"]["value"], words["run_estimation"]["default"]) == ("0", "1"),
          words["run_estimation"])
    check("and the warning", "stand still" in words["run_estimation"]["warning"] and "sysctl -w" in words["run_estimation"]["warning"],
          words["run_estimation"])
    check("drop_packet hurts too", words["drop_packet"]["warning"], words["drop_packet"])
    check("and nothing is said against what is well", words["pmtu_disc"]["warning"] is None, words["pmtu_disc"])
    set_word(d1, "drop_packet", "0")
    set_word(d1, "run_estimation", "1")
    until("the numbers are fresh again", lambda: not d1.status()["ipvs"]["stale"], 15, lambda: d1.status()["ipvs"])
    fresh = lambda: next(s for s in d1.status()["virtual_servers"] if s["key"] == "udp/10.0.0.1:83")
    until("the service's connections are known", lambda: fresh()["counters"]["connections"] >= FLOOD, 10, lambda: fresh()["counters"])
    check("and were no rate", fresh()["rates"]["connections_per_s"] < 100, fresh()["rates"])


def drift(case, pair):
    d1 = pair.d1
    change = lambda: d1.space.must("ipvsadm", "-e", "-t", "10.0.0.1:80", "-r", R1, "-g", "-w", "7")
    add = lambda: d1.space.must("ipvsadm", "-a", "-t", "10.0.0.1:80", "-r", "10.0.0.99:80", "-g", "-w", "1")
    web = lambda: {key: weight for key, weight in d1.servers().items() if key.endswith(":80")}
    settings = d1.options[-1]

    def policy(word):
        with open(settings, "w", encoding="ascii") as file:
            file.write(f"[ipvs]\ndrift = \"{word}\"\n")
        d1.must("reload")

    case.step("drift = report: what ipvsadm changed stays, and is told with old and new value")
    policy("report")
    change()
    told = lambda: [(e["subject"], e["from"], e["to"], e["reason"]) for e in events(d1, "drift")]
    until("an event tells it", lambda: ("tcp/10.0.0.1:80 " + R1, "dr weight 1", "dr weight 7", "reported") in told(), 5, told)
    shown = lambda: [entry["action"] for entry in d1.status()["drift"]]
    until("the status has it too", lambda: shown() == ["reported"], 5, lambda: d1.status()["drift"])
    for _ in range(3):
        check("it stays", web()[R1] == 7 and shown() == ["reported"], (web(), shown()))
    columns = [re.split(r"  +", line.rstrip()) for line in d1.must("diff").splitlines()]
    line = ["tcp/10.0.0.1:80 " + R1, "kernel", "-", "dr weight 1", "dr weight 7"]
    check("ctl diff sets them side by side", line in columns, columns)
    case.step("a reload brings it back once; drift = repair does so by itself, and leaves a stranger's server")
    d1.must("reload")
    until("the weight is the file's", lambda: web() == {R1: 1, R2: 1}, 5, web)
    policy("repair")
    change()
    add()
    until("repaired, and the stranger stays", lambda: web() == {R1: 1, R2: 1, "10.0.0.99:80": 1}, 5, web)
    case.step("drift = enforce: the stranger's server goes")
    policy("enforce")
    until("only ours are left", lambda: web() == {R1: 1, R2: 1}, 5, web)
    case.step("settings with a mistake are refused with their line, and what runs goes on")
    with open(settings, "w", encoding="ascii") as file:
        file.write("[ipvs]\ndrift = \"never\"\n")
    refused = d1.ctl("reload")
    check("the reload is refused", refused.returncode == 1 and "lvsdeck.toml:2:9" in refused.stdout + refused.stderr,
          (refused.returncode, refused.stdout, refused.stderr))
    check("d1 runs on", d1.running() and web() == {R1: 1, R2: 1})
    with open(settings, "w", encoding="ascii") as file:
        file.write("")


def the_daemon_can_not_run(case, pair):
    d2 = pair.d2
    case.step("somebody ends the sync daemon: it is started again; one that can't run is an alarm")
    d2.space.must("ipvsadm", "--stop-daemon", "backup")
    until("it runs again", lambda: daemons(d2) == ["backup eth0 51"], 15, lambda: daemons(d2))
    case.write("d2.conf", configuration(100, interface="eth7"))
    d2.must("reload")
    until("no daemon runs", lambda: daemons(d2) == [], 15, lambda: daemons(d2))
    until("that is an alarm", lambda: "sync-daemon" in warned(d2), 40, lambda: warned(d2))
    refused = [event["reason"] for event in events(d2, "operation-refused")]
    check("and the refusal names the interface", any("eth7" in reason for reason in refused), refused)
