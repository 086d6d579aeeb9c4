"""The runner inside: run the chosen scenarios side by side and print the list.

Each case is a scenario with a program on each side. It has its own segment, its own directory, its own thread; nothing is
shared but the machine. What a case made is taken down whatever happens; its files stay when it fails.
"""

import argparse
import concurrent.futures
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
    "s11": PAIRS,
    "s4": PAIRS,
    "s7": PAIRS,
    "operator": ("lvsdeck/lvsdeck",),
    "console": ("lvsdeck/lvsdeck",),
    "s1": PAIRS,
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
    "noipvs": ("lvsdeck/lvsdeck",),
    "clock": ("lvsdeck/lvsdeck",),
}
WITHOUT_IPVS = ("noipvs", "clock")  # these need a guest of their own: without ip_vs, or with a clock to set
# Busy for a minute on end, looked at often, or traced: side by side with others the guest's one processor is late for somebody.
BUSY = {"ipvs", "ipvsadm", "quorum", "watch"}
# Run when they are named: at a slow start keepalived's first checks may fail, and then it tells more than lvsdeck.
NAMED = {"quorum"}
LOCK = threading.Lock()


class Case:
    """One scenario with one combination of programs: its files, its steps, what it has to take down."""

    def __init__(self, scenario, combo, artefacts):
        self.scenario, self.combo = scenario, tuple(combo.split("/"))
        self.label = f"{scenario} {combo}"
        self.directory = os.path.join(artefacts, f"{scenario}-{combo.replace('/', '-')}")
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


def report(case, seconds, error, verbose):
    with LOCK:
        print(f"{case.scenario:10} {'/'.join(case.combo):24} {'FAILED' if error else 'ok':6} {seconds:6.1f} s", flush=True)
        if error:
            print("    " + error.replace("\n", "\n    "), flush=True)
        if verbose or error:
            print("\n".join("    " + line for line in case.story), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="tests/lab/run")
    parser.add_argument("scenarios", nargs="*", help="which ones (default: all)")
    parser.add_argument("--combo", action="append", help="programs on d1/d2, as keepalived/lvsdeck (default: each scenario's own)")
    parser.add_argument("--jobs", type=int, default=6, help="cases side by side (default 6)")
    parser.add_argument("--artefacts", default="target/lab", help="where the files of failed cases stay")
    parser.add_argument("--verbose", action="store_true", help="print each step of each case")
    parser.add_argument("--without-ipvs", action="store_true", help="only the cases for a kernel that has no ip_vs")
    parser.add_argument("--busy", action="store_true", help="only the cases that want a guest for themselves, one after the other")
    parser.add_argument("--list", action="store_true", help="print the cases and end")
    options = parser.parse_args()
    chosen = [(s, c) for s, combos in SCENARIOS.items() if s in options.scenarios or not options.scenarios and (options.list or s not in NAMED)
              if options.list or ((s in WITHOUT_IPVS) == options.without_ipvs and (s in BUSY) == options.busy)
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
    failed = 0
    cases = [Case(s, c, os.path.abspath(options.artefacts)) for s, c in chosen]
    with concurrent.futures.ThreadPoolExecutor(1 if options.busy else options.jobs) as pool:
        running = {pool.submit(case.run): case for case in cases}
        for done in concurrent.futures.as_completed(running):
            seconds, error = done.result()
            failed += bool(error)
            report(running[done], seconds, error, options.verbose)
    print(f"{len(chosen) - failed} passed, {failed} failed in {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
