"""A leader that dies is followed exactly: verdicts are a function of the counts and of what was written."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from alerts.verdict import Verdict, encode
from baselines.gaps import Gap
from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.memory import MemoryStore
from baselines.store import TURNS, BucketKey, Commit, Delta, Outcome, Put
from binning.encoders import default_cache, load_encoder
from config.settings import Settings
from worker.calibrate.command import stored
from worker.commands.history_file import HISTORY, HistoryFiles, HistorySource
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.judging.judge import AgentJudge
from worker.judging.tracked import IncompatibleError
from worker.learning.learn import Learner
from worker.learning.study import Study
from worker.learning.survey import LearnRule
from worker.wiring import active_bins, bin_spec, matches, owner, rules, telling

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.episode import Transition
    from binning.encoder import Encoder

AGENT = "support-agent"


def settings(mode: str = "run") -> Settings:
    return Settings.model_validate({"mode": mode, "agents": [AGENT], "kafka": {"topics": ["history"]}})


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("static", cache=default_cache())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> HistoryFiles:
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=1, shift_h=2, calm_h=1, shifts=(Shift.MODEL,))
    begin = latest_begin(1_790_000_000, shape.end // 3600 + 1)
    played = Scenario(begin=begin, turns_per_hour=300, warm_h=1, shift_h=2, calm_h=1, shifts=(Shift.MODEL,))
    path: Path = tmp_path_factory.mktemp("history") / "history.jsonl"
    path.write_bytes(b"".join(sent.record() + b"\n" for sent in generate(played)))
    return HistoryFiles([path])


Counted = tuple[MemoryStore, Active]


@pytest.fixture(scope="module")
def once_counted(files: HistoryFiles, encoder: Encoder) -> Counted:
    return count(files, encoder)


@pytest.fixture
def counted(once_counted: Counted) -> Counted:
    return copy.deepcopy(once_counted)


def count(files: HistoryFiles, encoder: Encoder) -> Counted:
    """A store in which the history is learned and counted, and nothing is judged."""
    store = MemoryStore()
    study = Study(files, owner(AGENT, settings()), bin_spec(settings()), encoder, time.time)
    learner = Learner(AGENT, store, study, LearnRule(24 * 3600, 1000, float("inf"), None))
    active = learner.step(1)
    assert active is not None
    store.write(AGENT, 1, [Put(ACTIVE, active.to_bytes())])
    bins = {AGENT: active_bins(store, AGENT, active, encoder)}
    source = HistorySource(files)
    ledger = Ledger(source, store, [AGENT], lambda: bins)
    ingest = Ingest(source, ledger, encoder, matches(settings()))
    while not source.exhausted:
        ingest.tick()
    ledger.close()
    return store, active


def leader(
    store: MemoryStore, active: Active, encoder: Encoder, mode: str = "run", now: float = 0.0
) -> AgentJudge:
    def rows(transition: Transition) -> list[tuple[str, bytes]]:
        return [(f"{transition.kind}:{sink}", b"") for sink in transition.sinks]

    chosen = settings(mode)
    bins = active_bins(store, AGENT, active, encoder).bin_set
    told = telling(chosen, None, rows, lambda: now)
    return AgentJudge.take_over(AGENT, active, bins, store, rules(chosen), told)


def test_leaders_that_follow_one_another_say_what_one_leader_says(counted: Counted, encoder: Encoder) -> None:
    store, active = counted
    undisturbed = leader(copy.deepcopy(store), active, encoder).advance(float("inf"), 1, limit=26)
    followed: list[Verdict] = []
    for token in range(1, 14):
        followed += leader(store, active, encoder).advance(float("inf"), token, limit=2) or []
    assert undisturbed is not None
    assert [encode(verdict) for verdict in undisturbed] == [encode(verdict) for verdict in followed]
    assert any(verdict.alerting for verdict in followed)


def test_a_leader_whose_token_is_old_writes_nothing(counted: Counted, encoder: Encoder) -> None:
    store, active = counted
    old = leader(store, active, encoder)
    assert old.advance(float("inf"), 5, limit=1) is not None
    store.write(AGENT, 6, [])
    before = store.fields(AGENT, "latest")
    assert old.advance(float("inf"), 5, limit=1) is None
    assert before == store.fields(AGENT, "latest")


@pytest.mark.parametrize(("mode", "queued"), [("run", ["opened:log", "resolved:log"]), ("observe", [])])
def test_observe_mode_records_the_episode_and_queues_nothing(
    mode: str, queued: list[str], counted: Counted, encoder: Encoder
) -> None:
    store, active = counted
    verdicts = leader(store, active, encoder, mode).advance(float("inf"), 1, limit=26)
    assert any(verdict.alerting for verdict in verdicts or ())
    assert store.newest(AGENT, "episodes", 10)
    assert queued == list(store.fields(AGENT, "outbox"))


def test_a_backlog_that_is_caught_up_a_day_later_pages_nobody_and_says_the_same(
    counted: Counted, encoder: Encoder
) -> None:
    store, active = counted
    timely = leader(copy.deepcopy(store), active, encoder).advance(float("inf"), 1, limit=26)
    late = leader(store, active, encoder, now=active.until + 86_400).advance(float("inf"), 1, limit=26)
    assert timely == late
    assert any(verdict.alerting for verdict in late or ())
    assert not store.fields(AGENT, "outbox")


def test_another_time_zone_than_the_reference_was_learned_by_is_refused(
    counted: Counted, encoder: Encoder
) -> None:
    store, active = counted
    leader(store, active, encoder).advance(float("inf"), 1, limit=1)
    elsewhere = settings().model_copy(update={"time_zone": "Europe/Berlin"})
    bins = active_bins(store, AGENT, active, encoder).bin_set
    with pytest.raises(IncompatibleError, match="time_zone"):
        AgentJudge.take_over(
            AGENT, active, bins, store, rules(elsewhere), telling(elsewhere, None, lambda _: (), lambda: 0.0)
        )


def test_records_that_were_never_counted_hold_their_windows_and_page_nobody(
    counted: Counted, encoder: Encoder
) -> None:
    store, active = counted
    state, shifted = store.state(HISTORY), active.until + 4200.0
    store._states[HISTORY] = replace(state, gaps=(Gap(9, 39, 30, shifted, float("inf"), "dropped"),))
    verdicts = leader(store, active, encoder).advance(float("inf"), 1, limit=26) or []

    told = {(verdict.status, verdict.reason) for verdict in verdicts if verdict.at > shifted}
    assert {("stale", "30 records were not counted: windows that they may be of are not judged")} == told
    assert not any(verdict.alerting for verdict in verdicts)
    assert max(d.window.end for d in verdicts[-1].dimensions) <= shifted


@pytest.mark.fault("K7")
def test_a_turn_that_comes_late_changes_counts_and_no_verdict_that_was_given(
    counted: Counted, encoder: Encoder
) -> None:
    store, active = counted
    judge = leader(store, active, encoder)
    said = judge.advance(float("inf"), 1, limit=12)
    assert said
    kept = store.newest(AGENT, "verdicts", 1000)
    state, minute = store.state(HISTORY), int(said[0].at // 60) - 30
    late = Delta({TURNS: 40, "0": 40})
    link = Commit(
        partition=HISTORY,
        expected=state.next_offset,
        next=(state.next_offset or 0) + 40,
        topic_id=state.topic_id or "",
        digests=state.digests,
        switches=(),
        watermark=state.watermark,
        caught_up=True,
        at=0.0,
        buckets={BucketKey(AGENT, minute, active.digest): late},
    )
    hour = minute // 60
    before = judge.history.hours("all")[hour][0]
    assert store.commit(link) is Outcome.APPLIED
    more = judge.advance(float("inf"), 1, limit=1)
    assert more is not None
    assert min(verdict.at for verdict in more) > said[-1].at
    assert kept == store.newest(AGENT, "verdicts", 1000)[: len(kept)]
    assert judge.history.hours("all")[hour][0] == before + 40


def test_a_gap_of_another_agent_holds_nothing(counted: Counted, encoder: Encoder) -> None:
    store, active = counted
    state = store.state(HISTORY)
    store._states[HISTORY] = replace(state, gaps=(Gap(9, 39, 30, None, float("inf"), "learning", "other"),))
    verdicts = leader(store, active, encoder).advance(float("inf"), 1, limit=26) or []
    assert {verdict.reason for verdict in verdicts if verdict.status == "stale"} == set()
    assert any(verdict.alerting for verdict in verdicts)


def test_what_another_version_learned_can_still_be_calibrated(counted: Counted, encoder: Encoder) -> None:
    store, active = counted
    assert leader(store, active, encoder).advance(float("inf"), 1, limit=12)
    content = msgspec.msgpack.decode(store.get(AGENT, bin_set_name(active.digest)) or b"")
    content["dimensions"][0]["version"] = 99
    store.write(AGENT, 1, [Put(bin_set_name(active.digest), msgspec.msgpack.encode(content))])
    assert stored(AGENT, store, settings()) is not None
