from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binning.binset import BinSet, BinSpec
from binning.layout import ABSENT, DimensionLayout, JointLayout
from binning.learn import learn_bin_set
from binning.turn import EventTime, Input, Output, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from binning.encoder import Encoder

TURNS = st.builds(
    Turn,
    trace_id=st.text(max_size=12),
    at=st.floats(1e9, 2e9).map(EventTime),
    input=st.builds(Input, text=st.none() | st.text(max_size=60)),
    output=st.none()
    | st.builds(
        Output,
        text=st.none()
        | st.text(max_size=60)
        | st.sampled_from(["Sorry!", "Which one?", "I cannot help you with that."]),
        tool_calls=st.lists(st.builds(ToolCall, name=st.sampled_from(["track", "credit", "brand_new"]))).map(
            tuple
        ),
        flags=st.lists(st.sampled_from(["hallucination", "toxic"]), max_size=2).map(tuple),
    ),
    attributes=st.dictionaries(
        st.just("tier"), st.text(max_size=4) | st.booleans() | st.floats(allow_nan=False)
    ),
)


@settings(max_examples=25, deadline=None)
@given(strange=st.lists(TURNS, min_size=1, max_size=6), place=st.integers(0, 499))
def test_a_turn_has_the_same_bins_alone_in_a_batch_of_500_and_after_a_restart(
    strange: list[Turn], place: int, bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    batch = [*turns[:place], *strange, *turns[place:]][:500]
    together = bin_set.assign(batch, encoder).slots
    restarted = BinSet.from_bytes(bin_set.to_bytes()).assign(batch, encoder).slots
    alone = [bin_set.assign([turn], encoder).slots[0] for turn in batch[place : place + len(strange)]]
    assert np.array_equal(together, restarted)
    assert np.array_equal(together[place : place + len(alone)], np.vstack(alone))


def test_every_turn_alone_has_the_bins_of_the_batch(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    together = bin_set.assign(turns[:500], encoder)
    alone = [bin_set.assign([turn], encoder) for turn in turns[:500]]
    assert np.array_equal(np.vstack([binned.slots for binned in alone]), together.slots)
    assert [binned.segments[0] for binned in alone] == together.segments


def test_bytes_come_back_as_the_same_bin_set(bin_set: BinSet) -> None:
    again = BinSet.from_bytes(bin_set.to_bytes())
    assert again.to_bytes() == bin_set.to_bytes()
    assert (again.digest, again.encoder_digest, again.layout, again.segments) == (
        bin_set.digest,
        bin_set.encoder_digest,
        bin_set.layout,
        bin_set.segments,
    )


def test_another_process_learns_the_same_bytes(bin_set: BinSet) -> None:
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import conftest, yaml
from binning.binset import BinSpec, TaxonomyEntry
from binning.encoders import default_cache, load_encoder
from binning.learn import learn_bin_set
intents = yaml.safe_load((conftest.CONFIG / "taxonomy.yaml").read_text())["intents"]
spec = BinSpec(
    tuple(TaxonomyEntry(e["name"], e["description"], tuple(e["examples"])) for e in intents),
    conftest.shipped_rules(),
    segments={"tier": ("free", "pro")},
)
print(learn_bin_set(conftest.make_turns(700, 7), spec, load_encoder(cache=default_cache())).digest)
"""
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, here], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == bin_set.digest


def test_a_bin_set_holds_no_text_of_its_turns(bin_set: BinSet, turns: list[Turn]) -> None:
    content = bin_set.to_bytes()
    texts = [turn.input.text for turn in turns if turn.input.text]
    assert not [text for text in texts if text.encode() in content]
    answers = [turn.output.text for turn in turns if turn.output and turn.output.text]
    assert not [text for text in answers if text.encode() in content]


def test_a_term_that_few_turns_share_is_never_a_label(spec: BinSpec, encoder: Encoder) -> None:
    common = [_said(number, f"please find my parcel number {number}") for number in range(200)]
    rare = [_said(1_000 + number, "my name is Featherstonehaugh") for number in range(19)]
    labels = learn_bin_set([*common, *rare], spec, encoder).layout.dimension("input.cluster").labels
    assert any("parcel" in label for label in labels)
    assert not any("featherstonehaugh" in label for label in labels)


def test_slots_of_dimensions_and_joints_lie_in_their_own_ranges(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    slots = bin_set.assign(turns, encoder).slots
    entries: list[DimensionLayout | JointLayout] = [*bin_set.layout.dimensions, *bin_set.layout.joints]
    assert slots.shape == (len(turns), len(entries))
    for column, entry in enumerate(entries):
        present = slots[slots[:, column] != ABSENT, column]
        assert ((present >= entry.slots.start) & (present < entry.slots.stop)).all()
    assert bin_set.layout.size == entries[-1].slots.stop


def test_a_joint_is_the_pair_of_its_dimensions(bin_set: BinSet, turns: list[Turn], encoder: Encoder) -> None:
    slots = bin_set.assign(turns, encoder).slots
    keys = [entry.key for entry in bin_set.layout.dimensions]
    for column, joint in enumerate(bin_set.layout.joints, start=len(keys)):
        given, outcome = slots[:, keys.index(joint.given)], slots[:, keys.index(joint.outcome)]
        row = given - bin_set.layout.dimension(joint.given).offset
        bins = outcome - bin_set.layout.dimension(joint.outcome).offset
        both = (given != ABSENT) & (outcome != ABSENT)
        assert np.array_equal(slots[:, column] != ABSENT, both)
        assert np.array_equal(slots[both, column], joint.offset + row[both] * joint.shape[1] + bins[both])


def test_each_deciding_output_is_joined_with_cluster_and_intent(bin_set: BinSet) -> None:
    outcomes = [
        "response_category",
        "flags:hallucination",
        "flags:__unseen__",
        "tool_pattern",
        "tool_outcome",
        "length",
    ]
    expected = {(given, f"output.{name}") for given in ("input.cluster", "input.intent") for name in outcomes}
    assert expected == {(joint.given, joint.outcome) for joint in bin_set.layout.joints}


def test_a_turn_without_texts_and_tools_is_absent_everywhere(bin_set: BinSet, encoder: Encoder) -> None:
    bare = Turn(
        trace_id="bare", at=EventTime(0.0), input=Input(text="  \n"), output=Output(flags=("hallucination",))
    )
    assert (bin_set.assign([bare], encoder).slots == ABSENT).all()


def test_segments_are_the_allowed_values_or_other(bin_set: BinSet, encoder: Encoder) -> None:
    values: Sequence[str | bool | float | None] = ("pro", "gold", True, None)
    turns = [
        Turn(
            trace_id=str(value),
            at=EventTime(0.0),
            attributes={} if value is None else {"tier": value, "x": "y"},
        )
        for value in values
    ]
    expected = [("tier=pro",), ("tier=__other__",), ("tier=__other__",), ()]
    assert expected == bin_set.assign(turns, encoder).segments


def test_no_turns_are_binned_to_nothing(bin_set: BinSet, encoder: Encoder) -> None:
    binned = bin_set.assign([], encoder)
    assert binned.slots.shape[0] == 0
    assert binned.segments == []


def test_a_bin_set_can_be_learned_from_turns_without_any_text(spec: BinSpec, encoder: Encoder) -> None:
    silent = [Turn(trace_id=str(number), at=EventTime(0.0)) for number in range(30)]
    learned = learn_bin_set(silent, spec, encoder)
    slots = BinSet.from_bytes(learned.to_bytes()).assign([*silent, _said(1, "hello there")], encoder).slots
    assert (slots[:-1] == ABSENT).all()
    assert learned.layout.dimension("input.cluster").bins == ("outlier",)


def test_another_encoder_is_refused(bin_set: BinSet, encoder: Encoder) -> None:
    class Foreign:
        name, digest, width = "foreign", "0" * 64, encoder.width
        encode = encoder.encode

    with pytest.raises(ValueError, match="another encoder than foreign"):
        bin_set.assign([], Foreign())


def test_a_dimension_of_another_version_is_refused(bin_set: BinSet) -> None:
    content = msgspec.msgpack.decode(bin_set.to_bytes())
    content["dimensions"][0]["version"] += 1
    with pytest.raises(ValueError, match=r"input\.intent version \d+, not known here"):
        BinSet.from_bytes(msgspec.msgpack.encode(content))


def test_learning_tells_its_progress(turns: list[Turn], spec: BinSpec, encoder: Encoder) -> None:
    steps: list[float] = []
    learn_bin_set(turns[:60], spec, encoder, lambda _, share: steps.append(share))
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0.0, 1.0)


def _said(number: int, text: str) -> Turn:
    return Turn(trace_id=f"said-{number}", at=EventTime(float(number)), input=Input(text=text))
