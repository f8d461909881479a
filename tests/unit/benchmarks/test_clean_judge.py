"""The soak's clean run says what the worker's own line says of the same turns, and where one does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest

from baselines.learned import bin_set_name, reference_name
from baselines.memory import MemoryStore
from benchmarks.chaos.clean import unlike
from benchmarks.chaos.findings import clean_run, judging
from tests.e2e.counts import Left
from worker.commands.history_file import HISTORY, HistoryFiles
from worker.commands.replay import default_settings, learned_agents, verdicts
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate
from worker.encoding import encoder
from worker.learning.survey import LearnRule
from worker.wiring import rules

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.verdict import Verdict
    from benchmarks.chaos.clean import CleanJudge

AGENT = "agent"
LEARN = LearnRule(24 * 3600.0, 1, float("inf"), None)


@dataclass(slots=True)
class Both:
    """What `quadrift replay` said of a history with a shift in it, and the clean run over its lines."""

    said: list[Verdict]
    store: MemoryStore
    judge: CleanJudge
    heard: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    begin = latest_begin(1_790_000_000, 40)
    shape = Scenario(begin, turns_per_hour=200, warm_h=1, shift_h=3, calm_h=2, shifts=(Shift.MODEL,))
    lines = [sent.record() for sent in generate(shape)]
    path: Path = tmp_path_factory.mktemp("clean") / "history.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    settings, store, files = default_settings(), MemoryStore(), HistoryFiles([path])
    made = encoder(settings.encoder)
    agents = learned_agents(files, settings, LEARN, made, store)
    said = list(verdicts(files, settings, made, store, agents))
    active = agents[AGENT].judge.active
    left = Left(
        active,
        store.get(AGENT, bin_set_name(active.digest)),
        store.get(AGENT, reference_name(active.digest)),
        counts={},
    )
    heard: list[int] = []
    _, judge = clean_run(AGENT, left, rules(settings), {str(HISTORY): lines}, made, heard.append)
    judge.judge(store.state(HISTORY).watermark or 0.0)
    return Both(said, store, judge, heard)


def test_a_clean_run_gives_every_verdict_and_episode_of_the_worker_s_own_line(both: Both) -> None:
    assert both.said
    assert unlike(both.judge.verdicts, both.said) == []
    assert {v.episode for v in both.said} == {v.episode for v in both.judge.verdicts.values()}
    assert {v.episode for v in both.said} > {None}
    assert both.heard == sorted(both.heard)


def test_what_the_worker_s_own_line_says_opens_and_remembers_holds(both: Both) -> None:
    opened = {verdict.episode for verdict in both.said if verdict.episode is not None}
    *rows, often = judging(both.judge, both.store, opened)
    assert [] == [row.name for row in rows if not row.held]
    assert (False, len(opened)) == (often.held, often.value)  # a shift in six hours is no quiet month


def test_an_episode_that_a_clean_judge_does_not_open_does_not_hold(both: Both) -> None:
    opened = {verdict.episode for verdict in both.said if verdict.episode is not None}
    rows = judging(both.judge, both.store, {*opened, "of-a-fault"})
    assert ["of-a-fault"] == [line for row in rows[:-1] if not row.held for line in row.wrong]


def test_a_verdict_on_other_counts_or_of_no_such_step_is_told_of(both: Both) -> None:
    one = both.said[-1]
    doctored = msgspec.structs.replace(one, turns=one.turns - 1)
    unknown = msgspec.structs.replace(one, at=one.at + 7)
    told = unlike(both.judge.verdicts, [one, doctored, unknown])
    assert [f"all at {one.at}", f"all at {one.at + 7}"] == [line.partition(":")[0] for line in told]
