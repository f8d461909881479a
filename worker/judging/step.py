"""One step of a segment: judge what has a window ending now, then learn from calm hours.

Pure but for the segment that it moves on: what comes of it follows from the counts (`History`) and the end of
the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.persistence import Reading, Streak, advance_all
from baselines.history import ALL
from baselines.windows import windows_ending_at
from worker.judging.absorbing import absorb, keep_out_alerting_hours, learn_days
from worker.judging.evaluating import Parts, evaluate, evaluate_joint
from worker.judging.tracked import joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.history import History
    from worker.judging.segment import Segment


def step(segment: Segment, end: int, history: History) -> None:
    """Judge every dimension and joint that has a window ending at `end` (seconds since the epoch)."""
    parts = {
        window.length_s: Parts(window, history.hourly(segment.name, window))
        for window in windows_ending_at(end)
        if window.start >= segment.since and not history.gaps(window)
    }
    readings = _dimensions(segment, parts, history) | _joints(segment, end, parts, history)
    segment.streaks = _standing(segment, advance_all(segment.streaks, readings))
    keep_out_alerting_hours(segment, end)
    learn_days(segment, end, parts, history)
    absorb(segment, end, history)
    segment.watching = None


def _dimensions(segment: Segment, parts: Mapping[int, Parts], history: History) -> dict[str, Reading]:
    """What persistence takes in of the dimensions that decide and were judged anew."""
    fresh, readings = evaluate(segment, parts, history), dict[str, Reading]()
    for dimension in segment.layout.dimensions:
        if dimension.key in fresh and segment.rules.decides(dimension.key):
            reading = segment.tracked[dimension.key].reading()
            if reading is not None:
                readings[dimension.key] = reading
    return readings


def _joints(segment: Segment, end: int, parts: Mapping[int, Parts], history: History) -> dict[str, Reading]:
    """The same of the joints, which are counted for the whole only."""
    readings: dict[str, Reading] = {}
    for joint in segment.layout.joints if segment.name == ALL else ():
        found = evaluate_joint(segment, joint, end, parts, history)
        if not segment.tracked[joint.outcome].latest:
            segment.joints.pop(joint_name(joint), None)
        elif found is not None:
            segment.joints[joint_name(joint)] = found
            moved = bool(found.slices)
            readings[joint_name(joint)] = Reading(end, exceeds=moved, calm=not moved)
    return readings


def _standing(segment: Segment, streaks: Mapping[str, Streak]) -> dict[str, Streak]:
    """The streaks that can still end: of joints, and of dimensions that decide and can be judged."""
    return {
        key: streak
        for key, streak in streaks.items()
        if key not in segment.tracked or (segment.rules.decides(key) and segment.tracked[key].latest)
    }
