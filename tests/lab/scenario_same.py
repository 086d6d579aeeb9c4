"""The same files run by keepalived and by lvsdeck: the same IPVS tables and virtual addresses. A few of tests/config/oracle_kernel's files."""

import os
import subprocess
import sys

from wait import check

FILES = [
    "scenarios/s2-nat-two-nic.master.conf",
    "scenarios/s11-dr-wrr.master.conf",
    "corpus/vrrp/address-options.conf",
]


def run(case):
    binary = os.environ.get("LAB_BINARY", "target/release/lvsdeck")
    config = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "config")
    case.step(f"{len(FILES)} files, each run by both beside each other")
    # It is one of many: the scenarios beside it have deadlines.
    result = subprocess.run(["nice", "-n", "10", sys.executable, os.path.join(config, "oracle_kernel"), "--lvsdeck", binary]
                            + [os.path.join(config, name) for name in FILES],
                            env=dict(os.environ, LAB_GUEST="1"), capture_output=True, text=True, timeout=300)
    case.note(result.stdout[-4000:])
    check("no unexplained difference", result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:])
