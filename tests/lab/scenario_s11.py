"""S11: direct routing, weighted. wrr weight 3, persistence 60, VIP 61.164.122.8/32, the check's old words."""

from balance import Balanced
from pair import Pair
from web import Page


def build(case):
    """delay_loop 6, three retries after 3 s each: dead after 15 s at most, plus slack."""
    clients = tuple(str(n) for n in range(200, 210))
    pair = Pair(case, "61.164.122", "61.164.122.8", ("s11-dr-wrr.master.conf", "s11-dr-wrr.backup.conf"), clients,
                ("9", "10"), Page)
    servers = {"r1": "61.164.122.9:80", "r2": "61.164.122.10:80"}
    return Balanced(case, pair, "TCP  61.164.122.8:80 wrr persistent 60", servers, 3, down_within=21, up_within=10)


def run(case):
    build(case).tell()
