"""Whether an embedding budget changes what is said: four known truths, all turns embedded and few.

    python benchmarks/embedding_budget.py [--turns 20000] [--installations 10]

The installations of `streams.quadrants` at a rate that a budget is made for: a day is learned, an hour later
nothing changes, or the inputs, or behaviour, or both, for two hours. The very same turns are judged by the
worker's own code at each share; the embedded dimensions and the joints with them count the sample alone.
Sessions are thinned by it as in the worker, and the design effect is learned from what is counted.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from quiet_hours import MONDAY
from rich.console import Console
from rich.table import Table
from streams.quadrants import CASES, LAYOUT, Truth, counted, turns_of
from streams.watch import Watched, shipped_rules

from baselines.windows import HOUR, STEP
from binning.dimensions import EMBEDDED
from binning.layout import Layout
from config.log import configure
from config.settings import Log

SHARES = (1.0, 0.25, 0.05, 0.02)
LEARNED, WATCHED = 24, 2


@dataclass(frozen=True, slots=True)
class Said:
    """Of one change at one share: the quadrant of the first whole window, and when which page came."""

    window: str | None
    page: str | None
    minutes: int | None


def layout_at(share: float) -> Layout:
    """The layout with its shares, as a bin set of this share has it."""
    dimensions = tuple(replace(d, share=share if d.key in EMBEDDED else 1.0) for d in LAYOUT.dimensions)
    of = {dimension.key: dimension.share for dimension in dimensions}
    joints = tuple(replace(j, thinned=min(1.0, of[j.given] / of[j.outcome])) for j in LAYOUT.joints)
    return Layout(dimensions, joints, LAYOUT.size)


def trial(number: int, turns: int, share: float) -> dict[str, Said]:
    """What is said of one installation in each of the four cases. The turns are the same at every share."""
    rng, pick = np.random.default_rng([7, number]), np.random.default_rng([8, number])
    truth = Truth.draw(rng)

    def hour(now: Truth) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        minute, bins = turns_of(rng, now, turns)
        return counted(minute, bins, pick.random(len(minute)) < share)

    begin = MONDAY + LEARNED
    learned = {at: hour(truth) for at in range(MONDAY, begin)}
    watched = Watched.learn(layout_at(share), learned, shipped_rules())
    list(watched.hour(begin, hour(truth)))
    return {
        case: _said(watched.fork(), begin + 1, [hour(truth.changed(case)) for _ in range(WATCHED)])
        for case in CASES
    }


def _said(watched: Watched, begin: int, hours: list[np.ndarray[tuple[int, int], np.dtype[np.int64]]]) -> Said:
    window = page = minutes = None
    for at, counts in enumerate(hours, begin):
        for step in range(HOUR // STEP):
            watched.put(at, step, counts)
            for end, alerts in watched.step(at * HOUR + (step + 1) * STEP):
                if alerts and page is None:
                    page, minutes = str(watched.verdict(end).quadrant), (end - begin * HOUR) // 60
                if end == (begin + 1) * HOUR:
                    window = str(watched.verdict(end).quadrant)
    return Said(window, page, minutes)


def show(found: dict[float, list[dict[str, Said]]], turns: int) -> Table:
    """One row a share."""
    table = Table(
        "embedded", "an hour", "window named right", "as with all", "pages (of nothing)", "minutes to page"
    )
    for share, trials in found.items():
        pairs = [
            (case, one, whole[case])
            for mine, whole in zip(trials, found[1.0], strict=True)
            for case, one in mine.items()
        ]
        right = sum(one.window == CASES[case] for case, one, _ in pairs)
        same = sum(one.window == whole.window for _, one, whole in pairs)
        paged = Counter(case == "nothing" for case, one, _ in pairs if one.page)
        waits = [one.minutes for case, one, _ in pairs if one.minutes is not None and case != "nothing"]
        table.add_row(
            f"{share:.0%}",
            f"{share * turns:,.0f}",
            f"{right} of {len(pairs)}",
            f"{same} of {len(pairs)}",
            f"{paged[False]} of {len(pairs) * 3 // 4} ({paged[True]})",
            f"median {np.median(waits):.0f}, worst {max(waits)}" if waits else "",
        )
    return table


def main() -> None:
    """Judge and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=20_000, help="an hour")
    parser.add_argument("--installations", type=int, default=10)
    given = parser.parse_args()
    configure(Log(level="warning"))
    found = {
        share: [trial(number, given.turns, share) for number in range(given.installations)]
        for share in SHARES
    }
    Console(width=110).print(show(found, given.turns))


if __name__ == "__main__":
    main()
