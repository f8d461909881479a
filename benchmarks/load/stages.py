"""Where the CPU time of a turn goes, stage by stage and dimension by dimension, in this process."""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from binning.counts import bucket_deltas
from binning.dimensions.base import Batch
from binning.identity import SHARES, sampled
from binning.turn import Turn
from worker.decode import decode_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from binning.binset import BinSet
    from binning.encoder import Encoder

BATCH = 2_000
REPEATS = 3
SHARED = tuple(
    name for name, made in vars(Batch).items() if isinstance(made, cached_property) and name[0] != "_"
)
TOTAL = "all bins of a turn"


def stages(bin_set: BinSet, records: Sequence[bytes], encoder: Encoder) -> dict[str, float]:
    """CPU microseconds a turn of each stage, the least of three passes; what dimensions share comes first."""
    best: dict[str, float] = {}
    gc.freeze()  # as the worker does
    for _ in range(REPEATS):
        for name, seconds in _one_pass(bin_set, records, encoder).items():
            best[name] = min(best.get(name, float("inf")), seconds / len(records) * 1e6)
    return best


def _one_pass(bin_set: BinSet, records: Sequence[bytes], encoder: Encoder) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    now = time.time()
    for start in range(0, len(records), BATCH):
        with _timed(spent, "decode"):
            decoded = [decode_turn(value, now=now) for value in records[start : start + BATCH]]
        turns = [turn for turn in decoded if isinstance(turn, Turn)]
        with _timed(spent, TOTAL):
            binned = bin_set.assign(turns, encoder)
        with _timed(spent, "bucket deltas"):
            bucket_deltas(bin_set, binned, turns, lambda _: "")
        _dimensions(bin_set, turns, encoder, spent)
    return spent


def _dimensions(bin_set: BinSet, turns: Sequence[Turn], encoder: Encoder, spent: dict[str, float]) -> None:
    """Each dimension by itself, on the turns that it counts."""
    batch = Batch(turns, encoder)
    chosen = sampled([turn.identity for turn in turns], bin_set.share)
    embedded = [turn for turn, taken in zip(turns, chosen.tolist(), strict=True) if taken]
    sample = Batch(embedded, encoder) if bin_set.share < SHARES else batch
    for name in SHARED:
        with _timed(spent, f"shared: {name}"):
            getattr(sample if name == "vectors" else batch, name)
    for dimension, entry in zip(bin_set.dimensions, bin_set.layout.dimensions, strict=True):
        with _timed(spent, entry.key.partition(":")[0]):
            dimension.assign(batch if entry.share == 1.0 else sample)


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    began = time.thread_time()
    yield
    spent[name] += time.thread_time() - began
