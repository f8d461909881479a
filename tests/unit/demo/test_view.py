from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from alerts.verdict import (
    DimensionVerdict,
    Driver,
    Quadrant,
    Side,
    SideVerdict,
    Status,
    Verdict,
    WindowSpan,
)
from worker.demo.ask import Histogram, Learning
from worker.demo.charts import bar, sparkline, truth_line, widest
from worker.demo.grade import grade
from worker.demo.scenario import HOUR, Scenario
from worker.demo.traffic import DECISIONS, INTENTS
from worker.demo.view import Scene, render
from worker.demo.watch import Watch

TUESDAY = 1_794_880_800  # 02:00 UTC
SCENARIO = Scenario(begin=TUESDAY)
WORLD = TUESDAY + 27 * HOUR
MODEL, TOOL = WORLD + 8 * HOUR, WORLD + 16 * HOUR
BASE = "http://127.0.0.1:8321"


def dimension(side: Side, name: str, *drivers: Driver, psi: float = 0.4) -> DimensionVerdict:
    return DimensionVerdict(
        side=side,
        name=name,
        version=1,
        reference="fixed",
        window=WindowSpan(WORLD, WORLD + HOUR, HOUR),
        turns=700,
        reference_turns=14000,
        psi=psi,
        psi_raw=psi + 0.02,
        noise_floor=0.02,
        p_value=1e-9,
        level="significant",
        exceeds=bool(drivers),
        deciding=True,
        drivers=drivers,
        story="driver",
    )


CLUSTER = dimension("input", "cluster", Driver("c07", 0.004, 0.14, 0.3, "visa, passport, embassy"))
REFUSALS = dimension("output", "response_category", Driver("refused", 0.02, 0.10, 0.2))
FLAGS = dimension("output", "flags:hallucination", Driver("yes", 0.005, 0.051, 0.1), psi=0.11)


def verdict(
    at: int,
    quadrant: Quadrant = Quadrant.STEADY,
    *dimensions: DimensionVerdict,
    episode: str | None = None,
    psi: tuple[float, float] = (0.01, 0.02),
    status: Status = Status.OK,
) -> Verdict:
    return Verdict(
        agent="support-agent",
        segment="all",
        at=at,
        bin_set="b" * 16,
        quadrant=quadrant,
        marginal_quadrant=quadrant,
        exceeds=bool(dimensions),
        alerting=episode is not None,
        episode=episode,
        status=status,
        reason=None,
        turns=700,
        input=SideVerdict("low", psi[0], "intent"),
        output=SideVerdict("low", psi[1], "response_category"),
        behaviour=None,
        dimensions=dimensions,
        changes=(),
        cause="unknown",
        ruled_out=(),
        last_steady={},
        samples=(),
        playbook=f"{BASE}/playbooks/{quadrant}" if episode else None,
    )


def story(shifts: dict[int, tuple[Quadrant, DimensionVerdict]], until: int = SCENARIO.end) -> Watch:
    """What a worker says that pages 40 minutes into each shift and resolves 90 minutes after it."""
    watch = Watch()
    for at in range(SCENARIO.learned + HOUR, until + 1, 600):
        said = verdict(at)
        for start, (quadrant, found) in shifts.items():
            if start + 2400 <= at < start + 5 * HOUR + 1800:
                psi = (0.42, 0.02) if quadrant is Quadrant.WORLD_CHANGED else (0.02, 0.31)
                said = verdict(at, quadrant, found, episode=str(start), psi=psi)
        watch.take([said])
    return watch


RIGHT = {
    WORLD: (Quadrant.WORLD_CHANGED, CLUSTER),
    MODEL: (Quadrant.SYSTEM_CHANGED, REFUSALS),
    TOOL: (Quadrant.SYSTEM_CHANGED, FLAGS),
}


def histogram(side: Side, name: str, bins: dict[str, float], moved: dict[str, float]) -> Histogram:
    now = {key: moved.get(key, share * (1 - sum(moved.values()))) for key, share in bins.items()}
    told = tuple(Driver(key, share, now[key], 0.0) for key, share in bins.items())
    found = bool(moved)
    return Histogram(
        side=side,
        name=name,
        psi=0.42 if found else 0.01,
        level="significant" if found else "low",
        exceeds=found,
        deciding=True,
        turns=700,
        bins=told,
    )


def scene(watch: Watch, *, learning: bool = False) -> Scene:
    usual = {**DECISIONS, "hallucination_flag": 0.005}
    found = [
        histogram("input", "intent", INTENTS, {"other": 0.30}),
        histogram("output", "response_category", usual, {}),
    ]
    progress = Learning(430, 1000, 9, 24) if learning else None
    now = TUESDAY + 9 * HOUR if learning else WORLD + 2 * HOUR
    return Scene(SCENARIO, now, 12_345, watch, [] if learning else found, progress, "", BASE)


