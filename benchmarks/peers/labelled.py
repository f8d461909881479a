"""The labelled real streams as peers are given them: the bins of quadrift, 360 turns a window.

The reference is the first 1000 turns (in four chunks, for those that want chunks), windows slide by 60. A
peer names no quadrant: it is given the plain matrix, inputs moved or not against outputs moved or not, at its
first page after the change.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scenarios import NAMES

from alerts.quadrant import quadrant
from baselines.memory import MemoryStore
from binning.identity import in_fitting_half
from binning.layout import ABSENT
from binning.turn import Turn
from worker.commands.history_file import HistoryFiles
from worker.commands.replay import default_settings, learn_option, learned_agents
from worker.decode import decode_turn
from worker.encoding import encoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from binning.layout import DimensionLayout

LEARNED, CHUNK, WINDOW, SLIDE = 1000, 250, 360, 60


class Labelled(NamedTuple):
    """One stream: its deciding dimensions, counts of the reference's chunks and of the windows, the truth.

    `ends` are the turns read at each window's end, `change` the turn that the change begins at (None: none).
    """

    name: str
    expected: str | None
    dimensions: list[DimensionLayout]
    chunks: NDArray[np.int64]
    windows: NDArray[np.int64]
    ends: list[int]
    change: int | None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As the peers' file of windows."""
        return {
            "names": np.array([dimension.key for dimension in self.dimensions]),
            "sizes": np.array([len(dimension.bins) for dimension in self.dimensions]),
            "windows": self.windows,
            "part": np.zeros(len(self.windows), dtype=np.int64),
            "reference_0": self.chunks,
        }


class Said(NamedTuple):
    """What a peer made of one stream."""

    scenario: str
    expected: str | None
    said: str | None
    turns_to_page: int | None
    false_pages: int

    @property
    def right(self) -> bool:
        """As for quadrift: no page before the change, and the right name."""
        return self.false_pages == 0 and self.said == self.expected


def load(truth_path: Path) -> Labelled:
    """Read a stream and put its turns into bins learned from the first 1000."""
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    path = truth_path.with_name(truth["scenario"] + ".jsonl.gz")
    settings = default_settings()
    made, files = encoder(settings.encoder), HistoryFiles([path])
    agents = learned_agents(files, settings, learn_option(str(LEARNED), settings), made, MemoryStore())
    bin_set = next(iter(agents.values())).bins.bin_set
    with gzip.open(path) as lines:
        decoded = [decode_turn(line.strip(), now=4e9) for line in lines]
    turns = [turn for turn in decoded if isinstance(turn, Turn)]
    slots = bin_set.assign(turns, made).slots
    seen = (slots[:LEARNED] >= 0).any(axis=0)  # a stream of inputs has no outputs to count
    columns = [i for i, d in enumerate(bin_set.layout.dimensions) if seen[i] and settings.decides(d.key)]
    dimensions = [bin_set.layout.dimensions[i] for i in columns]
    local = slots[:, columns] - [d.offset for d in dimensions]
    starts = range(LEARNED, len(turns) - WINDOW + 1, SLIDE)
    count = [_counts(local[start : start + WINDOW], dimensions) for start in starts]
    fitted = np.array([in_fitting_half(turn.identity) for turn in turns[:LEARNED]])
    halved = np.array([dimension.halved for dimension in dimensions])
    local[:LEARNED][np.outer(fitted, halved)] = ABSENT  # bins learned from a turn say nothing of its share
    chunks = [_counts(local[at : at + CHUNK], dimensions) for at in range(0, LEARNED, CHUNK)]
    expected = NAMES[truth["expected_quadrant"]]
    ends = [start + WINDOW for start in starts]
    change = truth["change_index"] if expected else None
    return Labelled(truth["scenario"], expected, dimensions, np.array(chunks), np.array(count), ends, change)


def _counts(local: NDArray[np.int64], dimensions: list[DimensionLayout]) -> NDArray[np.int64]:
    parts = [
        np.bincount(column[column >= 0], minlength=len(dimension.bins))
        for column, dimension in zip(local.T, dimensions, strict=True)
    ]
    return np.concatenate(parts)


def said(stream: Labelled, decided: NDArray[np.bool_]) -> Said:
    """Its pages, from decisions (windows, dimensions): the first of consecutive windows that alarm."""
    inputs = np.array([dimension.side == "input" for dimension in stream.dimensions])
    alarms = decided.any(axis=1)
    rises = np.flatnonzero(alarms & ~np.concatenate([[False], alarms[:-1]])).tolist()
    late = [at for at in rises if stream.change is not None and stream.ends[at] > stream.change]
    if not late or stream.change is None:
        return Said(stream.name, stream.expected, None, None, len(rises) - len(late))
    moved = bool(decided[late[0], inputs].any()), bool(decided[late[0], ~inputs].any())
    delay = stream.ends[late[0]] - stream.change
    return Said(stream.name, stream.expected, str(quadrant(*moved)), delay, len(rises) - len(late))
