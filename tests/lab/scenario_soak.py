"""The soak's smoke: some rounds of churn on a pair, seconds instead of half an hour (`benches/soak`)."""

from soak import Soak


def run(case):
    for line in Soak(case).run(0.3).splitlines():
        case.note(line)
