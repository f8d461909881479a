"""scouter-ml: a PSI drift profile of categorical features, at its default threshold and at 0.1.

The default threshold is `PsiChiSquareThreshold(alpha=0.05)`: the quantile of chi-square with one degree of
freedom less than bins, over the window's turns (its server computes it so; the package has no call for it).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from neutral import main, rows
from scipy.stats import chi2
from scouter.drift import Drifter, PsiDriftConfig


def frame(names, counts):  # noqa: ANN001, ANN201
    """A column a dimension, as long as the shortest: every turn has them all."""
    columns = [np.random.default_rng(1).permutation(rows(each)) for each in counts]
    length = min(len(column) for column in columns)
    return pd.DataFrame(
        {name: column[:length].astype(str) for name, column in zip(names, columns, strict=True)}
    )


def judge(task):  # noqa: ANN001, ANN201
    """The decisions of every window and dimension, both thresholds."""
    config = PsiDriftConfig(space="bench", name="bench", version="0.1.0", categorical_features=task.names)
    profile = Drifter().create_drift_profile(frame(task.names, task.references), config)
    bins = [int((reference > 0).sum()) for reference in task.references]
    shape = (len(task.windows), len(task.names))
    default, fixed = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for i, window in enumerate(task.windows):
        data = frame(task.names, [window[part] for part in task.slots])
        found = Drifter().compute_drift(data, profile).features
        for at, name in enumerate(task.names):
            default[i, at] = found[name] > chi2.ppf(0.95, bins[at] - 1) / len(data)
            fixed[i, at] = found[name] > 0.1
        if i % 100 == 0:
            print(f"{i} of {len(task.windows)} windows", flush=True)
    return {"scouter default (chi-square .05)": default, "scouter PSI > 0.1": fixed}


main(judge)
