"""optbinning: PSI (its `jeffrey`) of the shares, at the usual 0.1 and 0.25. Empty bins make it infinite."""

from __future__ import annotations

import warnings

import numpy as np
from neutral import main
from optbinning.binning.metrics import jeffrey

warnings.simplefilter("ignore")


def fit(reference):  # noqa: ANN001, ANN201
    """Judge one dimension against these counts, over the bins that either side has."""

    def decide(window):  # noqa: ANN001, ANN202
        used = (reference > 0) | (window > 0)
        psi = jeffrey(window[used] / window.sum(), reference[used] / reference.sum(), return_sum=True)
        psi = np.inf if np.isnan(psi) else psi
        return {"optbinning PSI > 0.1": bool(psi > 0.1), "optbinning PSI > 0.25": bool(psi > 0.25)}

    return decide


main(lambda task: task.by_dimension(fit))
