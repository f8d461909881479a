"""Frouros: its test for categorical data at the alpha of its examples, and its PSI at the usual 0.1."""

from __future__ import annotations

import warnings

from frouros.detectors.data_drift import PSI, ChiSquareTest
from neutral import main, rows

warnings.simplefilter("ignore")


def fit(reference):  # noqa: ANN001, ANN201
    """Judge one dimension against these counts."""
    ref = rows(reference, text=False)
    test, distance = ChiSquareTest(), PSI(num_bins=len(reference))
    test.fit(X=ref)
    distance.fit(X=ref)

    def decide(window):  # noqa: ANN001, ANN202
        cur = rows(window, text=False)
        return {
            "frouros chi-square p < 0.01": bool(test.compare(X=cur)[0].p_value < 0.01),
            "frouros PSI > 0.1": bool(distance.compare(X=cur)[0].distance > 0.1),
        }

    return decide


main(lambda task: task.by_dimension(fit))
