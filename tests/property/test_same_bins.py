"""With the static encoder a turn's bins are the same alone, in any batch, restarted, in another process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from binning.binset import BinSet, BinSpec, ResponseRule, TaxonomyEntry
from binning.encoders import default_cache, load_encoder
from binning.learn import learn_bin_set
from binning.turn import EventTime, Input, Output, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder

ASKS = (
    "where is order {n}",
    "cancel {n} and refund me",
    "the app shows error {n}",
    "merci, et la facture {n}?",
)
WORDS = st.lists(
    st.sampled_from(["where", "refund", "my", "order", "is", "not", "\u00e9t\u00e9", "don't", "42"]),
    max_size=40,
)
TEXTS = st.one_of(st.text(max_size=300), WORDS.map(" ".join))
BIN = """
import sys, numpy as np
from pathlib import Path
from binning.binset import BinSet
from binning.encoders import default_cache, load_encoder
from binning.turn import EventTime, Input, Output, Turn
folder = Path(sys.argv[1])
texts = (folder / "texts").read_text(encoding="utf-8").split("\\0")
at = EventTime(0.0)
turns = [Turn(trace_id=str(n), at=at, input=Input(t), output=Output(t)) for n, t in enumerate(texts)]
binned = BinSet.from_bytes((folder / "bins").read_bytes()).assign(turns, load_encoder(cache=default_cache()))
np.save(folder / "slots.npy", binned.slots)
"""


def said(texts: Sequence[str]) -> list[Turn]:
    return [
        Turn(trace_id=str(number), at=EventTime(0.0), input=Input(text), output=Output(text))
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(cache=default_cache())


@pytest.fixture(scope="module")
def restarted() -> Encoder:
    return load_encoder(cache=default_cache())


@pytest.fixture(scope="module")
def others() -> list[Turn]:
    return said([ASKS[number % 4].format(n=number) for number in range(499)])


@pytest.fixture(scope="module")
def bin_set(others: list[Turn], encoder: Encoder) -> BinSet:
    config = Path(__file__).parents[2] / "config"
    intents = yaml.safe_load((config / "taxonomy.yaml").read_text())["intents"]
    taxonomy = tuple(TaxonomyEntry(e["name"], e["description"], tuple(e["examples"])) for e in intents)
    rules = (ResponseRule("apologized", ("sorry",)), ResponseRule("asked_clarify", (r"\?$",)))
    return learn_bin_set(others, BinSpec(taxonomy, rules), encoder)


@settings(max_examples=25, deadline=None)
@given(text=TEXTS, at=st.integers(0, 499))
def test_any_text_has_the_same_bins_alone_in_a_batch_of_500_and_after_a_restart(
    bin_set: BinSet, others: list[Turn], encoder: Encoder, restarted: Encoder, text: str, at: int
) -> None:
    (turn,) = said([text])
    alone = bin_set.assign([turn], encoder).slots[0]
    together = bin_set.assign([*others[:at], turn, *others[at:]], encoder).slots[at]
    later = BinSet.from_bytes(bin_set.to_bytes()).assign([turn], restarted).slots
    assert np.array_equal(alone, together)
    assert np.array_equal(alone, later[0])


def test_another_process_gives_the_same_bins(
    bin_set: BinSet, others: list[Turn], encoder: Encoder, tmp_path: Path
) -> None:
    texts = [turn.input.text or "" for turn in others] + [
        "Gr\u00f6\u00dfe und Preis?",
        "x" * 9_000,
        "don\u2019t \u4f60\u597d",
    ]
    (tmp_path / "texts").write_text("\0".join(texts), encoding="utf-8")
    (tmp_path / "bins").write_bytes(bin_set.to_bytes())
    subprocess.run([sys.executable, "-c", BIN, str(tmp_path)], check=True)
    here = np.concatenate([bin_set.assign([turn], encoder).slots for turn in said(texts)])
    there: NDArray[np.int32] = np.load(tmp_path / "slots.npy")
    assert np.array_equal(here, there)
