"""The design effect of a sample: sessions that it thins hide from each other, learning as judging."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.reference import FixedReference
from baselines.windows import Calendar

FIRST, HOURS, SESSIONS, TURNS_A_SESSION = 408_840, 240, 500, 4
SHARES = np.array([0.4, 0.25, 0.2, 0.15])


def learned(counted: float, counted_share: float) -> float:
    """phi of traffic in sessions of one bin each, of which `counted` of the turns are counted."""
    chance = np.random.default_rng(5)
    hours = {}
    for hour in range(FIRST, FIRST + HOURS):
        bins = chance.choice(4, SESSIONS, p=SHARES)
        kept = chance.binomial(TURNS_A_SESSION, counted, SESSIONS)
        hours[hour] = np.bincount(bins, weights=kept, minlength=4).astype(np.int64)
    reference = FixedReference.learn(
        "input.x", hours, configured=True, counted_share=counted_share, calendar=Calendar()
    )
    return reference.spread.within


@pytest.mark.parametrize("share", [1.0, 0.25, 0.05])
def test_half_of_a_sample_teaches_the_design_effect_of_the_sample_that_is_judged(share: float) -> None:
    expected = 1 + (TURNS_A_SESSION - 1) * share
    assert learned(share, 1.0) == pytest.approx(expected, rel=0.12)
    assert learned(share / 2, 0.5) == pytest.approx(expected, rel=0.2)
