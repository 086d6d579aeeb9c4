"""The runner inside: run the chosen scenarios side by side and print the list.

Each case is a scenario with a program on each side. It has its own segment, its own directory, its own thread; nothing is
shared but the machine. What a case made is taken down whatever happens; its files stay when it fails. A case that fails beside
others is told again when they are done, alone, and counts only then: a machine with too much to do is late.
"""

import argparse
import contextlib
import importlib
import os
import shutil
import sys
import threading
import time
import traceback

import lan

PAIRS = ("lvsdeck/lvsdeck", "lvsdeck/keepalived", "keepalived/lvsdeck")
# scenario → the programs on d1/d2 that it is run with. The slow ones stand first, so that they overlap all others.
SCENARIOS = {
    "console": ("lvsdeck/lvsdeck",),
    "wide": ("lvsdeck/lvsdeck",),
    "s11": PAIRS,
    "s4": PAIRS,
    "s7": PAIRS,
    "operator": ("lvsdeck/lvsdeck",),
    "s1": PAIRS,
    "three": ("lvsdeck/keepalived", "keepalived/lvsdeck"),
    "told": PAIRS,
    "mail": ("lvsdeck/keepalived", "keepalived/lvsdeck"),
    "reload": ("lvsdeck/lvsdeck", "lvsdeck/keepalived"),
    "adopt": ("keepalived/keepalived",),
    "watch": ("keepalived/keepalived",),
    "crash": ("lvsdeck/lvsdeck", "lvsdeck/keepalived"),
    "keep": ("lvsdeck/lvsdeck", "lvsdeck/keepalived"),
    "garbage": ("lvsdeck/lvsdeck",),
    "interface": ("lvsdeck/lvsdeck",),
    "refusal": ("lvsdeck/lvsdeck",),
    "start": ("lvsdeck/lvsdeck",),
    "quorum": ("keepalived/lvsdeck",),
    "ipvs": ("lvsdeck/lvsdeck",),
    "ipvsadm": ("lvsdeck/lvsdeck",),
    "abuse": ("lvsdeck/lvsdeck",),
    "warnings": ("lvsdeck/lvsdeck",),
    "soak": ("lvsdeck/lvsdeck",),
    "drain": ("lvsdeck/lvsdeck",),
    "noipvs": ("lvsdeck/lvsdeck",),
    "clock": ("lvsdeck/lvsdeck",),
}
WITHOUT_IPVS = ("noipvs", "clock")  # these need a guest of their own: without ip_vs, or with a clock to set
# Busy for a minute on end, looked at often, or traced: side by side with others the guest's one processor is late for somebody.
BUSY = {"drain", "ipvs", "ipvsadm", "quorum", "three", "watch"}
# Told when it is named alone: on a machine with more to do than it can, most of its rounds say nothing.
BY_NAME = {"three"}
LOCK = threading.Lock()


class Case:
    """One scenario with one combination of programs: its files, its steps, what it has to take down."""

    def __init__(self, scenario, combo, artefacts, attempt=""):
        self.scenario, self.combo = scenario, tuple(combo.split("/"))
        self.label = f"{scenario} {combo}"
        self.directory = os.path.join(artefacts, "-".join([scenario, *self.combo, *attempt.split()]))
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.story, self.kept, self.begun = [], [], time.monotonic()

    def file(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        """A file of the case's own; gives its path."""
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.file(name)

    def keep(self, thing, undo):
        """Take `thing` down at the end, in the reverse order of making."""
        self.kept.append((thing, undo))
        return thing

    def note(self, text):
        self.story.append(f"{time.monotonic() - self.begun:7.2f}    {text}")

    def step(self, text):
        self.story.append(f"{time.monotonic() - self.begun:7.2f}  {text}")

    def take_down(self):
        """Undo everything; gives the first thing that would not be undone, or None."""
        error = None
        while self.kept:
            thing, undo = self.kept.pop()
            try:
                undo(thing)
            except Exception as problem:
                error = error or f"taking it down: {problem!r}"
        return error

    def run(self):
        """Gives (seconds, None) or (seconds, what went wrong)."""
        self.begun = time.monotonic()
        try:
            importlib.import_module(f"scenario_{self.scenario}").run(self)
            error = None
        except Exception as problem:  # a failed check and a broken lab are both a failed case
            self.story.append(traceback.format_exc())
            error = f"{problem}"
        seconds = time.monotonic() - self.begun
        undone = self.take_down()
        error = error or undone
        with open(self.file("story"), "w", encoding="utf-8") as file:
            file.write("\n".join(self.story) + "\n")
        if not error:
            shutil.rmtree(self.directory, ignore_errors=True)
        return seconds, error


class Queue:
    """The cases still to be told, shared with other guests by a directory in which each is claimed by a file of its name."""

    def __init__(self, cases, claims):
        self.cases, self.claims = cases, claims

    def take(self, kind):
        """The first case of this kind (a predicate of its scenario) that nobody has, or None."""
        with LOCK:
            for case in [case for case in self.cases if kind(case[0])]:
                self.cases.remove(case)
                if self.claimed("-".join(case).replace("/", "-")):
                    return case
        return None

    def claimed(self, name):
        if self.claims:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(os.path.join(self.claims, name), os.O_CREAT | os.O_EXCL))
                return True
            return False
        return True


