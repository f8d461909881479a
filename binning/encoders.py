"""Text to vectors: the protocol, and the static encoder (default, microseconds a text)."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from tokenizers import Tokenizer

from binning import distil
from binning.encoder import EncoderUnavailable, said
from binning.models import ModelMissing, model_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder

    Progress = Callable[[str, float], None]

_STAYS = frozenset(
    {
        None,  # an OSError that a library makes itself, of a file that it cannot read as what it should be
        errno.EACCES,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What an operating system says that stays so until a person mends it."""

_MAX_CHARACTERS = 8_192
_REMEMBERED_WORDS = 65_536
_CHUNK = 4_096
_LONGEST_REMEMBERED = 64


def load_encoder(
    kind: str = "static",
    *,
    model: str = "all-MiniLM-L6-v2",
    cache: Path,
    progress: Progress | None = None,
) -> Encoder:
    """The encoder `kind`: `static` (built under `cache` when missing, a minute), `transformer` or `onnx`.

    `model` is the name of a model that comes as a package or lies in the model cache, or its folder. Nothing
    is ever fetched from a model hub.

    Raises:
        ValueError: the kind is unknown, its extra is not installed, or the model is not on this machine, or
            not whole.
        EncoderUnavailable: there is not memory enough now, or a disk or a device fails.
    """
    if kind not in ("static", "transformer", "onnx"):
        raise ValueError(f"encoder kind {kind!r} is unknown: use static, transformer or onnx")
    with _explained(f"encoder {kind}:{model}"):
        if kind == "static":
            folder = distil.artefact(model_folder(model), cache, progress or _silent)
            return StaticEncoder(folder, f"static:{model}")
        from binning import backends  # noqa: PLC0415 - what the static encoder does not need

        return backends.torch_encoder(model) if kind == "transformer" else backends.onnx_encoder(model)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Tell what stays wrong until a person mends it from what another start may find well.

    A RuntimeError does not say which it is: torch raises it for want of memory, of a device, and of weights
    that do not fit their config. It is taken for the latter.

    Raises:
        ValueError: a file or a package is missing, may not be used, or is not what it should be.
        EncoderUnavailable: there is no memory, or a disk or a device fails.
    """
    try:
        yield
    except (EncoderUnavailable, ModelMissing):
        raise
    except Exception as error:  # damaged files make libraries raise anything, a bare Exception too
        why = f"({said(error)}): see encoder.model and encoder.cache"
        if isinstance(error, MemoryError | RuntimeError) or (
            isinstance(error, OSError) and error.errno not in _STAYS
        ):
            raise EncoderUnavailable(f"{name} cannot be loaded now {why} if it stays so") from error
        raise ValueError(f"{name} cannot be loaded {why}") from error


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
        self._words = _Words(self._tokenizer)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of int8, (texts, width); see `Encoder`. Made in chunks, lest many texts take much memory."""
        found = np.empty((len(texts), self.width), dtype=np.int8)
        for start in range(0, len(texts), _CHUNK):
            found[start : start + _CHUNK] = self._encode(texts[start : start + _CHUNK])
        return found

    def _encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        rows = [self._tokens(text[:_MAX_CHARACTERS]) for text in texts]
        ends = np.cumsum([0, *map(len, rows)])
        tokens = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(ends[-1]))
        ones = np.ones(len(tokens), dtype=np.float32)
        sums = csr_array((ones, tokens, ends), shape=(len(rows), len(self._vectors))) @ self._vectors
        return _unit(np.asarray(sums))

    def _tokens(self, text: str) -> list[int]:
        """The first `MAX_TOKENS` ids. What lies between blanks is looked up whole."""
        if not text.isascii():
            text = text.translate(_PLAIN)
        if not text.isprintable() and _CONTROL.search(text):  # these join words or part them
            return list(self._words.cut(text)[: distil.MAX_TOKENS])
        return list(chain.from_iterable(map(self._words.__getitem__, text.split())))[: distil.MAX_TOKENS]


class _Words(dict[str, tuple[int, ...]]):
    """The tokens of a word with whatever is attached to it; remembers so many, cuts what it does not know."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, word: str) -> tuple[int, ...]:
        found = self._cut_plain(word) if word.isascii() else self.cut(word)
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        if len(word) <= _LONGEST_REMEMBERED:
            self[word] = found
        return found

    def cut(self, text: str) -> tuple[int, ...]:
        """As the tokenizer does."""
        whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no character
        return tuple(self._tokenizer.encode(whole, add_special_tokens=False).ids)

    def _cut_plain(self, word: str) -> tuple[int, ...]:
        """The same of plain ASCII, ten times as fast: its punctuation is known, and nothing is normalised."""
        pieces = self._tokenizer.model.tokenize
        return tuple(token.id for part in _WORD.findall(word.lower()) for token in pieces(part))


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
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _unit(sums: NDArray[np.float32]) -> NDArray[np.int8]:
    """Rows scaled to length 127 and rounded.

    They are whole numbers whose squares add up to less than 2**50: exact, so that their order cannot matter.
    """
    rows = sums.astype(np.float64)
    squares = np.einsum("ij,ij->i", rows, rows)
    rows *= (127.0 / np.sqrt(np.maximum(squares, 1.0)))[:, None]
    return np.rint(rows, out=rows).astype(np.int8)


def _silent(stage: str, share: float) -> None:
    """Nobody is watching."""
