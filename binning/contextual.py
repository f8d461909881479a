"""Transformers as encoders: exact texts remembered, batches of like length, bounded memory.

A transformer's row may depend a little on the texts beside it: padding and the order of sums move a float by
some 1e-7, and a file with dynamic int8 activations may scale them over a whole batch. So a rounded entry may
differ between batches, and with it a bin; `benchmarks/binning.py stability` says how often.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

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

    def __init__(self, model: Model, name: str, digest: str, remembered: int = REMEMBERED) -> None:
        """The first texts are encoded here, so that the first turn does not wait for lazy set-up."""
        self.name = name
        self.digest = digest
        self._model = model
        self._remembered = remembered
        self._rows: OrderedDict[bytes, NDArray[np.int8]] = OrderedDict()
        self._lock = threading.Lock()
        self.width = int(model(_WARM_UP).shape[1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of int8, (texts, width); see `Encoder`. A blank text is a row of zeros."""
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
        for key, row in self._encoded({key: text for key, (text, _) in missing.items()}):
            rows[missing[key][1]] = row
        return rows

    def _encoded(self, texts: dict[bytes, str]) -> list[tuple[bytes, NDArray[np.int8]]]:
        """Each text's row, batch by batch from the shortest: little padding, one batch in memory."""
        keys = sorted(texts, key=lambda key: len(texts[key]))
        found = []
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            vectors = self._model([_whole(texts[key]) for key in batch])
            rows = np.rint(np.asarray(vectors, dtype=np.float64) * 127).astype(np.int8)
            found += list(zip(batch, rows, strict=True))
            self._remember(found[-len(batch) :])
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
