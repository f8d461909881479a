"""Going over to another bin set: what did not change is judged as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from baselines.eras import Laid
from baselines.lanes import learn_lanes
from baselines.learned import ACTIVE, Active, encode_reference, layout_name, reference_name
from baselines.store import Put
from benchmarks.synthetic import AGENT, HOUR, TOKEN, Dimension, Installation, Traffic, delta, layout_of
from benchmarks.synthetic import Laid as Bins
from binning.layout import Layout
from tests.unit.worker.installations import BASE8, CATEGORY, INTENT, MONDAY, RULES
from worker.judging.judge import AgentJudge
from worker.judging.switching import RECLUSTERED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alerts.verdict import DimensionVerdict, Verdict
    from benchmarks.synthetic import Counts

CLUSTER = Dimension("input.cluster", BASE8)
JOINTS = [("input.cluster", CATEGORY.key), ("input.intent", CATEGORY.key)]
TURNS = 1500


def layouts() -> tuple[Layout, Layout, NDArray[np.int64]]:
    """Two bin sets whose clusters are one another's in reverse, laid out in another order.

    And for each slot of the second the slot of the first that counts the same.
    """
    old = layout_of([INTENT, CLUSTER, CATEGORY], JOINTS)
    new = layout_of([CATEGORY, CLUSTER, INTENT], JOINTS[::-1])
    changed = tuple(replace(d, identity="new" if d.name == "cluster" else "") for d in new.dimensions)
    new = Layout(changed, new.joints, new.size)
    same = np.zeros(new.size, dtype=np.int64)
    for dimension in new.dimensions:
        slots = np.arange(old.size)[old.dimension(dimension.key).slots]
        same[dimension.slots] = slots[::-1] if dimension.name == "cluster" else slots
    for joint in new.joints:
        before = next(j for j in old.joints if j.given == joint.given)
        table = np.arange(old.size)[before.slots].reshape(joint.shape)
        same[joint.slots] = (table[::-1] if joint.given == "input.cluster" else table).ravel()
    return old, new, same


OLD, NEW, SAME = layouts()


class Played:
    """An installation that may go over to the second bin set; `recent` are its last hours, as first laid."""

    def __init__(self) -> None:
        traffic = Traffic([INTENT, CLUSTER, CATEGORY], OLD, np.random.default_rng(5))
        self.made = Installation(traffic, RULES)
        self.recent: dict[int, Counts] = {}
        self.made.learn(MONDAY, TURNS)

    def play(self, hours: int) -> list[Verdict]:
        """Some hours under whatever bin set is in force."""
        found: list[Verdict] = []
        for _ in range(hours):
            minutes = self.made.traffic.minutes(TURNS, 60)
            self.recent[self.made.hour] = np.sum(minutes, axis=0)
            found += self._count(minutes, 0)
        return found

    def _count(self, minutes: list[Counts], first: int) -> list[Verdict]:
        log, begin = self.made.log, self.made.hour * 60 + first
        layout, slots = (NEW, SAME) if log.digest == "d2" else (OLD, np.arange(OLD.size))
        buckets = {begin + i: delta(layout, counts[slots]) for i, counts in enumerate(minutes)}
        self.made.hour += (first + len(minutes)) // 60
        end = (begin + len(minutes)) * 60
        log.add({at: each for at, each in buckets.items() if len(each.counts) > 1}, end)
        return self.made.judge.advance(end, TOKEN) or []

    def play_switching(self, minute: int, *, switch: bool) -> list[Verdict]:
        """An hour in the middle of which the bin set may change."""
        minutes = self.made.traffic.minutes(TURNS, 60)
        found = self._count(minutes[:minute], 0)
        if switch:
            self.switch()
        return found + self._count(minutes[minute:], minute)

    def switch(self) -> None:
        """Learn the second bin set from the recent hours, as the leader does, and go over to it."""
        hours = {hour: counts[SAME] for hour, counts in self.recent.items()}
        lanes = learn_lanes(NEW, hours, {})
        active = Active("d2", self.made.hour * HOUR, 1000, (), (AGENT,), past=("d1",))
        writes = [
            Put(layout_name("d1"), Laid("d1", OLD, {}).to_bytes()),
            Put(layout_name("d2"), Laid("d2", NEW, {}).to_bytes()),
            Put(reference_name("d2"), encode_reference({"all": hours}, lanes)),
            Put(ACTIVE, active.to_bytes()),
        ]
        self.made.store.write(AGENT, TOKEN, writes)
        self.made.log.digest, self.made.active = "d2", active
        self.made.log.add({}, 0.0)
        self.take_over()

    def take_over(self) -> None:
        """Another leader goes on."""
        made, bins = self.made, Bins(NEW)
        made.judge = AgentJudge.take_over(AGENT, made.active, bins, made.store, RULES, made.judge.telling)


def judged(verdict: Verdict, *names: str) -> list[DimensionVerdict]:
    return [d for d in verdict.dimensions if d.name in names]


@pytest.fixture(scope="module")
def runs() -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts of thirty hours, undisturbed and with a switch after 26 h and 25 minutes."""
    found = []
    for switch in (False, True):
        played = Played()
        verdicts = played.play(26) + played.play_switching(25, switch=switch) + played.play(4)
        found.append(verdicts)
    return found[0], found[1]


