from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from binning.contextual import ContextualEncoder
from binning.encoder import EncoderUnavailable
from binning.keeping_up import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder

FAST = 1e-9
SLOW = 1e9
"""Turns a second that every encoder here keeps up with, and that none does."""


class Plain:
    """An encoder that knows nothing."""

    width = 2

    def __init__(self, digest: str) -> None:
        self.name = self.digest = digest

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        return np.zeros((len(texts), self.width), dtype=np.int8)


def makers(*digests: str) -> dict[str, Callable[[], Encoder]]:
    return {digest: lambda digest=digest: Plain(digest) for digest in digests}  # type: ignore[misc]


def absent() -> Encoder:
    raise ValueError("its package is missing")


def test_the_best_that_keeps_up_is_taken_and_says_how_fast_it_is() -> None:
    choice = choose(makers("best", "plain"), FAST, ())
    assert choice.encoder.digest == "best"
    assert "texts/s here" in choice.why


def test_the_fastest_serves_when_none_keeps_up() -> None:
    choice = choose(makers("best", "plain"), SLOW, ())
    assert choice.encoder.digest == "plain"
    assert choice.why.startswith("none keeps up")


def test_one_that_cannot_be_made_here_is_passed_over_and_told() -> None:
    choice = choose({"best": absent, **makers("plain")}, FAST, ())
    assert choice.encoder.digest == "plain"
    assert "best: its package is missing" in choice.why


def away() -> Encoder:
    raise EncoderUnavailable("the device is busy")


@pytest.mark.fault("P5")
def test_one_that_cannot_be_made_now_is_passed_over_unless_the_agents_may_have_been_learned_with_it() -> None:
    assert choose({"best": away, **makers("plain")}, FAST, ()).encoder.digest == "plain"
    assert choose({"best": away, **makers("plain")}, FAST, {"plain"}).encoder.digest == "plain"
    with pytest.raises(EncoderUnavailable, match="best: the device is busy"):
        choose({"best": away, **makers("plain")}, FAST, {"another"})


def without_memory(_: Sequence[str]) -> NDArray[np.float32]:
    raise RuntimeError("CUDA out of memory.\nTried to allocate 20 MiB")


def tired_after(good: int) -> ContextualEncoder:
    """An encoder whose model fails once it was asked so often."""
    asked = iter(range(good))

    def model(texts: Sequence[str]) -> NDArray[np.float32]:
        return (
            np.ones((len(texts), 2), np.float32) if next(asked, None) is not None else without_memory(texts)
        )

    return ContextualEncoder(model, "transformer:it", "digest")


@pytest.mark.fault("P5")
@pytest.mark.parametrize(
    ("good", "why"),
    [
        (0, "best: transformer:it fails on its first texts (RuntimeError: CUDA out of memory.)"),
        (1, "best: the encoder failed on 128 of 128 texts: RuntimeError"),
    ],
)
def test_one_that_fails_when_it_is_tried_gives_way_to_the_next_and_is_told_of(good: int, why: str) -> None:
    choice = choose({"best": lambda: tired_after(good), **makers("plain")}, FAST, ())
    assert choice.encoder.digest == "plain"
    assert choice.why.startswith("plain: ")
    assert choice.why.endswith(f"; {why}")


def test_what_the_agents_were_learned_with_is_kept_whatever_its_rate() -> None:
    assert choose(makers("best", "plain"), FAST, {"plain"}).encoder.digest == "plain"
    assert choose(makers("best", "plain"), SLOW, {"best"}).encoder.digest == "best"


def test_agents_learned_with_an_encoder_that_is_not_here_are_an_error() -> None:
    with pytest.raises(ValueError, match="fits what the agents were learned with"):
        choose(makers("best", "plain"), FAST, {"another"})
