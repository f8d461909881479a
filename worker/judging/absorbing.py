"""What the references may learn while judging goes on: calm hours, and how much days differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.evaluation import Window
from baselines.history import KEEP_HOURS
from baselines.windows import DAY, HOUR, day_lag
from worker.judging.tracked import joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.persistence import Streak
    from baselines.history import History
    from worker.judging.evaluating import Parts
    from worker.judging.segment import Segment
    from worker.judging.tracked import Kept, Tracked

ABSORB_AFTER = 3
"""An hour enters the references so many windows after its end: a change has then had time to alert.

The source of the rule simulated windows of one hour; on a longer rung it takes as much longer to alert.
"""


def keep_out_alerting_hours(segment: Segment, end: int) -> None:
    """Keep the hours of episodes out of the references, for dimensions and for joints.

    An episode of 24 h restarts the rolling reference where it began: from then on that is the new normal.
    """
    for key, tracked in segment.tracked.items():
        before = tracked.kept.restarted
        _keep_out(tracked.kept, segment.streaks.get(key), tracked.rung, end)
        tracked.led = tracked.led and tracked.kept.restarted == before
    for joint in segment.layout.joints:
        name, rung = joint_name(joint), segment.tracked[joint.outcome].rung
        _keep_out(segment.joints_kept[name], segment.streaks.get(name), rung, end)


def _keep_out(kept: Kept, streak: Streak | None, rung: int, end: int) -> None:
    """From the start of the first window that exceeded."""
    hour = end // HOUR
    kept.excluded = {h for h in kept.excluded if h >= hour - KEEP_HOURS}
    if streak is None or not streak.alerting:
        kept.open_hour = None
        return
    if kept.open_hour is None:
        kept.open_hour = ((streak.since or end) - rung) // HOUR
    alerting, opened = set(range(kept.open_hour, hour + 1)), kept.open_hour * HOUR
    if kept.restarted == opened or end - opened >= DAY + rung:
        kept.restarted = opened
        kept.excluded -= alerting
    else:
        kept.excluded |= alerting


def absorb(segment: Segment, end: int, history: History) -> None:
    """Offer the hours that are over to the fixed references, until they are frozen (14 days).

    An hour with a gap is no more to be learned from than one of an episode.
    """
    for dimension in segment.layout.dimensions:
        tracked, part = segment.tracked[dimension.key], dimension.slots
        for hour in range(tracked.absorbed_to, _absorbable(tracked, end)):
            before, counts, after = (history.hour(segment.name, hour + i)[part] for i in (-1, 0, 1))
            calm = tracked.kept.calm(hour) and not history.gaps(_hour(hour))
            segment.fixed[dimension.key].absorb(hour, counts, before, after, calm=calm)
            tracked.absorbed_to = hour + 1
    _absorb_joints(segment, history)


def _absorb_joints(segment: Segment, history: History) -> None:
    """The joints' references take the hours that were calm in every dimension and every joint.

    An hour is offered once every side of a joint was offered it. One that cannot be judged (an agent without
    tools has no tool pattern) holds nothing up: it is not offered an hour in weeks.
    """
    kept = [tracked.kept for tracked in segment.tracked.values()] + list(segment.joints_kept.values())
    sides = {side for joint in segment.layout.joints for side in (joint.given, joint.outcome)}
    judged = [segment.tracked[side] for side in sides if segment.tracked[side].latest]
    offered = min((tracked.absorbed_to for tracked in judged), default=segment.joints_absorbed_to)
    for hour in range(segment.joints_absorbed_to, offered):
        segment.joints_absorbed_to = hour + 1
        if all(one.calm(hour) for one in kept) and not history.gaps(_hour(hour)):
            counts = history.hour(segment.name, hour)
            for joint in segment.layout.joints:
                frozen = segment.fixed[joint.given].frozen and segment.fixed[joint.outcome].frozen
                if not frozen and hour * HOUR >= segment.begins(joint):
                    segment.joint_reference[joint.slots] += counts[joint.slots]


def _hour(hour: int) -> Window:
    return Window(hour * HOUR, (hour + 1) * HOUR)


def _absorbable(tracked: Tracked, end: int) -> int:
    """The first hour that is too young to be offered: by the longest rung that served within a day.

    Traffic moves a dimension between rungs day and night; the long windows of the night must not find their
    own hours in the reference.
    """
    if tracked.rung >= tracked.slowest or end - tracked.slowest_at > DAY:
        tracked.slowest, tracked.slowest_at = tracked.rung, end
    return (end - ABSORB_AFTER * tracked.slowest) // HOUR


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
            key, slots = dimension.key, dimension.slots
            if part.window.start >= segment.tracked[key].since:
                segment.fixed[key].learn_days(part.window, now[slots], then[slots])
