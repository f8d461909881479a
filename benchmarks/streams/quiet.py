"""One installation for 28 days: the pages of quiet traffic, and how soon known changes are found.

Nothing changes in the stream itself, so every page of it is false. At random hours copies of it branch off
with all of `CHANGES` in force, one in each of six dimensions, and are watched for four hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from quiet_hours import MONDAY

from baselines.windows import HOUR, STEP
from streams.watch import Watched, shipped_rules
from streams.world import CHANGES, LAYOUT, Traffic

if TYPE_CHECKING:
    from streams.world import Counts

LEARNED = 24
FORTNIGHT = 14 * 24
BRANCH = 4  # hours that a branch is watched
BRANCHES = 8  # of the first fortnight, and as many after it
LATENESS = 120  # seconds that late events are waited for before a window is judged
SETTLED = 6  # hours after the first judged one before anything changes


def installation(
    seed: int, number: int, hours: int, *, false_pages: float = 1.0
) -> tuple[dict[str, Any], dict[str, Counts]]:
    """Watch one installation; what was seen (for JSON), and the hourly counts that peers are given.

    It is installed at some hour of Monday to Thursday and judged for `hours` from 24 learned ones on.
    """
    rng = np.random.default_rng([seed, number])
    traffic, first = Traffic(rng), MONDAY + int(rng.integers(0, 4 * 24))
    learned = {hour: traffic.hour(hour) for hour in range(first, first + LEARNED)}
    watched = Watched.learn(LAYOUT, learned, shipped_rules(false_pages=false_pages))
    begin = first + LEARNED
    branching = _branching(rng, hours)
    windows, branches, changed = [], [], []
    pages, episodes, open_before, alarmed = [], [], set[str](), 0
    for at in range(hours):
        if at in branching:
            seen, counts = branch([seed, number, at], begin + at, watched, traffic)
            branches.append({"at": at, **seen})
            changed.append(counts)
        counts = traffic.hour(begin + at)
        windows.append(counts.sum(0))
        for end, alerts in watched.hour(begin + at, counts):
            since = end / HOUR - begin
            pages += [[since, name, watched.by(name)] for name in sorted(set(alerts) - open_before)]
            alarmed += bool(alerts) and end % STEP == 0
            if alerts and not open_before:
                episodes.append(since)
            open_before = set(alerts)
    seen = {
        "number": number,
        "first": first,
        "hours": hours,
        "pages": pages,
        "episodes": episodes,
        "alarmed": alarmed,
        "branches": branches,
    }
    streams = {
        "learned_hours": np.array([each.sum(0) for each in learned.values()]),
        "windows": np.array(windows),
        "branched_at": np.array([each["at"] for each in branches], dtype=np.int64),
        "branches": np.array(changed).reshape(-1, BRANCH, LAYOUT.size),
    }
    return seen, streams


def _branching(rng: np.random.Generator, hours: int) -> set[int]:
    found: set[int] = set()
    for start, stop in ((SETTLED, min(FORTNIGHT, hours)), (FORTNIGHT, hours)):
        choice = np.arange(start, stop)
        if len(choice):
            share = (stop - start) / FORTNIGHT
            count = min(len(choice), max(1, round(BRANCHES * share)))
            found |= set(rng.choice(choice, count, replace=False).tolist())
    return found


def branch(seed: list[int], hour: int, watched: Watched, traffic: Traffic) -> tuple[dict[str, Any], Counts]:
    """Every change at once from the start of `hour` on; for each the seconds and turns to its page.

    A page is new: a dimension that already alerts cannot be found.
    """
    copied, changed = watched.fork(), traffic.fork(np.random.default_rng(seed), CHANGES)
    already = set(copied.alerts())
    found: dict[str, list[int]] = {}
    drivers: dict[str, str | None] = {}
    hourly, turns = [], []
    intents = LAYOUT.dimension("input.intent").slots
    for later in range(BRANCH):
        counts = changed.hour(hour + later)
        hourly.append(counts.sum(0))
        turns += counts[:, intents].sum(1).tolist()
        for end, alerts in copied.hour(hour + later, counts):
            for name in set(alerts) - already - set(found):
                seconds = end - hour * HOUR + LATENESS
                found[name] = [seconds, sum(turns[: seconds // 60])]
                drivers[name] = copied.driver(name)
            already -= already - set(alerts)  # one that closed may open anew
    delays = {c.name: found.get(c.dimension) for c in CHANGES}
    others = sorted(set(found) - {c.dimension for c in CHANGES})
    right = {c.name: drivers.get(c.dimension) == f"bin {c.bin}" for c in CHANGES if c.bin is not None}
    return {"delays": delays, "drivers": right, "others": others}, np.array(hourly)
