"""How many of a partition's latest records were no turns: where there are too many, reading has to stop.

One bad record in a while belongs to the dead letters. A producer that sends nothing else any more would drain
the whole topic into them, and what is left to judge would say nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LATEST = 1_000
"""The share is taken over so many of a partition's latest records."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bad records: as a share of the latest thousand (1: any), and one after the other (0: any)."""

    share: float = 1.0
    in_a_row: int = 0


NO_LIMITS = Limits()


@dataclass(slots=True)
class Sieve:
    """The bad records of one partition. Its records are numbered as they come, from 1."""

    limits: Limits
    _bad: deque[int] = field(default_factory=deque)
    _row: int = 0

    def refuses(self, number: int) -> str | None:
        """Take in that this record is bad; why it is one too many, None where it is not."""
        self._row = self._row + 1 if self._bad and self._bad[-1] == number - 1 else 1
        self._bad.append(number)
        while self._bad[0] <= number - LATEST:
            self._bad.popleft()
        if self.limits.in_a_row and self._row > self.limits.in_a_row:
            return f"more than {self.limits.in_a_row} records in a row are no turns"
        if number >= LATEST and len(self._bad) > self.limits.share * LATEST:
            return f"more than {self.limits.share:.0%} of the last {LATEST} records are no turns"
        return None
