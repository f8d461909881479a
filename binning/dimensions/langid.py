"""py3langid's model, applied to a batch at once: its own call costs twice as much, in small arrays."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CODES = (
    "ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ms nl no pa pl "
    "pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur vi zh"
)
LANGUAGES = tuple(_CODES.split())
"""Rarer ones are left out: on short English texts they are nearly always wrong guesses."""

_CHARACTERS = 100
_CHUNK = 2_000


def identify(texts: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
    """Each text's likeliest language and how likely it is among `LANGUAGES`, from its first 100 characters.

    Naive Bayes over byte n-grams, its log odds divided by the root of the text's length (py3langid's
    calibration). A row's sum runs over its own n-grams in their order, so it is the same alone and in any
    batch.
    """
    best, sure = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for start in range(0, len(texts), _CHUNK):
        likeliest, share = _identify([_bytes(text[:_CHARACTERS]) for text in texts[start : start + _CHUNK]])
        best.append(likeliest)
        sure.append(share)
    names = identifier().nb_classes
    return [names[index] for index in np.concatenate(best).tolist()], np.concatenate(sure)


@cache
def identifier() -> Any:
    """py3langid's identifier, restricted to `LANGUAGES`."""
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(list(LANGUAGES))
    return model


def _identify(texts: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The index of each text's likeliest language, and how likely it is; 0 for a text without an n-gram."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    counts = _counts(texts, lengths)
    roots = np.sqrt(np.maximum(lengths, 1).astype(np.float64))
    scores = (np.asarray(counts @ _weights()) + identifier().nb_pc) / roots[:, None]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    sure = odds.max(axis=1) / odds.sum(axis=1)
    sure[np.diff(counts.indptr) == 0] = 0.0
    return odds.argmax(axis=1), sure


def _bytes(text: str) -> bytes:
    lowered = text.lower() if text.isupper() else text
    plain = lowered if lowered.isascii() else normalize("NFC", lowered)
    return plain.encode("utf-8", "surrogatepass")


def _counts(texts: Sequence[bytes], lengths: NDArray[np.int64]) -> csr_array:
    """log(1 + how often) of each n-gram of the model in each text, (texts, n-grams)."""
    width = len(_weights())
    rows, found = _visits(texts, lengths)
    keys = np.sort(rows.astype(np.int32) * np.int32(width) + found)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    often = np.diff(first, append=len(keys))
    ends = np.searchsorted(keys[first], np.arange(len(texts) + 1) * width)
    return csr_array((np.log1p(often), keys[first] % width, ends), shape=(len(texts), width))


def _visits(
    texts: Sequence[bytes], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Text and n-gram of each n-gram that occurs: the automaton walks all texts at once, byte by byte.

    Past its end a text is zeros, and what is found there does not count.
    """
    moves, rows, output = _automaton()
    inside = np.arange(lengths.max(initial=0)) < lengths[:, None]
    content = np.zeros_like(inside, dtype=np.int32)
    content[inside] = np.frombuffer(b"".join(texts), dtype=np.uint8)
    states = np.zeros((int(lengths.max(initial=0)) + 1, len(texts)), dtype=np.int32)
    step = np.empty(len(texts), dtype=np.int32)
    for at, column in enumerate(np.ascontiguousarray(content.T)):
        np.add(np.take(rows, states[at], out=step, mode="clip"), column, out=step)
        np.take(moves, step, out=states[at + 1], mode="clip")
    found: NDArray[np.int32] = np.where(inside, output[states[1:].T], np.int32(-1))
    places, steps = np.nonzero(found >= 0)
    return places, found[places, steps]


@cache
def _weights() -> NDArray[np.float64]:
    return np.ascontiguousarray(identifier().nb_ptc, dtype=np.float64)


@cache
def _automaton() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Next states, where those of each state begin, and the n-gram that ends in it or -1."""
    model = identifier()
    parts = (np.asarray(part, dtype=np.int32) for part in (model.tk_nextmove, model.tk_row, model.tk_output))
    moves, rows, output = parts
    return moves, rows << 8, output
