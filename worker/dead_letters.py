"""Records that are no turns go to a topic of their own, before the offset moves past them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from kafka.errors import KafkaError

from worker.kafka_client import (
    KafkaUnavailable,
    largest_message,
    open_admin,
    open_producer,
    topic_facts,
)

if TYPE_CHECKING:
    from baselines.store import Partition
    from worker.decode import Malformed
    from worker.kafka_client import KafkaOptions
    from worker.records import Record

FLUSH_S = 5.0
GIVE_UP_AFTER = 20
"""Failed attempts in a row, about a second apart or more, after which the process ends."""

_ROOM = 4_096  # for headers, key and the batch around them

log = structlog.get_logger()


class DeadLettersUnavailable(Exception):  # noqa: N818 - as KafkaUnavailable
    """Not every dead letter is written yet, so the offset must not move on. Trying again is right."""


class _Letter(NamedTuple):
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class DeadLetters:
    """Writes dead letters and knows which of them have arrived.

    A letter may arrive twice after a time-out; its key `topic-partition-offset` tells.

    Raises:
        KafkaUnavailable: no broker could be used, or the topic does not exist.
    """

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self._topic = topic
        admin = open_admin(options)
        try:
            topic_facts(admin, [topic], options)
            self._room = largest_message(admin, topic) - _ROOM
        finally:
            admin.close()
        self._producer = open_producer(options)
        self._room = min(self._room, self._producer.config["max_request_size"] - _ROOM)
        self._pending: list[tuple[_Letter, Any]] = []
        self._failures = 0

    def put(self, partition: Partition, record: Record, malformed: Malformed) -> None:
        """Send one record as it came, cut to what the topic takes; it has arrived once `flush` returns."""
        letter = self._letter(partition, record, malformed)
        self._pending.append((letter, self._send(letter)))

    def flush(self) -> None:
        """Wait until every letter has arrived; those that failed are sent again by the next call.

        Raises:
            DeadLettersUnavailable: some have not arrived.
            KafkaUnavailable: as often as this makes sense.
        """
        deadline = time.monotonic() + FLUSH_S
        left = [
            (letter, future, _arrived(future, deadline - time.monotonic()))
            for letter, future in self._pending
        ]
        failed = [(letter, future, reason) for letter, future, reason in left if reason]
        if not failed:
            self._pending.clear()
            self._failures = 0
            return
        self._failures += 1
        reason = failed[0][2]
        if self._failures >= GIVE_UP_AFTER:
            raise KafkaUnavailable(
                f"dead letters cannot be written to topic {self._topic} ({reason}); "
                "check that it exists and that this user may write to it"
            )
        self._pending = [
            (letter, self._send(letter) if _is_over(future) else future) for letter, future, _ in failed
        ]
        raise DeadLettersUnavailable(f"{len(failed)} dead letters not written ({reason})")

    def close(self) -> None:
        """Let the producer go; what has not arrived is sent again by whoever reads its record again."""
        try:
            self._producer.close(timeout=2)
        except KafkaError as error:
            log.info("dead_letters_left", letters=len(self._pending), error=type(error).__name__)

    def _letter(self, partition: Partition, record: Record, malformed: Malformed) -> _Letter:
        headers = {
            "reason": malformed.reason,
            "detail": malformed.detail,
            "topic": partition.topic,
            "partition": partition.number,
            "offset": record.offset,
        }
        value = record.value
        if value is not None and len(value) > self._room:
            headers["cut_from_bytes"] = len(value)
            value = value[: self._room]
        encoded = [(name, str(text).encode()) for name, text in headers.items()]
        return _Letter(f"{partition}-{record.offset}".encode(), value, encoded)

    def _send(self, letter: _Letter) -> Any:
        """The future of a letter, or why there is none: an error of the client's own."""
        try:
            return self._producer.send(
                self._topic, value=letter.value, key=letter.key, headers=letter.headers
            )
        except KafkaError as error:
            return error


def _is_over(future: Any) -> bool:
    """Whether nothing more will come of a sent letter."""
    return isinstance(future, KafkaError) or bool(future.is_done)


def _arrived(future: Any, timeout_s: float) -> str | None:
    """None when a letter has arrived, else why it has not."""
    if isinstance(future, KafkaError):
        return type(future).__name__
    try:
        future.get(max(timeout_s, 0.001))
    except KafkaError as error:
        return type(error).__name__
    return None
