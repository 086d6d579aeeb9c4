"""A reload on a living pair: what the file does not change is not touched, what it changes is there, mistakes change nothing."""

import signal

from pair import Pair, scenario_file
from wait import check, until
from web import Page, Session

INTERVAL = 1.0
LATE = 0.4  # seconds: a guest with one slow processor runs many pairs side by side; benches/reload measures the millisecond


def run(case):
    with open(scenario_file("s11-dr-wrr.master.conf"), encoding="utf-8") as file:
        text = file.read()
    clients = tuple(str(n) for n in range(200, 204))
    pair = Pair(case, "61.164.122", "61.164.122.8", ("s11-dr-wrr.master.conf", "s11-dr-wrr.backup.conf"), clients,
                ("9", "10"), Page)
    d1 = pair.d1
    d1.config = case.write("running.conf", text)
    case.step("start, with a connection that stays")
    pair.started()
    until("both servers serve", lambda: len(d1.servers()) == 2, 10, d1.servers)
    session = case.keep(Session(pair.client, pair.vip), Session.stop)
    session.lives(0, 10)
    announced = lambda: len(pair.wire.announcements(pair.vip, port="d1"))
    until("the second round of announcements is over (garp_master_delay)", lambda: announced() >= 10, 10, announced)
    story = Story(case, pair, session, text)
    story.nothing_changes()
    story.weight_changes()
    story.mistake()
    if case.combo[1] == "lvsdeck":
        story.address_comes_and_goes()
    else:
        # keepalived drops advertisements with another address list, and takes over after three intervals of them.
        case.note("a VIP on one node alone is not tried beside keepalived: it would become a second master")
    story.storm()
    story.service_comes_and_goes()


