"""Records that are no turns go to a topic of their own, before the offset moves past them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from kafka.errors import KafkaError, MessageSizeTooLargeError

from worker.kafka.client import (
    largest_message,
    open_admin,
    open_producer,
    topic_facts,
)

if TYPE_CHECKING:
    from baselines.store import Partition
    from worker.decode import Malformed
    from worker.kafka.client import KafkaOptions
    from worker.records import Record

FLUSH_S = 5.0

_ROOM = 4_096  # for headers, key and the batch around them

log = structlog.get_logger()


class DeadLettersUnavailable(Exception):  # noqa: N818 - as KafkaUnavailable
    """Not every dead letter is written yet, so the offset must not move on. Trying again is right."""


class _Letter(NamedTuple):
    key: bytes
    value: bytearray | None
    headers: list[tuple[str, bytes]]


class DeadLetters:
    """Writes dead letters and knows which of them have arrived.

    A letter may arrive twice after a time-out; its key `topic-partition-offset` tells. One shorter than its
    header `bytes` was cut to what the topic takes. `flush_s` is how long `flush` waits.

    Raises:
        KafkaUnavailable: no broker could be used, or the topic does not exist.
    """

    def __init__(self, options: KafkaOptions, topic: str, flush_s: float = FLUSH_S) -> None:
        self._topic, self._flush_s = topic, flush_s
        admin = open_admin(options)
        try:
            topic_facts(admin, [topic], options)
            self._room = largest_message(admin, topic) - _ROOM
        finally:
            admin.close()
        self._producer = open_producer(options)
        self._room = min(self._room, self._producer.config["max_request_size"] - _ROOM)
        self._pending: list[tuple[_Letter, Any]] = []
        self._down: KafkaError | None = None

    def put(self, partition: Partition, record: Record, malformed: Malformed) -> None:
        """Send one record as it came, cut to what the topic takes; it has arrived once `flush` returns."""
        letter = self._letter(partition, record, malformed)
        self._pending.append((letter, self._send(letter)))

    def flush(self) -> None:
        """Wait until every letter has arrived; those that failed are sent again by the next call.

        Raises:
            DeadLettersUnavailable: some have not arrived.
        """
        deadline = time.monotonic() + self._flush_s
        left = [
            (letter, future, _failure(future, deadline - time.monotonic()))
            for letter, future in self._pending
        ]
        failed = [(letter, future, error) for letter, future, error in left if error is not None]
        self._down = None
        if not failed:
            self._pending.clear()
            return
        self._pending = [(letter, self._again(letter, future, error)) for letter, future, error in failed]
        reason = type(failed[0][2]).__name__
        raise DeadLettersUnavailable(
            f"{len(failed)} dead letters are not written to topic {self._topic} ({reason}); "
            "check that it exists and that this user may write to it"
        )

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
            "bytes": len(record.value or b""),
        }
        encoded = [(name, str(text).encode()) for name, text in headers.items()]
        if record.key is not None:
            encoded.append(("key", record.key))
        value = None if record.value is None else bytearray(record.value[: max(self._room, 0)])
        return _Letter(f"{partition}-{record.offset}".encode(), value, encoded)

    def _again(self, letter: _Letter, future: Any, error: KafkaError) -> Any:
        """A letter that has not arrived is waited for on, or sent again, and smaller if it must be."""
        if not isinstance(future, KafkaError) and not future.is_done:
            return future
        if isinstance(error, MessageSizeTooLargeError) and letter.value:
            del letter.value[len(letter.value) // 2 :]
        return self._send(letter)

    def _send(self, letter: _Letter) -> Any:
        """The future of a letter, or why there is none: an error of the client's own.

        It takes seconds to find that the topic is not there: until the next flush it is believed.
        """
        if self._down is None:
            try:
                return self._producer.send(
                    self._topic,
                    value=None if letter.value is None else bytes(letter.value),
                    key=letter.key,
                    headers=letter.headers,
                )
            except KafkaError as error:
                self._down = error
        return self._down


def _failure(future: Any, timeout_s: float) -> KafkaError | None:
    """None when a letter has arrived, else why it has not."""
    if isinstance(future, KafkaError):
        return future
    try:
        future.get(max(timeout_s, 0.001))
    except KafkaError as error:
        return error
    return None
