"""Starts that must not happen: each ends with its promised exit code and a sentence, and disturbs nothing that runs."""

import os
import shutil
import tempfile

from director import Lvsdeck
from pair import Pair, scenario_file
from wait import check, until


def run(case):
    pair = Pair(case, "10.0.0", "10.0.0.100", ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    d1 = pair.d1
    good = scenario_file("s1-failover.master.conf")

    def refused(what, code, config, socket, binary=os.path.abspath(Lvsdeck.binary), before=()):
        case.step(what)
        result = pair.lan["d1"].run(*before, binary, "run", "-f", config, "--socket", socket, timeout=10)
        check(f"exit {code} and a reason", result.returncode == code and (result.stderr + result.stdout).strip(),
              (result.returncode, result.stdout, result.stderr))

    other = case.file("other.sock")
    refused("no such file", 2, "/nonexistent/lvsdeck.conf", other)
    refused("a directory", 2, case.directory, other)
    with open(case.file("latin1.conf"), "wb") as file:
        file.write(b"! caf\xe9\nvrrp_instance a {\n interface \xff\xfe\n}\n")
    refused("not UTF-8 in a value", 2, case.file("latin1.conf"), other)
    instance = "vrrp_instance {} {{\n interface eth0\n virtual_router_id 9\n virtual_ipaddress {{\n 10.0.0.9\n }}\n}}\n"
    refused("two instances with one VRID on one interface", 2,
            case.write("twins.conf", instance.format("a") + instance.format("b")), other)
    refused("a value out of range", 2, case.write("range.conf", instance.format("a").replace("9\n v", "900\n v")), other)
    with tempfile.TemporaryDirectory(dir="/run") as public:
        os.chmod(public, 0o777)
        theirs = shutil.copy(good, public)
        refused("no root", 4, theirs, f"{public}/socket", shutil.copy(Lvsdeck.binary, public),
                ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"))

    pair.started()
    d1.ready()
    refused("a second engine on the same socket", 3, good, d1.socket)
    check("the first goes on", d1.running() and d1.status()["virtual_routers"][0]["state"] == "MASTER")
    refused("a second engine with the same instance on another socket", 1, good, other)
    until("the VIP stays", lambda: pair.holders() == ["d1"], 1, pair.holders)
    if os.path.exists("/proc/net/ip_vs"):
        service = "virtual_server 10.0.0.100 80 {\n protocol TCP\n real_server 10.0.0.71 80 {\n }\n}\n"
        config = case.write("service.conf", service)
        services = case.keep(Lvsdeck(pair.lan["d1"], "services", config, case.directory), lambda d: d.running() and d.kill())
        services.start()
        services.ready()
        refused("a second engine with the same service on another socket", 1, config, other)
        check("the service stays", "TCP  10.0.0.100:80 wlc" in services.table(), services.table())
        services.stop()
