"""The life of an alert: opened when a dimension becomes alerting, updated with its quadrant, resolved. Pure.

One episode at a time per agent and segment. The state is small and serialisable; the judge writes it in one
step with the outbox rows that follow from it, so that a crash never comes between deciding and queueing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import msgspec

from alerts.routes import Routes, moved_sides, sinks_for
from alerts.verdict import Quadrant, Side, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

UPDATE_AFTER = 6
"""So many verdicts in a row with another quadrant before an episode takes it over."""

Kind = Literal["opened", "updated", "resolved"]


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """An alert from firing to resolved. Times are seconds since the epoch, of the event time that was judged.

    `onset` is the end of the first window that exceeded, `seq` numbers what was announced (1 is the
    opening), `moved` are the sides that moved, `told` counts the announcements that each sink was given,
    `announced` are the quadrants that were: each is told of once, however often a shift wavers between two.
    `reason` says why it ends where calm is not why.
    """

    id: str
    agent: str
    segment: str
    opened_at: int
    onset: int
    quadrant: Quadrant | None
    moved: tuple[Side, ...]
    dimensions: tuple[str, ...]
    seq: int = 1
    peak_psi: float | None = None
    resolved_at: int | None = None
    told: dict[str, int] = {}
    announced: tuple[Quadrant, ...] = ()
    reason: str | None = None


class EpisodeState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the life-cycle remembers of one segment: the open episode and how long another quadrant has held.

    `at` is the newest verdict taken in, so that one that is judged again after a crash changes nothing.
    """

    episode: Episode | None = None
    candidate: Quadrant | None = None
    candidate_count: int = 0
    at: int | None = None


class Transition(msgspec.Struct, frozen=True):
    """Something to announce to `sinks`. `verdict` is the one that led to it, stamped with the episode."""

    kind: Kind
    episode: Episode
    verdict: Verdict
    sinks: tuple[str, ...]


def advance(
    state: EpisodeState, verdict: Verdict, alerting: Mapping[str, int], routes: Routes
) -> tuple[EpisodeState, Verdict, Transition | None]:
    """The state after one verdict, the verdict stamped with its episode, and what there is to announce.

    `alerting` are the alerting dimensions, each with the end of the first window that exceeded
    (`persistence.alerting`). A verdict that is no newer, or whose status is not ok, holds everything.
    """
    old = state.episode
    if verdict.status is not Status.OK or (state.at is not None and verdict.at <= state.at):
        return state, _stamped(verdict, old), None
    state = msgspec.structs.replace(state, at=verdict.at)
    if old is None:
        return _open(state, verdict, alerting, routes)
    if not alerting:
        return _resolve(state, old, verdict)
    return _update(state, _followed(old, verdict, alerting), verdict, routes)


def episode_id(agent: str, segment: str, opened_at: int) -> str:
    """A short id that any replica and any replay gives the same episode."""
    return hashlib.sha256(f"{agent}\0{segment}\0{opened_at}".encode()).hexdigest()[:12]


Step = tuple[EpisodeState, Verdict, Transition | None]


def _open(state: EpisodeState, verdict: Verdict, alerting: Mapping[str, int], routes: Routes) -> Step:
    if not alerting or verdict.quadrant is Quadrant.STEADY:
        return state, _stamped(verdict, None), None
    moved = moved_sides(verdict)
    sinks = sinks_for(routes, verdict.quadrant, moved)
    episode = Episode(
        id=episode_id(verdict.agent, verdict.segment, verdict.at),
        agent=verdict.agent,
        segment=verdict.segment,
        opened_at=verdict.at,
        onset=min(alerting.values()),
        quadrant=verdict.quadrant,
        moved=moved,
        dimensions=tuple(sorted(alerting)),
        peak_psi=_peak(None, verdict),
        told=dict.fromkeys(sinks, 1),
        announced=() if verdict.quadrant is None else (verdict.quadrant,),
    )
    stamped = _stamped(verdict, episode)
    opened = EpisodeState(episode=episode, at=state.at)
    return opened, stamped, Transition("opened", episode, stamped, sinks)


def _followed(episode: Episode, verdict: Verdict, alerting: Mapping[str, int]) -> Episode:
    dimensions = tuple(sorted({*episode.dimensions, *alerting}))
    peak = _peak(episode.peak_psi, verdict)
    return msgspec.structs.replace(episode, dimensions=dimensions, peak_psi=peak, reason=None)


def _update(state: EpisodeState, episode: Episode, verdict: Verdict, routes: Routes) -> Step:
    late = () if episode.told else sinks_for(routes, episode.quadrant, episode.moved)
    if late:  # it opened too long ago to tell, and is still there
        episode = msgspec.structs.replace(episode, told=dict.fromkeys(late, 1))
        stamped = _stamped(verdict, episode)
        state = EpisodeState(episode=episode, at=state.at)
        return state, stamped, Transition("opened", episode, stamped, late)
    other = verdict.quadrant
    if other is None or other is Quadrant.STEADY or other in episode.announced:
        return EpisodeState(episode=episode, at=state.at), _stamped(verdict, episode), None
    count = state.candidate_count + 1 if other is state.candidate else 1
    if count < UPDATE_AFTER:
        waiting = EpisodeState(episode=episode, candidate=other, candidate_count=count, at=state.at)
        return waiting, _stamped(verdict, episode), None
    moved = moved_sides(verdict)
    sinks = sinks_for(routes, other, moved)
    told = {**episode.told, **{sink: episode.told.get(sink, 0) + 1 for sink in sinks}}
    episode = msgspec.structs.replace(
        episode,
        quadrant=other,
        moved=moved,
        seq=episode.seq + 1,
        told=told,
        announced=(*episode.announced, other),
    )
    stamped = _stamped(verdict, episode)
    return EpisodeState(episode=episode, at=state.at), stamped, Transition("updated", episode, stamped, sinks)


def _resolve(state: EpisodeState, episode: Episode, verdict: Verdict) -> Step:
    """Only the sinks that were told of the episode are told of its end."""
    stamped = _stamped(verdict, None)
    over = msgspec.structs.replace(episode, seq=episode.seq + 1, resolved_at=verdict.at)
    transition = Transition("resolved", over, stamped, tuple(episode.told))
    return EpisodeState(at=state.at), stamped, transition


def _stamped(verdict: Verdict, episode: Episode | None) -> Verdict:
    return msgspec.structs.replace(
        verdict, alerting=episode is not None, episode=episode.id if episode else None
    )


def _peak(peak: float | None, verdict: Verdict) -> float | None:
    seen = [side.psi for side in (verdict.input, verdict.output) if side.psi is not None]
    if verdict.behaviour is not None:
        seen.append(verdict.behaviour.psi)
    return max([*seen, peak] if peak is not None else seen, default=None)
