"""What a second worker costs: CPU time a turn of two workers of one group against one, in one run.

    python -m benchmarks.scaling [--turns 100000]

As `benchmarks.ingesting`: a real broker, a real Valkey, `quadrift run --role ingest`, the shipped config. The
wall-clock gain depends on how many cores are idle, so the machine's load is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.ingesting import FULL, TURNS, bin_sets
from benchmarks.load.turns import support_turns
from benchmarks.load.worker_cost import count_all, servers
from worker.commands.replay import default_settings
from worker.encoding import encoder

BAR = 1.15


def compare(count: int) -> Table:
    """One and two workers over the same topic."""
    turns = list(support_turns(count))
    made = encoder(default_settings().encoder)
    bins = bin_sets([value for _, value in turns], made)[FULL]
    table = Table("workers", "CPU us a turn", "ratio", "bar", "turns/s", "load, cores")
    with tempfile.TemporaryDirectory() as name, servers(Path(name), turns) as there:
        one, *more = [count_all(there, bins, f"w{n}", Path(name), workers=n) for n in (1, 2)]
    for workers, cost in enumerate((one, *more), 1):
        load = f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}"
        ratio = cost.us / one.us
        speed = f"{cost.turns / cost.wall_s:,.0f}"
        table.add_row(str(workers), f"{cost.us:.1f}", f"{ratio:.2f}", f"{BAR}", speed, load)
    return table


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=TURNS)
    Console().print(compare(parser.parse_args().turns))


if __name__ == "__main__":
    main()
