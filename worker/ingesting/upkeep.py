"""Folds hours that no window needs by the minute any more, a little at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from baselines.history import KEEP_HOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from baselines.store import Partition, PartitionStore
    from worker.ingesting.chain import Chain

MINUTES_KEPT_S = 6 * 3600
"""Minutes stay for this long behind the partition's own watermark."""

LONGEST_ODD_WINDOW_S = 4 * 3600
"""Longest window that does not start on the hour: an unjudged one may need the minutes so far back."""

EVERY_S = 10.0
BUDGET_S = 0.1

_HOUR_S = 3600


@dataclass(slots=True)
class Packer:
    """Packs hours of the partitions that are ours, under each bin set that they were counted under.

    `judged_to` is the event time an agent is judged up to.
    """

    store: PartitionStore
    judged_to: Callable[[str], float | None]
    monotonic: Callable[[], float] = time.monotonic
    _due: dict[Partition, float] = field(default_factory=dict)
    _dropped: dict[tuple[Partition, str, str], int] = field(default_factory=dict)

    def run(self, chains: Collection[Chain]) -> None:
        """Pack for at most a tenth of a second; what is left is done by the next call.

        Raises:
            StoreUnavailable: the store cannot answer now; nothing is lost.
        """
        now = self.monotonic()
        due = [chain for chain in chains if self._due.get(chain.partition, 0.0) <= now]
        for chain in sorted(due, key=lambda chain: self._due.get(chain.partition, 0.0)):
            if not self._pack(chain, now + BUDGET_S):
                return
            self._due[chain.partition] = now + EVERY_S

    def _pack(self, chain: Chain, deadline: float) -> bool:
        """Whether all of the partition's old hours are packed."""
        if chain.expected is None or chain.watermark is None:
            return True
        for agent, bins in chain.counting.items():
            judged = self.judged_to(agent)
            if judged is None or agent not in chain.digests:
                continue
            until = min(chain.watermark - MINUTES_KEPT_S, judged - LONGEST_ODD_WINDOW_S)
            for digest in (*bins.before, bins.digest):
                hours = {minute // 60 for minute in self.store.minutes(chain.partition, agent, digest)}
                for hour in sorted(hour for hour in hours if (hour + 1) * _HOUR_S <= until):
                    self._fold(chain, agent, digest, hour)
                    if self.monotonic() > deadline:
                        return False
            for digest in bins.before:
                self._drop_old(chain, agent, digest, int(until // _HOUR_S) - 1)
        return True

    def _drop_old(self, chain: Chain, agent: str, digest: str, hour: int) -> None:
        """Where nothing is counted any more: fold an hour that is packed, once, for what that drops."""
        if self._dropped.get((chain.partition, agent, digest)) != hour:
            self._fold(chain, agent, digest, hour)
            self._dropped[chain.partition, agent, digest] = hour

    def _fold(self, chain: Chain, agent: str, digest: str, hour: int) -> None:
        expected = chain.expected or 0
        self.store.pack(chain.partition, agent, digest, hour, expected, keep_hours=KEEP_HOURS)