def test_dimensions_that_did_not_change_are_judged_as_if_nothing_had_happened(
    runs: tuple[list[Verdict], list[Verdict]],
) -> None:
    undisturbed, switched = runs
    kept = ("intent", "response_category")
    assert len(undisturbed) == len(switched)
    for one, other in zip(undisturbed, switched, strict=True):
        assert one.at == other.at
        assert judged(one, *kept) == sorted(judged(other, *kept), key=lambda d: d.name)


def test_a_changed_dimension_rests_until_a_window_lies_after_the_switch(
    runs: tuple[list[Verdict], list[Verdict]],
) -> None:
    _, switched = runs
    at = (MONDAY + 24 + 26) * HOUR + 25 * 60
    before = [verdict for verdict in switched if verdict.at <= at]
    resting = [verdict for verdict in switched if at < verdict.at < at + 5 * 60 + HOUR]
    after = [verdict for verdict in switched if verdict.at >= at + 5 * 60 + HOUR]
    assert all(judged(verdict, "cluster") for verdict in before[12:])
    assert all(not judged(verdict, "cluster") for verdict in resting)
    reasons = {verdict.reason for verdict in resting}
    assert {"bins of cluster learned anew: judged once a window lies after that"} == reasons
    assert all(judged(verdict, "cluster") for verdict in after)
    assert not any(d.exceeds for verdict in after for d in judged(verdict, "cluster"))
    windows = {d.window.start for verdict in after for d in judged(verdict, "cluster")}
    assert min(windows) >= at


def test_a_leader_that_follows_in_the_middle_says_the_same(runs: tuple[list[Verdict], list[Verdict]]) -> None:
    played = Played()
    verdicts = played.play(26) + played.play_switching(25, switch=True)
    played.take_over()
    verdicts += played.play(2)
    played.take_over()
    verdicts += played.play(2)
    assert runs[1] == verdicts


@pytest.mark.parametrize(
    ("moved", "reason", "after"),
    [("input.cluster", RECLUSTERED, False), ("input.intent", None, True)],
)
def test_an_episode_ends_with_its_bins_and_only_then(moved: str, reason: str | None, after: bool) -> None:
    played = Played()
    played.play(4)
    played.made.traffic.replaced[moved] = BASE8[::-1]
    played.recent.clear()
    during = played.play(3)
    verdicts = played.play_switching(30, switch=True)
    assert during[-1].alerting
    assert after == verdicts[-1].alerting
    told = [msgspec.json.decode(row) for row in played.made.store.newest(AGENT, "episodes", 10)]
    assert (reason, not after) == (told[-1].get("reason"), told[-1]["resolved_at"] is not None)
