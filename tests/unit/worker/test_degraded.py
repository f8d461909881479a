"""An encoder that fails takes the dimensions that need it with it, while it does, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from baselines.store import Partition
from binning.binset import BinSpec, ResponseRule, TaxonomyEntry
from binning.contextual import ContextualEncoder
from binning.encoder import EncoderFailed
from binning.learn import learn_bin_set
from binning.turn import Turn
from tests.unit.worker.memory_log import START, TOPIC, Clock, Log, Member, ShakyStore
from worker.counting import Wellness
from worker.decode import AgentMatch, decode_turn
from worker.health import Health
from worker.ingesting.chain import ActiveBinSet
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from binning.binset import BinSet

P0 = Partition(TOPIC, 0)
NEEDING = {"input.intent", "input.cluster", "input.novelty", "output.response_category"}
SAYS = ("where is my parcel", "the bill is wrong", "a joke please", "Hilfe, nichts geht", "thanks")
ANSWERS = ("It left our hall.", "I am not sure that I may say that.", "We cannot help here.", "Which one?")
POISON = "the poisoned text"
"""Its vector is not finite."""
SPEC = BinSpec(
    taxonomy=(
        TaxonomyEntry("parcel", "", ("where is my parcel", "the parcel is late")),
        TaxonomyEntry("bill", "", ("the bill is wrong", "I paid this bill twice")),
    ),
    responses=(
        ResponseRule("refused", patterns=("we cannot",), suspects=("not sure",), examples=("I will not.",)),
        ResponseRule("clarified", patterns=("which one",), examples=("Which one do you mean?",)),
    ),
)


class Model:
    """Vectors by the letters of a text; it raises while it is `out`."""

    out: type[Exception] | None = None

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.out is not None:
            raise self.out("CUDA out of memory")
        counts = np.array([[text.count(letter) for letter in "abcdehilnorst"] + [1] for text in texts])
        vectors: NDArray[np.float32] = counts.astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[[text == POISON for text in texts]] = np.nan
        return vectors


def said(number: int, text: str | None = None) -> bytes:
    return json.dumps(
        {
            "trace_id": f"t{number}",
            "timestamp": START + number,
            "input": {"text": (SAYS[number % len(SAYS)] if text is None else text)},
            "output": {"text": ANSWERS[number % len(ANSWERS)]},
        }
    ).encode()


def turns(numbers: Sequence[int]) -> list[Turn]:
    found = [decode_turn(said(number), now=START + 100_000) for number in numbers]
    return [turn for turn in found if isinstance(turn, Turn)]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def encoder(model: Model) -> ContextualEncoder:
    return ContextualEncoder(model, "letters", "letters", remembered=0)


@pytest.fixture
def bin_set(encoder: ContextualEncoder) -> BinSet:
    return learn_bin_set(turns(range(300)), SPEC, encoder)


class Counted:
    """Counts records one tick at a time."""

    def __init__(self, bin_set: BinSet, encoder: ContextualEncoder) -> None:
        self.log, self.store, self.clock = Log(), ShakyStore(), Clock()
        self.bin_set = bin_set
        member = Member(self.log)
        tools: dict[str, Any] = {"clock": lambda: START + 10_000, "monotonic": self.clock}
        active = {"support": ActiveBinSet(bin_set, {P0: 0})}
        ledger = Ledger(member, self.store, ["support"], lambda: active, judged_to=lambda _: None, **tools)
        self.ingest = Ingest(member, ledger, encoder, [AgentMatch("support")], **tools)
        member.give(0)

    def count(self, records: Sequence[bytes]) -> None:
        for record in records:
            self.log.add(0, record)
        for _ in range(8):
            self.ingest.tick()
            self.clock.seconds += 1

    def by_dimension(self) -> dict[str, list[int]]:
        """The counts of each dimension's bins over all minutes."""
        flat = np.zeros(self.bin_set.layout.size, dtype=np.int64)
        for delta in self.store.read(P0, "support", self.bin_set.digest, {}, {}).minutes.values():
            for name, count in delta.counts.items():
                if name.isdecimal():
                    flat[int(name)] += count
        return {
            d.key: flat[d.offset : d.offset + len(d.bins)].tolist() for d in self.bin_set.layout.dimensions
        }


def clean(bin_set: BinSet, encoder: ContextualEncoder, records: Sequence[bytes]) -> dict[str, list[int]]:
    oracle = Counted(bin_set, encoder)
    oracle.count(records)
    assert not oracle.ingest.stats.degraded
    return oracle.by_dimension()


@pytest.mark.fault("P5")
def test_while_the_encoder_raises_all_but_what_needs_it_is_counted(
    bin_set: BinSet, encoder: ContextualEncoder, model: Model
) -> None:
    records = [said(number) for number in range(600)]
    all_of_them = clean(bin_set, encoder, records)
    healthy = clean(bin_set, encoder, records[:200] + records[400:])
    counted = Counted(bin_set, encoder)
    counted.count(records[:200])
    model.out = RuntimeError
    counted.count(records[200:400])
    model.out = None
    counted.count(records[400:])
    expected = {key: (healthy if key in NEEDING else all_of_them)[key] for key in all_of_them}
    assert expected == counted.by_dimension()
    assert {"support": 200} == counted.ingest.stats.degraded
    assert sum(all_of_them["output.response_category"]) == 600


@pytest.mark.fault("P5")
def test_a_vector_that_is_not_finite_takes_its_turn_alone(
    bin_set: BinSet, encoder: ContextualEncoder
) -> None:
    sound = [said(number) for number in range(300)]
    poisoned = [said(number, POISON) for number in range(300, 310)]
    counted = Counted(bin_set, encoder)
    counted.count([*sound[:150], *poisoned, *sound[150:]])
    found, expected = counted.by_dimension(), clean(bin_set, encoder, sound)
    assert {key: expected[key] for key in NEEDING} == {key: found[key] for key in NEEDING}
    assert sum(found["input.length"]) == 310
    assert {"support": 10} == counted.ingest.stats.degraded


@pytest.mark.fault("P5")
def test_nothing_is_learned_with_an_encoder_that_fails(
    bin_set: BinSet, encoder: ContextualEncoder, model: Model
) -> None:
    model.out = RuntimeError
    with pytest.raises(EncoderFailed, match="RuntimeError"):
        learn_bin_set(turns(range(100)), SPEC, encoder)
    with pytest.raises(EncoderFailed, match="RuntimeError"):
        bin_set.assign(turns(range(10)), encoder)


@pytest.mark.fault("P5")
def test_a_failing_encoder_is_said_once_and_once_more_when_it_is_well_again() -> None:
    health = Health()
    well = Wellness(health)
    with capture_logs() as said_so:
        for now, count in enumerate((0, 5, 5, 9)):
            well.tell(count, now)
            assert (count > 0) == health.degraded
        well.tell(9, 62.9)
        assert health.degraded
        well.tell(9, 63.1)
    assert not health.degraded
    assert ["encoder_failing", "encoder_well_again"] == [line["event"] for line in said_so]
