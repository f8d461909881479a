"""Evidently: PSI at its default threshold of 0.1, and the test that it chooses itself for categories.

The functions are those that `ValueDrift` and `DataDriftPreset` call; a whole `Report` a window gives the same
scores in ten times the time.
"""

from __future__ import annotations

import warnings

import pandas as pd
from evidently.legacy.calculations.stattests.psi import psi_stat_test
from evidently.legacy.calculations.stattests.registry import _get_default_stattest
from evidently.legacy.core import ColumnType
from neutral import main, rows

warnings.simplefilter("ignore")


def fit(reference):  # noqa: ANN001, ANN201
    """Judge one dimension against these counts."""
    ref = pd.Series(rows(reference))

    def decide(window):  # noqa: ANN001, ANN202
        cur = pd.Series(rows(window))
        chosen = _get_default_stattest(ref, cur, ColumnType.Categorical)
        found = {}
        for setting, test in (("evidently PSI > 0.1", psi_stat_test), ("evidently default test", chosen)):
            _, drifted = test.func(ref, cur, ColumnType.Categorical, test.default_threshold)
            found[setting] = bool(drifted)
        return found

    return decide


main(lambda task: task.by_dimension(fit))
