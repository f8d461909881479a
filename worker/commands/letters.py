"""What the dead-letter topic holds: read once from beginning to end, and summed up without any text."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError, RetriableError

from worker.kafka.bounds import log_begins, log_ends
from worker.kafka.client import KafkaUnavailable, open_consumer
from worker.kafka.topics import known_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from worker.kafka.client import KafkaOptions

POINTERS = 3
"""So many records of each reason are pointed to: the last of them, partition by partition of the letters."""
PATIENCE_S = 30.0
"""So long nothing may come while there should be more."""
_POLL_MS = 1_000
_BROKER_MS = 10_000


class Pointer(msgspec.Struct, frozen=True):
    """Where a record is."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As the letter's key."""
        return f"{self.topic}-{self.partition}-{self.offset}"


class Letter(NamedTuple):
    """One dead letter: where it is itself, the record that it is of, and what it carries.

    `whole` is false where the record was cut, `at` is when it was written (seconds since the epoch).
    """

    partition: int
    offset: int
    of: Pointer
    reason: str
    detail: str
    at: float
    key: bytes | None
    value: bytes | None
    whole: bool


class Heap(msgspec.Struct):
    """The records of one topic that are no turns for one reason. `details` are key paths, never values."""

    reason: str
    topic: str
    records: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    details: Counter[str] = msgspec.field(default_factory=Counter)
    pointers: list[Pointer] = msgspec.field(default_factory=list)

    def add(self, letter: Letter) -> None:
        """One record more."""
        self.records += 1
        self.first_at = letter.at if self.records == 1 else min(letter.at, self.first_at)
        self.last_at = max(letter.at, self.last_at)
        self.details[letter.detail] += 1
        self.pointers = [*self.pointers[1 - POINTERS :], letter.of]


class LetterBox:
    """The dead-letter topic as far as it goes now; each record once, however many letters tell of it.

    Raises:
        KafkaUnavailable: no broker could be used, or the topic does not exist.
    """

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self._topic = topic
        self._address = options.address
        facts = known_topics(options, [topic])
        self._consumer = open_consumer(options, group=None)
        every = [TopicPartition(topic, number) for number in range(facts[topic].partitions)]
        ends = self._asked(lambda: log_ends(self._consumer, every, _BROKER_MS))
        self._begins = self._asked(lambda: log_begins(self._consumer, ends, _BROKER_MS))
        self._ends = {tp: ends[tp] for tp in self._begins}
        self._partitions = [tp for tp in every if tp in self._begins]
        self.unread = [tp.partition for tp in every if tp not in self._begins]
        """The partitions that cannot be read, as they have no leader now."""
        self.repeated = 0
        """Letters of records that another letter was of."""

    @property
    def partitions(self) -> Sequence[TopicPartition]:
        """The partitions of the topic that have a leader."""
        return self._partitions

    @property
    def size(self) -> int:
        """About how many letters there are."""
        return sum(self._ends[tp] - self._begins[tp] for tp in self._partitions)

    def letters(self) -> Iterator[Letter]:
        """Each record's first letter, by partition in order.

        Raises:
            KafkaUnavailable: the broker stopped answering.
        """
        seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._consumer.assign(self._partitions)
        for tp, begin in self._begins.items():
            self._consumer.seek(tp, begin)
        positions, moved_at = dict(self._begins), time.monotonic()
        while any(positions[tp] < end for tp, end in self._ends.items()):
            for letter in map(_letter, self._poll()):
                if letter is None:
                    continue
                known = seen[letter.of.topic, letter.of.partition]
                if letter.of.offset in known:
                    self.repeated += 1
                    continue
                known.add(letter.of.offset)
                yield letter
            before, positions = positions, {tp: self._position(tp) for tp in self._partitions}
            if positions != before:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > PATIENCE_S:
                raise self._refused(f"nothing came for {PATIENCE_S:.0f} s", "check that the broker is up")

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close(autocommit=False, timeout_ms=1_000)

    def _poll(self) -> list[Any]:
        try:
            batches = self._consumer.poll(timeout_ms=_POLL_MS)
        except RetriableError:
            return []
        except KafkaError as error:
            raise self._unreadable(error) from None
        return [record for records in batches.values() for record in records]

    def _position(self, tp: TopicPartition) -> int:
        return int(self._asked(lambda: self._consumer.position(tp, timeout_ms=_POLL_MS)))

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except KafkaError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: KafkaError) -> KafkaUnavailable:
        return self._refused(
            type(error).__name__, "check that the topic exists and that this user may read it"
        )

    def _refused(self, reason: str, advice: str) -> KafkaUnavailable:
        return KafkaUnavailable(
            f"Kafka at {self._address} does not let topic {self._topic} be read ({reason}); {advice}"
        )


def _letter(record: Any) -> Letter | None:
    """The letter that a record is; None where it is none of ours."""
    headers: Mapping[str, bytes] = dict(record.headers)
    try:
        of = Pointer(headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
        reason, detail, size = headers["reason"].decode(), headers["detail"].decode(), int(headers["bytes"])
    except (KeyError, ValueError):
        return None
    whole = record.value is not None and len(record.value) == size
    at, key = record.timestamp / 1000, headers.get("key")
    return Letter(record.partition, record.offset, of, reason, detail, at, key, record.value, whole)
