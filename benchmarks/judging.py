"""What judging costs: one segment of 20 dimensions, and what a new leader reads before it can begin.

    python -m benchmarks.judging

Traffic of 3000 turns an hour is learned for a day and counted for 30 more; a step costs the same after 16
days as after 31. Times are the median of the CPU time of single steps on one core, the joints of five
outcomes with two inputs included or left out; the fast lane is one minute of all deciding dimensions. The
leader takes over from a real Valkey that holds 35 days in packed hours of every partition.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if not __package__:  # as a script: binning.py beside it would hide the package of that name
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.table import Table

from baselines.connection import connect
from baselines.evaluate import Gates
from baselines.redis_store import RedisStore
from baselines.store import Partition
from baselines.windows import Calendar
from benchmarks.synthetic import (
    AGENT,
    TOKEN,
    Dimension,
    Installation,
    Laid,
    Log,
    Traffic,
    delta,
    layout_of,
    learned,
    quiet_telling,
)
from config.log import configure
from config.settings import Log as LogSettings
from tests.servers import ValkeyServer
from worker.judging.judge import AgentJudge
from worker.judging.scanning import scan
from worker.judging.step import step
from worker.judging.tracked import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

MONDAY = 408_840
TURNS = 3000
STEP, HOUR = 600, 3600
BASE8 = (0.42, 0.22, 0.13, 0.09, 0.06, 0.045, 0.03, 0.005)
RANKED = tuple((1 / np.arange(1, 34) / (1 / np.arange(1, 34)).sum()).tolist())
TENTHS = (0.1,) * 10
DECIDING = (
    Dimension("input.intent", BASE8),
    Dimension("input.cluster", RANKED),
    Dimension("input.novelty", TENTHS),
    Dimension("input.language", (0.8, 0.12, 0.05, 0.03)),
    Dimension("output.response_category", BASE8),
    Dimension("output.flags:hallucination", (0.995, 0.005)),
    Dimension("output.tool_pattern", RANKED[:12]),
    Dimension("output.tool_outcome", (0.6, 0.37, 0.03)),
    Dimension("output.length", TENTHS),
)
REPORTED = tuple(Dimension(f"output.reported{i}", BASE8 if i % 2 else TENTHS) for i in range(11))
OUTCOMES = tuple(d.key for d in DECIDING if d.key.startswith("output."))
JOINTS = tuple((given, outcome) for given in ("input.cluster", "input.intent") for outcome in OUTCOMES)
GATES = Gates()
KEYS = frozenset(d.key for d in DECIDING)
RULES = Rules(1.0, lambda _: GATES, Calendar(), KEYS.__contains__, 1)


def installation(joints: Sequence[tuple[str, str]]) -> Installation:
    """Twenty dimensions, learned on a Monday."""
    dimensions = DECIDING + REPORTED
    made = Installation(
        Traffic(dimensions, layout_of(dimensions, joints), np.random.default_rng(1), 2), RULES
    )
    made.learn(MONDAY, TURNS)
    return made


class Cost(NamedTuple):
    """Median ms of CPU time: a step, one at the full hour, a minute of the fast lane, ten minutes of all."""

    step: float
    full_hour: float
    minute: float
    ten_minutes: float

    def __str__(self) -> str:
        return f"{self.step:.1f} ms, {self.full_hour:.1f} at the full hour"


def cost(made: Installation, hours: int = 3) -> Cost:
    """What the next hours cost: judging and scanning by themselves, then as many hours with all else."""
    steps: dict[int, float] = {}
    minutes, whole, (segment,) = [], [], made.judge.segments
    for _ in range(hours):
        for end in _minutes(made):
            began = time.process_time()
            if end % STEP:
                scan(segment, end, made.judge.history)
                minutes.append(time.process_time() - began)
            else:
                step(segment, end, made.judge.history)
                steps[end] = time.process_time() - began
    made.judge.judged_to = made.judge.scanned_to = made.hour * HOUR
    for _ in range(hours):
        for end in _minutes(made)[9::10]:
            began = time.process_time()
            made.judge.advance(end + RULES.lateness_s, TOKEN)
            whole.append(time.process_time() - began)
    full = [took for end, took in steps.items() if end % HOUR == 0]
    return Cost(*(1000 * float(np.median(took)) for took in ([*steps.values()], full, minutes, whole)))


def _minutes(made: Installation) -> list[int]:
    """Count one more hour; the ends of its minutes."""
    made.count(made.traffic.minutes(TURNS, 60))
    made.judge.history.refresh(made.hour * HOUR)
    return list(range((made.hour - 1) * HOUR + 60, made.hour * HOUR + 1, 60))


def take_over_s(partitions: int) -> tuple[float, float]:
    """Seconds until a new leader has read 35 days of packed hours, and until it has judged one step."""
    made = installation(JOINTS)
    layout = made.traffic.layout
    drawn = [made.traffic.counts(TURNS // partitions) for _ in range(24)]
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = ValkeyServer(Path(folder)).start()
        with connect(server.url) as client:
            store = RedisStore(client, "bench")
            first = MONDAY + 24
            hours = {hour: drawn[hour % 24] for hour in range(MONDAY, first)}
            active = learned(store, layout, hours, first * HOUR - 1)
            for number in range(partitions):
                log = Log(store, Partition("turns", number), partitions=partitions)
                for hour in range(first, first + 35 * 24):
                    log.add({hour * 60: delta(layout, drawn[hour % 24])}, (hour + 1) * HOUR)
                    store.pack(log.partition, AGENT, active.digest, hour, log.offset or 0, keep_hours=840)
            began = time.perf_counter()
            judge = AgentJudge.take_over(AGENT, active, Laid(layout), store, RULES, quiet_telling())
            judge.history.refresh((first + 35 * 24) * HOUR)
            read = time.perf_counter() - began
            step(judge.segments[0], (first + 35 * 24) * HOUR, judge.history)
            done = time.perf_counter() - began
        server.stop()
    return read, done


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description="What judging costs.")
    parser.add_argument("--partitions", type=int, default=12, help="partitions that a new leader reads")
    asked = parser.parse_args()
    configure(LogSettings(level="error"))
    table = Table("what", "measured", "bar")
    for joints, told in (((), "20 dimensions"), (JOINTS, f"with {len(JOINTS)} joints")):
        made, bar = installation(joints), "" if joints else "5 ms"
        found = cost(made)
        table.add_row(f"one step, {told}, after 1 day (fixed)", str(found), "")
        for days in (16, 31):
            while made.hour < MONDAY + days * 24:
                made.play(TURNS, 1, every=60)
            found = cost(made)
            table.add_row(f"one step, {told}, after {days} days (fixed and rolling)", str(found), bar)
        table.add_row(f"one minute of the fast lane, {told}", f"{found.minute:.2f} ms", "1 ms")
        table.add_row("a step, ten such minutes, and writing what is said", f"{found.ten_minutes:.1f} ms", "")
    read, done = take_over_s(asked.partitions)
    what = f"a new leader reads 35 days from {asked.partitions} partitions"
    table.add_row(what, f"{read:.2f} s", "2 s")
    table.add_row("and has judged its first step", f"{done:.2f} s", "")
    Console().print(table)


if __name__ == "__main__":
    main()
