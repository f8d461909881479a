"""Learning anew that cannot be done ends as a request that failed: the bins in force stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from baselines.eras import Laid
from baselines.learned import ACTIVE, Active, bin_set_name, layout_name
from baselines.memory import MemoryStore
from baselines.store import Commit, Partition, Put
from binning.encoder import EncoderFailed
from binning.spec import BinSpec, TaxonomyEntry
from tests.unit.worker.memory_log import START, NoEncoder, turn
from tests.unit.worker.test_ingest import BINS, P0
from worker.commands.baseline import ask
from worker.lead import Learning
from worker.learning.bookmark import LEARNING_AT, THIS_PROCESS, Place
from worker.learning.orphans import Orphans
from worker.learning.reclustering import Reclusterer, Request, request_of
from worker.learning.study import Study
from worker.learning.survey import LearnRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

AGENT = "support"
TURNS = 50
INTENTS = (TaxonomyEntry("refund", "", ("my money back",)), TaxonomyEntry("praise", "", ("well done",)))


class Held:
    """A log of one partition with a few turns."""

    def __init__(self) -> None:
        self.probed: list[tuple[Partition, int]] = []

    def bounds(self) -> Mapping[Partition, tuple[int, int]]:
        return {P0: (0, TURNS)}

    def first_at(self, _: float) -> Mapping[Partition, int]:
        return {P0: 0}

    def read(self, _: Partition, start: int, end: int) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        yield [(offset, turn(offset)) for offset in range(start, end)]

    def probe(self, partition: Partition, offset: int) -> None:
        self.probed.append((partition, offset))

    def close(self) -> None:
        pass


class FailingEncoder(NoEncoder):
    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        vectors = np.zeros((len(texts), 1), dtype=np.int8)
        raise EncoderFailed("RuntimeError", vectors, np.ones(len(texts), dtype=np.bool_))


class StarvedEncoder(NoEncoder):
    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        raise MemoryError(len(texts))


@pytest.fixture
def store() -> MemoryStore:
    """An agent that counts under its bins, and was asked to learn anew."""
    found = MemoryStore()
    found.commit(Commit(P0, None, TURNS, "id", {}, [], START + TURNS, caught_up=True, at=START, buckets={}))
    values: dict[str, Any] = {
        ACTIVE: Active(BINS.digest, START, TURNS, (), (AGENT,)),
        bin_set_name(BINS.digest): BINS,
        layout_name(BINS.digest): Laid(BINS.digest, BINS.layout, {}),
    }
    found.write(AGENT, 1, [Put(name, value.to_bytes()) for name, value in values.items()])
    ask(found, AGENT, 3600.0)
    return found


def run(store: MemoryStore, held: Held, encoder: NoEncoder) -> Request:
    study = Study(held, lambda _: True, BinSpec(INTENTS, ()), encoder, lambda: START)
    Reclusterer(AGENT, store, held, study, LearnRule(0.0, 1, 3600.0, None)).run(2)
    found = request_of(store, AGENT)
    assert found is not None
    assert Active(BINS.digest, START, TURNS, (), (AGENT,)) == Active.from_bytes(
        store.get(AGENT, ACTIVE) or b""
    )
    return found


@pytest.mark.fault("P5")
def test_an_encoder_that_fails_ends_the_request_and_no_worker(store: MemoryStore) -> None:
    failed = run(store, Held(), FailingEncoder())
    assert "failed" == failed.state
    assert "the encoder failed on 2 of 2 texts: RuntimeError" == failed.reason


def test_an_error_that_ends_the_process_is_a_death_in_that_place(store: MemoryStore) -> None:
    def nobody(_: str) -> Any:
        raise NotImplementedError

    def starved(_: str) -> Reclusterer:
        study = Study(Held(), lambda _: True, BinSpec(INTENTS, ()), StarvedEncoder(), lambda: START)
        return Reclusterer(AGENT, store, Held(), study, LearnRule(0.0, 1, 3600.0, None))

    learning = Learning((AGENT,), store, nobody, starved, Orphans(store, frozenset(), lambda: 0.0))
    with pytest.raises(MemoryError):
        learning.slice(2)
    assert Place(process=THIS_PROCESS) == msgspec.json.decode(
        store.get(AGENT, LEARNING_AT) or b"", type=Place
    )
    learning.forget()
    assert store.get(AGENT, LEARNING_AT) is None


@pytest.mark.parametrize(
    ("place", "doing"),
    [
        (Place(died=2, process="another"), "fitting bins"),
        (Place(*P0, 20, 2, "another"), "turns-0, offset 20"),
    ],
)
def test_what_kills_every_process_that_tries_is_given_up(
    store: MemoryStore, place: Place, doing: str
) -> None:
    store.write(AGENT, 1, [Put(LEARNING_AT, msgspec.json.encode(place))])
    failed = run(store, Held(), NoEncoder())
    assert "failed" == failed.state
    assert f"{place.died + 1} processes died of it or lost the lease ({doing})" in str(failed.reason)
    ask(store, AGENT, 3600.0)
    assert "the encoder failed" in str(run(store, Held(), FailingEncoder()).reason)  # it was tried again


def test_where_two_died_of_one_place_a_bad_batch_is_looked_for_and_it_is_tried_again(
    store: MemoryStore,
) -> None:
    store.write(AGENT, 1, [Put(LEARNING_AT, msgspec.json.encode(Place(*P0, 20, 1, "another")))])
    held = Held()
    assert "failed" == run(store, held, FailingEncoder()).state
    assert [(P0, 20)] == held.probed
