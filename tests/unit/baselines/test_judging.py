"""Judging many windows at once: each gets what it would get alone, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.evaluate import Gates
from baselines.evaluation import Evaluation, Window
from baselines.judging import Counted, conclude, judge, trial
from baselines.reference import FixedReference
from baselines.report import Trial
from baselines.windows import HOUR, Calendar

MONDAY = 408_840
AT = Window((MONDAY + 30) * HOUR, (MONDAY + 31) * HOUR)


def _trial(rng: np.random.Generator, bins: int) -> tuple[Trial, Evaluation]:
    """A window of a made-up dimension, rare and unused bins among them, and what it says alone."""
    shares = rng.dirichlet(np.full(bins, 0.3))
    day = {MONDAY + i: rng.multinomial(int(rng.integers(300, 4000)), shares) for i in range(24)}
    reference = FixedReference.learn(
        "input.made", day, configured=bool(rng.integers(2)), counted_share=1.0, calendar=Calendar()
    )
    x = rng.multinomial(int(rng.integers(600, 5000)), rng.dirichlet(shares * 40 + 0.01))
    counted = Counted.of(AT, [(MONDAY + 30, x)], Calendar())
    found = trial(reference.basis, counted, alpha=1e-3, gates=Gates())
    alone = judge(reference.basis, counted, alpha=1e-3, gates=Gates())
    assert isinstance(found, Trial)
    assert isinstance(alone, Evaluation)
    return found, alone


@pytest.mark.parametrize("seed", range(6))
def test_a_window_says_the_same_among_others_as_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = [_trial(rng, bins) for bins in (1, 2, 40, 3, 1, 8, 130, 12)]
    together = conclude([each for each, _ in made])
    assert [alone for _, alone in made] == together
    assert any(evaluation.exceeds for evaluation in together)


def test_no_window_says_nothing() -> None:
    assert conclude([]) == []
