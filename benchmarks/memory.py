"""What one agent's counts take in a real Valkey: 35 days of packed hours and the last six by the minute.

    python -m benchmarks.memory [--days 35] [--partitions 12] [--turns-per-hour 3000] [--even]

The turns of `benchmarks.load.turns`, which have something for every shipped dimension, get one of four plans
and are binned by the bin set that the shipped config learns from them, with its joints. Each hour of each
partition draws as many of them as it has, anew; the product's own code counts them and packs them, with
pointers. `--even`: every bin of every dimension on every turn is as likely, which takes the most. Reported
are `used_memory_dataset`, and what hours shrink by without a part (compressed together they take less).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs
from rich.console import Console
from rich.table import Table

from baselines.keys import Keys
from baselines.packing import encode_bucket, pack_hour
from baselines.store import TURNS, Delta, Partition
from benchmarks.load.turns import support_turns
from benchmarks.load.worker_cost import learned
from binning.binset import Binned, BinSet
from binning.counts import bucket_deltas
from binning.turn import EventTime, Turn
from tests.servers import ValkeyServer
from worker.commands.replay import default_settings
from worker.decode import decode_turn
from worker.encoding import encoder
from worker.ingesting.ingest import _pointer
from worker.ingesting.upkeep import MINUTES_KEPT_S
from worker.wiring import bin_spec

if TYPE_CHECKING:
    from numpy.random import Generator

AGENT, FIRST_HOUR = "support-agent", 490_000
PLANS, SHARES = ("free", "pro", "team", "enterprise"), (0.5, 0.3, 0.15, 0.05)
DRAWN_FROM = 20_000
WEIGHED = 30
"""Hours that the dimensions' parts are weighed on."""
BUDGET_MIB = 64.0
MIB = 1 << 20


@dataclass(slots=True)
class Traffic:
    """Binned turns to draw buckets from."""

    bin_set: BinSet
    turns: list[Turn]
    binned: Binned
    rng: Generator

    def bucket(self, partition: Partition, turns: int) -> Delta:
        """One bucket of so many turns of a partition."""
        rows = self.rng.integers(0, len(self.turns), turns).tolist()
        names = self.rng.bytes(16 * turns).hex()
        drawn = [
            structs.replace(self.turns[row], trace_id=names[32 * i : 32 * i + 32], at=EventTime(0.0))
            for i, row in enumerate(rows)
        ]
        binned = Binned(self.binned.slots[rows], [self.binned.segments[row] for row in rows])
        at = int(self.rng.integers(1 << 30))
        deltas = bucket_deltas(self.bin_set, binned, drawn, lambda i: _pointer(drawn[i], partition, at + i))
        return Delta(*deltas[0]) if deltas else Delta()


def traffic() -> Traffic:
    """Turns of four plans and what the shipped config makes of them."""
    made, rng = encoder(default_settings().encoder), np.random.default_rng(5)
    records = [value for _, value in support_turns(DRAWN_FROM)]
    spec = replace(bin_spec(default_settings()), segments={"plan": PLANS})
    bin_set = learned(spec, records, made, hourly=0.0)
    decoded = [turn for value in records if isinstance(turn := decode_turn(value, now=2e9), Turn)]
    plans = rng.choice(PLANS, len(decoded), p=SHARES).tolist()
    turns = [
        structs.replace(turn, attributes={"plan": plan}) for turn, plan in zip(decoded, plans, strict=True)
    ]
    return Traffic(bin_set, turns, bin_set.assign(turns, made), rng)


def even(drawn: Traffic) -> None:
    """Every turn in every dimension, whatever it says, and every bin of it as likely."""
    layout, slots = drawn.bin_set.layout, drawn.binned.slots
    bins = {d.key: drawn.rng.integers(0, len(d.bins), len(slots)) for d in layout.dimensions}
    for column, dimension in enumerate(layout.dimensions):
        slots[:, column] = dimension.offset + bins[dimension.key]
    for column, joint in enumerate(layout.joints, start=len(layout.dimensions)):
        slots[:, column] = joint.offset + bins[joint.given] * joint.shape[1] + bins[joint.outcome]


