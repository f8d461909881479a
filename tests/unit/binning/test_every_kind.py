"""What every kind of dimension must keep, whatever turns it meets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binning.binset import BinSet
from binning.dimensions import KINDS
from binning.learn import learn_bin_set
from binning.spec import Defined
from tests.unit.binning.odd_turns import ODD_TURNS

if TYPE_CHECKING:
    from binning.encoder import Encoder
    from binning.spec import BinSpec
    from binning.turn import Turn


DEFINED = (
    Defined("tier", "input", attribute="tier"),
    Defined("few_tiers", "output", attribute="tier", values=("free", "true", "2.5")),
    Defined("price", "output", attribute="price", thresholds=(0.0, 10.0)),
    Defined("read", "input", field="input_tokens", thresholds=(100.0,)),
    Defined("score", "input", field="retrieval.top_score", thresholds=(0.5,)),
    Defined("asks_twice", "input", pattern=r"\?.*\?"),
    Defined("sorry", "output", pattern="sorry"),
)


@pytest.fixture(scope="module")
def spec(spec: BinSpec) -> BinSpec:
    return replace(spec, defined=DEFINED, joint_outcomes=("price", "sorry", "tool_arguments"))


@pytest.fixture(scope="module")
def bin_set(turns: list[Turn], spec: BinSpec, encoder: Encoder) -> BinSet:
    return learn_bin_set(turns, spec, encoder)


@settings(max_examples=60, deadline=None)
@given(odd=st.lists(ODD_TURNS, min_size=1, max_size=8))
def test_an_odd_turn_has_the_same_bins_alone_in_a_batch_and_after_a_restart(
    odd: list[Turn], bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    together = bin_set.assign([*turns[:20], *odd], encoder).slots[20:]
    alone = [bin_set.assign([turn], encoder).slots[0] for turn in odd]
    restarted = BinSet.from_bytes(bin_set.to_bytes()).assign(odd, encoder).slots
    assert np.array_equal(together, np.vstack(alone))
    assert np.array_equal(together, restarted)


@settings(max_examples=15, deadline=None)
@given(odd=st.lists(ODD_TURNS, min_size=1, max_size=30))
def test_bins_can_be_learned_from_odd_turns_and_come_back_from_bytes(
    odd: list[Turn], spec: BinSpec, encoder: Encoder
) -> None:
    learned = learn_bin_set(odd * 20, spec, encoder)
    again = BinSet.from_bytes(learned.to_bytes())
    assert again.layout == learned.layout
    assert again.to_bytes() == learned.to_bytes()
    assert np.array_equal(again.assign(odd, encoder).slots, learned.assign(odd, encoder).slots)


def test_every_dimension_comes_back_from_its_state(bin_set: BinSet) -> None:
    restored = BinSet.from_bytes(bin_set.to_bytes()).dimensions
    for dimension, again in zip(bin_set.dimensions, restored, strict=True):
        assert (again.name, again.bins, again.labels) == (dimension.name, dimension.bins, dimension.labels)


def test_no_bin_is_named_twice_and_every_name_is_short(bin_set: BinSet) -> None:
    for entry in bin_set.layout.dimensions:
        assert len(set(entry.bins)) == len(entry.bins)
        assert all(0 < len(name) <= 120 and name.isprintable() for name in entry.bins)


def test_the_turns_of_these_tests_have_every_kind(bin_set: BinSet) -> None:
    held = {type(dimension) for dimension in bin_set.dimensions}
    assert held == set(KINDS.values())


def test_whatever_decides_is_joined_and_a_family_with_all_its_members(bin_set: BinSet) -> None:
    joined = {joint.outcome for joint in bin_set.layout.joints}
    tools = {f"output.tool_arguments:{tool}" for tool in ("track", "find_bill", "credit", "search_train")}
    assert {"output.price", "output.sorry", *tools} == joined
