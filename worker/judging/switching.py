"""A segment goes over to another bin set: what did not change keeps all that it has, the rest begins anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from alerts.persistence import alerting
from worker.judging.segment import learned_segment
from worker.judging.tracked import joint_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alerts.episode import EpisodeState
    from baselines.lanes import LaneSpread
    from baselines.learned import Hours
    from binning.layout import Layout
    from worker.judging.segment import Segment

T = TypeVar("T")

RECLUSTERED = "reclustered"
"""Why an episode ended of whose dimensions none kept its bins."""


def switched(
    old: Segment, layout: Layout, until: float, hours: Hours, lanes: dict[str, LaneSpread]
) -> Segment:
    """The segment under `layout`: dimensions and joints whose bins stayed go on as they were.

    The others are learned from `hours`, flat vectors of `layout`, and judged once a window lies after `until`
    (event time), from which on everything is counted under it. `lanes` as for `learned_segment`.
    """
    new = learned_segment(old.name, layout, old.rules, until, hours, lanes)
    for tracked in new.tracked.values():
        tracked.since = new.since
    kept = _kept(old.layout, layout)
    for joint in layout.joints:
        if joint_name(joint) in kept:
            before = next(j for j in old.layout.joints if joint_name(j) == joint_name(joint))
            new.joint_reference[joint.slots] = old.joint_reference[before.slots]
    return replace(
        new,
        since=old.since,
        joints_absorbed_to=old.joints_absorbed_to,
        fixed=new.fixed | _of(old.fixed, kept),
        tracked=new.tracked | _of(old.tracked, kept),
        joints_kept=new.joints_kept | _of(old.joints_kept, kept),
        joints=_of(old.joints, kept),
        streaks=_of(old.streaks, kept),
    )


def without_grounds(
    episodes: Mapping[str, EpisodeState], segments: Iterable[Segment]
) -> dict[str, EpisodeState]:
    """The episodes; of one that nothing alerts for any more it is noted why it ends at the next verdict."""
    found = dict(episodes)
    for segment in segments:
        state = found.get(segment.name)
        if state is not None and state.episode is not None and not alerting(segment.streaks):
            ending = msgspec.structs.replace(state.episode, reason=RECLUSTERED)
            found[segment.name] = msgspec.structs.replace(state, episode=ending)
    return found


def _kept(before: Layout, now: Layout) -> set[str]:
    """The dimensions that have the bins that they had, by key, and the joints of two such."""
    identities = {dimension.key: dimension.identity for dimension in before.dimensions}
    kept = {d.key for d in now.dimensions if identities.get(d.key) == d.identity}
    known = {joint_name(joint) for joint in before.joints}
    joints = {joint_name(j) for j in now.joints if {j.given, j.outcome} <= kept}
    return kept | (joints & known)


def _of(everything: Mapping[str, T], names: set[str]) -> dict[str, T]:
    return {name: one for name, one in everything.items() if name in names}
