"""lvsdeck under the name ipvsadm: 300 command lines, compared with ipvsadm's output, exit codes and tables."""

import os
import subprocess
import sys

from wait import check


def run(case):
    binary = os.environ.get("LAB_BINARY", "target/release/lvsdeck")
    oracle = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ipvsadm_oracle")
    case.step("300 lines, half of them every option with every command, half drawn")
    # It is all processor time: the scenarios beside it have deadlines.
    result = subprocess.run(["nice", "-n", "15", sys.executable, oracle, "--lines", "300", "--seed", "6", "--binary", binary],
                            env=dict(os.environ, LAB_GUEST="1"), capture_output=True, text=True, timeout=600)
    case.note(result.stdout[-20000:])
    check("no unexplained difference", result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:])
