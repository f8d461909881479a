"""What is told of an episode: a plain value, built from a transition, kept in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.episode import Kind
from alerts.playbooks import link
from alerts.routes import nearest
from alerts.verdict import (
    Cause,
    Change,
    DimensionVerdict,
    Quadrant,
    Sample,
    Side,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.episode import Transition

WORST = 5
SAMPLES = 3
CHANGES = 5


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement of one episode. It carries names, counts and pointers, never the text of a turn.

    `dimensions` are the worst at most five, exceeding ones first; `where` the cells that moved at fixed
    inputs; `like` the quadrant whose severity and playbook serve (itself, unless one side cannot be seen);
    `ended` says why it ends where calm is not why.
    """

    kind: Kind
    episode: str
    seq: int
    agent: str
    segment: str
    quadrant: Quadrant | None
    like: Quadrant
    moved: tuple[Side, ...]
    opened_at: int
    onset: int
    at: int
    turns: int
    peak_psi: float | None
    reason: str | None
    ended: str | None
    dimensions: tuple[DimensionVerdict, ...]
    where: tuple[Where, ...]
    changes: tuple[Change, ...]
    cause: Cause
    ruled_out: tuple[str, ...]
    last_steady: dict[str, str]
    samples: tuple[Sample, ...]
    playbook: str | None
    status_url: str | None


def announce(transition: Transition, *, base_url: str | None, playbooks: Mapping[str, str]) -> Notification:
    """The notification of a transition.

    `base_url` is where the worker's HTTP is reached, `playbooks` the configured pages by quadrant.
    """
    episode, verdict = transition.episode, transition.verdict
    like = nearest(episode.quadrant, episode.moved)
    return Notification(
        kind=transition.kind,
        episode=episode.id,
        seq=episode.seq,
        agent=episode.agent,
        segment=episode.segment,
        quadrant=episode.quadrant,
        like=like,
        moved=episode.moved,
        opened_at=episode.opened_at,
        onset=episode.onset,
        at=verdict.at,
        turns=verdict.turns,
        peak_psi=episode.peak_psi,
        reason=verdict.reason,
        ended=episode.reason if transition.kind == "resolved" else None,
        dimensions=worst(verdict.dimensions),
        where=verdict.behaviour.where[:SAMPLES] if verdict.behaviour else (),
        changes=verdict.changes[:CHANGES],
        cause=verdict.cause,
        ruled_out=verdict.ruled_out,
        last_steady=verdict.last_steady,
        samples=verdict.samples[:SAMPLES],
        playbook=link(like, base_url, playbooks),
        status_url=base_url,
    )


def worst(dimensions: Sequence[DimensionVerdict]) -> tuple[DimensionVerdict, ...]:
    """At most five dimensions, each once: those that exceed and decide first, then by PSI."""
    ranked = sorted(dimensions, key=lambda d: (d.exceeds and d.deciding, d.exceeds, d.psi), reverse=True)
    once: dict[tuple[str, str], DimensionVerdict] = {}
    for dimension in ranked:
        once.setdefault((dimension.side, dimension.name), dimension)
    return tuple(once.values())[:WORST]
