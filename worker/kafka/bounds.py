"""Where logs begin and end, as far as the brokers say.

kafka-python 3.0.12 asks for the partitions whose leader it knows, and fails to find the others in the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka import TopicPartition

_NO_LEADER = -1


def log_begins(consumer: Any, asked: Iterable[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
    """The first offsets of partitions, without those that have no leader now.

    Raises:
        KafkaError: the brokers do not say.
    """
    return _told(consumer, consumer.beginning_offsets, asked, timeout_ms)


def log_ends(consumer: Any, asked: Iterable[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
    """Where the logs of partitions end, without those that have no leader now.

    Raises:
        KafkaError: the brokers do not say.
    """
    return _told(consumer, consumer.end_offsets, asked, timeout_ms)


def _told(
    consumer: Any,
    ask: Callable[..., dict[TopicPartition, int]],
    asked: Iterable[TopicPartition],
    timeout_ms: int,
) -> dict[TopicPartition, int]:
    leader_of = consumer._client.cluster.leader_for_partition  # noqa: SLF001 - the public API does not show it
    known = list(asked)
    while known:
        try:
            return {tp: int(offset) for tp, offset in ask(known, timeout_ms=timeout_ms).items()}
        except KeyError as without_leader:
            known.remove(without_leader.args[0])
            known = [tp for tp in known if leader_of(tp) not in (None, _NO_LEADER)]
        except KafkaTimeoutError:  # the client waits for one that has a leader
            if any(leader_of(tp) != _NO_LEADER for tp in known):
                raise
            return {}
    return {}
