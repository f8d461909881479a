"""The embedding budget: which turns are embedded, and that nothing else notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binning.binset import BinSet
from binning.dimensions import EMBEDDED, KINDS
from binning.identity import SHARES, in_fitting_half, sampled
from binning.layout import ABSENT
from binning.learn import embedded_share

if TYPE_CHECKING:
    from binning.encoder import Encoder
    from binning.turn import Turn

shares = st.integers(1, SHARES)


def at_share(bin_set: BinSet, share: int) -> BinSet:
    """The same bin set, had learning seen more traffic."""
    content = msgspec.msgpack.decode(bin_set.to_bytes())
    return BinSet.from_bytes(msgspec.msgpack.encode({**content, "share": share}))


@settings(max_examples=8, deadline=None)
@given(share=shares, cut=st.integers(1, 499))
def test_a_turn_is_embedded_or_not_alike_in_any_batch_on_any_worker(
    share: int, cut: int, bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    one, other = at_share(bin_set, share), at_share(bin_set, share)
    together = one.assign(turns[:500], encoder).slots
    parts = [other.assign(part, encoder).slots for part in (turns[:cut], turns[cut:500])]
    assert np.array_equal(together, np.vstack(parts))


@settings(max_examples=8, deadline=None)
@given(share=shares)
def test_only_embedded_dimensions_and_their_joints_count_the_sample_alone(
    share: int, bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    all_of_them = bin_set.assign(turns, encoder).slots
    thrifty = at_share(bin_set, share)
    slots = thrifty.assign(turns, encoder).slots
    layout = thrifty.layout
    chosen = sampled([turn.identity for turn in turns], share)
    of = {entry.key: entry.share for entry in layout.dimensions}
    full = np.array(
        [*(of[d.key] == 1.0 for d in layout.dimensions), *(of[j.given] == 1.0 for j in layout.joints)]
    )
    expected = np.where(full[None, :] | chosen[:, None], all_of_them, ABSENT)
    assert np.array_equal(expected, slots)


@given(share=st.integers(1, SHARES - 1))
@settings(max_examples=5, deadline=None)
def test_another_share_is_another_bin_set(share: int, bin_set: BinSet) -> None:
    assert at_share(bin_set, share).digest != bin_set.digest
    assert at_share(bin_set, share).layout.dimension("input.cluster").share == share / SHARES
    assert at_share(bin_set, share).layout.dimension("output.length").share == 1.0


def test_every_embedded_kind_is_a_kind() -> None:
    assert set(KINDS) >= EMBEDDED


def test_a_larger_sample_holds_the_smaller_one_and_both_halves_evenly() -> None:
    ids = [f"turn-{number}" for number in range(40_000)]
    small, large = sampled(ids, 51), sampled(ids, 256)
    assert not (small & ~large).any()
    assert small.mean() == pytest.approx(51 / SHARES, rel=0.06)
    assert large.mean() == pytest.approx(256 / SHARES, rel=0.03)
    halves = np.array([in_fitting_half(each) for each in ids])
    assert halves[large].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("hourly", "share"), [(0.0, 1024), (50_000, 1024), (50_001, 1024), (100_000, 512), (1e6, 52), (1e9, 1)]
)
def test_the_share_holds_as_many_turns_an_hour_as_are_wanted(hourly: float, share: int) -> None:
    assert share == embedded_share(50_000, hourly)
