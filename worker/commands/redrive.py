"""Sends dead letters back to the topics that they came from, each once.

A batch of them and the place up to which they were sent are one transaction of Kafka's: whoever reads
committed records, as quadrift does, sees each of them once, however often this is begun, killed or run twice.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from worker.kafka.client import KafkaUnavailable, open_admin, open_transactional_producer
from worker.kafka.mirror import group_offsets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worker.commands.letters import Letter
    from worker.kafka.client import KafkaOptions

ORIGIN = "quadrift-redriven-from"
"""The header of a record that was sent back: `topic-partition-offset` of the one that was no turn."""
BATCH = 500


def progress_group(options: KafkaOptions) -> str:
    """The group whose committed offsets say up to where letters were sent back."""
    return f"{options.group}.dead-letters"


def sent_back_to(options: KafkaOptions, partitions: Sequence[TopicPartition]) -> Mapping[int, int]:
    """The offset up to which each partition of the dead letters was sent back.

    Raises:
        KafkaUnavailable: the broker does not say.
    """
    group, admin = progress_group(options), open_admin(options)
    try:
        found = group_offsets(admin, group, partitions)
    except KafkaError as error:
        raise _refused(options, error) from None
    finally:
        admin.close()
    return {tp.partition: max(0, int(about.offset)) for tp, about in found.items()}


class Redrive:
    """Takes letters in order and sends those that can be sent.

    Raises:
        KafkaUnavailable: no broker could be used.
    """

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self._options, self._topic = options, topic
        self._producer = open_transactional_producer(options, progress_group(options))
        self._batch: list[Letter] = []
        self._passed: dict[int, int] = {}
        self.sent = 0
        self._ask(self._producer.init_transactions)

    def add(self, letter: Letter) -> None:
        """Send it back with the next batch; one that was cut, or never had a value, is passed by.

        Raises:
            KafkaUnavailable: the batch was not taken; nothing of it was sent.
        """
        if letter.whole:
            self._batch.append(letter)
        self._passed[letter.partition] = letter.offset + 1
        if len(self._batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what there is.

        Raises:
            KafkaUnavailable: it was not taken; nothing of it was sent.
        """
        if self._passed:
            self._ask(self._send)
            self.sent += len(self._batch)
            self._batch, self._passed = [], {}

    def close(self) -> None:
        """Let the producer go."""
        self._producer.close(timeout=2)

    def _send(self) -> None:
        self._producer.begin_transaction()
        for letter in self._batch:
            self._producer.send(
                letter.of.topic,
                value=letter.value,
                key=letter.key,
                partition=letter.of.partition,
                headers=[(ORIGIN, str(letter.of).encode())],
            )
        passed = {
            TopicPartition(self._topic, number): OffsetAndMetadata(offset, "", -1)
            for number, offset in self._passed.items()
        }
        self._producer.send_offsets_to_transaction(passed, progress_group(self._options))
        self._producer.commit_transaction()

    def _ask(self, what: Any) -> None:
        try:
            what()
        except KafkaError as error:
            with suppress(KafkaError):
                self._producer.abort_transaction()  # else the topic's readers wait for it to time out
            raise _refused(self._options, error) from None


def _refused(options: KafkaOptions, error: KafkaError) -> KafkaUnavailable:
    reason = type(error).__name__
    return KafkaUnavailable(
        f"dead letters cannot be sent back through Kafka at {options.address} ({reason}); it takes "
        f"WRITE on the topics, and on the transactional id and READ on the group {progress_group(options)}"
    )
