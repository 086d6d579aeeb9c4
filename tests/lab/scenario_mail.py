"""S14: the mails of S11, with the instance's own asked for too: the same subjects from keepalived and from lvsdeck on either side, each to
a mail server on its node, which is aiosmtpd. Then the mail server of one side hangs, and nothing but the mails waits for it."""

import glob
import os
import re
import signal

from pair import Pair, scenario_file
from wait import check, until
from web import Page

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.join(HERE, "..", "mail", "server.py")
OF = "Realserver [61.164.122.9]:tcp:80 of virtual server [61.164.122.8]:tcp:80 - "


class Post:
    """A mail server on a node, and what it got."""

    def __init__(self, case, space, name):
        self.directory = case.file(f"{name}.mail")
        os.mkdir(self.directory)
        log = case.file(f"{name}.mail.log")
        self.process = space.start(["/usr/bin/python3", SERVER, "25", self.directory], log)
        until(f"the mail server of {name} listens", lambda: b"ready" in open(log, "rb").read(), 20)

    def subjects(self):
        """Without the node's name, which all of them have, in the order of arrival."""
        found = []
        for number in range(1, 1 + len(glob.glob(os.path.join(self.directory, "letter*")))):
            with open(os.path.join(self.directory, f"letter{number}"), encoding="utf-8") as file:
                text = file.read()
            found.append(re.search(r"^Subject: \[LVS_DEVEL\] (.*)$", text, re.M).group(1))
        return found

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def faster(case, name):
    """The scenario's file with the instance's mails, and checks that need a second where they need fifteen."""
    with open(scenario_file(name), encoding="utf-8") as file:
        text = file.read()
    for old, new in (("delay_loop 6", "delay_loop 1"), ("nb_get_retry 3", "nb_get_retry 1"),
                     ("delay_before_retry 3", "delay_before_retry 1"), ("advert_int 1", "advert_int 1\n     smtp_alert")):
        check(f"{name} has {old}", old in text)
        text = text.replace(old, new)
    return case.write(name, text)


def run(case):
    files = [faster(case, f"s11-dr-wrr.{half}.conf") for half in ("master", "backup")]
    pair = Pair(case, "61.164.122", "61.164.122.8", files, ("200",), ("9", "10"), Page)
    posts = {name: case.keep(Post(case, pair.lan[name], name), Post.close) for name in ("d1", "d2")}
    entering = lambda *states: {f"VRRP Instance VI_1 - Entering {state} state" for state in states}
    got = {name: set() for name in posts}

    def mailed(name, *subjects):
        got[name] |= set(subjects)
        until(f"the mails of {name}: {sorted(got[name])}", lambda: set(posts[name].subjects()) == got[name], 15, posts[name].subjects)

    case.step("both start: their states are mailed, and no server that begins up")
    pair.started()
    mailed("d1", *entering("BACKUP", "MASTER"))
    mailed("d2", *entering("BACKUP"))
    case.step("r1 dies and comes back: mailed by both")
    pair.web["r1"].stop()
    for name in posts:
        mailed(name, OF + "DOWN")
    pair.web["r1"].start()
    for name in posts:
        mailed(name, OF + "UP")
    case.step("the mail server of d2 hangs, and d1 stops: d2 takes over as fast as ever")
    os.kill(posts["d2"].process.pid, signal.SIGSTOP)
    pair.d1.stop()
    pair.held_by("d2", 5)
    os.kill(posts["d2"].process.pid, signal.SIGCONT)
    case.step("it goes on: its mail arrives; the end of d1 was none")
    mailed("d2", *entering("MASTER"))
    mailed("d1")
