"""Judging one dimension or one joint of a segment at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.behaviour import behaviour
from baselines.evaluation import Evaluation, Window
from baselines.slices import slices
from baselines.windows import LADDER
from worker.tracked import JointJudgement

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
        if rung not in parts:
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
        tracked.short.discard(rung)
        tracked.latest = {"fixed": fixed}
        rolling = _against_rolling(segment, dimension, part, history, level)
        if rolling is not None:
            tracked.latest["rolling"] = rolling
        return True
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
        excluded=tracked.excluded,
        since=tracked.restarted,
        alpha=level,
        gates=segment.rules.gates(dimension.key),
    )
    return found if isinstance(found, Evaluation) else None


def evaluate_joint(
    segment: Segment, joint: JointLayout, end: int, parts: Mapping[int, Parts]
) -> JointJudgement | None:
    """Behaviour at fixed inputs on the window that the outcome was just judged on; None without a new one."""
    outcome = segment.tracked[joint.outcome].latest.get("fixed")
    if outcome is None or outcome.window.end != end or outcome.window.length_s not in parts:
        return None
    part = parts[outcome.window.length_s]
    current = np.sum([counts for _, counts in part.of(joint.slots)], axis=0).reshape(joint.shape)
    reference = segment.joint_reference[joint.slots].reshape(joint.shape)
    phi = max(1.0, outcome.turns / outcome.effective_n)
    level = segment.rules.alpha(part.window, segment.deciding)
    count = len(segment.layout.joints)
    found = behaviour(
        joint.given, joint.outcome, part.window, reference, current, phi=phi, alpha=level, joints=count
    )
    return JointJudgement(found, tuple(slices(reference, current, phi=phi, alpha=level / count)))
