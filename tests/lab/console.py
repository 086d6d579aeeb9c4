"""Inside the guest: the S4 pair with its servers and a client, and one program on the terminal, in the namespace of d1."""

import os
import shutil
import signal
import subprocess
import sys

from director import Lvsdeck
from main import Case
from scenario_s4 import build
from web import Traffic


def main():
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the program's
    with open("/proc/sys/kernel/hostname", "w", encoding="ascii") as file:
        file.write("d1")
    command = sys.argv[1:]
    combo = "keepalived/keepalived" if command else "lvsdeck/lvsdeck"
    case = Case("console", combo, "/run/lab")
    try:
        print("building the S4 pair: d1, d2, nginx on r1 and r2, a client that keeps asking ...", flush=True)
        pair = build(case).pair
        pair.d2.start()
        pair.d1.start()
        case.keep(Traffic(pair.client, pair.vip, pause=0.5), Traffic.stop)
        environment = dict(os.environ)
        if isinstance(pair.d1, Lvsdeck):
            pair.d1.ready()
            environment["LVSDECK_SOCKET"] = pair.d1.socket
            command = [os.path.abspath(Lvsdeck.binary), "attach", "--rw"]
        with pair.lan["d1"].inside():
            process = subprocess.Popen(command, env=environment)
        code = process.wait()
        return code if code >= 0 else 128 - code
    except Exception as problem:  # the person at the terminal gets a sentence
        print(f"the lab did not come up: {problem}", file=sys.stderr)
        return 1
    finally:
        case.take_down()
        shutil.rmtree(case.directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
