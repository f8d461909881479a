from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from binning.keeping_up import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from binning.encoders import Encoder

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


def test_what_the_agents_were_learned_with_is_kept_whatever_its_rate() -> None:
    assert choose(makers("best", "plain"), FAST, {"plain"}).encoder.digest == "plain"
    assert choose(makers("best", "plain"), SLOW, {"best"}).encoder.digest == "best"


def test_agents_learned_with_an_encoder_that_is_not_here_are_an_error() -> None:
    with pytest.raises(ValueError, match="fits what the agents were learned with"):
        choose(makers("best", "plain"), FAST, {"another"})
