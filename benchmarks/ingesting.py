"""What counting costs: CPU time of the worker process per turn of 1 KB, from broker to committed counts.

    python -m benchmarks.ingesting [--turns 100000] [--stages]

A real broker (KAFKA_HOME and Java), a real Valkey and `quadrift run --role ingest` are processes of their
own, with the shipped config: every dimension on every turn, and with the embedding budget at 5 %. The topic
is filled and the bin set stored before the worker starts; its CPU time (user and system, all threads) is read
when a tenth of the turns is committed and when all are. `--stages` shows instead where the time of a turn
goes, in this process.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.load.stages import stages
from benchmarks.load.turns import TURNS_AN_HOUR, support_turns
from benchmarks.load.worker_cost import count_all, learned, servers
from worker.commands.replay import default_settings
from worker.encoding import encoder
from worker.wiring import bin_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load.worker_cost import Cost
    from binning.binset import BinSet
    from binning.encoder import Encoder

TURNS = 100_000
FULL, BUDGET = "every dimension on every turn", "embedding budget at 5 %"
BARS_US = {FULL: 80.0, BUDGET: 30.0}


@cache
def costs(count: int = TURNS) -> dict[str, Cost]:
    """What counting `count` turns costs, by the names of `BARS_US`.

    Raises:
        RuntimeError: there is no broker to start here.
    """
    made = encoder(default_settings().encoder)
    turns = list(support_turns(count))
    with tempfile.TemporaryDirectory() as name, servers(Path(name), turns) as there:
        return {
            kind: count_all(there, bins, f"worker-{bins.share}", Path(name))
            for kind, bins in bin_sets([value for _, value in turns], made).items()
        }


def bin_sets(records: Sequence[bytes], made: Encoder) -> dict[str, BinSet]:
    """The bin set of the shipped config, and the one that an agent with twenty times its budget learns."""
    spec = bin_spec(default_settings())
    thrifty = replace(spec, embedded_turns_per_hour=TURNS_AN_HOUR // 20)
    return {
        FULL: learned(spec, records, made, hourly=0.0),
        BUDGET: learned(thrifty, records, made, hourly=TURNS_AN_HOUR),
    }


def show_stages(count: int) -> Table:
    """The stages of both, in their order of the full one's cost."""
    made = encoder(default_settings().encoder)
    records = [value for _, value in support_turns(count)]
    full, thrifty = (stages(bins, records, made) for bins in bin_sets(records, made).values())
    table = Table("CPU us a turn", *BARS_US)
    for name, took in sorted(full.items(), key=lambda row: -row[1]):
        table.add_row(name, f"{took:.2f}", f"{thrifty[name]:.2f}")
    return table


def show_costs(count: int) -> Table:
    """Both costs against their bars."""
    table = Table("counting", "turns", "CPU us a turn", "bar", "turns/s a core")
    for name, cost in costs(count).items():
        table.add_row(
            name, f"{cost.turns:,}", f"{cost.us:.1f}", f"{BARS_US[name]:.0f}", f"{1e6 / cost.us:,.0f}"
        )
    return table


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--stages", action="store_true")
    given = parser.parse_args()
    Console().print(show_stages(given.turns) if given.stages else show_costs(given.turns))


if __name__ == "__main__":
    main()
