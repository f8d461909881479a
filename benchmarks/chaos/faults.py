"""Faults of a running installation, each undone before the next: processes, broker, store and network."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.e2e.processes import WorkerProcess
    from tests.fault_proxy import FaultProxy
    from tests.servers import KafkaServer, ValkeyServer

SESSION_S = 6
"""The group's session time-out: who sleeps longer is a zombie when it wakes."""


@dataclass(slots=True)
class Installation:
    """Everything that can break. `workers[0]` only ever sleeps, so that its memory can be watched.

    The store keeps nothing but what `save` wrote: killed, it comes back as it was then.
    """

    kafka: KafkaServer
    valkey: ValkeyServer
    proxy: FaultProxy
    workers: list[WorkerProcess]
    rng: Random
    tally: Counter[str] = field(default_factory=Counter)

    def strike(self) -> str:
        """Inflict one fault chosen at random, and say which."""
        name = self.rng.choice(tuple(FAULTS))
        self.tally[name] += 1
        FAULTS[name](self)
        return name

    def mortal(self) -> WorkerProcess:
        """A worker that may die."""
        return self.rng.choice(self.workers[1:])

    def save(self) -> None:
        """What the store holds now is on its disk."""
        with suppress(RedisError), self.valkey.client(socket_timeout=10) as client:
            client.save()


def _kill_worker(there: Installation) -> None:
    worker = there.mortal()
    worker.kill()
    worker.wait()
    worker.start()


def _restart_worker(there: Installation) -> None:
    worker = there.mortal()
    worker.stop()
    worker.start()


def _make_zombie(there: Installation) -> None:
    worker = there.rng.choice(there.workers)
    worker.signal(signal.SIGSTOP)
    time.sleep(SESSION_S * 1.5)
    worker.signal(signal.SIGCONT)


def _lose_replies(there: Installation) -> None:
    there.proxy.lose_every(there.rng.choice((2, 3, 5)))
    time.sleep(3)
    there.proxy.lose_every(0)


def _cut_off_store(there: Installation) -> None:
    there.proxy.mode = there.rng.choice(("refuse", "silent"))
    time.sleep(there.rng.uniform(1, 6))
    there.proxy.mode = "pass"


def _pause_store(there: Installation) -> None:
    there.valkey.pause()
    time.sleep(there.rng.uniform(1, 5))
    there.valkey.resume()


def _kill_store(there: Installation) -> None:
    there.save()
    there.valkey.kill()
    there.valkey.start()


def _roll_back_store(there: Installation) -> None:
    there.save()
    time.sleep(there.rng.uniform(2, 8))
    there.valkey.kill()
    there.valkey.start()


def _pause_broker(there: Installation) -> None:
    there.kafka.pause()
    time.sleep(there.rng.uniform(1, 5))
    there.kafka.resume()


def _kill_broker(there: Installation) -> None:
    there.kafka.kill()
    there.kafka.start()


FAULTS: dict[str, Callable[[Installation], None]] = {
    "a worker killed": _kill_worker,
    "a worker stopped and started": _restart_worker,
    "a worker asleep past its session": _make_zombie,
    "replies of the store lost": _lose_replies,
    "the store cut off": _cut_off_store,
    "the store asleep": _pause_store,
    "the store killed": _kill_store,
    "the store rolled back by seconds": _roll_back_store,
    "the broker asleep": _pause_broker,
    "the broker killed": _kill_broker,
}
