"""Where logs begin and end, as far as the brokers say.

kafka-python 3.0.12 asks for the partitions whose leader it knows, and fails to find the others in the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka import TopicPartition


def log_begins(consumer: Any, asked: Iterable[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
    """The first offsets of partitions, without those that have no leader now.

    Raises:
        KafkaError: the brokers do not say.
    """
    return _told(consumer.beginning_offsets, asked, timeout_ms)


def log_ends(consumer: Any, asked: Iterable[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
    """Where the logs of partitions end, without those that have no leader now.

    Raises:
        KafkaError: the brokers do not say.
    """
    return _told(consumer.end_offsets, asked, timeout_ms)


def _told(
    ask: Callable[..., dict[TopicPartition, int]], asked: Iterable[TopicPartition], timeout_ms: int
) -> dict[TopicPartition, int]:
    known = list(asked)
    while known:
        try:
            return {tp: int(offset) for tp, offset in ask(known, timeout_ms=timeout_ms).items()}
        except KeyError as without_leader:
            known.remove(without_leader.args[0])
    return {}
