"""`encoder: auto`: the best encoder that keeps up with the rate, or the one that agents were learned with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from binning.contextual import BATCH
from binning.encoder import EncoderFailed, EncoderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from binning.encoder import Encoder

_HEADROOM = 2.0
"""An encoder keeps up when it alone is this much faster than the rate: the rest of a turn takes time too."""
_TEXTS = 4 * BATCH


@dataclass(frozen=True, slots=True)
class Choice:
    """The encoder, and in one line why it was taken."""

    encoder: Encoder
    why: str


def choose(
    makers: Mapping[str, Callable[[], Encoder]], turns_per_second: float, learned_with: Collection[str]
) -> Choice:
    """Of `makers`, best first, the first that keeps up; the last one serves when none does.

    A digest in `learned_with` settles it: bins of another encoder could not be compared, and all workers must
    agree. An encoder that cannot be made here or fails is passed over.

    Raises:
        ValueError: there is none, or none that the agents were learned with.
        EncoderUnavailable: as above, but one that cannot be made now might have been it.
    """
    passed: list[str] = []
    last: Encoder | None = None
    none: type[Exception] = ValueError
    for kind, make in makers.items():
        try:
            made = make()
        except (ValueError, EncoderUnavailable) as error:
            passed.append(f"{kind}: {error}")
            if isinstance(error, EncoderUnavailable):
                none = EncoderUnavailable
            continue
        if learned_with:
            if made.digest in learned_with:
                return Choice(made, f"{kind}: the agents were learned with it")
            continue
        try:
            rate = texts_per_second(made)
        except EncoderFailed as error:
            passed.append(f"{kind}: {error}")
            continue
        if rate >= _HEADROOM * turns_per_second:
            told = f"{kind}: {rate:.0f} texts/s here, {_HEADROOM:.0f} x {turns_per_second:g} asked"
            return Choice(made, "; ".join([told, *passed]))
        passed.append(f"{kind} is too slow, {rate:.0f} texts/s")
        last = made
    if last is None:
        raise none("; ".join(["no encoder for `auto` fits what the agents were learned with", *passed]))
    return Choice(last, "; ".join(["none keeps up, the fastest was taken", *passed]))


def texts_per_second(encoder: Encoder) -> float:
    """How many texts of some twenty words it encodes in a second, from the faster of two tries."""
    best = float("inf")
    for turn in range(2):
        texts = [
            f"order {turn}-{number}: the parcel has not come and nobody answers, please tell me where it is"
            for number in range(_TEXTS)
        ]
        start = time.perf_counter()
        encoder.encode(texts)
        best = min(best, time.perf_counter() - start)
    return _TEXTS / best
