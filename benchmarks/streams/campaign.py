"""Many installations, one after the other, each kept on disk when it is done: a campaign can be resumed."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from streams.quiet import installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCES = ("baselines", "alerts/persistence.py", "worker", "benchmarks/streams", "benchmarks/quiet_hours.py")
DAYS = 28


@dataclass(frozen=True, slots=True)
class Campaign:
    """`hours` window-hours of quiet traffic, in installations of at most 28 days, kept under `folder`."""

    folder: Path
    seed: int
    hours: int
    false_pages: float

    @property
    def lengths(self) -> list[int]:
        """The hours of each installation."""
        whole, rest = divmod(self.hours, DAYS * 24)
        return [DAYS * 24] * whole + [rest] * (rest > 0)

    def run(self, tell: Callable[[str], None]) -> list[dict[str, Any]]:
        """What was seen of every installation; those that are kept are not watched again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        rows, began = [], time.monotonic()
        for number, hours in enumerate(self.lengths):
            path = self.path(number, hours)
            if not path.exists():
                seen, streams = installation(self.seed, number, hours, false_pages=self.false_pages)
                with path.with_suffix(".npz").open("wb") as file:
                    np.savez_compressed(file, **streams)
                path.write_text(json.dumps(seen), encoding="utf-8")
            rows.append(json.loads(path.read_text(encoding="utf-8")))
            pages = sum(len(row["pages"]) for row in rows)
            done, passed = sum(row["hours"] for row in rows), time.monotonic() - began
            tell(f"{done} of {self.hours} window-hours, {pages} false pages, {passed:.0f} s")
        return rows

    def path(self, number: int, hours: int) -> Path:
        """Where an installation is kept; the counts beside it, as .npz."""
        return self.folder / f"{self.seed}-{number}-{hours}-{self.false_pages:g}.json"


def sources(root: Path) -> str:
    """A digest of the code that a result depends on."""
    digest = hashlib.sha256()
    for name in SOURCES:
        path = root / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
