"""What counting costs: CPU time of the worker process per turn of 1 KB, from broker to committed counts.

    python -m benchmarks.ingesting [--turns 100000] [--stages]

A real broker (KAFKA_HOME and Java), a real Valkey and `quadrift run --role ingest` are processes of their
own, with the shipped config. The topic is filled and the bin set stored before the worker starts; its CPU
time (user and system, all threads) is read when a tenth of the turns is committed and when all are.
`--stages` shows instead where the time of a turn goes, in this process.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.load.stages import stages
from benchmarks.load.turns import support_turns
from benchmarks.load.worker_cost import count_all, learned, servers
from worker.replay import default_settings
from worker.wiring import bin_spec, encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load.worker_cost import Cost
    from binning.encoders import Encoder

BAR_US = 80.0


def costs(turns: Sequence[tuple[str, bytes]], made: Encoder) -> dict[str, Cost]:
    """The cost of counting the turns with every dimension on every turn."""
    bin_set = learned(bin_spec(default_settings()), [value for _, value in turns], made)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), turns) as there:
        return {"every dimension on every turn": count_all(there, bin_set, "full", Path(folder))}


def show_stages(records: Sequence[bytes], made: Encoder) -> Table:
    """The stages of the shipped config, dearest first."""
    bin_set = learned(bin_spec(default_settings()), records, made)
    table = Table("stage", "CPU us a turn")
    for name, took in sorted(stages(bin_set, records, made).items(), key=lambda row: -row[1]):
        table.add_row(name, f"{took:.2f}")
    return table


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--stages", action="store_true")
    given = parser.parse_args()
    made = encoder(default_settings().encoder)
    turns = list(support_turns(given.turns))
    console = Console()
    if given.stages:
        console.print(show_stages([value for _, value in turns], made))
        return
    table = Table("counting", "turns", "CPU us a turn", "turns/s a core", "bar, us")
    for name, cost in costs(turns, made).items():
        table.add_row(name, str(cost.turns), f"{cost.us:.1f}", f"{1e6 / cost.us:,.0f}", f"{BAR_US:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
