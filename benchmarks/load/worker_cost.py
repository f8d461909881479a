"""CPU time of a real worker, from broker to committed counts. It, the broker and Valkey are processes.

The bin set is learned here and stored, so that the worker counts from its first record on and its learning
is no part of the figure.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.connection import connect
from baselines.learned import ACTIVE, Active, PlannedRange, bin_set_name
from baselines.redis_store import RedisStore
from baselines.store import Partition, Put
from binning.learn import learn_bin_set
from binning.turn import Turn
from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from tests.servers import KafkaServer, ValkeyServer, kafka_home
from worker.decode import decode_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from binning.binset import BinSet
    from binning.encoder import Encoder
    from binning.spec import BinSpec
    from tests.servers import Broker

PARTITIONS = 4
AGENT = "support-agent"
LEARNED = 3_000
WARM_SHARE = 0.1
PATIENCE_S = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a worker took: CPU and wall seconds for `turns` turns."""

    turns: int
    cpu_s: float
    wall_s: float

    @property
    def us(self) -> float:
        """CPU microseconds a turn."""
        return self.cpu_s / self.turns * 1e6


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker whose topic holds `records` turns, and a Valkey."""

    broker: Broker
    valkey: ValkeyServer
    topic: str
    records: int


@contextmanager
def servers(folder: Path, turns: Sequence[tuple[str, bytes]]) -> Iterator[Servers]:
    """A real broker with the turns in its topic, by conversation over four partitions, and a real Valkey.

    Raises:
        RuntimeError: there is no Kafka folder or no Java.
    """
    home = kafka_home()
    if home is None:
        raise RuntimeError("a real broker is needed: Java, and KAFKA_HOME with Kafka's libs")
    (folder / "kafka").mkdir()
    kafka, valkey = KafkaServer(home, folder / "kafka"), ValkeyServer(folder)
    try:
        broker = kafka.start()
        valkey.start()
        for topic, partitions in (("turns", PARTITIONS), ("turns.dead-letters", 1)):
            broker.create_topic(topic, partitions)
        produce(broker, "turns", PARTITIONS, turns)
        yield Servers(broker, valkey, "turns", len(turns))
    finally:
        kafka.stop()
        valkey.stop()


def learned(spec: BinSpec, records: Sequence[bytes], encoder: Encoder, hourly: float) -> BinSet:
    """The bin set that the first turns teach, at so many turns an hour."""
    turns = [decode_turn(value, now=time.time()) for value in records[:LEARNED]]
    return learn_bin_set([turn for turn in turns if isinstance(turn, Turn)], spec, encoder, hourly=hourly)


def count_all(there: Servers, bin_set: BinSet, name: str, folder: Path, *, workers: int = 1) -> Cost:
    """Workers of one group count every turn of the topic; what they cost together.

    The first tenth is left out, and with several workers what comes before each has its partitions.
    """
    config = settings(there.broker, there.valkey, name, there.topic)
    store = RedisStore(connect(there.valkey.url), name)
    group = [WorkerProcess(config, folder, f"{name}-{n}", "ingest") for n in range(workers)]
    for worker in group:
        worker.start()
    eventually("each has its partitions", lambda: sum(map(_assigned, group)) == PARTITIONS)
    _activate(store, bin_set, there.topic)
    try:
        return _measured(group, store, there)
    finally:
        for worker in group:
            worker.stop()


def _assigned(worker: WorkerProcess) -> int:
    """How many partitions the group has given it; none of all of them while others wait for theirs."""
    health = worker.get("/healthz")
    return len(health["partitions"]["assigned"] or ()) if health else 0


def _activate(store: RedisStore, bin_set: BinSet, topic: str) -> None:
    """What learning leaves behind, with nothing of the topic learned from."""
    ends = tuple(PlannedRange(topic, number, 0, 0) for number in range(PARTITIONS))
    active = Active(bin_set.digest, 0.0, LEARNED, ends, (AGENT,))
    store.write(
        AGENT, 1, [Put(bin_set_name(bin_set.digest), bin_set.to_bytes()), Put(ACTIVE, active.to_bytes())]
    )


def _measured(group: Sequence[WorkerProcess], store: RedisStore, there: Servers) -> Cost:
    partitions = [Partition(there.topic, number) for number in range(PARTITIONS)]

    def committed() -> int:
        return sum(store.state(partition).next_offset or 0 for partition in partitions)

    def reached(count: float) -> bool:
        for worker in group:
            if not worker.running:
                raise RuntimeError(f"{worker.name} ended: {worker.lines[-1:]}")
        return committed() >= count

    eventually("the first tenth is counted", lambda: reached(there.records * WARM_SHARE), PATIENCE_S)
    first, began_cpu, began = committed(), sum(_cpu_s(worker.pid) for worker in group), time.monotonic()
    eventually("every turn is counted", lambda: reached(there.records), PATIENCE_S)
    took = sum(_cpu_s(worker.pid) for worker in group) - began_cpu
    return Cost(there.records - first, took, time.monotonic() - began)


def _cpu_s(pid: int) -> float:
    """User and system time of a process and all its threads, seconds (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
