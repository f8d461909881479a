"""A worker's ingest or learning in a process that the kernel would kill when it takes too much memory.

Ends with 0 once everything is read. Run as
`python -m tests.kafka.doomed counting|learning BOOTSTRAP TOPIC REDIS_PORT PREFIX`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from redis import Redis

from baselines.redis_store import RedisStore
from binning.spec import BinSpec
from tests.kafka.support import ACTIVE, AGENT, PARTITIONS, Process, options, wait_for
from tests.servers import Broker
from tests.unit.worker.memory_log import NoEncoder
from worker.kafka import bombs
from worker.kafka.ranges import KafkaRanges
from worker.kafka.source import KafkaSource
from worker.learning.learn import Learner
from worker.learning.study import Study
from worker.learning.survey import LearnRule

MOST_BYTES = 200 << 20
"""How much memory it may take beyond what it began with."""


def kill_when_too_large() -> None:
    """The kernel's part in a container with a memory limit."""
    page, begun = resource.getpagesize(), resident()
    pause = threading.Event()
    while (resident() - begun) * page < MOST_BYTES:
        pause.wait(0.005)
    os.kill(os.getpid(), signal.SIGKILL)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def count(store: RedisStore, broker: Broker, topic: str) -> None:
    source = KafkaSource(options(broker), [topic])
    threading.Thread(target=kill_when_too_large, daemon=True).start()
    process = Process(source, store, ACTIVE)
    wait_for(lambda: list(process.ledger.lag.values()) == [0] * PARTITIONS, process)
    process.stop()


def learn(store: RedisStore, broker: Broker, topic: str) -> None:
    """What there is, which is not enough."""
    ranges = KafkaRanges(options(broker), [topic])
    study = Study(ranges, lambda _: True, BinSpec((), ()), NoEncoder(), time.time)
    learner = Learner(AGENT, store, study, LearnRule(1e9, 1_000_000, 1e9, None))
    threading.Thread(target=kill_when_too_large, daemon=True).start()
    learner.step(5)
    learner.close()


def main(line: str, bootstrap: str, topic: str, port: str, prefix: str) -> None:
    store = RedisStore(Redis(port=int(port), protocol=2), prefix)
    bombs.MOST_BYTES = 1 << 40  # something that no ceiling of ours finds
    {"counting": count, "learning": learn}[line](store, Broker(bootstrap, "real"), topic)


if __name__ == "__main__":
    main(*sys.argv[1:])
