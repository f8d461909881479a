"""The fast lane in the judge: sharp changes page within minutes, under the right name, and once."""

from __future__ import annotations

import copy

import pytest

from alerts.verdict import encode
from benchmarks.synthetic import Installation, pages
from tests.unit.worker.installations import CATEGORY, FLAG, INTENT, learned
from worker.judging.judgement import EARLY_REASON

TURNED = (0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.2, 0.4)


@pytest.fixture(scope="module")
def quiet() -> Installation:
    """Learned on a Monday at 1200 turns an hour, and four quiet hours judged."""
    made = learned(1200)
    assert pages(made.play(1200, 4)) == []
    return made


@pytest.mark.parametrize(
    ("changed", "quadrant"),
    [
        ({"input.intent": TURNED}, "world_changed"),
        ({"output.response_category": TURNED}, "system_changed"),
        ({"input.intent": TURNED, "output.response_category": TURNED}, "both_moved"),
    ],
)
def test_a_sharp_change_pages_within_five_minutes_under_its_name(
    quiet: Installation, changed: dict[str, tuple[float, ...]], quadrant: str
) -> None:
    made = copy.deepcopy(quiet)
    began = made.hour * 3600
    made.traffic.replaced = dict(changed)
    said = made.play(1200, 4)
    (page,) = pages(said)
    assert quadrant == page.quadrant
    assert 0 < page.at - began <= 300
    assert {page.episode} == {verdict.episode for verdict in said if verdict.at >= page.at}
    assert {quadrant} == {verdict.quadrant for verdict in said if verdict.at >= page.at}


def test_a_page_of_minutes_says_that_the_other_side_may_follow(quiet: Installation) -> None:
    made = copy.deepcopy(quiet)
    made.traffic.replaced = {"output.response_category": TURNED}
    said = made.play(1200, 3)
    (page,) = pages(said)
    assert EARLY_REASON == page.reason
    assert said[-1].exceeds
    assert said[-1].reason is None


def test_what_hit_is_shown_on_the_window_of_its_lane(quiet: Installation) -> None:
    made = copy.deepcopy(quiet)
    made.traffic.replaced = {"output.flags:hallucination": (0.5, 0.5)}
    (page,) = pages(made.play(1200))
    (hit,) = [dimension for dimension in page.dimensions if dimension.exceeds]
    assert ("flags:hallucination", "fixed") == (hit.name, hit.reference)
    assert (300, page.at) == (hit.window.length_s, hit.window.end)
    assert "b1" == hit.drivers[0].bin


def test_a_burst_of_minutes_opens_one_episode_that_the_ladder_closes(quiet: Installation) -> None:
    made = copy.deepcopy(quiet)
    burst = copy.deepcopy(made.traffic)
    burst.replaced = {"output.response_category": TURNED}
    made.count(burst.minutes(200, 10) + made.traffic.minutes(1000, 50))
    said = made.judged() + made.play(1200, 5)
    (page,) = pages(said)
    last = max(verdict.at for verdict in said if verdict.alerting)
    assert page.at + 3600 < last < page.at + 3 * 3600
    assert all(verdict.alerting for verdict in said if page.at <= verdict.at <= last)


def test_another_leader_goes_on_in_the_middle_of_a_hit(quiet: Installation) -> None:
    whole = copy.deepcopy(quiet)
    whole.traffic.replaced = {"input.intent": TURNED}
    undisturbed = whole.play(1200, 2)
    counted = copy.deepcopy(quiet)
    counted.traffic.replaced = {"input.intent": TURNED}
    for _ in range(2):
        counted.count(counted.traffic.minutes(1200, 60))
    followed = []
    for minute in range(-119, 1):
        counted.take_over()
        followed += counted.judged(minute)
    assert [encode(verdict) for verdict in undisturbed] == [encode(verdict) for verdict in followed]


def test_quiet_days_page_nobody() -> None:
    made = learned(600, INTENT, CATEGORY, FLAG, copies=2, seed=5)
    assert pages(made.play(600, 72)) == []
