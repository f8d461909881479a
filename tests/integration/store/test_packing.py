from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.packing import MOST_VALUES, decode_bucket, encode_bucket, fold, pack_hour, unpack_hour
from baselines.store import Delta

COUNTS = st.integers(1, 2**53)
SEGMENTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: f"plan={text}/")
SLOTS = st.tuples(st.one_of(st.just(""), SEGMENTS), st.integers(0, 20_000)).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)
TURNS = st.one_of(st.just(""), SEGMENTS).map(lambda segment: f"{segment}#")
CHANGES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: f"@model={text}")
DELTAS = st.builds(
    Delta,
    st.dictionaries(st.one_of(SLOTS, TURNS, CHANGES), COUNTS),
    st.dictionaries(
        st.sampled_from(["*0", "*1", "*2", "*3"]), st.text(st.characters(exclude_categories=["Cs"]))
    ),
)


@given(DELTAS)
def test_a_packed_hour_is_read_back_as_it_was(delta: Delta) -> None:
    assert delta == unpack_hour(pack_hour(delta))


@given(DELTAS)
def test_a_bucket_is_read_back_as_it_was(delta: Delta) -> None:
    assert delta == decode_bucket(encode_bucket(delta))


def test_folding_adds_counts_and_keeps_the_first_pointer() -> None:
    parts = [Delta({"#": 1}, {"*0": "a"}), Delta({"#": 2, "5": 1}, {"*0": "b", "*1": "c"})]
    assert Delta({"#": 3, "5": 1}, {"*0": "a", "*1": "c"}) == fold(parts)


def test_an_hour_keeps_the_commonest_values_of_a_field_and_the_number_of_the_others() -> None:
    scattered = [Delta({"#": 3, f"@tools={n}": 1, "@tools=usual": 2, "@model=m": 3}) for n in range(100)]
    once = fold(scattered)
    assert (once.counts["@tools=usual"], once.counts["@model=m"], once.counts["#"]) == (200, 300, 300)
    assert once.counts["@tools=__other__"] == 100 - (MOST_VALUES - 1)
    reopened = fold([once, Delta({"@tools=late": 1, "@tools=usual": 1})])
    values = {name: count for name, count in reopened.counts.items() if name.startswith("@tools=")}
    assert (len(values), sum(values.values()), values["@tools=usual"]) == (MOST_VALUES + 1, 302, 201)
    assert fold([once]) == once


def test_a_packed_hour_of_another_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="newer worker"):
        unpack_hour(b"\x02" + pack_hour(Delta({"#": 1}))[1:])


def test_an_hour_of_one_partition_of_twelve_fits_the_budget() -> None:
    """64 MiB / (12 partitions * 840 hours) is 6,657 bytes; minutes and overhead take their share of it."""
    dice = random.Random(1)
    hour = Delta({"#": 250})
    for segment, slots in [("", 75), *((f"plan=tier{i}/", 15) for i in range(4))]:
        for _ in range(250 * slots):
            name = f"{segment}{int(dice.paretovariate(0.6)) % (6000 if not segment else 200)}"
            hour.counts[name] = hour.counts.get(name, 0) + 1
    assert len(pack_hour(hour)) < 4000
