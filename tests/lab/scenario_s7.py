"""S7: a pair of HTTP proxies (haproxy) kept available. VRID 50, priorities 150 and 100, VIP 10.0.0.3, a script every 5 s.

The script restarts the proxy; where that fails the node gives the VIP up.
"""

import contextlib
import os
import signal

from pair import Pair, scenario_file
from wait import check, until
from web import Page, curl

PROXY = """global
    pidfile {pid}
    maxconn 100
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend web
    bind *:80
    default_backend servers
backend servers
    server r1 10.0.0.71:80
    server r2 10.0.0.72:80
"""
SCRIPT = """#!/bin/sh
kill -0 "$(cat {pid})" 2>/dev/null && exit 0
haproxy -D -f {config} && exit 0
echo "the proxy does not start"
exit 1
"""
SKEW = (256 - 100) / 256  # seconds, the backup's (RFC 3768 §6.1)
SLACK = 0.8
INTERVAL = 5
RUN = 20  # seconds that a script may take: a guest with one slow processor starts many proxies side by side


class Proxy:
    """haproxy on one director, and the script that watches it."""

    def __init__(self, case, name):
        at = lambda kind: case.file(f"{name}.{kind}")
        self.pid_file, self.config, self.aside = at("haproxy.pid"), at("haproxy.cfg"), at("haproxy.aside")
        case.write(f"{name}.haproxy.cfg", PROXY.format(pid=self.pid_file))
        self.script = case.write(f"{name}.check.sh", SCRIPT.format(config=self.config, pid=self.pid_file))
        os.chmod(self.script, 0o755)

    def pids(self):
        with contextlib.suppress(FileNotFoundError), open(self.pid_file, encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
        return []

    def kill(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.pid_file)

    def breaks(self):
        os.rename(self.config, self.aside)

    def mended(self):
        os.rename(self.aside, self.config)


def run(case):
    proxies = {name: case.keep(Proxy(case, name), Proxy.kill) for name in ("d1", "d2")}
    configs = [config(case, name, kind, proxies[name]) for name, kind in (("d1", "master"), ("d2", "backup"))]
    pair = Pair(case, "10.0.0", "10.0.0.3", configs, clients=("200",), servers=("71", "72"), web=Page)
    for name, proxy in proxies.items():
        pair.lan[name].must("haproxy", "-D", "-f", proxy.config)
        until(f"the proxy of {name} answers", lambda: served(pair, name), 10)
    start(case, pair)
    proxy_dies(case, pair, proxies["d1"])
    proxy_is_broken(case, pair, proxies["d1"])
    proxy_is_mended(case, pair, proxies["d1"])
    case.step("both stop: nothing is left")
    for director in (pair.d2, pair.d1):
        director.stop()
    check("nobody holds the VIP", pair.holders() == [], pair.holders())


def config(case, name, kind, proxy):
    """The scenario's file with the script of this case, and the time that it may need here."""
    with open(scenario_file(f"s7-ha-proxy.{kind}.conf"), encoding="utf-8") as file:
        text = file.read()
    for script in ("check_web", "check_vip"):
        text = text.replace(f"/etc/keepalived/{script}.sh", proxy.script)
    text = text.replace("interval 5", f"timeout {RUN}\n    interval 5")
    return case.write(f"{name}.conf", text)


def served(pair, name):
    return curl(pair.lan[name], "127.0.0.1") in ("r1", "r2")


def start(case, pair):
    case.step("start: the script answers first, then the master has the VIP and serves through it")
    pair.started()
    until("a real server answers through the VIP", lambda: curl(pair.client, pair.vip) in ("r1", "r2"), 5)


def proxy_dies(case, pair, proxy):
    case.step("the proxy dies: the script starts it again, and the VIP stays")
    mark = pair.wire.mark()
    before = proxy.pids()
    proxy.kill()
    until("the script has started it again", lambda: proxy.pids() and proxy.pids() != before, INTERVAL + RUN)
    until("it serves through the VIP", lambda: curl(pair.client, pair.vip) in ("r1", "r2"), 5)
    check("d2 has said nothing", not pair.wire.adverts(mark, port="d2"))
    pair.held_by("d1", 1)


def proxy_is_broken(case, pair, proxy):
    case.step("the proxy can't be started again: the master resigns, the other one serves")
    mark = pair.wire.mark()
    proxy.breaks()
    proxy.kill()
    resigned = pair.wire.advert("d1 resigns", mark, INTERVAL + RUN, port="d1", priority=0)
    pair.takes_over("d2", mark, SKEW - 0.02, SKEW + SLACK, lambda: resigned.at)
    pair.held_by("d2", 2)
    pair.announced_by("d2", mark)
    until("it serves through the VIP", lambda: curl(pair.client, pair.vip) in ("r1", "r2"), 5)
    if pair.d1.program == "lvsdeck":
        router = pair.d1.status()["virtual_routers"][0]
        check("d1 is in FAULT", router["state"] == "FAULT", router)
        check("the reason names the script and what it said",
              "check_web" in router["reason"] and "the proxy does not start" in router["reason"], router["reason"])
        warnings = [(w["code"], w["subject"]) for w in pair.d1.status()["warnings"]]
        check("the warning stands", ("script-failing", "check_web") in warnings, warnings)


def proxy_is_mended(case, pair, proxy):
    case.step("the proxy is mended: its script starts it, and the master takes the VIP back")
    mark = pair.wire.mark()
    proxy.mended()
    pair.wire.advert("d1 is master again", mark, INTERVAL + RUN + 6, port="d1")
    pair.held_by("d1", 3)
    pair.announced_by("d1", mark)
    until("it serves through the VIP", lambda: curl(pair.client, pair.vip) in ("r1", "r2"), 5)
