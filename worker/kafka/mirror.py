"""Kafka's committed offsets: a mirror of the store's, for lag tools, and a witness that there was a store.

Nothing is ever started from them. But where they say that this installation counted, and the store knows
nothing of it, the store has lost its state.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError, RetriableError
from kafka.structs import OffsetAndMetadata

from baselines.store import Partition
from worker.kafka.client import KafkaUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worker.kafka.client import KafkaOptions

EVERY_S = 5.0
_WAIT_S = 1.0
_WAITS_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_BROKER_MS = 5_000

log = structlog.get_logger()


def mark(installation: str) -> str:
    """What is committed with an offset, to tell whose it is."""
    return f"quadrift {installation}"


def told(
    admin: Any, options: KafkaOptions, installation: str, partitions: Sequence[TopicPartition]
) -> Mapping[Partition, int]:
    """The offsets that this installation told Kafka, by an admin client: nobody has to be in the group.

    Raises:
        KafkaUnavailable: the broker does not say.
    """
    try:
        found = group_offsets(admin, options.group, partitions)
    except KafkaError as error:
        raise _silent(options, error) from None
    return {
        Partition(*tp): int(about.offset)
        for tp, about in found.items()
        if about.metadata == mark(installation)
    }


def group_offsets(
    admin: Any, group: str, partitions: Sequence[TopicPartition]
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What a group has committed. A cluster that never had a group takes a moment to answer.

    Raises:
        KafkaError: it does not answer.
    """
    for wait_s in _WAITS_S:
        try:
            return _group_offsets(admin, group, partitions)
        except RetriableError:
            time.sleep(wait_s)
    return _group_offsets(admin, group, partitions)


def _group_offsets(
    admin: Any, group: str, partitions: Sequence[TopicPartition]
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    found: Mapping[str, Mapping[TopicPartition, OffsetAndMetadata]]
    found = admin.list_group_offsets({group: list(partitions)})
    return found[group]


class Mirror:
    """The committed offsets of a consumer's group, each marked with the installation that counted it.

    `installation` is the prefix of the store's keys: another one may begin anew in the same group.
    """

    def __init__(
        self, consumer: Any, options: KafkaOptions, installation: str, monotonic: Callable[[], float]
    ) -> None:
        self._consumer, self._options = consumer, options
        self._mark = mark(installation)
        self._monotonic = monotonic
        self._sent: Any = None
        self._due = 0.0

    def tell(self, offsets: Mapping[Partition, int]) -> None:
        """Now and then, and one at a time (more than five in flight fail). Failing is no harm."""
        if (self._sent is not None and not self._sent.is_done) or self._monotonic() < self._due:
            return
        self._due = self._monotonic() + EVERY_S
        self._tell(offsets)

    def tell_last(self, offsets: Mapping[Partition, int]) -> None:
        """On the way out: wait a moment for the answer."""
        self._tell(offsets)
        if self._sent is not None:
            done = threading.Event()
            self._sent.add_both(lambda _: done.set())
            done.wait(_WAIT_S)

    def told(self, partition: Partition) -> int | None:
        """The offset that this installation told last of a partition, None without one.

        Raises:
            KafkaUnavailable: the broker does not say.
        """
        try:
            found = self._consumer.committed(TopicPartition(*partition), metadata=True, timeout_ms=_BROKER_MS)
        except KafkaError as error:
            raise _silent(self._options, error) from None
        return int(found.offset) if found is not None and found.metadata == self._mark else None

    def _tell(self, offsets: Mapping[Partition, int]) -> None:
        told = {
            TopicPartition(*p): OffsetAndMetadata(offset, self._mark, -1) for p, offset in offsets.items()
        }
        if told:
            self._sent = self._consumer.commit_async(told)


def _silent(options: KafkaOptions, error: KafkaError) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"Kafka at {options.address} does not say what group {options.group} has committed "
        f"({type(error).__name__}); check that it is up and that this user may read the group"
    )
