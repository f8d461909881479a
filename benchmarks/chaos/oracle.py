"""What the store must hold: every record behind learning counted once, bit for bit."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from binning.binset import BinSet
from binning.counts import bucket_deltas
from binning.turn import Turn
from worker.decode import decode_turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from binning.encoder import Encoder
    from tests.e2e.counts import Left

BATCH = 500


def expected(
    found: Left, records: Mapping[str, Sequence[bytes]], encoder: Encoder
) -> dict[tuple[str, int], dict[str, int]]:
    """Every field by partition and hour, from the records by partition, in their order."""
    bin_set = BinSet.from_bytes(found.bin_set or b"")
    ends = {str(planned.partition): planned.end for planned in found.active.ends}
    counts: dict[tuple[str, int], Counter[str]] = {}
    for partition, values in records.items():
        rest = values[ends.get(partition, 0) :]
        for start in range(0, len(rest), BATCH):
            decoded = [decode_turn(value, now=time.time()) for value in rest[start : start + BATCH]]
            turns = [turn for turn in decoded if isinstance(turn, Turn)]
            deltas = bucket_deltas(bin_set, bin_set.assign(turns, encoder), turns, lambda _: "")
            for minute, (fields, _) in deltas.items():
                counts.setdefault((partition, minute // 60), Counter()).update(fields)
    return {key: dict(fields) for key, fields in counts.items()}


def differences(
    wanted: Mapping[tuple[str, int], Mapping[str, int]], counted: Mapping[tuple[str, int], Mapping[str, int]]
) -> list[str]:
    """Where the two are not the same, the first few by partition, hour and field."""
    return [
        f"{key[0]}, hour {key[1]}, {field}: {there} for {right}"
        for key in sorted({*wanted, *counted})
        for field in sorted({*wanted.get(key, {}), *counted.get(key, {})})
        if (right := wanted.get(key, {}).get(field, 0)) != (there := counted.get(key, {}).get(field, 0))
    ]
