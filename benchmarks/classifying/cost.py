"""Rows of what counting costs (`benchmarks.ingesting` has the measurement)."""

from __future__ import annotations

from benchmarks.classifying.rows import AbsentError, Row
from benchmarks.ingesting import BARS_US, BUDGET, FULL, costs


def full() -> Row:
    """Every dimension on every turn."""
    return _row(FULL)


def budget() -> Row:
    """Only one turn in twenty is embedded."""
    return _row(BUDGET)


def _row(name: str) -> Row:
    try:
        cost = costs()[name]
    except RuntimeError as error:
        raise AbsentError(str(error)) from None
    note = f"{1e6 / cost.us:,.0f} turns/s a core, from broker to committed counts"
    return Row(f"cost a turn of 1 KB, {name}", BARS_US[name], cost.us, "us CPU", note, at_most=True)
