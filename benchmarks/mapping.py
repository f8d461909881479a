"""Fit the map that the static encoder of all-MiniLM-L6-v2 is made with: `binning/maps/`.

    python benchmarks/mapping.py

Least squares with a ridge, from the sum of a text's token features to the transformer's vector of the text,
then the principal axes of those. Texts: the training rows of CLINC150 (Larson et al. 2019, CC BY 3.0) and of
HWU64 (Liu et al. 2019, CC BY 4.0), without their labels; no row of Banking77 or Bitext, and none of the split
that figures of CLINC150 come from. A new map asks for a higher `RECIPE` in `binning/distil.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # as a script: its own folder would hide the package `binning`
    sys.path[0] = str(Path(__file__).parents[1])

import numpy as np
from scipy.sparse import csr_array
from tokenizers import Tokenizer

from benchmarks.classifying.rows import read
from binning.distil import WIDTH, map_file, token_features
from binning.encoders import default_cache, load_encoder
from binning.models import model_folder

_MODEL = "all-MiniLM-L6-v2"
_RIDGE = 1.0


def main() -> None:
    """Fit and save."""
    rows = [row for row in read("labelled_inputs/clinc150_train_val") if row["labels"]["split"] == "train"]
    texts = [row["input"]["text"] for row in (*rows, *read("labelled_inputs/hwu64_kfold1_train"))]
    wanted = load_encoder("transformer", model=_MODEL, cache=default_cache()).encode(texts) / 127.0
    features = token_features(model_folder(_MODEL), lambda *_: None)
    given = _unit(_counts(texts, len(features)) @ features)
    fitted = np.linalg.solve(given.T @ given + _RIDGE * np.eye(given.shape[1]), given.T @ wanted)
    _, axes = np.linalg.eigh(wanted.T @ wanted)
    reduced = fitted @ axes[:, ::-1][:, :WIDTH]
    path = map_file(model_folder(_MODEL))
    path.parent.mkdir(exist_ok=True)
    np.save(path, np.rint(reduced / np.abs(reduced).max() * np.iinfo(np.int16).max).astype(np.int16))
    print(path)


def _counts(texts: list[str], tokens: int) -> csr_array:
    tokenizer = Tokenizer.from_file(str(model_folder(_MODEL) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows = [entry.ids for entry in tokenizer.encode_batch(texts, add_special_tokens=False)]
    ends = np.cumsum([0, *map(len, rows)])
    ids = np.fromiter((token for row in rows for token in row), np.int32, int(ends[-1]))
    return csr_array((np.ones(len(ids)), ids, ends), shape=(len(rows), tokens))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


if __name__ == "__main__":
    main()
