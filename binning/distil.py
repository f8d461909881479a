"""The static encoder's artefact: one integer vector a token of a sentence transformer, built once, cached.

The recipe is model2vec's (Minish Lab, 2024), with two changes of ours: pass every token through the
transformer by itself, take its own state, of length one; reduce; weight by estimated frequency (SIF with
Zipf's law, Arora et al. 2017). For a model that has a map in `maps/` the reduction is that map: fitted once
(`benchmarks/mapping.py`) so that the sum of a text's tokens comes near to what the transformer makes of the
whole text. For any other model it is PCA. Vectors are stored as integers so small that their sums are exact
in float32: a text's vector is then the same alone, in any batch and on any machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binning.models import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Progress = Callable[[str, float], None]

RECIPE = 3
WIDTH = 256
MAX_TOKENS = 512
"""Tokens of a text that count. 512 entries of 15 bits and a sign sum to less than 2**24: exact in float32."""

_SIF = 2e-3
"""Of 1e-4 to 5e-3: less weight on frequent words separates topics (clusters), more separates intents."""
_MAPS = Path(__file__).parent / "maps"
_CHARACTER_RANK = 50
_CHUNK = 512
_FILES = ("tokenizer.json", "vectors.npy", "meta.json")


def artefact(source: Path, cache: Path, progress: Progress) -> Path:
    """The folder of the artefact of the model at `source`, built under `cache` when missing.

    Safe for several processes at once: each builds in a folder of its own and the first rename wins.
    """
    size = (source / "model.safetensors").stat().st_size
    folder = cache / f"static-{source.parent.name}-{source.name}-{size}-{WIDTH}-v{RECIPE}"
    if all((folder / name).is_file() for name in _FILES):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=cache))
    try:
        _build(source, building, progress)
        building.chmod(0o755)  # an image is built by root and run by somebody else
        building.rename(folder)
    except OSError:
        if not (folder / _FILES[-1]).is_file():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def digest(folder: Path) -> str:
    """The sha256 of the artefact's content, hex."""
    content = hashlib.sha256()
    for name in _FILES:
        content.update((folder / name).read_bytes())
    return content.hexdigest()


def token_features(source: Path, progress: Progress) -> NDArray[np.float64]:
    """What a token is before any reduction, (tokens, hidden): centred, of length one, weighted.

    Raises:
        ValueError: the model has another kind of vocabulary than an uncased WordPiece one.
    """
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    if tokenizer["model"]["type"] != "WordPiece" or not (tokenizer["normalizer"] or {}).get("lowercase"):
        raise ValueError(
            "a static encoder is made of a model with an uncased WordPiece vocabulary, as MiniLM"
        )
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    states = _token_states(source, len(vocabulary), progress)
    centred = states - states.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    weighted: NDArray[np.float64] = centred / np.maximum(lengths, 1e-9) * _weights(vocabulary)[:, None]
    return weighted


def map_file(source: Path) -> Path:
    """Where the map of the model at `source` is, or would be: named by its weights."""
    return _MAPS / f"{file_digest([source / 'model.safetensors'])[:16]}.npy"


def _build(source: Path, folder: Path, progress: Progress) -> None:
    features = token_features(source, progress)
    progress("reducing the vectors", 0.95)
    known = map_file(source)
    vectors = features @ (np.load(known).astype(np.float64) if known.is_file() else _components(features))
    scale = np.iinfo(np.int16).max / np.abs(vectors).max()
    meta = {"recipe": RECIPE, "width": WIDTH, "tokens": len(vectors), "max_tokens": MAX_TOKENS}
    np.save(folder / "vectors.npy", np.rint(vectors * scale).astype(np.int16))
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    (folder / "meta.json").write_text(json.dumps(meta, sort_keys=True), encoding="utf-8")
    progress("done", 1.0)


def _token_states(source: Path, tokens: int, progress: Progress) -> NDArray[np.float64]:
    """The hidden state of the token in `[CLS] token [SEP]`, for every token, (tokens, hidden)."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # noqa: PLC0415 - seconds to import, and only the first start needs it
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    progress("loading the transformer", 0.0)
    special = AutoTokenizer.from_pretrained(source)
    model = AutoModel.from_pretrained(source, dtype=torch.float32).eval()
    ids = torch.arange(tokens)
    states = []
    with torch.inference_mode():
        for start in range(0, tokens, _CHUNK):
            chunk = ids[start : start + _CHUNK]
            first = torch.full_like(chunk, special.cls_token_id)
            last = torch.full_like(chunk, special.sep_token_id)
            states.append(model(input_ids=torch.stack([first, chunk, last], dim=1)).last_hidden_state[:, 1])
            progress("distilling the static encoder", 0.05 + 0.9 * min(1.0, (start + _CHUNK) / tokens))
    hidden: NDArray[np.float64] = torch.cat(states).numpy().astype(np.float64)
    return hidden


def _components(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal axes, (hidden, WIDTH); the sign of each is fixed by its largest loading."""
    _, axes = np.linalg.eigh(features.T @ features)
    axes = axes[:, ::-1][:, :WIDTH]
    found: NDArray[np.float64] = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return found


def _weights(vocabulary: Mapping[str, int]) -> NDArray[np.float64]:
    """SIF weights, a / (a + frequency), frequency by Zipf's law from the rank in the vocabulary.

    The vocabulary lists words in order of frequency, but all single characters before them: those count as a
    frequent word. Reserved tokens weigh nothing, nor do the later pieces of a number: an order id means no
    more than `a number`.
    """
    meant = [(index, token) for token, index in vocabulary.items() if _means(token)]
    words = [index for index, token in sorted(meant) if len(token.removeprefix("##")) > 1]
    zipf = 1.0 / np.arange(1, len(words) + 1)
    frequency = np.full(len(vocabulary), zipf[_CHARACTER_RANK] / zipf.sum())
    frequency[words] = zipf / zipf.sum()
    weights = np.zeros(len(vocabulary))
    kept = [index for index, _ in meant]
    weights[kept] = _SIF / (_SIF + frequency[kept])
    return weights


def _means(token: str) -> bool:
    reserved = token.startswith("[") and token.endswith("]") and len(token) > 2
    return not reserved and not (token.startswith("##") and token[2:].isdecimal())
