"""NannyML: Jensen-Shannon and L-infinity distance by chunk, thresholds from the reference's own chunks."""

from __future__ import annotations

import warnings

import nannyml
import numpy as np
import pandas as pd
from neutral import main, rows

warnings.simplefilter("ignore")
nannyml.disable_usage_logging()
BEGIN = pd.Timestamp("2026-01-01")
METHODS = {"jensen_shannon": "nannyml Jensen-Shannon 3 sd", "l_infinity": "nannyml L-infinity 3 sd"}


def frame(task, chunks):  # noqa: ANN001, ANN201
    """One row a turn, empty where a dimension has none; every chunk is given an hour of its own."""
    parts = []
    for i, chunk in enumerate(chunks):
        columns = [np.random.default_rng(1).permutation(rows(chunk[part])) for part in task.slots]
        part = pd.DataFrame({n: pd.Series(c) for n, c in zip(task.names, columns, strict=True)})
        part["time"] = BEGIN + pd.Timedelta(hours=i)
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)
    for name, part in zip(task.names, task.slots, strict=True):
        whole[name] = pd.Categorical(whole[name], [f"bin {i}" for i in range(part.stop - part.start)])
    return whole


def judge(task):  # noqa: ANN001, ANN201
    """The decisions of every window and dimension, both methods."""
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=task.names,
        treat_as_categorical=task.names,
        timestamp_column_name="time",
        categorical_methods=list(METHODS),
        chunk_period="h",
    )
    calculator.fit(frame(task, task.chunks))
    print("fitted", flush=True)
    found = calculator.calculate(frame(task, task.windows)).filter(period="analysis").to_df()
    return {
        setting: np.column_stack([found[(n, method, "alert")].to_numpy(dtype=bool) for n in task.names])
        for method, setting in METHODS.items()
    }


main(judge)
