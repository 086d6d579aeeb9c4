"""S4 in the console's hands: tmux is the terminal, every act is pressed as keys and seen on the screen and in the kernel's table.

Told at 80x24, and at 120x36 by `wide`. Every wait is for what the screen says; the shell's prompt proves that the terminal is back.
"""

import contextlib
import re
import subprocess

from director import alive, descendants
from scenario_s4 import build
from wait import check, until

SERVICE = "10.0.0.1:80"
R1, R2, R3 = "10.0.0.71:80", "10.0.0.72:80", "10.0.0.73:80"
PROMPT = "at-the-shell>"


class Terminal:
    """A tmux server of its own with one shell in the namespace of a director."""

    def __init__(self, case, director, columns, rows):
        self.director, self.columns = director, columns
        self.socket = case.file(f"tmux-{columns}")
        with director.space.inside():
            self.tmux("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                      f"env -u NO_COLOR PS1='{PROMPT} ' LANG=C.UTF-8 TERM=screen-256color bash --norc --noprofile")
        self.tmux("set", "-g", "status", "off")
        self.server = int(self.tmux("display", "-p", "#{pid}"))
        self.shell = int(self.tmux("display", "-p", "#{pane_pid}"))
        self.shows("the shell's prompt", PROMPT)

    def tmux(self, *words):
        command = ["tmux", "-S", self.socket, *words]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
        check(f"{' '.join(command)} succeeds", result.returncode == 0, result.stderr)
        return result.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p").splitlines()

    def keys(self, *keys):
        """Keys by tmux' names; a word of several letters is typed."""
        self.tmux("send-keys", *keys)

    def shows(self, what, pattern, within=10, lines=slice(None)):
        """Wait until some of these lines match the regular expression; gives the match."""
        found = lambda: next(filter(None, (re.search(pattern, line) for line in self.screen()[lines])), None)
        return until(f"the screen shows {what} ({pattern})", found, within, lambda: "\n" + "\n".join(self.screen()))

    def says(self, what, pattern, within=10):
        """The same for the status line: the last but one, or above the line of screens."""
        return self.shows(what, pattern, within, slice(-3, -1))

    def silent(self, text):
        """Wait until the screen says this no more."""
        until(f"the screen does not say {text!r}", lambda: all(text not in line for line in self.screen()), 5,
              lambda: "\n" + "\n".join(self.screen()))

    def modes(self):
        """Whether the alternate screen is on, and whether the cursor is shown."""
        return self.tmux("display", "-p", "#{alternate_on} #{cursor_flag}").strip()

    def open(self, *options):
        self.before = self.line_modes()
        command = [self.director.binary, "attach", "--socket", self.director.socket, *options]
        self.tmux("send-keys", "-l", "clear; " + " ".join(command))
        self.keys("Enter")
        self.shows("line 1 of the console", r"^ (MASTER|BACKUP) \d/1 ", 15, slice(1))
        self.console = next(iter(descendants(self.shell)))
        check("the console has the alternate screen, without a cursor", self.modes() == "1 0", self.modes())

    def left(self):
        """Wait until the shell has the terminal again."""
        self.shows("that it detached", r"detached, engine running as pid \d+")
        self.shows("the prompt", PROMPT)
        until("the console is gone", lambda: not alive(self.console), 2)
        check("the terminal is restored", self.modes() == "0 1", self.modes())
        check("lines and echo are as they were", self.line_modes() == self.before)

    def line_modes(self):
        """A sum over the terminal's line settings, as a program of the shell finds them."""
        self.tmux("send-keys", "-l", "clear; stty -g | md5sum")
        self.keys("Enter")
        return self.shows("a sum", r"^([0-9a-f]{32})  -")[1]

    def close(self):
        with contextlib.suppress(AssertionError):
            self.tmux("kill-server")


def run(case, columns=80, rows=24):
    balanced = build(case)
    pair = balanced.pair
    case.step("start: both directors serve, d1 is master")
    pair.started()
    balanced.tables_are("r1", "r2", within=5)
    pair.d1.ready()
    pair.d2.ready()
    terminal = case.keep(Terminal(case, pair.d1, columns, rows), Terminal.close)
    Story(case, balanced, terminal).tell()
    case.step("the engine was never disturbed")
    check("d1 is the process that was started", pair.d1.status()["pid"] == pair.d1.process.pid)


class Story:
    """What is told at a size."""

    def __init__(self, case, balanced, terminal):
        self.case, self.balanced, self.pair, self.terminal = case, balanced, balanced.pair, terminal
        self.d1 = balanced.pair.d1

    def step(self, text):
        self.case.step(text)

    def tell(self):
        self.looks()
        self.read_only()
        self.acts()
        if self.terminal.columns == 80:
            self.several()
            self.priority()
        self.failover()
        self.server_dies()
        self.detaches()
        self.connection_drops()

    def agrees(self, wanted):
        """The kernel's table is this, and the rows on the screen are what `ipvsadm -ln` prints."""
        until(f"the kernel's table is {wanted}", lambda: self.d1.servers() == wanted, 5, self.d1.servers)
        printed = {}
        for line in self.d1.table():
            if line.startswith("  ->"):
                _, key, forward, weight = line.split()
                printed[key] = (forward[:5], weight)

        def shown():
            rows = (re.search(r"-> (\d\S+)(?: \(added\))? +(\w+) +([\d()>]+) ", line) for line in self.terminal.screen())
            return {row[1]: (row[2][:5], re.match(r"\d+", row[3])[0]) for row in rows if row}
        until(f"the screen's rows are ipvsadm's {printed}", lambda: shown() == printed, 5,
              lambda: f"{shown()}\n" + "\n".join(self.terminal.screen()))

    def select(self, server):
        """To the row of a server, from the top."""
        self.terminal.keys("g")
        self.terminal.shows("the first row selected", r"row 1/")
        rows = [line for line in self.terminal.screen() if re.search(r"-> \d|TCP \d", line)]
        index = next(i for i, line in enumerate(rows) if server in line)
        for _ in range(index):
            self.terminal.keys("Down")
        self.terminal.shows(f"row {index + 1} selected", rf"row {index + 1}/")

    def looks(self):
        self.step("the console says MASTER, and its table is what ipvsadm prints")
        terminal = self.terminal
        terminal.open()
        terminal.shows("MASTER in line 1", r"^ MASTER 1/1 ", lines=slice(1))
        terminal.shows("both servers up", r"RS 2/2|2: 2 up", 15, lines=slice(1))
        terminal.shows("no problem", r"^ (no problems|! WARNING mail)", 15, slice(1, 2))
        terminal.shows("the instance as master, now", r"external.* MASTER +200 ")
        terminal.shows("the current moment of the timeline", r"1h .*M( now)?( *│.*)?$")
        terminal.shows("the service", r"TCP 10\.0\.0\.1:80 rr")
        self.agrees({R1: 1, R2: 1})

    def read_only(self):
        self.step("it opens read-only: each write is refused with the reason, r unlocks")
        terminal = self.terminal
        terminal.shows("RO", r" RO\b", lines=slice(1))
        for key in ("d", "D", "w", "m", "a", "A", "X", "F", "J", "T", "P", "R", "u"):
            terminal.keys("C-l", "Escape")
            terminal.silent("read-only: press r")
            terminal.keys(key)
            terminal.says(f"why {key} is refused", "read-only: press r to allow writes")
        terminal.keys("Z")
        terminal.says("that Z has no meaning", "Z has no meaning here")
        terminal.keys("r")
        terminal.shows("RW", r" RW\b", lines=slice(1))
        terminal.says("that writes are allowed", "writes are allowed now")
        terminal.keys("g", "d")
        terminal.says("why a service can't be drained", "select a real server first")

    def preview(self, title, *contents):
        self.terminal.shows("the preview", f"Preview: {title}")
        for content in contents:
            self.terminal.shows("what it would do", content)

    def acts(self):
        terminal = self.terminal
        self.step("d, preview, Enter: weight 0 in the kernel and on the screen")
        self.select(R1)
        terminal.keys("d")
        self.preview(f"drain {R1}", r"ipvsadm -e -t 10\.0\.0\.1:80 -r 10\.0\.0\.71:80 .*-w 0", "Enter do it")
        check("nothing has been done yet", self.d1.servers() == {R1: 1, R2: 1}, self.d1.servers())
        terminal.keys("Escape")
        terminal.shows("the table again", r"-> 10\.0\.0\.72:80 ")
        check("Esc left it alone", self.d1.servers() == {R1: 1, R2: 1}, self.d1.servers())
        self.select(R1)
        terminal.keys("d")
        self.preview(f"drain {R1}", "Enter do it")
        terminal.keys("Enter")
        terminal.shows("the drained row", r"d +-> 10\.0\.0\.71:80 +Route +0\(1\) .*DRAIN")
        self.agrees({R1: 0, R2: 1})
        terminal.shows("one draining in line 1", r"1 out", lines=slice(1))
        self.step("D restores")
        self.select(R1)
        terminal.keys("D")
        self.preview(f"restore {R1}", "Enter do it")
        terminal.keys("Enter")
        terminal.shows("the restored row", r"\+ +-> 10\.0\.0\.71:80 +Route +1 ")
        self.agrees({R1: 1, R2: 1})
        self.weight("5", {R1: 1, R2: 5})
        self.weight("1", {R1: 1, R2: 1})
        self.step("a adds a server with its siblings' port, weight, forwarding and checks")
        self.pair.lan["r1"].must("ip", "address", "add", "10.0.0.73/24", "dev", "eth0")
        terminal.keys("g", "a")
        terminal.shows("the form", "Add a real server to tcp/10.0.0.1:80")
        terminal.shows("the next address", r"address +10\.0\.0\.73:80")
        terminal.keys("Tab", "C-u", "3", "Enter")
        self.preview(f"add-server tcp/{SERVICE} {R3}", r"ipvsadm -a .*-w 3", "Enter do it")
        terminal.keys("Enter")
        terminal.shows("the added row", r"-> 10\.0\.0\.73:80 \(added\)")
        self.agrees({R1: 1, R2: 1, R3: 3})
        self.step("X removes it, and wants its address typed")
        self.select(R3)
        terminal.keys("X")
        self.preview(f"remove-server tcp/{SERVICE} {R3}", f"type {R3} to confirm")
        terminal.keys("Enter")
        terminal.says("what has to be typed", f"type {R3} to confirm")
        terminal.keys(R3, "Enter")
        self.agrees({R1: 1, R2: 1})

    def weight(self, weight, wanted):
        terminal = self.terminal
        self.step(f"w sets r2's weight to {weight}")
        self.select(R2)
        terminal.keys("w")
        terminal.shows("the form", f"Weight of {R2}")
        terminal.keys("x", "Enter")
        terminal.says("what a weight is", "write a weight from 0")
        terminal.keys("C-u", weight, "Enter")
        self.preview(f"weight tcp/{SERVICE} {R2} {weight}", "Enter do it")
        terminal.keys("Enter")
        terminal.shows("the new weight", rf"-> 10\.0\.0\.72:80 +Route +{weight} |-> 10\.0\.0\.72:80 .*{weight}[(>]")
        self.agrees(wanted)

    def several(self):
        terminal = self.terminal
        self.step("v marks both servers: one preview for both asks for a word, since nobody would serve; u takes it back")
        self.select(R1)
        terminal.keys("v", "v")
        terminal.shows("two marks", r"2 marked")
        terminal.keys("d")
        self.preview("drain of 2 servers", r"2 of 2 servers, 100 % of the weight", "type drain to confirm")
        terminal.keys("Enter")
        terminal.says("what has to be typed", "type drain to confirm")
        terminal.keys("drain", "Enter")
        self.agrees({R1: 0, R2: 0})
        terminal.keys("u")
        terminal.shows("what can be taken back", r"drain of 2 servers: drain 10\.0\.0\.71:80")
        terminal.keys("Enter")
        self.preview("undo", "Enter do it")
        terminal.keys("Enter")
        self.agrees({R1: 1, R2: 1})
        self.step("the palette takes an argument; what ctl does is told with who did it")
        self.select(R2)
        terminal.keys(":", "weight", "Space", "+4", "Enter")
        self.preview(f"weight tcp/{SERVICE} {R2} 5", "Enter do it")
        terminal.keys("Enter")
        self.agrees({R1: 1, R2: 5})
        self.d1.must("restore", R2)
        terminal.says("who restored it", r"\* root: restore 10\.0\.0\.72:80")
        self.agrees({R1: 1, R2: 1})

    def priority(self):
        terminal, pair = self.terminal, self.pair
        self.step("P 50: d2 becomes master by the rules; :priority --from-file brings it back")
        terminal.keys("P")
        terminal.shows("the form", "Priority of external")
        terminal.keys("50", "Enter")
        self.preview("priority external 50", "Enter do it")
        terminal.keys("Enter")
        pair.held_by("d2", 10)
        terminal.shows("BACKUP in line 1", r"^ BACKUP 0/1 ", lines=slice(1))
        terminal.keys(":", "priority", "Space", "--from-file", "Enter")
        self.preview("priority external --from-file", "type external to confirm")
        terminal.keys("external", "Enter")
        terminal.shows("MASTER in line 1", r"^ MASTER 1/1 ", 15, slice(1))
        pair.held_by("d1", 8)

    def failover(self):
        terminal, pair = self.terminal, self.pair
        self.step("F and the instance's name typed: d2 becomes master, the screen says BACKUP")
        mark = pair.wire.mark()
        terminal.keys("F")
        self.preview("failover external", "type external to confirm")
        terminal.keys("Enter")
        terminal.says("what has to be typed", "type external to confirm")
        terminal.keys("external", "Enter")
        pair.held_by("d2", 5)
        pair.announced_by("d2", mark)
        terminal.shows("BACKUP and held in line 1", r"^ BACKUP 0/1 held ", lines=slice(1))
        terminal.shows("the instance as backup", r"external.* BACKUP")
        terminal.says("who took over", r"10\.0\.0\.12 took over")
        terminal.shows("d2 as the master heard", r"10\.0\.0\.12 +100 +\d+s MASTER")
        self.step("J: it rejoins, and is master again")
        terminal.keys("J")
        self.preview("rejoin external", "type external to confirm")
        terminal.keys("external", "Enter")
        terminal.shows("MASTER in line 1", r"^ MASTER 1/1 ", 15, slice(1))
        pair.held_by("d1", 8)

    def server_dies(self):
        terminal = self.terminal
        self.step("r1's web service dies: line 2 and the changes name it; it returns")
        self.pair.web["r1"].stop()
        terminal.shows("it by name in line 2", r"^ ! DOWN .*10\.0\.0\.71:80", 20, slice(1, 2))
        terminal.shows("it in the changes", r"-\d+s x 10\.0\.0\.71:80 DOWN")
        terminal.shows("its row", r"x +-> 10\.0\.0\.71:80 .*DOWN")
        until("it is out of the kernel's table", lambda: self.d1.servers() == {R2: 1}, 5, self.d1.servers)
        terminal.keys("n")
        terminal.shows("its row, which n went to", r"row [23]/3")
        self.pair.web["r1"].start()
        # Nobody takes mail here: that goes on being told.
        terminal.shows("no problem of a server any more", r"^ (no problems|! WARNING mail)", 20, slice(1, 2))
        terminal.shows("it up in the changes", r"-\d+s \+ 10\.0\.0\.71:80 UP")
        self.agrees({R1: 1, R2: 1})

    def detaches(self):
        self.step("q: detached, the terminal is restored, the engine goes on")
        self.terminal.keys("q")
        self.terminal.left()
        check("the engine runs", self.d1.running() and self.d1.answers())
        self.step("what is typed next is the shell's")
        self.terminal.keys("echo heard-$((6*7))", "Enter")
        self.terminal.shows("the shell's answer", r"^heard-42$")

    def connection_drops(self):
        self.step("the terminal vanishes under the console: no process is left, the engine is undisturbed")
        terminal = self.terminal
        terminal.open("--rw")
        console, mark = terminal.console, self.pair.wire.mark()
        changed = self.d1.status()["virtual_routers"][0]["since"]
        terminal.tmux("kill-server")
        until("the console is gone", lambda: not alive(console), 3)
        until("its shell is gone", lambda: not alive(terminal.shell), 3)
        self.pair.wire.advert("d1 goes on", mark, 3, port="d1")
        check("d1 is master as before", self.d1.status()["virtual_routers"][0]["since"] == changed)
        self.pair.held_by("d1", 2)
        check("the table is untouched", self.d1.servers() == {R1: 1, R2: 1}, self.d1.servers())
