"""How this process is: what its lines report, and what the probes make of it. Nothing here ever waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.store import Partition

TICK_S = 60.0
"""A line that has not ticked for this long is stuck, unless it said that it would be longer."""
STORE_S = 30.0
"""The store counts as writable for this long after it last was."""
KAFKA_S = 15.0
"""The broker counts as there for this long after it last said how long the logs are."""


@dataclass(slots=True)
class Health:
    """Written by the lines, read by the HTTP server. Every field is replaced whole, so no lock is needed.

    `assigned` is None until the consumer has joined its group, and empty when there are more workers than
    partitions; `placed` are those that are being read. `lag` is records behind the end of the log; `blocked`
    says of partitions why they are read no further, `waits_for` what all reading waits for; `degraded` while
    the encoder fails, which is no reason not to count. Times are of the monotonic clock.
    """

    mode: str = "run"
    ingests: bool = True
    leader: bool = False
    draining: bool = False
    assigned: frozenset[Partition] | None = None
    placed: frozenset[Partition] = frozenset()
    lag: Mapping[Partition, int] = field(default_factory=dict)
    blocked: tuple[str, ...] = ()
    waits_for: str | None = None
    degraded: bool = False
    kafka_ok_at: float | None = None
    store_ok_at: float | None = None
    store_problem: str | None = None
    _due: dict[str, float] = field(default_factory=dict)

    def tick(self, line: str, now: float, *, next_within: float = TICK_S) -> None:
        """A line is alive and promises its next tick within so many seconds: more before known long work."""
        self._due[line] = now + next_within

    def store_answered(self, now: float) -> None:
        """The store took a write."""
        self.store_ok_at, self.store_problem = now, None

    def store_failed(self, problem: str) -> None:
        """The store did not take a write; `problem` holds no secret."""
        self.store_problem = problem

    def dead(self, now: float) -> list[str]:
        """Why the process should be restarted; nothing that another system does is a reason."""
        return [
            f"{line} has not moved for {now - due + TICK_S:.0f} s"
            for line, due in sorted(self._due.items())
            if now > due
        ]

    def unready(self, now: float) -> list[str]:
        """Why the process does not do its work just now."""
        reasons = self.dead(now)
        if self.draining:
            reasons.append("shutting down")
        if self.ingests and self.assigned is None:
            reasons.append("no partitions yet: the consumer has not joined its group")
        reasons += self.blocked
        if self.waits_for is not None:
            reasons.append(f"reading waits: {self.waits_for}")
        elif self.kafka_ok_at is not None and now - self.kafka_ok_at > KAFKA_S:
            reasons.append(f"Kafka has not answered for {now - self.kafka_ok_at:.0f} s")
        if self.store_ok_at is None:
            reasons.append(self.store_problem or "the state store has not been written yet")
        elif now - self.store_ok_at > STORE_S:
            problem = self.store_problem or "no write has succeeded"
            reasons.append(f"the state store: {problem}, for {now - self.store_ok_at:.0f} s")
        return reasons
