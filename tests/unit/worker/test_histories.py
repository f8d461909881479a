"""Weeks of made-up traffic through the judge: what opens, when, and what closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.windows import DAY, HOUR
from benchmarks.synthetic import Dimension, Installation, delta, pages
from tests.unit.worker.installations import BASE8, CATEGORY, FLAG, INTENT, MONDAY, installation, learned

if TYPE_CHECKING:
    from alerts.verdict import Verdict

RARE = "output.response_category"


def shares(bin_: int, share: float) -> tuple[float, ...]:
    """The base shares with one bin at another share."""
    rest = sum(BASE8) - BASE8[bin_]
    return tuple(share if i == bin_ else b / rest * (1 - share) for i, b in enumerate(BASE8))


def test_two_changes_a_week_apart_are_two_episodes() -> None:
    made = learned(600, CATEGORY, seed=3)
    said = made.play(600, 16 * 24, every=10)
    assert pages(said) == []
    opened = []
    for bin_ in (6, 5):
        opened.append(made.hour * HOUR)
        made.traffic.replaced = {RARE: shares(bin_, 0.3)}
        said += made.play(600, 7 * 24, every=10)
    first, second = pages(said)
    assert opened[0] < first.at <= opened[0] + 2 * HOUR
    assert opened[1] < second.at <= opened[1] + 2 * HOUR
    assert any(not verdict.alerting for verdict in said if first.at < verdict.at < second.at)


def test_a_slow_drift_is_found_by_the_fixed_reference() -> None:
    made = learned(600, CATEGORY, seed=4)
    made.play(600, 14 * 24, every=10)
    began = made.hour * HOUR
    said: list[Verdict] = []
    for day in range(28):
        made.traffic.replaced = {RARE: shares(6, 0.03 + 0.09 * day / 28)}
        said += made.play(600, 24, every=10)
        if pages(said):
            break
    page = pages(said)[0]
    assert page.at < began + 14 * DAY
    assert "fixed" in {d.reference for d in page.dimensions if d.exceeds}


@pytest.fixture(scope="module")
def quiet_agent() -> Installation:
    """200 turns a day: learned from five days of it, and four judged."""
    made = learned_slowly(200 // 24, days=5)
    said = made.play(200 // 24, 4 * 24, every=10)
    assert pages(said) == []
    judged = [verdict for verdict in said if verdict.dimensions]
    assert judged
    assert {DAY, 3 * DAY} & {d.window.length_s for d in judged[-1].dimensions}
    return made


def learned_slowly(turns: int, days: int) -> Installation:
    made = installation(INTENT, CATEGORY, FLAG, seed=6)
    made.learn(MONDAY, turns, days * 24)
    return made


def test_an_agent_of_200_turns_a_day_is_judged_on_long_windows_and_a_big_change_found(
    quiet_agent: Installation,
) -> None:
    began = quiet_agent.hour * HOUR
    quiet_agent.traffic.replaced = {"input.intent": tuple(reversed(BASE8))}
    (page,) = pages(quiet_agent.play(200 // 24, 3 * 24, every=10))
    assert page.quadrant == "world_changed"
    assert page.at < began + 2 * DAY


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_traffic_that_moves_a_dimension_between_rungs_makes_no_alert(seed: int) -> None:
    made = learned(400, INTENT, FLAG, seed=seed)
    said: list[Verdict] = []
    for hour in range(5 * 24):
        said += made.play(400 if 7 <= hour % 24 < 19 else 12, every=10)
    assert pages(said) == []
    assert len(rungs(said)) > 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_traffic_that_moves_a_dimension_between_rungs_loses_no_alert(seed: int) -> None:
    made = learned(400, INTENT, FLAG, seed=seed)
    made.play(400, 24, every=10)
    made.traffic.replaced = {"input.intent": tuple(reversed(BASE8))}
    said: list[Verdict] = []
    for hour in range(20):
        said += made.play(400 if hour < 6 else 12, every=10)
    (page,) = pages(said)
    assert all(verdict.alerting for verdict in said if verdict.at >= page.at)
    assert len(rungs(said)) > 1


def rungs(said: list[Verdict]) -> set[int]:
    """The lengths of the ladder's windows that the intents were judged on."""
    return {
        d.window.length_s
        for verdict in said
        for d in verdict.dimensions
        if d.name == "intent" and d.window.end % 600 == 0 and d.window.length_s >= HOUR
    }


def test_a_dimension_of_one_bin_never_moves() -> None:
    made = learned(600, Dimension("input.language", (1.0, 0.0)), CATEGORY)
    assert pages(made.play(600, 24, every=10)) == []


def test_a_late_event_is_in_the_rolling_reference_that_already_had_its_hour() -> None:
    made = learned(400, CATEGORY)
    made.play(400, 15 * 24, every=60)
    (rolling,) = made.judge.segments[0].rolling.values()
    late = made.hour - 3 * 24
    assert 400 == rolling._held[HOUR].hours[late].sum()
    made.log.add({late * 60 + 30: delta(made.traffic.layout, made.traffic.counts(50))}, made.hour * HOUR)
    made.play(400, every=60)
    assert 450 == rolling._held[HOUR].hours[late].sum()
