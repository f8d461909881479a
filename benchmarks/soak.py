"""A soak: real workers on a real broker and store, stationary traffic, and a fault every few seconds.

    python -m benchmarks.soak [--minutes 60] [--rate 500] [--workers 3] [--seed 1] [--calm]

Kill -9, sleep past the session, lost replies, roll-backs, a dead broker: chosen at random, the seed is
printed, the first of them while it learns. A minute is 40 hours of the agent's life, so that an hour of soak
fills the 35 days that are kept and goes on for two months. In the end every count that is kept must be what
one clean run over the same records comes to, bit for bit; every verdict that is kept, every episode that was
ever opened and all that judging remembers must be what a judge says of those records to whom nothing
happened; and memory must have ceased to grow. `--calm` inflicts nothing, for comparison. The exit status is 1
unless all of that holds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from rich.console import Console

from baselines.connection import connect
from baselines.history import KEEP_HOURS
from baselines.learned import ACTIVE, Active
from baselines.redis_store import RedisStore
from baselines.windows import STEP
from benchmarks.chaos.clean import progress
from benchmarks.chaos.faults import SESSION_S, Installation
from benchmarks.chaos.findings import Row, clean_run, counting, judging
from benchmarks.chaos.traffic import LEARNED_H, Stream, logged, quiet_turns
from config.settings import Settings
from tests.e2e.counts import caught_up, left
from tests.e2e.processes import WorkerProcess, eventually, settings
from tests.fault_proxy import FaultProxy
from tests.servers import KafkaServer, ValkeyServer, kafka_home
from worker.encoding import encoder
from worker.wiring import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.e2e.counts import Left

PARTITIONS = 6
TOPIC, PREFIX, AGENT = "turns", "soak", "support-agent"
CALM_S = 6.0
"""Mean seconds between two faults: long enough for work to be done, short enough to hit it again."""
HOURS_A_MINUTE = 40
"""Of event time: 35 days pass in 21 minutes."""
LEARNING_FAULTS = 10
"""So many while it learns, then it is left alone until it has."""
LATENESS = "1h"
"""A window waits so long, 1.5 seconds at this pace: what is sent together is 10 to 20 minutes of turns."""
GROWTH = 0.02
"""Resident memory may grow by this share in the last third: what is bounded has been full once by then."""

console = Console(stderr=True)


@dataclass(slots=True)
class Watch:
    """What is seen while it runs: resident memory (MiB) of the worker that never dies, by minutes."""

    began: float = field(default_factory=time.monotonic)
    memory: list[tuple[float, float]] = field(default_factory=list)
    died: list[str] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """How long it has run."""
        return (time.monotonic() - self.began) / 60

    def look(self, workers: list[WorkerProcess]) -> None:
        """Sample memory; a worker that ended by itself is named, and started again."""
        self.memory.append((self.minutes, _resident_mib(workers[0].pid)))
        for worker in workers:
            if not worker.running:
                self.died.append(f"{worker.name}: {worker.lines[-1]['event']}")
                worker.start()

    def growth(self) -> tuple[float, float] | None:
        """MiB as the last third begins, and the most since; None where 35 days were not full by then."""
        begin = self.minutes * 2 / 3
        if begin * HOURS_A_MINUTE < KEEP_HOURS:
            return None
        resident = [mib for minutes, mib in self.memory if minutes >= begin]
        return resident[0], max(resident)


def soak(options: argparse.Namespace, folder: Path) -> bool:
    """Run it all; whether everything held."""
    home = kafka_home()
    if home is None:
        raise SystemExit("a real broker is needed: Java, and KAFKA_HOME with Kafka's libs")
    (folder / "kafka").mkdir()
    (folder / "valkey").mkdir()
    kafka, valkey = KafkaServer(home, folder / "kafka"), ValkeyServer(folder / "valkey")
    broker, proxy = kafka.start(), FaultProxy(valkey.start().port)
    for topic, partitions in ((TOPIC, PARTITIONS), (f"{TOPIC}.dead-letters", 1)):
        broker.create_topic(topic, partitions)
    config = settings(broker, valkey, PREFIX, TOPIC, lateness=LATENESS)
    config["redis"]["url"] = proxy.url
    workers = [WorkerProcess(config, folder, f"worker-{n}").start() for n in range(options.workers)]
    there = Installation(kafka, valkey, proxy, workers, Random(options.seed))
    hours = LEARNED_H + 6 + int(options.minutes * HOURS_A_MINUTE * 1.2)
    turns = quiet_turns(hours, _turns_an_hour(options.rate), options.seed)
    stream = Stream(broker, TOPIC, PARTITIONS, turns, options.rate)
    try:
        checked = Settings.model_validate(config)
        watch = _run(there, stream, options)
        settled = _settled(there, stream, checked.lateness)
        return _shown(_findings(there, stream, watch, settled, checked), there.tally)
    finally:
        stream.stop()
        for worker in workers:
            worker.kill()
        kafka.stop()
        valkey.stop()


def _turns_an_hour(rate: float) -> int:
    """Of event time, at `rate` turns a second of the clock."""
    return round(rate * 60 / HOURS_A_MINUTE)


def _run(there: Installation, stream: Stream, options: argparse.Namespace) -> Watch:
    """Learn, then traffic and faults for so many minutes."""
    stream.send(_turns_an_hour(stream.rate) * (LEARNED_H + 3))
    for _ in range(0 if options.calm else LEARNING_FAULTS):
        time.sleep(there.rng.expovariate(1 / CALM_S))
        there.strike()
    eventually("learning is over", lambda: left(there.valkey, PREFIX, AGENT), 300)
    stream.start()
    watch, shown = Watch(), 0.0
    while watch.minutes < options.minutes:
        time.sleep(there.rng.expovariate(1 / CALM_S))
        if not options.calm:
            there.strike()
        watch.look(there.workers)
        if watch.minutes - shown >= 1:
            shown = watch.minutes
            console.print(f"{shown:4.0f} min, {stream.sent} turns, {there.tally.total()} faults", style="dim")
    stream.stop()
    return watch


def _settled(there: Installation, stream: Stream, lateness_s: float) -> Left:
    """What is left once all is counted and judged."""
    store = RedisStore(connect(there.valkey.url), PREFIX)

    def judged() -> bool:
        newest = max(store.state(partition).watermark or 0.0 for partition in store.partitions())
        digest = Active.from_bytes(store.get(AGENT, ACTIVE) or b"").digest
        return progress(store, AGENT, digest).judged_to + STEP > newest - lateness_s

    done = f"every partition is read to its end, {SESSION_S} s sessions and all"
    eventually(done, lambda: caught_up(stream.broker, there.valkey, PREFIX, TOPIC, PARTITIONS), 600)
    eventually("all that was read is judged", judged, 600)
    settled: Left = eventually("something is learned", lambda: left(there.valkey, PREFIX, AGENT))
    return settled


def _findings(there: Installation, stream: Stream, watch: Watch, settled: Left, by: Settings) -> list[Row]:
    """What came of it."""
    records = logged(stream.broker, TOPIC, PARTITIONS)

    def tell(hour: int) -> None:
        if hour % 240 == 0:
            console.print(f"  a clean run, hour {hour}", style="dim")

    counts, judge = clean_run(AGENT, settled, rules(by), records, encoder(by.encoder), tell)
    store = RedisStore(connect(there.valkey.url), PREFIX)
    opened = {line["episode"] for worker in there.workers for line in worker.events("episode_opened")}
    grew = watch.growth()
    return [
        Row("turns sent", stream.sent),
        *counting(counts, settled),
        *judging(judge, store, opened),
        Row("workers that ended by themselves", len(watch.died), not watch.died, watch.died),
        Row("resident MiB at first", f"{watch.memory[0][1]:.0f}"),
        Row(
            "resident MiB as the last third began, and the most since",
            "too short to say" if grew is None else f"{grew[0]:.0f}, {grew[1]:.0f}",
            grew is None or grew[1] <= grew[0] * (1 + GROWTH),
        ),
    ]


def _shown(rows: Sequence[Row], tally: Mapping[str, int]) -> bool:
    """Print it; whether all held."""
    for name, count in sorted(tally.items()):
        console.print(f"  {count:4d} x {name}")
    for row in rows:
        console.print(f"  {row.name}: {row.value}{'' if row.held else '   <-- must not be'}")
        for line in row.wrong[:10]:
            console.print(f"    {line}", style="red")
    return all(row.held for row in rows)


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="of traffic and faults (default 60)")
    parser.add_argument("--rate", type=float, default=500.0, help="turns a second (default 500)")
    parser.add_argument("--workers", type=int, default=3, help="at least 2 (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="inflict nothing")
    options = parser.parse_args()
    console.print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        return 0 if soak(options, Path(name)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
