"""What both oracles share: the files that are compared, and the list of known differences."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = pathlib.Path("/usr/share/doc/keepalived/samples")
NODE = "lb1"
ENVIRONMENT = dict(os.environ, CARGO_PKG_NAME="lvsdeck")
# Pairs of interfaces, one the peer of the other, so that what a file names is there.
INTERFACES = [("eth0", "eth1"), ("eth2", "eth3"), ("eth4", "eth0.1"), ("bond0", "bond1"), ("enp0s3", "enp0s8")]


def files():
    corpus = [f for f in HERE.glob("corpus/**/*.conf") if "parts" not in f.relative_to(HERE).parts]
    scenarios = list(HERE.glob("scenarios/*.conf")) + list(HERE.glob("bad/*.conf"))
    samples = [f for f in SAMPLES.glob("keepalived.conf.*")]
    if not samples:
        sys.exit(f"{SAMPLES}: no samples; install keepalived: tests/lab/packages")
    return sorted(corpus + scenarios + samples)


def name_of(file):
    for root, prefix in [(HERE, ""), (SAMPLES, "samples/")]:
        if file.is_relative_to(root):
            return prefix + str(file.relative_to(root))
    return str(file)


def expected(list_of_differences):
    """File → (difference, reason) of `NAME: DIFFERENCE` lines, each below its reason."""
    wanted, reason = {}, ""
    for line in (HERE / list_of_differences).read_text().splitlines():
        if line.startswith("#"):
            reason = line
        elif line:
            name, *kind = line.split(": ", 1)
            wanted[name] = (kind[0], reason)
    return wanted
