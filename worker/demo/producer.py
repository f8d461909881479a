"""Sends the made-up turns, keyed by conversation, as far as the worker has room for them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.demo.scenario import HOUR, TAIL_S, Scenario
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.demo.broker import Broker
    from worker.demo.traffic import Sent

LEAD_S = 2 * HOUR
"""How much event time may lie between the newest verdict and the newest turn: about 1 MB of records."""
LEARNING_PACE = 3 * HOUR
PACE = 0.36 * HOUR
"""Event seconds a wall second, while learning and after it: slow enough to be watched."""


@dataclass(slots=True)
class Pace:
    """How far in event time turns may be sent: at the pace of the eye, never far ahead of the worker."""

    scenario: Scenario
    at: float

    def advance(self, wall_s: float, judged_to: int | None) -> float:
        """The event time up to which to send, `wall_s` seconds after the last call.

        `judged_to` is the newest verdict's end. A worker that fell behind is waited for, not overrun later.
        """
        pace = LEARNING_PACE if self.at < self.scenario.learned else PACE
        room = max(judged_to or 0, self.scenario.learned) + LEAD_S
        end = self.scenario.end + TAIL_S
        self.at = max(self.at, min(self.at + wall_s * pace, room, end))
        return self.at


@dataclass(slots=True)
class Feed:
    """The scenario's turns on their way to the broker. Records carry no Kafka timestamp of their own."""

    broker: Broker
    scenario: Scenario
    times: list[float] = field(default_factory=list)
    _turns: Iterator[Sent] = field(init=False)
    _next: Sent | None = field(init=False)

    def __post_init__(self) -> None:
        self._turns = generate(self.scenario)
        self._next = next(self._turns, None)

    def send_until(self, at: float) -> None:
        """Send every turn before an event time."""
        producer = self.broker.producer
        while self._next is not None and self._next.at < at:
            producer.produce(self.broker.topic, value=self._next.record(), key=self._next.key)
            self.times.append(self._next.at)
            self._next = next(self._turns, None)
        producer.poll(0)

    def count(self, start: float, end: float) -> int:
        """How many turns were sent in a stretch of event time."""
        return bisect_left(self.times, end) - bisect_left(self.times, start)
