"""Learning and counting at more turns an hour than are to be embedded, by the lines of `run` in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.history import ALL
from baselines.learned import decode_hours, reference_name
from baselines.memory import MemoryStore
from binning.encoders import default_cache, load_encoder
from config.settings import Settings
from worker.commands.history_file import HISTORY, HistoryFiles
from worker.commands.replay import Replayed, learned_agents, verdicts
from worker.demo.scenario import Scenario
from worker.demo.traffic import generate
from worker.learning.survey import LearnRule

if TYPE_CHECKING:
    from pathlib import Path

    from binning.encoder import Encoder

WANTED, HOURLY = 1_000, 2_500
RULE = LearnRule(3 * 3600.0, 1_000, float("inf"), None)


@pytest.fixture(scope="module")
def made() -> Encoder:
    return load_encoder("static", cache=default_cache())


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> HistoryFiles:
    """Six hours of traffic."""
    path: Path = tmp_path_factory.mktemp("history") / "history.jsonl"
    begin = 1_789_000_000 // 3600 * 3600
    with path.open("wb") as lines:
        for sent in generate(Scenario(begin=begin, turns_per_hour=HOURLY)):
            if sent.at > begin + 6 * 3600:
                break
            lines.write(sent.record() + b"\n")
    return HistoryFiles([path])


def learned(
    history: HistoryFiles, made: Encoder, wanted: int
) -> tuple[Settings, MemoryStore, dict[str, Replayed]]:
    settings = Settings.model_validate(
        {
            "agents": [{"name": "agent"}],
            "kafka": {"topics": [HISTORY.topic]},
            "binning": {"embedded_turns_per_hour": wanted},
        }
    )
    store = MemoryStore()
    return settings, store, learned_agents(history, settings, RULE, made, store)


def test_learning_fixes_a_share_and_the_reference_counts_at_it(history: HistoryFiles, made: Encoder) -> None:
    _, store, agents = learned(history, made, WANTED)
    bin_set = agents["agent"].bins.bin_set
    assert 1024 * WANTED / HOURLY * 0.7 < bin_set.share < 1024 * WANTED / HOURLY * 1.4
    stored = store.get("agent", reference_name(bin_set.digest))
    assert stored is not None
    counts = np.sum(list(decode_hours(stored, bin_set.layout.size)[ALL].values()), axis=0)
    turns = {d.key: int(counts[d.slots].sum()) for d in bin_set.layout.dimensions}
    assert turns["input.length"] == turns["output.tool_pattern"]
    of_all = turns["input.language"] / turns["input.length"]
    assert of_all == pytest.approx(bin_set.share / 1024, rel=0.1)
    assert turns["input.cluster"] / turns["input.language"] == pytest.approx(0.5, abs=0.05)


def test_what_is_counted_afterwards_agrees_and_is_judged(history: HistoryFiles, made: Encoder) -> None:
    settings, store, agents = learned(history, made, WANTED)
    *_, last = verdicts(history, settings, made, store, agents)
    turns = {f"{d.side}.{d.name}": d.turns for d in last.dimensions}
    share = agents["agent"].bins.bin_set.share / 1024
    assert turns["input.intent"] == turns["input.cluster"] == turns["input.language"]
    assert turns["input.intent"] / turns["input.length"] == pytest.approx(share, rel=0.15)
    assert not last.alerting


def test_with_budget_enough_every_turn_is_embedded(history: HistoryFiles, made: Encoder) -> None:
    _, _, agents = learned(history, made, 10 * HOURLY)
    bin_set = agents["agent"].bins.bin_set
    assert bin_set.share == 1024
    assert {1.0} == {dimension.share for dimension in bin_set.layout.dimensions}
