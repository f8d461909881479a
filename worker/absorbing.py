"""What the references may learn while judging goes on: calm hours, and how much days differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.windows import DAY, HOUR, day_lag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.history import History
    from worker.evaluating import Parts
    from worker.segment import Segment

ABSORB_AFTER = 3
"""An hour enters the references so many windows after its end: a change has then had time to alert.

The source of the rule simulated windows of one hour; on a longer rung it takes as much longer to alert.
"""


def keep_out_alerting_hours(segment: Segment, end: int) -> None:
    """Keep an episode's hours out of the references, from the start of the first window that exceeded.

    One that lasts 24 h restarts the rolling reference where it began: from then on it is the new normal.
    """
    for key, tracked in segment.tracked.items():
        streak = segment.streaks.get(key)
        if streak is None or not streak.alerting:
            tracked.open_hour = None
            continue
        if tracked.open_hour is None:
            tracked.open_hour = ((streak.since or end) - tracked.rung) // HOUR
        alerting = set(range(tracked.open_hour, end // HOUR + 1))
        if end - tracked.open_hour * HOUR >= DAY + tracked.rung:
            tracked.restarted = tracked.open_hour * HOUR
            tracked.excluded -= alerting
        else:
            tracked.excluded |= alerting


def absorb(segment: Segment, end: int, history: History) -> None:
    """Offer the hours that are over to the fixed references, until they are frozen (14 days)."""
    for dimension in segment.layout.dimensions:
        tracked, part = segment.tracked[dimension.key], dimension.slots
        for hour in range(tracked.absorbed_to, _absorbable(tracked.rung, end)):
            before, counts, after = (history.hour(segment.name, hour + i)[part] for i in (-1, 0, 1))
            calm = _calm(segment, dimension.key, hour)
            segment.fixed[dimension.key].absorb(hour, counts, before, after, calm=calm)
            tracked.absorbed_to = hour + 1
    _absorb_joints(segment, end, history)


def _absorb_joints(segment: Segment, end: int, history: History) -> None:
    """The joints' references take the hours that were calm in every dimension."""
    slowest = max(tracked.rung for tracked in segment.tracked.values())
    for hour in range(segment.joints_absorbed_to, _absorbable(slowest, end)):
        segment.joints_absorbed_to = hour + 1
        calm = all(_calm(segment, key, hour) for key in segment.fixed)
        if calm and not all(reference.frozen for reference in segment.fixed.values()):
            counts = history.hour(segment.name, hour)
            for joint in segment.layout.joints:
                segment.joint_reference[joint.slots] += counts[joint.slots]


def _absorbable(rung: int, end: int) -> int:
    """The first hour that is too young to be offered."""
    return (end - ABSORB_AFTER * rung) // HOUR


def _calm(segment: Segment, key: str, hour: int) -> bool:
    """No episode of the dimension was open in the hour or the one after."""
    tracked = segment.tracked[key]
    alerting = tracked.open_hour is not None and hour + 1 >= tracked.open_hour
    return not alerting and not tracked.excluded & {hour, hour + 1}


def learn_days(segment: Segment, end: int, parts: Mapping[int, Parts], history: History) -> None:
    """What days differ by: each non-overlapping window against the one a day (long rungs: a week) before."""
    for rung, part in parts.items():
        if end % rung or not part.hourly:
            continue
        lag = day_lag(rung) // HOUR
        hours = range(part.window.start // HOUR, part.window.end // HOUR)
        now = np.sum([counts for _, counts in part.hourly], axis=0)
        then = np.sum([history.hour(segment.name, hour - lag) for hour in hours], axis=0)
        for dimension in segment.layout.dimensions:
            segment.fixed[dimension.key].learn_days(part.window, now[dimension.slots], then[dimension.slots])
