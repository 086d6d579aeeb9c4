"""Three routers behind 1 ms of delay, version 3: a planned hand-over never makes masters of both backups.

d1 hands over to d2 and d3. Where d1 is lvsdeck and knows both, what it tells them before it resigns is the shortest interval that
keeps them 5 ms apart, and none where that is no shorter than the usual one. The order in which frames pass and addresses come
is what counts. A round in which the machine was late by as much as the backups are apart says nothing, and is played again.
"""

from director import PROGRAMS
from lan import Lan
from wait import check, until
from wire import Wire

DELAY = 0.001
VRID, VIP = 51, "10.0.0.100"
OWN = {"d1": "10.0.0.11", "d2": "10.0.0.12", "d3": "10.0.0.13"}
ROUNDS, TRIES = 3, 8
# The backups' priorities and the usual interval → the interval that they are told where d1 is lvsdeck.
TOLD = {(100, 99, 2.0): 1.28, (100, 99, 1.0): 1.0, (150, 100, 1.0): 0.03, (200, 72, 1.0): 0.01}


def run(case):
    for number, words in enumerate(TOLD):
        trio = Trio(case, words, number)
        try:
            trio.begin()
            counted = 0
            for _ in range(TRIES):
                counted += trio.hands_over()
                if counted == ROUNDS:
                    break
                trio.leads_again()
            check(f"a round of {TRIES} says something", counted)
        finally:
            trio.end()


def config(priority, interval):
    return (f"global_defs {{\n vrrp_version 3\n}}\nvrrp_instance VI {{\n interface eth0\n virtual_router_id {VRID}\n"
            f" priority {priority}\n advert_int {interval:g}\n virtual_ipaddress {{\n  {VIP}/24\n }}\n}}\n")


class Trio:
    """A segment with three routers: d1 of the combination's first program, d2 and d3 of its second."""

    def __init__(self, case, words, number):
        self.case, (self.high, self.low, self.interval), self.number = case, words, number
        self.told = TOLD[words] if case.combo[0] == "lvsdeck" else self.interval
        self.lan = Lan(case.label, {name: [f"{address}/24"] for name, address in OWN.items()})
        self.wire = Wire(self.lan)
        self.d1, self.d2, self.d3 = (
            PROGRAMS[program](self.lan[name], name, self.write(name, priority), case.directory)
            for name, program, priority in zip(OWN, (case.combo[0], case.combo[1], case.combo[1]), (10, self.high, self.low)))
        for name in OWN:
            self.lan[name].must("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{DELAY * 1000:g}ms")

    def write(self, name, priority):
        return self.case.write(f"{name}.conf", config(priority, self.interval))

    def end(self):
        for router in (self.d1, self.d2, self.d3):
            if router.running():
                router.kill()
        self.wire.close()
        self.wire.save(self.case.file(f"wire{self.number}"))
        self.lan.delete()

    def holders(self):
        return [name for name in OWN if self.lan[name].holds(VIP)]

    def held_by(self, name):
        until(f"the VIP is on {name} alone", lambda: self.holders() == [name], 10, self.holders)

    def begin(self):
        self.case.step(f"backups of {self.high} and {self.low} at {self.interval:g} s: each is master once, so that d1 knows it; then d1 is")
        for router in (self.d1, self.d3, self.d2):
            mark = self.wire.mark()
            router.start()
            self.wire.advert(f"{router.name} leads", mark, 10, port=router.name)
            self.held_by(router.name)
        if self.d1.program == "lvsdeck":
            self.d1.ready()
            heard = lambda: {peer["address"] for peer in self.d1.status()["virtual_routers"][0]["peers"]}
            until("d1 has heard both", lambda: heard() == {OWN["d2"], OWN["d3"]}, 10, heard)
            self.write("d1", 254)
            self.d1.must("reload")
        else:
            self.d1.stop()
            self.write("d1", 254)
            self.d1.start()
        self.held_by("d1")

    def leads_again(self):
        if self.d1.program == "lvsdeck":
            self.d1.must("rejoin", "VI")
        else:
            self.d1.start()
        self.held_by("d1")

    def resign(self):
        if self.d1.program == "lvsdeck":
            self.d1.must("failover", "VI")
        else:
            self.d1.stop()

    def hands_over(self):
        """Gives whether the round says something."""
        moves, mark = self.lan["d3"].moves(VIP), self.wire.mark()
        self.resign()
        resigned = self.wire.advert("d1 resigns", mark, 5, port="d1", priority=0)
        heard = self.wire.advert("d2 hears it", mark, 5, heard_by="d2", source=OWN["d1"], priority=0)
        taken = self.wire.advert("d2 takes over", mark, 10, port="d2")
        after = lambda: [advert for advert in self.wire.adverts(mark, port="d2") if advert.at >= taken.at]
        # By then d3's own timer is over.
        until("d2 goes on as master", lambda: len(after()) >= 3, 10)
        skew = lambda priority: (256 - priority) / 256 * self.told
        late, apart = taken.at - DELAY - heard.at - skew(self.high), skew(self.low) - skew(self.high)
        hasty = [advert.interval_s for advert in self.wire.adverts(mark, port="d1")
                 if advert.at <= resigned.at and advert.priority > 0 and advert.interval_s != self.interval]
        check("d1 told twice what keeps the backups apart, or nothing",
              hasty == ([self.told] * 2 if self.told < self.interval else []), hasty)
        check("d1 advertises no more", not [a for a in self.wire.adverts(mark, port="d1") if a.at > resigned.at])
        shown = f"d2 took over {(taken.at - resigned.at) * 1000:.1f} ms after the resignation, {late * 1000:.1f} ms late"
        others = self.wire.adverts(mark, port="d3")
        if others and late > apart - 2 * DELAY:
            self.case.note(f"{shown}, of {apart * 1000:.1f} ms that they are apart: says nothing")
            self.held_by("d2")
            return False
        self.case.note(shown)
        check("d3 has advertised nothing, not even once", not others, others)
        check("the VIP was never on d3", "added" not in moves(), moves())
        check("d2 did not take over before its time", late > -0.5 * DELAY, shown)
        self.held_by("d2")
        return True