class Story:
    def __init__(self, case, pair, session, text):
        self.case, self.pair, self.session, self.text = case, pair, session, text
        self.began = pair.wire.mark()

    def reload(self, text, signal_it=True):
        """Write the file, have it read, wait until it runs; gives the mark before."""
        d1 = self.pair.d1
        mark = self.pair.wire.mark()
        generation = d1.status()["config"]["generation"]
        self.case.write("running.conf", text)
        if signal_it:
            d1.process.send_signal(signal.SIGHUP)
        else:
            d1.must("reload")
        until("the new file runs", lambda: d1.status()["config"]["generation"] > generation, 10, d1.tail)
        return mark

    def undisturbed(self, mark):
        """d1 stayed master, no advertisement came late, nothing else advertised, and the connection lives."""
        since = self.session.mark()
        self.session.lives(since, 10)
        adverts = self.pair.wire.adverts(self.began, port="d1")
        gaps = [b.at - a.at for a, b in zip(adverts, adverts[1:])]
        check("no advertisement was late", max(gaps, default=0) < INTERVAL + LATE, max(gaps, default=0))
        check("the peer has sent nothing", not self.pair.wire.adverts(self.began, port="d2"))
        check("nobody resigned", all(advert.priority == 100 for advert in adverts))
        check("the VIP was not announced anew", not self.pair.wire.announcements(self.pair.vip, mark))
        self.pair.held_by("d1", 1)

    def nothing_changes(self):
        self.case.step("HUP with the same file: no event but the reload, no operation, the checks go on")
        d1 = self.pair.d1
        before = d1.status()
        mark = self.reload(self.text)
        until("the journal has the reload", lambda: d1.status()["last_event"] > before["last_event"], 5)
        after = d1.status()
        events = d1.must("events", "--json").splitlines()
        check("the last event is the reload", '"reload"' in events[-1] and "nothing changes" in events[-1], events[-3:])
        news = [event for event in events if f'"seq":{before["last_event"]},' in event]
        check("there is one event more", after["last_event"] == before["last_event"] + 1, (news, events[-4:]))
        checks = [c for s in after["virtual_servers"] for r in s["real_servers"] for c in r["checks"]]
        check("the checks were not started anew", all(c["ok"] and c["at"] for c in checks), checks)
        self.undisturbed(mark)

    def weight_changes(self):
        self.case.step("a weight changes: it is edited in place, the connection on that server goes on")
        d1 = self.pair.d1
        plan = d1.must("reload", "--dry-run")
        check("a dry run of the same file plans nothing", "nothing changes" in plan, plan)
        text = self.text.replace("weight 3               #(weight)", "weight 7")
        self.case.write("running.conf", text)
        plan = d1.must("reload", "--dry-run")
        check("the plan names the change", "weight 3 -> 7" in plan and "61.164.122.9:80" in plan, plan)
        check("a dry run does nothing", d1.servers()["61.164.122.9:80"] == 3, d1.servers())
        counted = d1.connections("61.164.122.8:80")
        mark = self.reload(text, signal_it=False)
        until("the weight is in the table", lambda: d1.servers()["61.164.122.9:80"] == 7, 3, d1.servers)
        check("the counters went on", d1.connections("61.164.122.8:80") >= counted)
        self.undisturbed(mark)
        self.text = text

    def mistake(self):
        self.case.step("a file with a mistake: refused with its place, everything goes on as it was")
        d1 = self.pair.d1
        mark = self.pair.wire.mark()
        generation = d1.status()["config"]["generation"]
        self.case.write("running.conf", self.text.replace("virtual_router_id 51", "virtual_router_id 510"))
        result = d1.ctl("reload")
        check("ctl reload exits 1 and names line and cause",
              result.returncode == 1 and "running.conf:17" in result.stderr and "510" in result.stderr, result.stderr)
        d1.process.send_signal(signal.SIGHUP)
        until("the log names it too", lambda: d1.logged("everything goes on as it was"), 5, d1.tail)
        self.case.step("a service that the kernel can't have in place of one that it has: refused before anything is done")
        vip = f"virtual_server {self.pair.vip} 80"
        text = self.text.replace(vip, f"virtual_server {self.pair.vip} 81").replace("lb_algo wrr", "lb_algo twos")
        check("the file is another one", vip not in text and "twos" in text)
        self.case.write("running.conf", text)
        table = d1.table()
        for words in (("reload", "--dry-run"), ("reload",)):
            result = d1.ctl(*words)
            check(f"{words} exits 1 and names the scheduler", result.returncode == 1 and "twos" in result.stderr, result)
        check("the table is as it was", d1.table() == table, (table, d1.table()))
        check("the old one runs", d1.status()["config"]["generation"] == generation)
        self.undisturbed(mark)

    def address_comes_and_goes(self):
        self.case.step("one more VIP on the master alone: it is put on and announced; the peer stays backup; it goes again")
        d1 = self.pair.d1
        mark = self.reload(self.text.replace("         61.164.122.8\n", "         61.164.122.8\n         61.164.122.18\n"))
        until("the new VIP is on d1", lambda: d1.space.holds("61.164.122.18"), 3, d1.space.addresses)
        self.pair.wire.announcement("the new VIP is announced", "61.164.122.18", mark, 3, port="d1")
        later = self.pair.wire.mark()
        until("it is advertised", lambda: any(len(a.addresses) == 2 for a in self.pair.wire.adverts(later, port="d1")), 4)
        self.undisturbed(mark)
        mark = self.reload(self.text)
        until("it is off again", lambda: not d1.space.holds("61.164.122.18"), 3, d1.space.addresses)
        self.undisturbed(mark)

    def storm(self):
        self.case.step("a storm of 500 HUPs: no advertisement late, and the last one counts")
        d1 = self.pair.d1
        mark = self.pair.wire.mark()
        for _ in range(500):
            d1.process.send_signal(signal.SIGHUP)
        self.reload(self.text)
        self.undisturbed(mark)

    def service_comes_and_goes(self):
        self.case.step("a second service comes and goes; the first one and its connection are not touched")
        d1 = self.pair.d1
        more = "virtual_server 61.164.122.8 8080 {\n lb_kind DR\n protocol TCP\n real_server 61.164.122.9 8080 {\n }\n}\n"
        table = d1.table()
        mark = self.reload(self.text + more)
        until("it is there", lambda: "61.164.122.9:8080" in d1.servers(), 5, d1.table)
        mark = self.reload(self.text)
        until("it is gone", lambda: sorted(d1.table()) == sorted(table), 5, d1.table)
        self.undisturbed(mark)
