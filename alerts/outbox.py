"""The outbox: announcements wait in the agent's state until their sink took them.

The judge writes the rows in one step with the episode that they tell of; a sender drains them. A crash
between sending and forgetting sends again (at least once): PagerDuty folds repeats, Slack may show one twice.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from alerts.notification import Notification
from alerts.sinks.base import Dead, Delivered, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alerts.episode import Transition
    from alerts.sinks.base import Outcome, Sink

log = structlog.get_logger()

BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 300.0
GIVE_UP_AFTER_S = 24 * 3600.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement to one sink.

    `earlier` counts the announcements of the episode that this sink was given before. `queued_at` and
    `due_at` are wall clock, seconds since the epoch.
    """

    id: str
    sink: str
    earlier: int
    queued_at: float
    due_at: float
    attempts: int = 0
    notification: Notification

    @property
    def lane(self) -> tuple[str, str, str]:
        """Rows of one lane are sent in order: a resolve after its trigger, a next episode later."""
        return (self.sink, self.notification.agent, self.notification.segment)

    @property
    def place(self) -> tuple[str, str, str, int, int]:
        """The lane and the place in it."""
        return (*self.lane, self.notification.opened_at, self.notification.seq)


class OutboxStore(Protocol):
    """Where rows wait. Every method is one atomic step; connection errors of the store pass through."""

    def rows(self) -> Mapping[str, bytes]:
        """Every waiting row."""

    def replace(self, row_id: str, row: bytes) -> None:
        """Change a row that is still there; one that is gone stays gone."""

    def delete(self, row_id: str) -> None:
        """Forget a row."""

    def bury(self, row_id: str, row: bytes) -> None:
        """Move a row to the dead ones."""

    def dead(self) -> Sequence[str]:
        """The ids of the dead rows."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass did, and when the next row is due (wall clock), None when nothing waits."""

    delivered: int
    retried: int
    dead: int
    next_due: float | None


def rows(transition: Transition, notification: Notification, now: float) -> list[Row]:
    """The rows of a transition, one for each of its sinks. Made again, they have the same ids."""
    episode = transition.episode
    own = 0 if transition.kind == "resolved" else 1
    return [
        Row(
            id=f"{episode.id}:{episode.seq}:{sink}",
            sink=sink,
            earlier=episode.told.get(sink, own) - own,
            queued_at=now,
            due_at=now,
            notification=notification,
        )
        for sink in transition.sinks
    ]


def encode(row: Row) -> bytes:
    """A row as it is stored."""
    return msgspec.json.encode(row)


def decode(data: bytes) -> Row | None:
    """The row that `encode` wrote, None for what it did not write."""
    try:
        return msgspec.json.decode(data, type=Row)
    except msgspec.MsgspecError:
        return None


def backoff(attempts: int, jitter: float) -> float:
    """Seconds to wait after `attempts` failures: full jitter, `jitter` in [0, 1), up to 300 s."""
    return float(jitter * min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempts, 16)))


class Outbox:
    """Sends what is due. One drains at a time (the leader); a second one costs duplicates, never losses.

    Args:
        store: where the rows of one agent wait.
        sinks: by name; a row for another name is buried.
        jitter: a number in [0, 1) a call.
    """

    def __init__(
        self, store: OutboxStore, sinks: Mapping[str, Sink], *, jitter: Callable[[], float] = random.random
    ) -> None:
        self._store = store
        self._sinks = sinks
        self._jitter = jitter

    def drain(self, now: float) -> Drained:
        """Send each lane's rows in order until one fails. Raises what the store's connection raises."""
        counts = {Delivered: 0, Retry: 0, Dead: 0}
        due: list[float] = []
        for _, lane in groupby(self._waiting(counts), key=lambda row: row.lane):
            for row in lane:
                if row.due_at > now:
                    due.append(row.due_at)
                    break
                outcome = self._deliver(row, now)
                counts[type(outcome)] += 1
                if isinstance(outcome, Retry):
                    due.append(self._postpone(row, outcome, now))
                    break
        return Drained(counts[Delivered], counts[Retry], counts[Dead], min(due, default=None))

    def _waiting(self, counts: dict[type[Outcome], int]) -> Iterator[Row]:
        """Every readable row by place; one that cannot be read (another version's) is buried."""
        found = []
        for row_id, data in self._store.rows().items():
            if (row := decode(data)) is not None:
                found.append(row)
                continue
            self._store.bury(row_id, data)
            counts[Dead] += 1
            log.error("notification_dead", row=row_id, reason="unreadable row")
        return iter(sorted(found, key=lambda row: row.place))

    def _deliver(self, row: Row, now: float) -> Outcome:
        """Send one row and forget or bury it as the outcome says; a Retry is left to the caller."""
        outcome = self._outcome(row, now)
        if isinstance(outcome, Retry) and now - row.queued_at >= GIVE_UP_AFTER_S:
            outcome = Dead(f"given up after a day: {outcome.reason}")
        if isinstance(outcome, Delivered):
            self._store.delete(row.id)
            log.info("notification_delivered", row=row.id, sink=row.sink, attempts=row.attempts + 1)
        elif isinstance(outcome, Dead):
            self._store.bury(row.id, encode(row))
            log.error("notification_dead", row=row.id, sink=row.sink, reason=outcome.reason)
        return outcome

    def _outcome(self, row: Row, now: float) -> Outcome:
        sink = self._sinks.get(row.sink)
        if sink is None:
            return Dead("no such sink is configured")
        if row.notification.kind == "resolved" and self._never_told(row):
            return Dead("its sink was never told of the episode")
        return sink.send(row.notification, now)

    def _never_told(self, row: Row) -> bool:
        """Whether every earlier announcement of the episode died, so that nobody waits for its end."""
        start, end = f"{row.notification.episode}:", f":{row.sink}"
        dead = [row_id for row_id in self._store.dead() if row_id.startswith(start) and row_id.endswith(end)]
        return len(dead) >= row.earlier

    def _postpone(self, row: Row, outcome: Retry, now: float) -> float:
        attempts = row.attempts + 1
        wait = backoff(attempts, self._jitter()) if outcome.after is None else outcome.after
        later = msgspec.structs.replace(row, attempts=attempts, due_at=now + wait)
        self._store.replace(row.id, encode(later))
        log.warning("notification_retry", row=row.id, sink=row.sink, attempts=attempts, reason=outcome.reason)
        return later.due_at
