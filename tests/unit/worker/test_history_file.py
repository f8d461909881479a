"""A history is read in the same portions on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.commands.history_file import HISTORY, HistoryFiles, HistorySource

if TYPE_CHECKING:
    from pathlib import Path


def test_a_slow_machine_takes_in_as_many_lines_between_two_judgements(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    path.write_text("".join(f"{number}\n" for number in range(1_200)))

    def portions(limit: int) -> list[list[int]]:
        source = HistorySource(HistoryFiles([path]))
        source.place(HISTORY, 0)
        found = []
        while not source.exhausted:
            found.append([record.offset for record in source.poll(limit)[HISTORY]])
        return found

    assert portions(2_000) == portions(50)
    assert list(range(1_200)) == [offset for portion in portions(50) for offset in portion]
