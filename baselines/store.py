"""What state is kept and how it may change: the contract that the Redis and the in-process store share.

Two kinds of state. A *partition's* state (counts and the next offset) changes only by `commit`, a
compare-and-set chain that every worker can join and no zombie can break. An *agent's* state (bin set,
references, evaluator progress, verdicts, outbox) changes only by `write`, which refuses a fencing token
below the highest it has seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.gaps import Gap
    from baselines.ids import IdChanges


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        """As in keys and logs: `topic-number`."""
        return f"{self.topic}-{self.number}"


class BucketKey(NamedTuple):
    """One minute of event time (whole ones since the epoch, UTC) of one agent, counted under one bin set."""

    agent: str
    minute: int
    bin_set: str


TURNS = "#"
"""The field of a bucket that counts its turns; every bucket has it, and it only ever grows."""

Fields = dict[str, int]
"""One bucket's counts: `slot` for the segment `all`, `attribute=value/slot` for another one, `#` and
`attribute=value/#` for turns, `@name=value` for the change set."""

Pointers = dict[str, str]
"""One bucket's reservoir, `*0` to `*3`: the first turn of each residue of its id's hash, a JSON pointer."""


@dataclass(slots=True)
class Delta:
    """What a commit adds to one bucket: counts are added, pointers are kept where there was none."""

    counts: Fields = field(default_factory=dict)
    pointers: Pointers = field(default_factory=dict)


class Bucket(Protocol):
    """A bucket as it is read."""

    @property
    def counts(self) -> Fields:
        """Its counts."""

    @property
    def pointers(self) -> Pointers:
        """Its reservoir."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A partition adopts bin set `to` of an agent in place of `old` ("" for none) at offset `expected`."""

    agent: str
    old: str
    to: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One link of a partition's chain: the counts of the records from `expected` up to `next`, and `next`.

    `expected` is the next offset that this worker last read or wrote, None for a partition never committed.
    `digests` are the bin sets that the counts were made with, one for each agent the partition has adopted
    (before the switches of this commit). `watermark` is the newest event time seen in the partition,
    `caught_up` the owner's word that it has read to the end of the log, `at` the owner's wall clock. `gaps`
    are all of the partition from here on, None where they stay as they are, as do `ids`.
    """

    partition: Partition
    expected: int | None
    next: int
    topic_id: str
    digests: Mapping[str, str]
    switches: Sequence[Switch]
    watermark: float | None
    caught_up: bool
    at: float
    buckets: Mapping[BucketKey, Delta]
    gaps: Sequence[Gap] | None = None
    ids: IdChanges | None = None


class Outcome(Enum):
    """What became of a commit."""

    APPLIED = "applied"
    ALREADY = "already"  # our own write whose reply was lost
    REFUSED = "refused"  # the stored offset is neither expected nor next: drop the deltas, read, seek
    DIGEST = "digest"  # the partition counts under other bin sets: reload them
    TOPIC = "topic"  # the topic was recreated: stop


@dataclass(frozen=True, slots=True)
class Adopted:
    """The first offset counted under the bin set of an agent, and the newest event time before it, if any."""

    offset: int
    watermark: float | None


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What is stored of a partition; `next_offset` None means that it was never committed."""

    next_offset: int | None = None
    topic_id: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    watermark: float | None = None
    caught_up: bool = False
    at: float = 0.0
    gaps: tuple[Gap, ...] = ()
    adopted: Mapping[str, Adopted] = field(default_factory=dict)


@dataclass(slots=True)
class BucketRead:
    """The buckets that changed since the caller last looked, and the minutes that are gone (packed).

    `minutes` and `hours` map minutes and hours since the epoch to counts (with `#`) and pointers.
    """

    minutes: dict[int, Delta] = field(default_factory=dict)
    hours: Mapping[int, Bucket] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)


class PartitionStore(Protocol):
    """Counts and offsets, one partition at a time."""

    def register(self, topic: str, partitions: int) -> None:
        """Make the topic's partitions known, so that one without an owner holds the windows back."""

    def partitions(self) -> Sequence[Partition]:
        """Every known partition of every topic."""

    def state(self, partition: Partition) -> PartitionState:
        """What is stored of a partition."""

    def commit(self, commit: Commit) -> Outcome:
        """Apply one link of the partition's chain, or refuse it whole."""

    def ids(self, partition: Partition) -> Mapping[str, bytes]:
        """The blocks of ids that commits have left there."""

    def attempt(self, partition: Partition, offset: int) -> int:
        """Reading begins at `offset`; how often it now did, without another offset in between."""

    def report(self, partition: Partition, expected: int, *, caught_up: bool, at: float) -> bool:
        """The owner's word on having caught up; refused (False) unless the stored offset is `expected`."""

    def pack(
        self, partition: Partition, agent: str, bin_set: str, hour: int, expected: int, *, keep_hours: int
    ) -> bool:
        """Fold the hour's minutes into one compact value, in one step, if the stored offset is `expected`.

        Packed hours more than `keep_hours` before it are dropped. False: refused, nothing changed.
        """

    def minutes(self, partition: Partition, agent: str, bin_set: str) -> Sequence[int]:
        """The minutes that still have a bucket, ascending: what `pack` has yet to fold."""

    def read(
        self,
        partition: Partition,
        agent: str,
        bin_set: str,
        minutes: Mapping[int, int],
        hours: Mapping[int, int],
    ) -> BucketRead:
        """Every bucket whose turn count differs from what the caller knows; unlisted ones count as 0.

        A known minute that is no longer kept is among the `gone`; an hour is an empty Delta.
        """


@dataclass(frozen=True, slots=True)
class Put:
    """Set an agent's value `name`; None deletes it."""

    name: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class PutField:
    """Set one field of an agent's hash `name`."""

    name: str
    field: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Push:
    """Append to an agent's list `name` and keep its newest `keep` entries."""

    name: str
    value: bytes
    keep: int


Write = Put | PutField | Push


class AgentStore(Protocol):
    """An agent's state: read by anybody, written by the holder of the lease."""

    def write(self, agent: str, token: int, writes: Sequence[Write]) -> bool:
        """All writes in one step; False, and nothing written, for a token below the highest seen."""

    def token(self, agent: str) -> int:
        """The highest token seen: whoever does not lead may leave word with it."""

    def get(self, agent: str, name: str) -> bytes | None:
        """A value set by `Put`."""

    def fields(self, agent: str, name: str) -> Mapping[str, bytes]:
        """A hash written by `PutField`."""

    def newest(self, agent: str, name: str, count: int) -> Sequence[bytes]:
        """The newest `count` entries of a list, oldest first."""


class Store(PartitionStore, AgentStore, Protocol):
    """Both kinds of state."""
