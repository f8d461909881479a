"""What a leader begins with: what the last one left, or what learning left, under whatever bin set it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from alerts.episode import EpisodeState
from baselines.eras import Laid, Lineage
from baselines.history import ALL, History
from baselines.learned import decode_hours, layout_name, reference_name
from worker.judging.segment import Segment, learned_segment
from worker.judging.switching import switched, without_grounds
from worker.judging.tracked import IncompatibleError

if TYPE_CHECKING:
    from baselines.learned import Active
    from baselines.store import Store
    from binning.layout import Layout
    from worker.judging.tracked import Rules

PROGRESS = "progress"


class Saved(msgspec.Struct):
    """What a leader leaves for the next one under `progress:DIGEST`."""

    judged_to: int
    scanned_to: int
    zone: str
    segments: dict[str, Any]
    episodes: dict[str, EpisodeState]


@dataclass(slots=True)
class Inherited:
    """The segments of an agent, the ends of the newest step and minute, and its episodes."""

    segments: list[Segment]
    judged_to: int
    scanned_to: int
    episodes: dict[str, EpisodeState] = field(default_factory=dict)


def inherit(
    agent: str, active: Active, layout: Layout, store: Store, rules: Rules
) -> tuple[History, Inherited]:
    """The counts behind an agent, and where judging it goes on.

    Under a bin set that nobody has judged under yet, judging goes over from the one before.

    Raises:
        IncompatibleError: what is stored was made under other settings, or is not all there.
    """
    past = [Laid.from_bytes(_stored(store, agent, layout_name(digest))) for digest in active.past]
    laid = [*past, _in_force(agent, active, layout, store)]
    references = [_stored(store, agent, reference_name(one.digest)) for one in laid]
    lineage = Lineage(laid)
    learned = lineage.learned_hours(references)
    names = [ALL, *sorted(name for name in decode_hours(references[-1], layout.size) if name != ALL)]
    history = History(agent, layout, names, store, lineage.eras(names))
    for name in names:
        history.seed(name, learned.get(name, {}))
    return history, _Heir(agent, store, rules, laid, references, _went_over(agent, active, store)).left()


def _in_force(agent: str, active: Active, layout: Layout, store: Store) -> Laid:
    """What the counts mean now; which values the segments have matters only where something came before."""
    if not active.past:
        return Laid(active.digest, layout, {})
    return Laid.from_bytes(_stored(store, agent, layout_name(active.digest)))


def _went_over(agent: str, active: Active, store: Store) -> float:
    """Where all is counted under the bin set in force: the newest event time of what was counted before."""
    states = [store.state(partition) for partition in store.partitions()]
    adopted = [state.adopted[agent] for state in states if state.digests.get(agent) == active.digest]
    marks = [at.watermark for at in adopted if at.watermark is not None]
    return max(marks, default=active.until) if active.past else active.until


def _stored(store: Store, agent: str, name: str) -> bytes:
    found = store.get(agent, name)
    if found is None:
        raise IncompatibleError(
            f"{name} of agent {agent} is not in Redis: restore it, or take another redis.prefix to learn anew"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Heir:
    agent: str
    store: Store
    rules: Rules
    laid: list[Laid]
    references: list[bytes]
    until: float

    def left(self) -> Inherited:
        """What was left under the newest bin set."""
        newest, lanes = self.laid[-1], Lineage(self.laid).learned_lanes(self.references)
        learned = decode_hours(self.references[-1], newest.layout.size)
        names = [ALL, *sorted(name for name in learned if name != ALL)]
        saved = self.store.get(self.agent, f"{PROGRESS}:{newest.digest}")
        if saved is not None:
            state = self._checked(msgspec.msgpack.decode(saved, type=Saved))
            segments = [
                Segment.restore(
                    name, newest.layout, self.rules, state.segments[name], lanes if name == ALL else {}
                )
                for name in names
            ]
            return Inherited(segments, state.judged_to, state.scanned_to, state.episodes)
        before = self._before().left() if len(self.laid) > 1 else None
        old = {segment.name: segment for segment in before.segments} if before is not None else {}
        segments = []
        for name in names:
            own = lanes if name == ALL else {}
            if name in old and Lineage(self.laid).means_the_same(name, len(self.laid) - 2):
                segments.append(switched(old[name], newest.layout, self.until, learned[name], own))
            else:
                segments.append(
                    learned_segment(name, newest.layout, self.rules, self.until, learned[name], own)
                )
        if before is None:
            return Inherited(segments, segments[0].since, segments[0].since)
        episodes = without_grounds(before.episodes, segments)
        return Inherited(segments, before.judged_to, before.scanned_to, episodes)

    def _before(self) -> _Heir:
        """The same, of the bin set before."""
        return _Heir(self.agent, self.store, self.rules, self.laid[:-1], self.references[:-1], self.until)

    def _checked(self, state: Saved) -> Saved:
        if state.zone != str(self.rules.calendar.zone):
            raise IncompatibleError(
                f"time_zone of agent {self.agent}: its reference has the hours of {state.zone}; set that,"
                " or take another redis.prefix to learn anew"
            )
        return state