def shown(what: Scene, width: int, height: int = 30) -> list[str]:
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(render(what, width), height=height)
    if folder := os.environ.get("QUADRIFT_VIEW"):
        name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
        Path(folder, f"{re.sub(r'[^a-z0-9-]', '_', name)}.svg").write_text(console.export_svg(clear=False))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [100, 140])
def test_the_view_fits_its_screen_and_shows_the_firing_alert(width: int) -> None:
    lines = shown(scene(story(RIGHT, until=WORLD + 2 * HOUR)), width)
    text = "\n".join(lines)
    assert len(lines) <= 30
    assert max(len(line) for line in lines) <= width
    for part in (
        "●world_changed",
        "visa, passport, embassy 0.4 % to 14 %",
        f"{BASE}/playbooks/world_changed",
        f"curl -s {BASE}/v1/psi",
        "truth: a travel partner",
        "other",
        "tool called",
        "PSI over time",
        "firing",
    ):
        assert part in text


@pytest.mark.parametrize("width", [100, 140])
def test_learning_is_shown_as_progress(width: int) -> None:
    text = "\n".join(shown(scene(Watch(), learning=True), width))
    assert "430 of 1,000" in text
    assert "9 of 24" in text
    assert "none so far" in text


def test_before_the_first_answer_the_view_says_that_the_worker_starts() -> None:
    text = "\n".join(shown(replace(scene(Watch(), learning=True), learning=None), 100))
    assert "starting" in text


def test_a_bar_shows_both_shares_at_one_scale() -> None:
    assert bar(0.5, 0.25, 0.5, 8, "green").plain == "▀▀▀▀▀▀▀▀"
    assert bar(0.25, 0.5, 0.5, 8, "red").plain == "▀▀▀▀▄▄▄▄"
    assert bar(0.0, 0.0, 0.5, 4, "green").plain == "    "


def test_of_many_bins_the_eight_that_moved_most_are_shown() -> None:
    bins = [Driver(f"c{i:02}", 0.03, 0.03 + i / 1000, 0.0) for i in range(33)]
    assert [f"c{i}" for i in range(32, 24, -1)] == [b.bin for b in widest(bins)]


def test_the_course_reaches_half_its_height_at_the_gate_and_stands_where_the_shift_is() -> None:
    _, newest, line = sparkline("input", story(RIGHT, until=WORLD + 2 * HOUR).points, SCENARIO, 27)
    assert newest.plain == "0.42"
    assert line.plain.rstrip() == "▁▁▁▇▇"
    truth = truth_line(SCENARIO, 27).plain
    assert truth == "───" + 3 * "━━━━────"


def test_an_alert_is_opened_once_and_resolved() -> None:
    watch = story(RIGHT)
    assert [alert.quadrant for alert in watch.alerts] == ["world_changed", "system_changed", "system_changed"]
    assert [alert.at for alert in watch.alerts] == [start + 2400 for start in RIGHT]
    assert all(alert.resolved_at == alert.at + 5 * HOUR - 600 for alert in watch.alerts)


def test_verdicts_seen_before_change_nothing() -> None:
    watch = Watch()
    watch.take([verdict(WORLD), verdict(WORLD + 600)])
    watch.take([verdict(WORLD + 600), verdict(WORLD)])
    assert [point.at for point in watch.points] == [WORLD, WORLD + 600]


def test_a_stale_verdict_does_not_resolve_an_alert() -> None:
    watch = Watch()
    watch.take([verdict(WORLD, Quadrant.WORLD_CHANGED, CLUSTER, episode="e")])
    watch.take([verdict(WORLD + 600, status=Status.STALE)])
    assert watch.open_alert is not None


def test_a_demo_that_names_every_shift_passes() -> None:
    graded = grade(SCENARIO, story(RIGHT).alerts)
    assert graded.passed
    assert [row.span.name for row in graded.rows] == ["world", "model", "tool"]


@pytest.mark.parametrize(
    "said",
    [
        {WORLD: RIGHT[WORLD], MODEL: RIGHT[MODEL]},
        RIGHT | {WORLD: (Quadrant.BOTH_MOVED, CLUSTER)},
        RIGHT | {TOOL: (Quadrant.SYSTEM_CHANGED, REFUSALS)},
        RIGHT | {WORLD - 3 * HOUR: RIGHT[WORLD]},
    ],
    ids=["a shift missed", "a wrong quadrant", "the flag not named", "a page before the first shift"],
)
def test_a_demo_fails_on(said: dict[int, tuple[Quadrant, DimensionVerdict]]) -> None:
    assert not grade(SCENARIO, story(said).alerts).passed


def test_a_quiet_demo_passes_without_a_page_and_fails_with_one() -> None:
    quiet = replace(SCENARIO, quiet=True)
    assert grade(quiet, []).passed
    assert not grade(quiet, story({WORLD: RIGHT[WORLD]}).alerts).passed
