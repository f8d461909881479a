"""What the demo prints where there is no terminal, and what it makes of the worker's answers."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from rich.console import Console

from alerts.verdict import Driver
from worker.demo.ask import Answers, Histogram, Learning
from worker.demo.grade import grade
from worker.demo.producer import LEAD_S, Pace
from worker.demo.scenario import HOUR, TAIL_S, Scenario
from worker.demo.show import show
from worker.demo.summary import summary
from worker.demo.view import Scene
from worker.demo.watch import Alert, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

SCENARIO = Scenario(begin=1_794_880_800)
WORLD = SCENARIO.learned + 3 * HOUR
LINK = "http://127.0.0.1:8321/playbooks/world_changed"
ALERT = Alert(
    WORLD + 2400,
    "e1",
    "world_changed",
    "cluster: visa 0.4 % to 14 %",
    ("input.cluster",),
    LINK,
    WORLD + 6 * HOUR,
)
STEADY: dict[str, Any] = {
    "agent": "support-agent",
    "segment": "all",
    "at": WORLD,
    "bin_set": None,
    "quadrant": "steady",
    "marginal_quadrant": "steady",
    "exceeds": False,
    "alerting": False,
    "episode": None,
    "status": "ok",
    "reason": None,
    "turns": 700,
    "input": {},
    "output": {},
    "behaviour": None,
    "dimensions": [],
    "changes": [],
    "cause": "unknown",
    "ruled_out": [],
    "last_steady": {},
    "samples": [],
    "playbook": None,
}


def scene(now: float, alerts: Sequence[Alert] = (), learning: Learning | None = None) -> Scene:
    return Scene(SCENARIO, now, 4321, Watch(alerts=list(alerts)), (), learning, "", "http://127.0.0.1:8321")


def printed(scenes: Sequence[Scene]) -> str:
    out = io.StringIO()
    with show(Console(file=out, width=100)) as shown:
        for one in scenes:
            shown.update(one)
    return out.getvalue()


def test_without_a_terminal_there_are_plain_lines_and_no_control_characters() -> None:
    firing = replace(ALERT, resolved_at=None)
    told = printed(
        [
            scene(SCENARIO.begin + 60.0, learning=Learning(100, 1000, 2.0, 24.0)),
            scene(WORLD + 60.0),
            scene(WORLD + 61.0),
            scene(WORLD + HOUR, [firing]),
            scene(WORLD + 7 * HOUR, [ALERT]),
        ]
    )
    assert "\x1b" not in told
    assert told.count("ALERT") == 1
    assert f"Wed 05:40  ALERT     world_changed: cluster: visa 0.4 % to 14 %  {LINK}" in told
    assert "Wed 11:00  resolved  world_changed" in told
    assert "2 of 24 h read" in told
    assert told.count("a travel partner") == 1


def test_the_summary_names_what_was_said_how_late_and_what_was_missed() -> None:
    out = io.StringIO()
    Console(file=out, width=160).print(summary(SCENARIO, grade(SCENARIO, [ALERT]), lambda *_: 900))
    told = out.getvalue()
    assert "40 min" in told
    assert "nothing" in told
    assert "0 false alerts" in told
    assert "failed" in told


def test_the_summary_of_a_quiet_run_lists_false_alerts() -> None:
    quiet = replace(SCENARIO, quiet=True)
    out = io.StringIO()
    Console(file=out, width=160).print(summary(quiet, grade(quiet, [ALERT]), lambda *_: 900))
    assert "1 false alert:" in out.getvalue()


def test_the_pace_never_runs_far_ahead_of_the_worker_nor_past_the_end() -> None:
    pace = Pace(SCENARIO, float(SCENARIO.begin))
    assert pace.advance(1000.0, None) == SCENARIO.learned + LEAD_S
    assert pace.advance(1000.0, None) == SCENARIO.learned + LEAD_S
    assert pace.advance(1.0, WORLD) < WORLD + LEAD_S
    assert pace.advance(1e6, SCENARIO.end) == SCENARIO.end + TAIL_S


def answering(content: dict[str, Any]) -> Answers:
    def answer(request: httpx.Request) -> httpx.Response:
        found = content.get(request.url.path)
        return httpx.Response(200, content=msgspec.json.encode(found)) if found else httpx.Response(503)

    return Answers(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://worker"))


def test_learning_is_read_until_there_are_histograms() -> None:
    told = {
        "state": "learning",
        "stage": "waiting",
        "turns": 5,
        "turns_needed": 9,
        "hours": 1,
        "hours_needed": 24,
    }
    answers = answering({"/v1/psi": {"learning": told, "input": {"dimensions": []}}})
    assert answers.refresh() == []
    assert answers.learning == Learning(5, 9, 1.0, 24.0)
    assert list(answers.histograms) == []


def test_while_the_bins_are_fitted_the_progress_stays_full() -> None:
    told = {"stage": "learning", "turns": 14000, "turns_needed": 1000, "hours": 0, "hours_needed": 24}
    answers = answering({"/v1/psi": {"reason": "learning", "learning": told}})
    answers.learning = Learning(14000, 1000, 24.0, 24.0)
    answers.refresh()
    assert answers.learning == Learning(14000, 1000, 24.0, 24.0)
    assert answers.note.startswith("fitting")


def test_histograms_and_verdicts_come_from_the_api() -> None:
    bins = [{"bin": "billing", "reference_share": 0.2, "current_share": 0.1, "contribution": 0.0}]
    one = {
        "name": "intent",
        "psi": 0.1,
        "level": "moderate",
        "exceeds": True,
        "deciding": True,
        "turns": 700,
        "bins": bins,
    }
    listed = {"verdicts": [STEADY]}
    answers = answering({"/v1/psi": {"input": {"dimensions": [one]}}, "/v1/verdicts": listed})
    assert [said.at for said in answers.refresh()] == [WORLD]
    assert answers.histograms == [
        Histogram(**one | {"bins": (Driver("billing", 0.2, 0.1, 0.0),)}, side="input")  # type: ignore[arg-type]
    ]


def test_a_worker_that_does_not_answer_leaves_what_is_known() -> None:
    answers = answering({})
    answers.learning = Learning(1, 2, 3.0, 4.0)
    assert answers.refresh() == []
    assert answers.learning == Learning(1, 2, 3.0, 4.0)
