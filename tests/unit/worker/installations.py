"""Installations of made-up traffic for the tests of the judge."""

from __future__ import annotations

import numpy as np

from baselines.evaluate import Gates
from baselines.windows import Calendar
from benchmarks.synthetic import Dimension, Installation, Traffic, layout_of
from worker.judging.tracked import Rules

MONDAY = 408_840
"""2016-08-22 00:00 UTC, in hours since the epoch."""
BASE8 = (0.42, 0.22, 0.13, 0.09, 0.06, 0.045, 0.03, 0.005)
INTENT = Dimension("input.intent", BASE8)
CATEGORY = Dimension("output.response_category", BASE8)
FLAG = Dimension("output.flags:hallucination", (0.995, 0.005))
GATES = Gates()
RULES = Rules(1.0, lambda _: GATES, Calendar(), lambda _: True, 1)


def installation(
    *dimensions: Dimension, seed: int = 1, copies: int = 1, rules: Rules = RULES
) -> Installation:
    """Nothing learned yet."""
    chosen = dimensions or (INTENT, CATEGORY, FLAG)
    traffic = Traffic(chosen, layout_of(chosen), np.random.default_rng(seed), copies)
    return Installation(traffic, rules)


def learned(turns: int, *dimensions: Dimension, seed: int = 1, copies: int = 1) -> Installation:
    """Monday was learned, at `turns` turns an hour."""
    made = installation(*dimensions, seed=seed, copies=copies)
    made.learn(MONDAY, turns)
    return made
