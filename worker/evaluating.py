"""Judging one dimension or one joint of a segment at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.behaviour import behaviour
from baselines.evaluation import Evaluation, Window
from baselines.rolling import LEAST_HOURS, rolling_span
from baselines.slices import slices
from baselines.windows import HOUR, LADDER
from worker.tracked import JointJudgement, joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.history import History
    from binning.layout import DimensionLayout, JointLayout
    from worker.segment import Segment


class Parts(NamedTuple):
    """A window and its counts split by hour: (hour since the epoch, flat vector)."""

    window: Window
    hourly: list[tuple[int, NDArray[np.int64]]]

    def of(self, slots: slice) -> list[tuple[int, NDArray[np.int64]]]:
        """The same of some slots only."""
        return [(hour, counts[slots]) for hour, counts in self.hourly]


def evaluate(
    segment: Segment, dimension: DimensionLayout, parts: Mapping[int, Parts], history: History
) -> bool:
    """Judge a dimension on the shortest rung with enough turns; whether it has a new evaluation.

    A rung that serves it and has no window that ends now holds what it said last.
    """
    tracked = segment.tracked[dimension.key]
    for rung in LADDER:
        if rung not in parts or parts[rung].window.start < tracked.since:
            if rung in tracked.short:
                continue
            return False
        part = parts[rung]
        level = segment.rules.alpha(part.window, segment.deciding)
        fixed = segment.fixed[dimension.key].judge(
            part.window, part.of(dimension.slots), alpha=level, gates=segment.rules.gates(dimension.key)
        )
        if not isinstance(fixed, Evaluation):
            tracked.short.add(rung)
            continue
        rolling = _against_rolling(segment, dimension, part, history, level)
        if rolling is None and tracked.led:  # the reference that decides has too little here: climb
            tracked.short.add(rung)
            continue
        tracked.short.discard(rung)
        tracked.led = tracked.kept.restarted is not None and rolling is not None
        return tracked.says({"fixed": fixed} if rolling is None else {"fixed": fixed, "rolling": rolling})
    tracked.latest, tracked.held = {}, None  # too few turns on every rung: nothing old stands
    return False


def _against_rolling(
    segment: Segment, dimension: DimensionLayout, part: Parts, history: History, level: float
) -> Evaluation | None:
    """The same window against recent normal, once fixed is frozen or an episode restarted it."""
    tracked = segment.tracked[dimension.key]
    found = segment.rolling[dimension.key].judge(
        part.window,
        part.of(dimension.slots),
        history.hours(segment.name),
        excluded=tracked.kept.excluded,
        since=tracked.kept.restarted,
        alpha=level,
        gates=segment.rules.gates(dimension.key),
    )
    return found if isinstance(found, Evaluation) else None


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
    """Behaviour at fixed inputs on this window, `phi` the outcome's design effect on it."""
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
    excluded = set().union(*(k.excluded for k in kept))
    hours = [h for h in range(-(-span.start // HOUR), span.end // HOUR) if h not in excluded]
    if len(hours) < LEAST_HOURS:
        return None
    known = history.hours(segment.name)
    counts = [known[hour][joint.slots] for hour in hours if hour in known]
    return np.sum(counts, axis=0, dtype=np.int64).reshape(joint.shape) if counts else None