class Teller:
    """Tells cases, prints how each ended, and remembers which failed."""

    def __init__(self, queue, options):
        self.queue, self.options = queue, options
        self.told, self.failed = 0, []

    def tell(self, scenario, combo, attempt=""):
        """Gives whether it passed."""
        case = Case(scenario, combo, os.path.abspath(self.options.artefacts), attempt)
        seconds, error = case.run()
        lines = [f"{scenario:10} {combo:24} {'FAILED' if error else 'ok':6} {seconds:6.1f} s {attempt}".rstrip()]
        lines += [f"    {line}" for line in error.splitlines()] if error else []
        lines += [f"    {line}" for line in case.story] if error or self.options.verbose else []
        with LOCK:
            print("\n".join(lines), flush=True)
        return not error

    def tell_all(self, kind):
        """Takes cases of a kind from the queue until there is none."""
        while case := self.queue.take(kind):
            self.told += 1
            if not self.tell(*case):
                self.failed.append(case)

    def side_by_side(self, kind, jobs):
        workers = [threading.Thread(target=self.tell_all, args=(kind,)) for _ in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def tell_again(self):
        """Each case that failed, alone; the ones that fail again have failed."""
        self.failed = [case for case in self.failed if not self.tell(*case, "again")]


def main():
    parser = argparse.ArgumentParser(prog="tests/lab/run")
    parser.add_argument("scenarios", nargs="*", help="which ones (default: all)")
    parser.add_argument("--combo", action="append", help="programs on d1/d2, as keepalived/lvsdeck (default: each scenario's own)")
    parser.add_argument("--jobs", type=int, default=4, help="cases side by side (default 4)")
    parser.add_argument("--artefacts", default="target/lab", help="where the files of failed cases stay")
    parser.add_argument("--verbose", action="store_true", help="print each step of each case")
    parser.add_argument("--without-ipvs", action="store_true", help="only the cases for a kernel that has no ip_vs")
    parser.add_argument("--busy", action="store_true", help="the cases that want a guest for themselves first, one after the other")
    parser.add_argument("--claims", metavar="DIR", help="take only what no other guest has taken from the same list")
    parser.add_argument("--list", action="store_true", help="print the cases and end")
    options = parser.parse_args()
    chosen = [(s, c) for s, combos in SCENARIOS.items() if s in options.scenarios or not options.scenarios and (s not in BY_NAME or options.list)
              if options.list or (s in WITHOUT_IPVS) == options.without_ipvs
              for c in dict.fromkeys(options.combo or combos)]
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(f"{s:10} {c}" for s, c in chosen))
        return 0
    if not chosen:
        return 0
    lan.delete_left_overs()
    begun = time.monotonic()
    teller = Teller(Queue(chosen, options.claims), options)
    if options.busy:
        teller.tell_all(lambda scenario: scenario in BUSY)
    teller.side_by_side(lambda scenario: scenario not in BUSY, options.jobs)
    teller.tell_again()
    if teller.told:
        failed = len(teller.failed)
        print(f"{teller.told - failed} passed, {failed} failed in {time.monotonic() - begun:.0f} s")
    return 1 if teller.failed else 0


if __name__ == "__main__":
    sys.exit(main())
