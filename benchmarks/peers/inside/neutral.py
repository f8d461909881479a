"""What the peers' scripts share: the file of windows that they read, the decisions that they write.

Runs inside the peer's own environment: numpy and the standard library only. The file (.npz) holds
`names` and `sizes` of the dimensions, `windows` (windows, slots), `part` (which reference a window is judged
against), and for each part `reference_PART` (hours or chunks, slots). Decisions are (windows, dimensions)
booleans by name of the setting.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Counts = np.ndarray
    Judge = Callable[["Task"], dict[str, np.ndarray]]

SAMPLE = 50_000
"""Rows of a reference at most: more are drawn down to this, in proportion."""


class Task(NamedTuple):
    """Windows (windows, slots) to judge against one reference, given by chunks and as a whole."""

    names: list[str]
    slots: list[slice]
    chunks: Counts
    windows: Counts

    @property
    def references(self) -> list[Counts]:
        """The reference's turns of each bin, by dimension, at most `SAMPLE` of them."""
        rng = np.random.default_rng(1)
        found = [self.chunks[:, part].sum(0) for part in self.slots]
        total = [int(counts.sum()) for counts in found]
        return [
            counts if n <= SAMPLE else rng.multivariate_hypergeometric(counts, SAMPLE, method="marginals")
            for counts, n in zip(found, total, strict=True)
        ]

    def by_dimension(
        self, fit: Callable[[Counts], Callable[[Counts], dict[str, bool]]]
    ) -> dict[str, np.ndarray]:
        """Decisions of what `fit` makes of a dimension's reference counts: a function of window counts."""
        found: dict[str, np.ndarray] = {}
        for at, (part, reference) in enumerate(zip(self.slots, self.references, strict=True)):
            decide = fit(reference)
            for i, window in enumerate(self.windows[:, part]):
                for setting, alarm in decide(window).items() if window.any() else ():
                    blank = np.zeros((len(self.windows), len(self.slots)), dtype=bool)
                    found.setdefault(setting, blank)[i, at] = alarm
            print(f"{at + 1} of {len(self.slots)} dimensions", flush=True)
        return found


def rows(counts: Counts, *, text: bool = True) -> np.ndarray:
    """One row a turn: the bin that it fell into, as text or as a number."""
    numbers = np.repeat(np.arange(len(counts)), counts)
    return np.array([f"bin {i}" for i in range(len(counts))], dtype=object)[numbers] if text else numbers


def main(judge: Judge) -> None:
    """Read the file named first, write the one named second."""
    source, target = sys.argv[1:3]
    with np.load(source) as file:
        sizes, names = file["sizes"], [str(name) for name in file["names"]]
        edges = np.concatenate([[0], np.cumsum(sizes)])
        slots = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        windows, parts = file["windows"], file["part"]
        decided: dict[str, np.ndarray] = {}
        for part in np.unique(parts):
            here = parts == part
            for setting, found in judge(Task(names, slots, file[f"reference_{part}"], windows[here])).items():
                blank = np.zeros((len(windows), len(sizes)), dtype=bool)
                decided.setdefault(setting, blank)[here] = found
    np.savez_compressed(target, **decided)
