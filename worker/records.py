"""What is read: records, and the protocols of whatever they come from, for ingest and for learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from baselines.gaps import Reason
    from baselines.store import Partition
    from worker.decode import Malformed


class Record(NamedTuple):
    """One record of a partition. The Kafka client's own have these fields too, and pass for one."""

    offset: int
    key: bytes | None
    value: bytes | None


class Jump(NamedTuple):
    """Reading goes on at `to`, because the records before it cannot be had."""

    partition: Partition
    to: int
    reason: Reason


class SourceFailed(Exception):  # noqa: N818 - as KafkaUnavailable
    """Reading cannot go on in this process. The message says what is wrong and what to do."""


NEW_GROUND = "start with another redis.prefix to learn it anew, or restore the topic"
"""What to do about a topic that is not the one that was counted."""


class RecordSource(Protocol):
    """What ingest needs of a source of records; `KafkaSource` is the real one."""

    def topics(self) -> Mapping[str, int]:
        """Number of partitions of each topic."""

    def topic_id(self, topic: str) -> str:
        """The topic's id, "" where it has none."""

    def parked(self) -> Sequence[Partition]:
        """Partitions that are ours and wait to be placed."""

    def lost(self) -> Collection[Partition]:
        """Partitions that were taken from us since the last call, even if they are ours again."""

    def jumps(self) -> Sequence[Jump]:
        """What was jumped over since the last call."""

    def told(self, partition: Partition) -> int | None:
        """The offset of a partition that Kafka keeps for this installation (`mirror`); None without one."""

    def place(self, partition: Partition, offset: int | None) -> int | None:
        """Read a parked partition from `offset` on (None: its first record).

        Returns where reading begins, None when the partition cannot be placed now.
        """

    def park(self, partition: Partition) -> None:
        """Stop reading a partition until it is placed again; nothing if it is not ours."""

    def block(self, partition: Partition, offset: int) -> None:
        """Return nothing of a placed partition from `offset` on, until it is placed again."""

    def probe(self, partition: Partition, offset: int) -> None:
        """Look for a batch from a placed partition's offset on that kills whoever reads it, and avoid it.

        It is read when that is known.
        """

    def hold(self) -> None:
        """Return no records until `release`, while `poll` keeps our place in the group."""

    def release(self) -> None:
        """End `hold`."""

    def poll(self, limit: int) -> Mapping[Partition, Sequence[Record]]:
        """At most `limit` records of placed partitions, each in offset order. Raises SourceFailed."""

    def position(self, partition: Partition) -> int | None:
        """The offset that is read next, which moves over markers and gaps too."""

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Where the logs end now, as far as the brokers say."""

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        """Tell Kafka how far we got, for lag tools; now and then, and failing is no harm."""

    def close(self, offsets: Mapping[Partition, int]) -> None:
        """Mirror the last offsets and leave the group."""


class Letters(Protocol):
    """Where records that are no turns go; `DeadLetters` is the real one."""

    def put(self, partition: Partition, record: Record, malformed: Malformed) -> None:
        """Send one."""

    def flush(self) -> None:
        """Return when all have arrived. Raises DeadLettersUnavailable while they have not."""

    def close(self) -> None:
        """Let go."""


class Ranges(Protocol):
    """Reads records by offset, outside any consumer group."""

    def bounds(self) -> Mapping[Partition, tuple[int, int]]:
        """First offset and log-end offset of every partition."""

    def read(
        self, partition: Partition, start: int, end: int
    ) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        """The records from `start` up to `end`, in chunks of (offset, value)."""

    def probe(self, partition: Partition, offset: int) -> None:
        """Look for a batch from `offset` on that kills whoever reads it, and avoid it."""

    def close(self) -> None:
        """Let go of the connection."""
