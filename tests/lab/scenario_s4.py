"""S4: direct routing. rr, persistence 7200, VIP 10.0.0.1/24, real servers 10.0.0.71 and .72 with nginx."""

from balance import Balanced
from pair import Pair
from web import Nginx


def build(case):
    """delay_loop 10, connect_timeout 5, one retry after 1 s (keepalived's default): dead after 11 s at most, plus slack."""
    clients = tuple(str(n) for n in range(200, 210))
    pair = Pair(case, "10.0.0", "10.0.0.1", ("s4-dr.master.conf", "s4-dr.backup.conf"), clients, ("71", "72"), Nginx)
    return Balanced(case, pair, "TCP  10.0.0.1:80 rr persistent 7200", {"r1": "10.0.0.71:80", "r2": "10.0.0.72:80"}, 1,
                    down_within=16, up_within=14)


def run(case):
    build(case).tell()
