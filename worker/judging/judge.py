"""judge: buckets -> window -> PSI against two references -> verdict -> episode -> outbox.

`AgentJudge.advance` is the line; the leader runs it. Each step of event time is judged once, when the
watermark has passed it, and written in one fenced step with all that follows from it: a leader that dies
loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np
import structlog

from alerts import episode as episodes
from alerts.episode import EpisodeState
from alerts.persistence import alerting
from alerts.verdict import Status, Verdict, encode
from baselines.fast import MINUTE
from baselines.history import ALL
from baselines.store import Push, Put, PutField
from baselines.windows import STEP
from worker.judging.inheriting import PROGRESS, Saved, inherit
from worker.judging.judgement import Judgement, histograms, judged
from worker.judging.scanning import scan
from worker.judging.step import step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alerts.episode import Transition
    from alerts.routes import Routes
    from baselines.history import History
    from baselines.learned import Active
    from baselines.store import Store, Write
    from binning.layout import Layout
    from worker.judging.segment import Segment
    from worker.judging.tracked import Rules

log = structlog.get_logger()

VERDICTS_KEPT = 6 * 24 * 14
"""How many verdicts of each segment are kept: a fortnight of ten-minute steps."""
EPISODES_KEPT = 1000

EVENTS = {"opened": "episode_opened", "updated": "episode_updated", "resolved": "episode_resolved"}


@dataclass(frozen=True, slots=True)
class Telling:
    """How an agent's episodes are told: routes, playbook links, and what a transition puts in the outbox.

    `routes` are those of a verdict at this event time: none where it is too old to tell. `rows` returns
    (row id, row).
    """

    routes: Callable[[int], Routes]
    playbook: Callable[[Verdict], str | None]
    rows: Callable[[Transition], Sequence[tuple[str, bytes]]]


class Laid(Protocol):
    """A bin set, of which judging needs to know where each bin is."""

    @property
    def layout(self) -> Layout:
        """Where each bin of it lives in a flat vector of counts."""


@dataclass(slots=True)
class AgentJudge:
    """Judges one agent under one active bin set.

    `judged_to` is the end of the newest step, `scanned_to` that of the newest minute the fast lane has seen.
    """

    agent: str
    active: Active
    bin_set: Laid
    store: Store
    rules: Rules
    telling: Telling
    history: History
    segments: list[Segment]
    judged_to: int
    scanned_to: int
    episodes: dict[str, EpisodeState] = field(default_factory=dict)

    @classmethod
    def take_over(
        cls, agent: str, active: Active, bin_set: Laid, store: Store, rules: Rules, telling: Telling
    ) -> AgentJudge:
        """Begin where the last leader stopped, or where learning ended.

        Raises:
            IncompatibleError: what is stored was made under other settings, or is not all there.
        """
        history, left = inherit(agent, active, bin_set.layout, store, rules)
        ends = left.judged_to, left.scanned_to
        return cls(
            agent, active, bin_set, store, rules, telling, history, left.segments, *ends, left.episodes
        )

    def advance(self, watermark: float, token: int, *, limit: int | None = None) -> list[Verdict] | None:
        """Judge the steps that the watermark has passed, at most `limit`, and scan the minutes between.

        Returns their verdicts, in order, and None when the token is no longer the highest: another leads. A
        minute has a verdict when a dimension became alerting by it.
        """
        verdicts: list[Verdict] = []
        passed, last = watermark - self.rules.lateness_s, self.judged_to + STEP * (limit or 0)
        if self.scanned_to + MINUTE <= passed:
            self._read()
        while self.scanned_to + MINUTE <= passed and (limit is None or self.judged_to < last):
            end = self.scanned_to + MINUTE
            found = self._minute(end, token) if end % STEP else self._step(end, token)
            if found is None:
                return None
            verdicts += found
        return verdicts

    def _read(self) -> None:
        """Bring the counts up to date; references read an hour anew that a late event changed."""
        self.history.refresh(self.judged_to)
        changed = self.history.changed()
        for segment in self.segments:
            for rolling in segment.rolling.values():
                rolling.forget(changed)

    def _minute(self, end: int, token: int) -> list[Verdict] | None:
        """Scan one minute of the whole; where it pages, write all that follows from it."""
        whole, self.scanned_to = self.segments[0], end
        if not scan(whole, end, self.history):
            return []
        verdict, writes = self._verdict(whole, end)
        return self._written([verdict], writes, token)

    def _step(self, end: int, token: int) -> list[Verdict] | None:
        """Judge one step and write all that follows from it."""
        verdicts, writes = [], []
        for segment in self.segments:
            step(segment, end, self.history)
            if segment.name == ALL:
                scan(segment, end, self.history)
            verdict, rows = self._verdict(segment, end)
            verdicts.append(verdict)
            writes += rows
        self.judged_to = self.scanned_to = end
        return self._written(verdicts, writes, token)

    def _written(self, verdicts: list[Verdict], writes: list[Write], token: int) -> list[Verdict] | None:
        """The verdicts once all that follows from them is written, with where to go on."""
        progress = Put(f"{PROGRESS}:{self.active.digest}", self._saved())
        return verdicts if self.store.write(self.agent, token, [*writes, progress]) else None

    def _verdict(self, segment: Segment, end: int) -> tuple[Verdict, list[Write]]:
        """The segment's verdict at this step, and the rows that keep it and tell of it."""
        judgement = Judgement(self.agent, self.active.digest, end, segment, self.history)
        verdict = judged(judgement)
        verdict = msgspec.structs.replace(verdict, playbook=self.telling.playbook(verdict))
        state = self.episodes.get(segment.name, EpisodeState())
        pages = alerting(segment.streaks) if segment.name == ALL else {}  # only the whole pages
        state, verdict, transition = episodes.advance(state, verdict, pages, self.telling.routes(end))
        self.episodes[segment.name] = state
        shown = encode(verdict)
        writes: list[Write] = [
            PutField("latest", segment.name, shown),
            PutField("histograms", segment.name, msgspec.json.encode(histograms(segment))),
        ]
        if verdict.status is not Status.INSUFFICIENT:
            writes.append(Push("verdicts", shown, VERDICTS_KEPT * len(self.segments)))
        if transition is not None:
            writes += self._told(transition)
        return verdict, writes

    def _told(self, transition: Transition) -> list[Write]:
        episode = transition.episode
        log.info(
            EVENTS[transition.kind],
            agent=self.agent,
            segment=episode.segment,
            episode=episode.id,
            quadrant=episode.quadrant,
            at=transition.verdict.at,
        )
        rows = [PutField("outbox", name, row) for name, row in self.telling.rows(transition)]
        return [Push("episodes", msgspec.json.encode(episode), EPISODES_KEPT), *rows]

    def _saved(self) -> bytes:
        segments = {segment.name: segment.state() for segment in self.segments}
        saved = Saved(self.judged_to, self.scanned_to, str(self.rules.calendar.zone), segments, self.episodes)
        return msgspec.msgpack.encode(saved, enc_hook=_plain)


def _plain(value: object) -> object:
    """Numpy scalars as plain numbers."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)
