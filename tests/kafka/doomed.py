"""A worker's ingest in a process that the kernel would kill: it dies at once when it takes too much memory.

Ends with 0 once everything is read. Run as `python -m tests.kafka.doomed BOOTSTRAP TOPIC REDIS_PORT PREFIX`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path

from redis import Redis

from baselines.redis_store import RedisStore
from tests.kafka.support import ACTIVE, PARTITIONS, Process, options, wait_for
from tests.servers import Broker
from worker import bombs
from worker.source import KafkaSource

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


def main(bootstrap: str, topic: str, port: str, prefix: str) -> None:
    store = RedisStore(Redis(port=int(port), protocol=2), prefix)
    source = KafkaSource(options(Broker(bootstrap, "real")), [topic])
    bombs.MOST_BYTES = 1 << 40  # something that no ceiling of ours finds
    threading.Thread(target=kill_when_too_large, daemon=True).start()
    process = Process(source, store, ACTIVE)
    wait_for(lambda: list(process.ledger.lag.values()) == [0] * PARTITIONS, process)
    process.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
