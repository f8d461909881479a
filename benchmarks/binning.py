"""What binning is worth on real text, and what it costs: every row of the table by one command.

    python benchmarks/binning.py              # all rows, some minutes
    python benchmarks/binning.py --list       # their names
    python benchmarks/binning.py banking77    # those whose name begins so
    python benchmarks/binning.py --json       # for programs; --markdown for a page

A row is a function that returns a `Row`; one that cannot be measured here is shown as skipped, with the
reason. The status is 1 when a measured row misses its bar.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # as a script: its own folder would hide the package `binning` behind this file
    sys.path[0] = str(Path(__file__).parents[1])

import msgspec
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from benchmarks.classifying import banking77, clinc150, cost, default_taxonomy, responses, stability
from benchmarks.classifying.rows import AbsentError, Row

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[str, Callable[[], Row]] = {
    "banking77-transformer": banking77.transformer,
    "banking77-static": banking77.static,
    "clinc150-transformer": clinc150.transformer,
    "clinc150-static": clinc150.static,
    "clinc150-outside-transformer": clinc150.outside_transformer,
    "clinc150-outside-static": clinc150.outside_static,
    "taxonomy-static": default_taxonomy.static,
    "taxonomy-transformer": default_taxonomy.transformer,
    "refusals-precision": responses.refusal_precision,
    "refusals-recall": responses.refusal_recall,
    "clarifying-sgd": responses.clarifying_sgd,
    "clarifying-qulac": responses.clarifying_qulac,
    "sentiment": responses.sentiment,
    "stability-static": stability.static,
    "stability-transformer": stability.transformer,
    "stability-onnx": stability.onnx,
    "cost": cost.full,
    "cost-budget": cost.budget,
}
_HEADERS = ("row", "task", "bar", "figure", "", "note")
_WIDE = 150


def main() -> int:
    """Measure the rows that are asked for and print them."""
    arguments = _arguments()
    if arguments.list:
        print("\n".join(ROWS))
        return 0
    names = [name for name in ROWS if not arguments.rows or name.startswith(tuple(arguments.rows))]
    if not names:
        print(f"no row begins with {', '.join(arguments.rows)}; see --list", file=sys.stderr)
        return 2
    threadpool_limits(1)  # as the worker has it
    found = {name: _measured(name, quiet=arguments.json) for name in names}
    _print(found, as_json=arguments.json, markdown=arguments.markdown)
    return int(any(row.met is False for row in found.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help="names of rows, or how they begin (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return parser.parse_args()


def _measured(name: str, *, quiet: bool) -> Row:
    if not quiet:
        print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        row = ROWS[name]()
    except AbsentError as error:
        return Row(name, None, None, note=f"skipped: {error}")
    return row if row.figure is None else replace(row, figure=round(row.figure, 4))


def _print(found: dict[str, Row], *, as_json: bool, markdown: bool) -> None:
    if as_json:
        content = {name: {**asdict(row), "met": row.met} for name, row in found.items()}
        print(msgspec.json.encode(content).decode())
        return
    lines = [_cells(name, row) for name, row in found.items()]
    if markdown:
        for line in (_HEADERS, ["---"] * len(_HEADERS), *lines):
            print("| " + " | ".join(line) + " |")
        return
    table = Table(*_HEADERS, box=None)
    for line in lines:
        table.add_row(*line)
    Console(highlight=False, markup=False, width=_WIDE).print(table)


def _cells(name: str, row: Row) -> tuple[str, ...]:
    sign = "<=" if row.at_most else ">="
    bar = "" if row.bar is None else f"{sign} {row.bar:g}"
    figure = "-" if row.figure is None else f"{row.figure:.4g} {row.unit}".rstrip()
    verdict = {True: "kept", False: "MISSED", None: ""}[row.met]
    return name, row.task, bar, figure, verdict, row.note


if __name__ == "__main__":
    sys.exit(main())
