"""The faults that the suite inflicts, by row, and a closing table of which rows this run really tried.

A test says `@pytest.mark.fault("K1")` for the rows that it covers. A row that was skipped says why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = {
    "K1": "broker away, or never there at start",
    "K2": "broker that hangs",
    "K3": "members joining and leaving all the time",
    "K4": "member asleep past its session",
    "K5": "the same records, or the same turns, again",
    "K6": "records out of order",
    "K7": "records that are too late",
    "K8": "clocks that are wrong",
    "K9": "records that are no turns",
    "K10": "dead letters that cannot be written",
    "K11": "batch that is a bomb or cannot be read",
    "K12": "log cut short, or another log",
    "K13": "partitions added",
    "R1": "store away",
    "R2": "store's replies lost",
    "R3": "slow store",
    "R4": "store read-only after a fail-over",
    "R5": "store full",
    "R6": "store without disk",
    "R7": "store killed and rolled back",
    "R8": "store's replica without the tail",
    "R9": "store emptied",
    "R10": "store without scripts, or loading",
    "P1": "SIGTERM in the middle",
    "P2": "kill -9 at any moment",
    "P3": "kill -9 around a notification",
    "P4": "disk full or read-only, output closed",
    "P5": "encoder that fails",
    "P6": "settings that are wrong",
}


class FaultMatrix:
    """A pytest plugin: gathers what became of the tests of each row and tells it at the end."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, ...]] = {}
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._reasons: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Note the rows of each test.

        Raises:
            pytest.UsageError: a test names a row that there is not.
        """
        for item in items:
            marks = item.iter_markers("fault")
            rows = tuple(dict.fromkeys(str(row) for mark in marks for row in mark.args))
            if unknown := [row for row in rows if row not in ROWS]:
                raise pytest.UsageError(
                    f"{item.nodeid}: tests/fault_matrix.py has no row {', '.join(unknown)}"
                )
            if rows:
                self._rows[item.nodeid] = rows

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test is over; its call counts, and whatever else did not pass."""
        if report.when != "call" and report.passed:
            return
        for row in self._rows.get(report.nodeid, ()):
            self._outcomes[row][report.outcome] += 1
            if report.skipped:
                self._reasons[row].add(_reason(report))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table, when any of its tests was in this run."""
        if not self._outcomes:
            return
        terminalreporter.section("fault matrix")
        for row, outcomes in sorted(self._outcomes.items(), key=lambda entry: list(ROWS).index(entry[0])):
            terminalreporter.line(f"{row:<4} {ROWS[row]:<41} {self._told(row, outcomes)}")
        if missing := [row for row in ROWS if row not in self._outcomes]:
            terminalreporter.line(f"without a test in this run: {', '.join(missing)}")

    def _told(self, row: str, outcomes: Counter[str]) -> str:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        return f"{told} ({'; '.join(sorted(self._reasons[row]))})" if self._reasons[row] else told


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return "expected to fail"
