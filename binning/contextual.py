"""Transformers as encoders: exact texts remembered, batches of like length, bounded memory.

A transformer's row may depend a little on the texts beside it: padding and the order of sums move a float by
some 1e-7, and a file with dynamic int8 activations may scale them over a whole batch. So a rounded entry may
differ between batches, and with it a bin; `benchmarks/binning.py stability` says how often.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from binning.encoder import EncoderFailed, EncoderUnavailable, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Model = Callable[[Sequence[str]], NDArray[np.float32]]
    """Unit vectors of at most `BATCH` texts, (texts, width)."""

MAX_CHARACTERS = 8_192
BATCH = 32
REMEMBERED = 16_384
_WARM_UP = (
    "hello",
    "where is my parcel, it should have been here a week ago",
    "the page shows an error " * 20,
)


class ContextualEncoder:
    """A model behind the protocol of encoders.

    The last `REMEMBERED` different texts keep their rows, in this process only and under a hash of the text:
    what users send again (greetings, buttons, retries) costs nothing. Memory: about `REMEMBERED` *
    (width + 300) bytes, whatever the texts' length and number.
    """

    def __init__(
        self,
        model: Model,
        name: str,
        digest: str,
        remembered: int = REMEMBERED,
        *,
        raises: tuple[type[Exception], ...] = (RuntimeError,),
    ) -> None:
        """The first texts are encoded here, so that the first turn does not wait for lazy set-up.

        `raises` is what the model raises when it cannot go on, as for want of memory.

        Raises:
            EncoderUnavailable: it cannot encode even those.
            ValueError: their vectors are none.
        """
        self.name = name
        self.digest = digest
        self._model = model
        self._remembered = remembered
        self._raises = raises
        self._rows: OrderedDict[bytes, NDArray[np.int8]] = OrderedDict()
        self._lock = threading.Lock()
        try:
            first = np.asarray(model(_WARM_UP))
        except raises as error:
            raise EncoderUnavailable(f"{name} fails on its first texts ({said(error)})") from error
        if not np.isfinite(first).all():
            raise ValueError(f"{name} fails on its first texts (vectors that are not finite)")
        self.width = int(first.shape[1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of int8, (texts, width); see `Encoder`. A blank text is a row of zeros.

        Raises:
            EncoderFailed: the model raised, then no text counts: those at hand are the usual ones, no fair
                sample; or the vectors of the `failed` are not of finite numbers.
        """
        rows = np.zeros((len(texts), self.width), dtype=np.int8)
        missing: dict[bytes, tuple[str, list[int]]] = {}
        for index, text in enumerate(texts):
            if not text or text.isspace():
                continue
            key = _key(text)
            known = self._recall(key)
            if known is not None:
                rows[index] = known
            else:
                missing.setdefault(key, (text[:MAX_CHARACTERS], []))[1].append(index)
        try:
            made = self._encoded({key: text for key, (text, _) in missing.items()})
        except self._raises as error:
            why = type(error).__name__
            raise EncoderFailed(why, np.zeros_like(rows), np.ones(len(rows), dtype=np.bool_)) from error
        for key, row in made:
            rows[missing.pop(key)[1]] = row
        if missing:
            failed = np.zeros(len(rows), dtype=np.bool_)
            failed[[index for _, indices in missing.values() for index in indices]] = True
            raise EncoderFailed("vectors that are not finite", rows, failed)
        return rows

    def _encoded(self, texts: dict[bytes, str]) -> list[tuple[bytes, NDArray[np.int8]]]:
        """Each text's row, batch by batch from the shortest: little padding, one batch in memory.

        A text whose vector is not finite has none.
        """
        keys = sorted(texts, key=lambda key: len(texts[key]))
        found = []
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            vectors = np.asarray(self._model([_whole(texts[key]) for key in batch]), dtype=np.float64)
            finite = np.asarray(np.isfinite(vectors).all(axis=1))
            rows = np.rint(vectors[finite] * 127).astype(np.int8)
            made = list(zip(compress(batch, finite.tolist()), rows, strict=True))
            self._remember(made)
            found += made
        return found

    def _recall(self, key: bytes) -> NDArray[np.int8] | None:
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
            return row

    def _remember(self, rows: Sequence[tuple[bytes, NDArray[np.int8]]]) -> None:
        with self._lock:
            for key, row in rows:
                self._rows[key] = row.copy()  # a view would keep its whole batch
            while len(self._rows) > self._remembered:
                self._rows.popitem(last=False)


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _whole(text: str) -> str:
    """Without halves of surrogate pairs, which are no characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
