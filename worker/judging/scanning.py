"""The fast lane of one segment: a sharp change pages the minute that it shows, before the ladder sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alerts.persistence import Reading, Streak, raise_at_once
from baselines.evaluation import Window
from baselines.fast import LEAST_EFFECTIVE, MINUTE, MINUTES, Scan, Scanned, hourly
from baselines.lanes import LANES
from baselines.windows import HOUR, STEP
from worker.judging.evaluating import Parts, judge_joint
from worker.judging.tracked import joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.evaluation import Evaluation
    from baselines.history import History
    from baselines.judging import Basis
    from binning.layout import DimensionLayout
    from worker.judging.segment import Segment
    from worker.judging.tracked import JointJudgement, Tracked


class Look(NamedTuple):
    """What is looked at in one minute: its end in seconds, the last hour by minute, and the dimensions."""

    end: int
    minutes: Mapping[int, NDArray[np.int64]]
    scan: Scan
    watched: list[DimensionLayout]
    alpha: float

    def judge(self, index: int, lane: int) -> Evaluation | None:
        """One of the dimensions on one lane."""
        return self.scan.judge(index, lane, self.end, self.hourly(LANES[lane]), self.alpha)

    def hourly(self, length: int) -> list[tuple[int, NDArray[np.int64]]]:
        """The counts of the last `length` seconds by hour."""
        return hourly(self.end, length, self.minutes)


class Found(NamedTuple):
    """What the same minutes say of everything: dimensions that hit, others that were judged, and joints."""

    hits: dict[str, Evaluation]
    others: dict[str, Evaluation]
    joints: dict[str, JointJudgement | None]


def scan(segment: Segment, end: int, history: History) -> bool:
    """Look at the minute that ends at `end`; whether a dimension became alerting by it.

    What hits alerts at once, as soon as enough turns came since to tell of both sides: the other dimensions
    and the joints are judged on the same minutes. The ladder takes over as it catches up.
    """
    look = _look(segment, end, history)
    if look is None:
        return False
    lanes = sum(end - length >= segment.since for length in LANES)
    hits = _hits(segment, look, look.scan.near(end, np.array(list(look.minutes.values())), lanes))
    ripe = {index for index in hits if _ripe(segment, look, index)}
    if not ripe:
        return False
    found = _others(segment, look, {index: hits[index] for index in ripe}, lanes, history)
    if not _nameable(segment, look, found):
        return False
    for key, evaluation in found.others.items():
        tracked = segment.tracked[key]
        if evaluation.exceeds or not tracked.latest:
            _say(tracked, evaluation)
    for key, evaluation in found.hits.items():
        _raise(segment, key, evaluation)
    segment.joints = {name: joint for name, joint in found.joints.items() if joint is not None}
    return True


def _look(segment: Segment, end: int, history: History) -> Look | None:
    """What there is to look at; None without turns, in the first minutes of judging, and over a gap."""
    if end - LANES[0] < segment.since or not history.minute(end // MINUTE - 1).any():
        return None
    if history.gaps(Window(end - HOUR, end)):
        return None
    if segment.watching is None:
        segment.watching = _watching(segment, end // STEP * STEP, history)
    watched, scan = segment.watching
    if scan is None:
        return None
    first = end // MINUTE - MINUTES
    minutes = {minute: history.minute(minute) for minute in range(first, first + MINUTES)}
    level = segment.rules.alpha(Window(end - HOUR, end), segment.deciding)
    return Look(end, minutes, scan, watched, level)


def _watching(segment: Segment, step: int, history: History) -> tuple[list[DimensionLayout], Scan | None]:
    """The deciding dimensions that can be looked at, with what the ladder compares them with."""
    watched, scanned = [], []
    for dimension in segment.layout.dimensions:
        key = dimension.key
        if key not in segment.lanes or not segment.rules.decides(key):
            continue
        if step - LANES[-1] < segment.tracked[key].since:
            continue
        basis = _basis(segment, dimension, step, history)
        if basis is not None:
            gates = segment.rules.gates(dimension.key)
            watched.append(dimension)
            scanned.append(Scanned(basis, dimension.slots, segment.lanes[dimension.key], gates))
    return watched, Scan(scanned, segment.rules.fast_pages) if scanned else None


def _basis(segment: Segment, dimension: DimensionLayout, step: int, history: History) -> Basis | None:
    tracked = segment.tracked[dimension.key]
    if tracked.kept.restarted is None:
        return segment.fixed[dimension.key].basis
    return segment.rolling[dimension.key].basis(
        Window(step - tracked.rung, step),
        history.hours(segment.name),
        excluded=history.left_out(tracked.kept.excluded),
        since=tracked.kept.restarted,
    )


def _hits(segment: Segment, look: Look, near: Mapping[int, list[int]]) -> dict[int, Evaluation]:
    """The dimensions over the threshold, and what is said of them on the shortest such lane."""
    hits = {}
    for index, dimension in enumerate(look.watched):
        if segment.streaks.get(dimension.key, Streak()).alerting:
            continue
        for lane in near.get(index, ()):
            found = look.judge(index, lane)
            if found is not None and look.scan.hit(found):
                hits[index] = found
                break
        else:
            segment.tracked[dimension.key].hit = None
    return hits


def _ripe(segment: Segment, look: Look, index: int) -> bool:
    """Whether enough turns came since the first hit in a row, its minute included, to tell of both sides."""
    dimension = look.watched[index]
    tracked = segment.tracked[dimension.key]
    tracked.hit = look.end if tracked.hit is None else tracked.hit
    since = look.hourly(min(look.end - tracked.hit + MINUTE, LANES[-1]))
    turns = sum(int(counts[dimension.slots].sum()) for _, counts in since)
    return bool(turns / segment.lanes[dimension.key].phi[0] >= LEAST_EFFECTIVE)


def _others(
    segment: Segment, look: Look, hits: Mapping[int, Evaluation], lanes: int, history: History
) -> Found:
    """Every other dimension, on the shortest lane that exceeds or else the longest; joints on the longest."""
    others = {}
    for index, dimension in enumerate(look.watched):
        if index in hits or segment.streaks.get(dimension.key, Streak()).alerting:
            continue
        judged = [e for lane in range(lanes) if (e := look.judge(index, lane)) is not None]
        if judged:
            others[dimension.key] = next((e for e in judged if e.exceeds), judged[-1])
    longest = LANES[lanes - 1]
    part = Parts(Window(look.end - longest, look.end), look.hourly(longest))
    joints = {}
    for joint in segment.layout.joints:
        if look.end - longest < segment.begins(joint):
            continue
        spread = segment.lanes.get(joint.outcome)
        phi = float(spread.phi[lanes - 1]) if spread is not None else 1.0
        joints[joint_name(joint)] = judge_joint(segment, joint, part, phi, history)
    return Found({look.watched[index].key: found for index, found in hits.items()}, others, joints)


def _nameable(segment: Segment, look: Look, found: Found) -> bool:
    """Whether the page would bear the right name; where not, the next minutes or the ladder say more.

    Each side that has turns must have been judged, and where both moved, behaviour at fixed inputs.
    """
    moved, judged, present = set(), set(), set()
    for dimension in look.watched:
        key, tracked = dimension.key, segment.tracked[dimension.key]
        fresh = found.hits.get(key) or found.others.get(key)
        if fresh is not None or tracked.latest:
            judged.add(dimension.side)
        if tracked.exceeds or (fresh is not None and fresh.exceeds):
            moved.add(dimension.side)
        if any(counts[dimension.slots].any() for counts in look.minutes.values()):
            present.add(dimension.side)
    assessable = any(joint is not None and joint.behaviour.assessable for joint in found.joints.values())
    return present <= judged and (len(moved) < 2 or assessable or not found.joints)


def _raise(segment: Segment, key: str, found: Evaluation) -> None:
    reading = Reading(found.window.end, exceeds=True, calm=False, displacement=found.displacement)
    segment.streaks[key] = raise_at_once(segment.streaks.get(key, Streak()), reading)
    _say(segment.tracked[key], found)


def _say(tracked: Tracked, found: Evaluation) -> None:
    tracked.latest = {found.reference: found}
    tracked.held = found.window.start if found.exceeds else None
