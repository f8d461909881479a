"""Judging the dimensions and the joints of a segment at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.behaviour import behaviour
from baselines.judging import Counted, conclude, trial
from baselines.report import Trial
from baselines.rolling import LEAST_HOURS, rolling_span
from baselines.slices import slices
from baselines.windows import HOUR, LADDER
from worker.judging.tracked import JointJudgement, joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.evaluation import Evaluation, Window
    from baselines.history import History
    from binning.layout import DimensionLayout, JointLayout
    from worker.judging.segment import Segment


class Parts(NamedTuple):
    """A window and its counts split by hour: (hour since the epoch, flat vector)."""

    window: Window
    hourly: list[tuple[int, NDArray[np.int64]]]

    def of(self, slots: slice) -> list[tuple[int, NDArray[np.int64]]]:
        """The same of some slots only."""
        return [(hour, counts[slots]) for hour, counts in self.hourly]


def evaluate(segment: Segment, parts: Mapping[int, Parts], history: History) -> set[str]:
    """Judge each dimension on the shortest rung with enough turns; the keys of those with a new evaluation.

    A rung that serves one and has no window that ends now holds what it said last.
    """
    fresh: set[str] = set()
    waiting = list(segment.layout.dimensions)
    for rung in LADDER:
        part = parts.get(rung)
        ending: list[DimensionLayout] = []
        held: list[DimensionLayout] = []
        for each in waiting:
            ends = part is not None and part.window.start >= segment.tracked[each.key].since
            (ending if ends else held).append(each)
        climbing = _judge_on(segment, ending, part, history, fresh) if part is not None else []
        waiting = climbing + [each for each in held if rung in segment.tracked[each.key].short]
    for dimension in waiting:  # too few turns on every rung: nothing old stands
        segment.tracked[dimension.key].latest, segment.tracked[dimension.key].held = {}, None
    return fresh


def _judge_on(
    segment: Segment, dimensions: list[DimensionLayout], part: Parts, history: History, fresh: set[str]
) -> list[DimensionLayout]:
    """Judge these on one rung, all at once; returns those that it does not serve, for the next rung."""
    found = {each.key: _trials(segment, each, part, history) for each in dimensions}
    said = iter(conclude([each for trials in found.values() for each in trials]))
    climbing = []
    for dimension in dimensions:
        tracked = segment.tracked[dimension.key]
        latest: dict[str, Evaluation] = {each.reference: next(said) for each in found[dimension.key]}
        if not latest:
            tracked.short.add(part.window.length_s)
            climbing.append(dimension)
            continue
        tracked.short.discard(part.window.length_s)
        tracked.led = tracked.kept.restarted is not None and "rolling" in latest
        if tracked.says(latest):
            fresh.add(dimension.key)
    return climbing


def _trials(segment: Segment, dimension: DimensionLayout, part: Parts, history: History) -> list[Trial]:
    """What the window is judged by: the fixed reference, and recent normal where that can be judged.

    Nothing where turns are too few, or where the reference that decides has too little here.
    """
    tracked, rules = segment.tracked[dimension.key], segment.rules
    level, gates = rules.alpha(part.window, segment.deciding), rules.gates(dimension.key)
    counted = Counted.of(part.window, part.of(dimension.slots), rules.calendar)
    fixed = trial(segment.fixed[dimension.key].basis, counted, alpha=level, gates=gates)
    if not isinstance(fixed, Trial):
        return []
    recent = segment.rolling[dimension.key].basis(
        part.window,
        history.hours(segment.name),
        excluded=history.left_out(tracked.kept.excluded),
        since=tracked.kept.restarted,
    )
    rolling = trial(recent, counted, alpha=level, gates=gates) if recent is not None else None
    if isinstance(rolling, Trial):
        return [fixed, rolling]
    return [] if tracked.led else [fixed]


def evaluate_joint(
    segment: Segment, joint: JointLayout, end: int, parts: Mapping[int, Parts], history: History
) -> JointJudgement | None:
    """Behaviour at fixed inputs on the window that the outcome was just judged on.

    None without a new one, and while a reference that an episode restarted has not got 24 h together.
    """
    outcome = segment.tracked[joint.outcome].latest.get("fixed")
    if outcome is None or outcome.window.end != end or outcome.window.length_s not in parts:
        return None
    if outcome.window.start < segment.begins(joint):
        return None
    phi = max(1.0, outcome.turns / outcome.effective_n)
    return judge_joint(segment, joint, parts[outcome.window.length_s], phi, history)


def judge_joint(
    segment: Segment, joint: JointLayout, part: Parts, phi: float, history: History
) -> JointJudgement | None:
    """Behaviour at fixed inputs on this window, `phi` the outcome's design effect on it.

    A joint that counts a part of the outcome's turns has that part of what is over 1 of it.
    """
    phi = 1 + (phi - 1) * joint.thinned
    counts = [counts for _, counts in part.of(joint.slots)]
    reference = _joint_reference(segment, joint, part.window, history)
    if reference is None or not counts:
        return None
    current = np.sum(counts, axis=0).reshape(joint.shape)
    level = segment.rules.alpha(part.window, segment.deciding)
    count = len(segment.layout.joints)
    found = behaviour(
        joint.given, joint.outcome, part.window, reference, current, phi=phi, alpha=level, joints=count
    )
    return JointJudgement(found, tuple(slices(reference, current, phi=phi, alpha=level / count)))


def _joint_reference(
    segment: Segment, joint: JointLayout, window: Window, history: History
) -> NDArray[np.int64] | None:
    """What was learned of a joint; once an episode restarted it or a side of it, what came since."""
    kept = [
        segment.tracked[joint.given].kept,
        segment.tracked[joint.outcome].kept,
        segment.joints_kept[joint_name(joint)],
    ]
    since = max((k.restarted for k in kept if k.restarted is not None), default=None)
    if since is None:
        return segment.joint_reference[joint.slots].reshape(joint.shape)
    span = rolling_span(window, since)
    excluded = history.left_out(set().union(*(k.excluded for k in kept)))
    hours = [h for h in range(-(-span.start // HOUR), span.end // HOUR) if h not in excluded]
    if len(hours) < LEAST_HOURS:
        return None
    known = history.hours(segment.name)
    counts = [known[hour][joint.slots] for hour in hours if hour in known]
    return np.sum(counts, axis=0, dtype=np.int64).reshape(joint.shape) if counts else None
