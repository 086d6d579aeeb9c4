"""The story of `console` at 120x36."""

import scenario_console


def run(case):
    scenario_console.run(case, 120, 36)
