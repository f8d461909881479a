"""The scan of all bins at once agrees with judging each window by itself."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.evaluate import Gates
from baselines.fast import MINUTES, Scan, Scanned, hourly
from baselines.lanes import LANES, LaneSpread
from baselines.reference import FixedReference
from baselines.windows import HOUR, Calendar
from benchmarks.synthetic import Dimension, Traffic, layout_of

MONDAY = 408_840
KINDS = (
    Dimension("input.intent", (0.42, 0.22, 0.13, 0.09, 0.06, 0.045, 0.03, 0.005)),
    Dimension("output.tool_pattern", (0.6, 0.3, 0.08, 0.019, 0.0005, 0.0005), configured=False),
)
CHANGED = {"output.tool_pattern": (0.5, 0.3, 0.08, 0.019, 0.1, 0.001)}


@pytest.mark.parametrize("minute", [0, 7, 33, 59])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_hits_by_itself_is_near_in_the_scan(seed: int, minute: int) -> None:
    traffic = Traffic(KINDS, layout_of(KINDS), np.random.default_rng(seed))
    day = {MONDAY + i: traffic.counts(1200) for i in range(24)}
    scanned = []
    for entry in traffic.layout.dimensions:
        fixed = FixedReference.learn(
            entry.key,
            {hour: counts[entry.slots] for hour, counts in day.items()},
            configured=entry.configured,
            counted_share=1.0,
            calendar=Calendar(),
        )
        spread = LaneSpread.unmeasured(fixed.pooling.size)
        scanned.append(Scanned(fixed.basis, entry.slots, spread, Gates()))
    scan = Scan(scanned, 0.1)
    quiet = traffic.minutes(500, 30)
    traffic.replaced = dict(CHANGED)
    rows = np.array(quiet + traffic.minutes(1500, 30))
    end = (MONDAY + 30) * HOUR + minute * 60
    minutes = {end // 60 - MINUTES + i: row for i, row in enumerate(rows)}
    near = scan.near(end, rows, len(LANES))
    hits = [
        (index, lane)
        for index in range(len(scanned))
        for lane, length in enumerate(LANES)
        if (found := scan.judge(index, lane, end, hourly(end, length, minutes), 1e-4)) and scan.hit(found)
    ]
    assert hits
    assert {index for index, _ in hits} == {1}
    assert set(near[1]) >= {lane for _, lane in hits}
