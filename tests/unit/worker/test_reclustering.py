"""Learning anew, as it was asked for: what begins anew, what is kept, and what cannot be done."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from rich.console import Console

from baselines.eras import Laid
from baselines.learned import ACTIVE, Active, bin_set_name, layout_name
from baselines.store import Put
from binning.binset import BinSet
from binning.encoders import default_cache, load_encoder
from binning.spec import TaxonomyEntry
from tests.unit.worker.test_take_over import AGENT, count, settings
from worker.active import ActiveAgents
from worker.commands.baseline import ask
from worker.commands.history_file import HISTORY, HistoryFiles
from worker.commands.in_force import in_force, shown
from worker.demo.scenario import Scenario, latest_begin
from worker.demo.traffic import generate
from worker.kafka.client import KafkaUnavailable
from worker.leadership import DeposedError
from worker.learning.reclustering import Reclusterer, Request, asked_for, request_of
from worker.learning.study import Study
from worker.learning.survey import LearnRule
from worker.records import SourceFailed
from worker.wiring import bin_spec, owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from baselines.memory import MemoryStore
    from baselines.store import Partition
    from binning.encoder import Encoder
    from binning.spec import BinSpec

DAY = 86_400.0
RULE = LearnRule(DAY, 1000, 14 * DAY, None)


class Files(HistoryFiles):
    """A history whose records are all as old as its first; `left` are the reads that succeed."""

    left, failure = 100, Exception()

    def first_at(self, time_s: float) -> Mapping[Partition, int]:
        return {HISTORY: 0} if time_s > 0 else {}

    def read(
        self, partition: Partition, start: int, end: int
    ) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        self.left -= 1
        if self.left < 0:
            raise self.failure
        return super().read(partition, start, end)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("static", cache=default_cache())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    played = Scenario(
        begin=latest_begin(1_790_000_000, 40), turns_per_hour=120, learning_h=39, warm_h=1, shifts=()
    )
    path: Path = tmp_path_factory.mktemp("history") / "history.jsonl"
    path.write_bytes(b"".join(sent.record() + b"\n" for sent in generate(played)))
    return Files([path])


@pytest.fixture(scope="module")
def once_counted(files: Files, encoder: Encoder) -> MemoryStore:
    return count(files, encoder)[0]


@pytest.fixture
def store(once_counted: MemoryStore) -> MemoryStore:
    """A day was learned, the hours since are counted."""
    return copy.deepcopy(once_counted)


def run(
    store: MemoryStore, files: Files, encoder: Encoder, spec: BinSpec | None = None, token: int = 5
) -> None:
    study = Study(files, owner(AGENT, settings()), spec or bin_spec(settings()), encoder, time.time)
    Reclusterer(AGENT, store, files, study, RULE).run(token)


def active(store: MemoryStore) -> Active:
    return Active.from_bytes(store.get(AGENT, ACTIVE) or b"")


def finished(store: MemoryStore) -> Request:
    request = request_of(store, AGENT)
    assert request is not None
    assert not request.open
    return request


def identities(store: MemoryStore, digest: str) -> dict[str, str]:
    laid = Laid.from_bytes(store.get(AGENT, layout_name(digest)) or b"")
    return {dimension.key: dimension.identity for dimension in laid.layout.dimensions}


def test_clusters_begin_anew_and_the_edges_of_everything_else_stay(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    before = active(store)
    ask(store, AGENT, DAY)
    run(store, files, encoder)

    now, outcome = active(store), finished(store).outcome
    assert (before.digest,) == now.past
    assert outcome is not None
    assert {"input.cluster", "input.novelty"} == set(outcome.changed)
    old, new = identities(store, before.digest), identities(store, now.digest)
    assert set(outcome.changed) == {key for key in new if old.get(key) != new[key]}
    assert before.ends == now.ends
    assert outcome.moved is not None
    assert 0 <= outcome.moved < 1
    assert not asked_for(store, AGENT)


def test_what_is_in_force_is_shown_without_a_word_of_a_turn(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    before = active(store)
    learned = in_force(store, AGENT, settings())
    ask(store, AGENT, DAY)
    run(store, files, encoder)
    now = in_force(store, AGENT, settings())
    assert learned is not None
    assert now is not None
    assert [[], [before.digest]] == [learned["before"], now["before"]]
    assert before.ends[0].end == learned["partitions"]["history-0"]["from_offset"]
    assert any(terms.strip() for terms in now["clusters"])
    shown(console := Console(record=True, width=200, file=StringIO()), AGENT, now)
    assert now["bin_set"] in console.export_text()
    assert in_force(store, "nobody", settings()) is None


def test_a_leader_that_dies_is_followed_by_one_that_learns_the_same(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    undisturbed = copy.deepcopy(store)
    for each in (undisturbed, store):
        ask(each, AGENT, DAY)
    run(undisturbed, files, encoder)
    broken, before = copy.copy(files), active(store)
    broken.left, broken.failure = 1, KafkaUnavailable("nobody is there")
    with pytest.raises(KafkaUnavailable):
        run(store, broken, encoder)
    assert before == active(store)
    assert asked_for(store, AGENT)
    run(store, files, encoder, token=6)
    assert active(undisturbed) == active(store)
    digest = active(store).digest
    assert undisturbed.get(AGENT, bin_set_name(digest)) == store.get(AGENT, bin_set_name(digest))


def test_a_leader_that_was_deposed_puts_nothing_in_force(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    ask(store, AGENT, DAY)
    store.write(AGENT, 9, [])
    before = active(store)
    with pytest.raises(DeposedError):
        run(store, files, encoder, token=5)
    assert before == active(store)


def test_too_little_to_learn_from_is_said_and_changes_nothing(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    before = active(store)
    ask(store, AGENT, 3600.0)
    run(store, files, encoder)
    assert before == active(store)
    assert "learning takes 1000 of 24 h" in str(finished(store).reason)


def test_a_log_that_cannot_be_read_ends_the_request_and_no_worker(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    broken, before = copy.copy(files), active(store)
    broken.left, broken.failure = 1, SourceFailed("turns-0 ends before offset 9")
    ask(store, AGENT, DAY)
    run(store, broken, encoder)
    assert ("turns-0 ends before offset 9", before) == (finished(store).reason, active(store))


def test_the_same_range_learned_again_changes_nothing(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    for _ in range(2):
        ask(store, AGENT, DAY)
        run(store, files, encoder)
    outcome = finished(store).outcome
    assert outcome is not None
    assert () == outcome.changed
    assert 1 == len(active(store).past)


def test_a_changed_taxonomy_comes_into_force_with_it(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    spec = bin_spec(settings())
    more = TaxonomyEntry("warranty", "", ("is it still under warranty", "how long is the guarantee"))
    ask(store, AGENT, DAY)
    run(store, files, encoder, replace(spec, taxonomy=(*spec.taxonomy, more)))
    outcome = finished(store).outcome
    assert outcome is not None
    assert {"input.intent", "input.cluster", "input.novelty"} == set(outcome.changed)


def test_what_is_under_way_is_not_asked_for_twice_and_a_higher_token_is_no_obstacle(
    store: MemoryStore,
) -> None:
    store.write(AGENT, 77, [])
    first = ask(store, AGENT, DAY)
    assert first == ask(store, AGENT, 2 * DAY)
    assert 77 == store.token(AGENT)


def test_an_agent_of_another_version_is_left_alone_until_it_is_learned_anew(
    store: MemoryStore, files: Files, encoder: Encoder
) -> None:
    before = active(store)
    content: dict[str, Any] = msgspec.msgpack.decode(store.get(AGENT, bin_set_name(before.digest)) or b"")
    for entry in content["dimensions"]:
        entry["version"] += entry["kind"] == "input.language"
    store.write(AGENT, 1, [Put(bin_set_name(before.digest), msgspec.msgpack.encode(content))])
    agents = ActiveAgents([AGENT], store, encoder)
    assert {} == agents()

    ask(store, AGENT, DAY)
    run(store, files, encoder)
    assert (before.digest,) == tuple(agents()[AGENT].past)
    assert BinSet.from_bytes(store.get(AGENT, bin_set_name(active(store).digest)) or b"")
