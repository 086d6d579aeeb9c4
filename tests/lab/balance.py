"""The story that S4 and S11 share: a balanced service on a pair, its servers failing and returning, its director dying."""

from wait import check, until
from web import Traffic, curl


class Balanced:
    """A Pair whose virtual server is `service` (as ipvsadm prints it) with real servers r1 and r2 of weight `weight`."""

    def __init__(self, case, pair, service, servers, weight, down_within, up_within):
        """`down_within`, `up_within`: seconds in which a dead server must leave and a recovered one be back."""
        self.case, self.pair, self.service = case, pair, service
        self.servers, self.weight = servers, weight
        self.down_within, self.up_within = down_within, up_within
        self.directors = (pair.d1, pair.d2)
        self.fresh = iter(pair.clients[1:])

    def expected(self, *names):
        """The table as `ipvsadm -ln` prints it, without the columns that count."""
        rows = [f"  -> {self.servers[name]:<28} Route   {self.weight}" for name in names]
        return [self.service, *rows]

    def tables_are(self, *names, within):
        """Wait until both directors' kernels hold these servers, then compare what ipvsadm prints."""
        wanted = {self.servers[name]: self.weight for name in names}
        for director in self.directors:
            until(f"the table of {director.name} has {sorted(wanted)}", lambda: director.servers() == wanted, within,
                  director.servers)
            table = sorted(director.table())
            check(f"ipvsadm -ln on {director.name} prints {self.expected(*names)}",
                  table == sorted(self.expected(*names)), table)

    def ask(self, source=None):
        """One request by curl, from one of the client's addresses."""
        return curl(self.pair.client, self.pair.vip, source)

    def start(self):
        self.case.step("start: both tables are the expected one, and traffic is spread over both servers")
        self.pair.started()
        self.tables_are("r1", "r2", within=5)
        sources = [next(self.fresh) for _ in range(4)]
        answers = [self.ask(source) for source in sources]
        check("four clients are served by r1 and r2, two each", sorted(answers) == ["r1", "r1", "r2", "r2"], answers)
        again = [self.ask(source) for source in sources]
        check("persistence: each client stays on its server", again == answers, (answers, again))
        self.sources = dict(zip(sources, answers))

    def server_dies_and_returns(self):
        self.case.step("r1's web service dies: it leaves both tables, its clients are served by r2")
        self.pair.web["r1"].stop()
        self.tables_are("r2", within=self.down_within)
        answers = {self.ask(source) for source in self.sources}
        check("all clients are served by r2", answers == {"r2"}, answers)
        self.case.step("it is revived: it returns to both tables and gets clients again")
        self.pair.web["r1"].start()
        self.tables_are("r1", "r2", within=self.up_within)
        answers = [self.ask(next(self.fresh)) for _ in range(2)]
        check("two new clients are served by r1 and r2", sorted(answers) == ["r1", "r2"], answers)

    def director_stops_under_traffic(self):
        self.case.step("the master stops while a client keeps asking: served again after the backup's skew time")
        pair = self.pair
        traffic = Traffic(pair.client, pair.vip)
        try:
            traffic.served(0, 5)
            mark, asked = pair.wire.mark(), traffic.mark()
            pair.d1.stop()
            pair.held_by("d2", 4)
            pair.announced_by("d2", mark)
            traffic.served(asked, 5)
            self.case.note(f"longest gap between two answers {traffic.longest_gap(asked):.2f} s")
            self.master_returns(traffic)
            self.case.step("the master dies in silence: served again after Master_Down_Interval")
            mark, asked = pair.wire.mark(), traffic.mark()
            pair.d1.kill()
            pair.lan.link_down("d1")
            pair.wire.advert("d2 takes over", mark, 8, port="d2")
            pair.announced_by("d2", mark)
            traffic.served(asked, 5)
            self.case.note(f"longest gap between two answers {traffic.longest_gap(asked):.2f} s")
            pair.lan.link_up("d1")
            self.master_returns(traffic)
        finally:
            traffic.stop()
        self.tables_are("r1", "r2", within=10)

    def master_returns(self, traffic):
        self.case.step("the master is started again: it takes the VIP back, traffic goes on")
        mark, asked = self.pair.wire.mark(), traffic.mark()
        self.pair.d1.start()
        self.pair.wire.advert("d1 is back", mark, 12, port="d1", priority=self.priority())
        self.pair.held_by("d1", 5)
        traffic.served(asked, 5)

    def priority(self):
        """The master's configured priority, as its first advertisement said."""
        return self.pair.wire.adverts(port="d1")[0].priority

    def both_stop(self):
        self.case.step("both stop: no VIP and no service is left")
        for director in (self.pair.d2, self.pair.d1):
            director.stop()
        until("no VIP is left", lambda: not self.pair.holders(), 2, self.pair.holders)
        for director in self.directors:
            check(f"the table of {director.name} is empty", not director.table(), director.table())

    def tell(self):
        self.start()
        self.server_dies_and_returns()
        self.director_stops_under_traffic()
        self.both_stop()
