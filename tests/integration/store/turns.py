"""A log of made-up turns, what workers count of it, and a reader of the counts."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from baselines.store import BucketKey, Delta
from tests.integration.store.cases import MINUTE, ORDERS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

RECORDS = 60
AGENTS = {"support": 0, "sales": 23}
"""Agent -> the offset from which it is counted: the second appears later."""
BIN_SETS = ("d1", "d2")


@dataclass(frozen=True)
class Record:
    """One turn of the log; late and early ones are mixed over three hours."""

    agent: str
    minute: int
    slots: tuple[int, ...]


def make_log(dice: random.Random) -> list[Record]:
    return [
        Record(
            dice.choice(list(AGENTS)), MINUTE + dice.choice([0, 1, 59, 60, 61, 130]), (dice.randrange(9), 9)
        )
        for _ in range(RECORDS)
    ]


def buckets_of(log: list[Record], start: int, end: int, adopted: Mapping[str, str]) -> dict[BucketKey, Delta]:
    """What a worker counts of the records from `start` up to `end` under the bin sets adopted."""
    buckets: defaultdict[BucketKey, Delta] = defaultdict(Delta)
    for offset in range(start, end):
        record = log[offset]
        if offset < AGENTS[record.agent]:
            continue
        bucket = buckets[BucketKey(record.agent, record.minute, adopted[record.agent])]
        for name in ("#", *(str(slot) for slot in record.slots)):
            bucket.counts[name] = bucket.counts.get(name, 0) + 1
    return dict(buckets)


def counts_of(log: list[Record], agent: str, start: int, end: int) -> dict[str, int]:
    """The oracle: one clean run over the records from `start` up to `end`."""
    counts: dict[str, int] = {}
    for key, delta in buckets_of(log, start, end, dict.fromkeys(AGENTS, "")).items():
        for name, count in delta.counts.items() if key.agent == agent else ():
            counts[name] = counts.get(name, 0) + count
    return counts


@dataclass
class Reader:
    """A judge that keeps what it has read and asks only for what changed."""

    minutes: dict[int, Delta] = field(default_factory=dict)
    hours: dict[int, Delta] = field(default_factory=dict)

    def look(self, store: Any, agent: str, bin_set: str) -> None:
        known = [
            {at: each.counts.get("#", 0) for at, each in kept.items()} for kept in (self.minutes, self.hours)
        ]
        read = copy.deepcopy(store.read(ORDERS, agent, bin_set, *known))
        self.minutes = {at: each for at, each in (self.minutes | read.minutes).items() if at not in read.gone}
        self.hours |= read.hours

    def totals(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for each in (*self.minutes.values(), *self.hours.values()):
            for name, count in each.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts
