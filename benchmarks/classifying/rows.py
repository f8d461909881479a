"""What a row of the table is, and the real texts that rows are measured on."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "shared" / "data"


class AbsentError(Exception):
    """What a row needs is not here; the message says what."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `figure` is compared with `bar`, which it must reach, or with `at_most` not exceed.

    A row without a bar is told, not judged; one without a figure was skipped, and `note` says why.
    """

    task: str
    bar: float | None
    figure: float | None
    unit: str = ""
    note: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is kept; None where there is nothing to say."""
        if self.bar is None or self.figure is None:
            return None
        return self.figure <= self.bar if self.at_most else self.figure >= self.bar


def read(name: str) -> list[dict[str, Any]]:
    """The records of `NAME.jsonl.gz` under the folder of shared data, such as `labelled_inputs/bitext_train`.

    Raises:
        AbsentError: the file is not there.
    """
    path = DATA / f"{name}.jsonl.gz"
    if not path.is_file():
        raise AbsentError(f"no {name}.jsonl.gz in ../shared/data")
    with gzip.open(path) as file:
        return [json.loads(line) for line in file]
