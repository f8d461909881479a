"""What a soak came to, against one clean run over the same records: a row each, and whether it held."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from scipy.stats import poisson

from alerts.verdict import decode
from baselines.history import KEEP_HOURS
from benchmarks.chaos.clean import CleanJudge, progress, unlike
from benchmarks.chaos.oracle import HourlyCounts, counted_by_hour, differences
from worker.judging.tracked import Kept, Tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from baselines.store import AgentStore
    from binning.encoder import Encoder
    from tests.e2e.counts import Left
    from worker.judging.inheriting import Saved
    from worker.judging.tracked import Rules

ALL_KEPT = 1_000_000
HOURS_A_MONTH = 30 * 24
DROPPING_H = 24
"""So long before the oldest hour that is kept: whether that is dropped yet is its owner's affair."""


class Row(NamedTuple):
    """One thing that was found out. `held`: it is as it must be; `wrong` names what is not, the first few."""

    name: str
    value: object
    held: bool = True
    wrong: Sequence[str] = ()


def clean_run(
    agent: str,
    left: Left,
    rules: Rules,
    records: Mapping[str, Sequence[bytes]],
    encoder: Encoder,
    tell: Callable[[int], None],
) -> tuple[HourlyCounts, CleanJudge]:
    """The counts by partition and hour, and the judge that saw them; `tell` hears of every hour."""
    judge, counts = CleanJudge(agent, left, rules), HourlyCounts()
    for hour, pieces in counted_by_hour(left, records, encoder):
        counts.add(pieces)
        judge.count(hour, pieces)
        tell(hour)
    return counts, judge


def counting(clean: Mapping[tuple[str, int], Mapping[str, int]], left: Left) -> list[Row]:
    """Of the counts that are kept."""
    since = max(hour for _, hour in clean) - KEEP_HOURS + DROPPING_H
    wanted, counted = ({k: v for k, v in each.items() if k[1] >= since} for each in (clean, left.counts))
    wrong = differences(wanted, counted)
    return [
        Row("turns counted behind learning, of those kept", left.turns, left.turns > 0),
        Row("counts that differ from a clean run", len(wrong), not wrong, wrong),
    ]


def judging(clean: CleanJudge, store: AgentStore, opened: Collection[str]) -> list[Row]:
    """Of the verdicts that are kept, of the episodes `opened` (ids), and of what judging remembers."""
    said = [decode(raw) for raw in store.newest(clean.agent, "verdicts", ALL_KEPT)]
    theirs = progress(store, clean.agent, clean.left.active.digest)
    clean.judge(theirs.scanned_to + clean.rules.lateness_s)
    unheard, ours = unlike(clean.verdicts, said), clean.progress
    same = _remembered(ours) == _remembered(theirs)
    episodes = {verdict.episode for verdict in clean.verdicts.values()} - {None}
    hours = (theirs.judged_to - clean.left.active.until) / 3600
    most = int(poisson.ppf(0.99, clean.rules.false_pages_per_month * hours / HOURS_A_MONTH))
    strange = sorted(episodes ^ set(opened), key=str)
    return [
        Row("verdicts kept", len(said), bool(said)),
        Row("verdicts that a clean judge does not give", len(unheard), not unheard, unheard),
        Row("all that judging remembers is what a clean judge does", same, same),
        Row("episodes that only one of the two opened", len(strange), not strange, [str(e) for e in strange]),
        Row(f"episodes in {hours:.0f} h, of {most} at most", len(episodes), len(episodes) <= most),
    ]


def _remembered(saved: Saved) -> tuple[object, ...]:
    """What judging remembers but for its episodes, which say whom they were told to; sets as sets."""
    segments = {
        name: state
        | {
            "tracked": msgspec.convert(state["tracked"], dict[str, Tracked]),
            "joints_kept": msgspec.convert(state["joints_kept"], dict[str, Kept]),
        }
        for name, state in saved.segments.items()
    }
    return saved.judged_to, saved.scanned_to, saved.zone, segments
