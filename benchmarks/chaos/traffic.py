"""Stationary turns at a steady rate for as long as a soak takes, and what of them the log holds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Producer, TopicPartition

from worker.demo.scenario import Scenario, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker
    from worker.demo.traffic import Sent

LEARNED_H = 25
EVERY_S = 0.25


def quiet_turns(hours: int, turns_an_hour: int, seed: int) -> Iterator[Sent]:
    """The demo's agent with nothing ever happening, over `hours` of event time that end now."""
    begin = latest_begin(time.time(), hours + 2)
    shape = Scenario(begin, seed, turns_an_hour, LEARNED_H, hours - LEARNED_H, shifts=(), quiet=True)
    return generate(shape)


@dataclass(slots=True)
class Stream:
    """Sends `rate` turns a second in a thread of its own until it is stopped, each exactly once."""

    broker: Broker
    topic: str
    partitions: int
    turns: Iterator[Sent]
    rate: float
    sent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def send(self, count: int) -> None:
        """So many at once."""
        producer = self._producer()
        self._some(producer, count)
        producer.flush(120)

    def start(self) -> None:
        """Begin to send at the rate."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more; all that was sent is in the log."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        producer, begun, before = self._producer(), time.monotonic(), self.sent
        while not self._stop.wait(EVERY_S):
            due = round((time.monotonic() - begun) * self.rate) - (self.sent - before)
            while due > 0 and not self._stop.is_set():
                due -= self._lot(producer, min(due, round(self.rate * EVERY_S)))

    def _lot(self, producer: Producer, count: int) -> int:
        """So many, all in the log before the next is sent: as late as a lot is long, and no later."""
        self._some(producer, count)
        producer.flush(120)
        return count

    def _some(self, producer: Producer, count: int) -> None:
        for one in islice(self.turns, count):
            producer.produce(
                self.topic, one.record(), one.key, partition=sum(one.key.encode()) % self.partitions
            )
            self.sent += 1
            if self.sent % 5000 == 0:
                producer.poll(0)

    def _producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.broker.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 20,
                "queue.buffering.max.messages": 2_000_000,
                "message.timeout.ms": 300_000,
            }
        )


def logged(broker: Broker, topic: str, partitions: int) -> dict[str, list[bytes]]:
    """Every record of the topic, by partition, in order."""
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "oracle", "fetch.wait.max.ms": 50}
    )
    found: dict[str, list[bytes]] = {}
    for number in range(partitions):
        place = TopicPartition(topic, number, 0)
        end = consumer.get_watermark_offsets(place, 60)[1]
        consumer.assign([place])
        values: list[bytes] = found.setdefault(f"{topic}-{number}", [])
        while len(values) < end:
            rest = min(end - len(values), 10_000)
            values += [message.value() or b"" for message in consumer.consume(rest, 5) if not message.error()]
    consumer.close()
    return found