def fill(client: Any, drawn: Traffic, given: argparse.Namespace) -> list[Delta]:
    """Write every bucket under the product's keys; some of the hours."""
    minutes_from = given.days * 24 - MINUTES_KEPT_S // 3600
    kept: list[Delta] = []
    for number in range(given.partitions):
        partition = Partition("turns", number)
        keys = Keys("quadrift").buckets(partition, AGENT, drawn.bin_set.digest)
        share = given.turns_per_hour / given.partitions
        for hour in range(FIRST_HOUR, FIRST_HOUR + minutes_from):
            delta = drawn.bucket(partition, int(drawn.rng.poisson(share)))
            client.hset(keys.packed, str(hour), pack_hour(delta))
            client.hset(keys.hours, str(hour), delta.counts.get(TURNS, 0))
            if len(kept) < WEIGHED:
                kept.append(delta)
        for minute in range((FIRST_HOUR + minutes_from) * 60, (FIRST_HOUR + given.days * 24) * 60):
            if turns := int(drawn.rng.poisson(share / 60)):
                client.hset(keys.minutes, str(minute), encode_bucket(drawn.bucket(partition, turns)))
                client.hset(keys.turns, str(minute), turns)
    return kept


def parts(bin_set: BinSet, hours: list[Delta]) -> list[tuple[str, float]]:
    """Bytes that a packed hour shrinks by without this part, the largest first."""
    ranges = {d.key: (d.offset, d.offset + len(d.bins)) for d in bin_set.layout.dimensions}
    for joint in bin_set.layout.joints:
        begin, end = ranges.get(name := f"joints of {joint.given}", (joint.offset, 0))
        ranges[name] = (min(begin, joint.offset), max(end, joint.offset + joint.shape[0] * joint.shape[1]))
    whole = sum(len(pack_hour(hour)) for hour in hours)
    found = [
        (name, (whole - sum(len(pack_hour(_without(hour, *span))) for hour in hours)) / len(hours))
        for name, span in ranges.items()
    ]
    bare = sum(len(pack_hour(Delta(hour.counts))) for hour in hours)
    return sorted([*found, ("pointers", (whole - bare) / len(hours))], key=lambda row: -row[1])


def _without(hour: Delta, begin: int, end: int) -> Delta:
    counts = {
        name: count
        for name, count in hour.counts.items()
        if not (field := name.rpartition("/")[2]).isdecimal() or not begin <= int(field) < end
    }
    return Delta(counts, hour.pointers)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, usual in {"--days": 35, "--partitions": 12, "--turns-per-hour": 3000}.items():
        parser.add_argument(name, type=int, default=usual)
    parser.add_argument("--even", action="store_true")
    given = parser.parse_args()
    drawn, console = traffic(), Console()
    if given.even:
        even(drawn)
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = ValkeyServer(Path(folder)).start()
        client: Any = server.client()
        before = client.info("memory")["used_memory_dataset"]
        hours = fill(client, drawn, given)
        taken = (client.info("memory")["used_memory_dataset"] - before) / MIB
        by_kind = {
            kind: sum(client.memory_usage(key, samples=0) for key in client.scan_iter(f"*:{kind}:*")) / MIB
            for kind in ("packed", "minutes", "hours", "turns")
        }
        server.kill()
    layout = drawn.bin_set.layout
    told = f"{len(layout.dimensions)} dimensions, {len(layout.joints)} joints, {layout.size:,} slots"
    console.print(f"{told}: {taken:.1f} MiB of {BUDGET_MIB:.0f}")
    console.print(", ".join(f"{kind} {size:.1f} MiB" for kind, size in by_kind.items()))
    mean = sum(len(pack_hour(hour)) for hour in hours) / len(hours)
    table = Table("part", f"of {mean:,.0f} bytes an hour")
    for name, size in parts(drawn.bin_set, hours):
        if size >= mean / 100:
            table.add_row(name, f"{size:,.0f} ({size / mean:.0%})")
    console.print(table)


if __name__ == "__main__":
    main()
