from __future__ import annotations

import pytest

from alerts.cause import cause, changes, last_steady, merged, ruled_out
from alerts.verdict import Change, Quadrant

BEFORE = {
    "model": {"gpt-4o": 900, "gpt-4o-mini": 100},
    "prompt_version": {"v7": 1000},
    "response_model": {"gpt-4o-2024-08-06": 1000},
}


def test_a_rollout_is_named_with_what_it_replaced_and_when_it_began() -> None:
    now = [
        (1000, {"prompt_version": {"v7": 99, "v8": 1}}),
        (4600, {"prompt_version": {"v7": 20, "v8": 80}}),
        (8200, {"prompt_version": {"v8": 100}}),
    ]
    assert (Change("prompt_version", "v7", "v8", 4600, 181 / 300),) == changes(BEFORE, now)


def test_a_canary_that_grows_is_a_change_from_what_it_displaces() -> None:
    now = [(0, {"model": {"gpt-4o": 500, "gpt-4o-mini": 500}})]
    assert (Change("model", "gpt-4o", "gpt-4o-mini", 0, 0.5),) == changes(BEFORE, now)


@pytest.mark.parametrize(
    "now",
    [
        {"model": {"gpt-4o": 905, "gpt-4o-mini": 95}},
        {"model": {"gpt-4o": 820, "gpt-4o-mini": 180}},  # up by 8 points only
        {"model": {"gpt-4o": 6, "gpt-4o-mini": 2}},  # up by 15 points of eight turns
        {"service_version": {"1.2": 1000}},  # a field that was not carried before
        {},
    ],
)
def test_small_or_uncertain_or_new_fields_are_no_change(now: dict[str, dict[str, int]]) -> None:
    assert changes(BEFORE, [(0, now)]) == ()


def test_other_tools_and_another_index_are_named_like_any_rollout() -> None:
    before = {"tools": {"lookup+refund": 500}, "index_version": {"2026-01": 300}}
    now = [(0, {"tools": {"lookup+refund": 5, "lookup": 495}, "index_version": {"2026-02": 300}})]
    assert changes(before, now) == (
        Change("index_version", "2026-01", "2026-02", 0, 1.0),
        Change("tools", "lookup+refund", "lookup", 0, 0.99),
    )


def test_a_field_that_takes_another_value_on_every_turn_has_moved() -> None:
    before = {"tools": {"lookup+refund": 500}, "model": {"m": 500}}
    scattered = {f"12 #{number:08x}": 1 for number in range(400)}
    now = [
        (0, {"tools": {"lookup+refund": 100}, "model": {"m": 100}}),
        (3600, {"tools": scattered, "model": {"m": 400}}),
    ]
    found = changes(before, now)
    assert found == (Change("tools", "lookup+refund", "__other__", 3600, 0.8),)
    assert ruled_out(before, merged([counts for _, counts in now]), found) == ("model",)


def test_a_field_that_always_took_another_value_on_every_turn_has_not() -> None:
    def turns(begin: int) -> dict[str, dict[str, int]]:
        return {"tools": {f"12 #{number:08x}": 1 for number in range(begin, begin + 500)}}

    assert changes(turns(0), [(0, turns(500))]) == ()
    packed = {"tools": {"__other__": 468, **{f"12 #{number:08x}": 1 for number in range(32)}}}
    assert changes(packed, [(0, turns(500))]) == ()


@pytest.mark.parametrize("counted", [0, 1, 20, 500])
def test_a_field_that_is_counted_since_an_upgrade_is_no_change(counted: int) -> None:
    before = {"model": {"m": 1000}, "tools": {"lookup": counted} if counted else {}}
    now = {"model": {"m": 500}, "tools": {"lookup": 500}}
    found = changes(before, [(0, now)])
    assert found == ()
    assert ruled_out(before, now, found) == (("model", "tools") if counted else ("model",))
    assert cause(Quadrant.SYSTEM_CHANGED, found, ruled_out(before, now, found)) == "silent_upstream"


def test_what_was_looked_at_and_stood_still_is_ruled_out() -> None:
    now = {"model": {"gpt-4o": 900}, "prompt_version": {"v8": 900}, "service_version": {"1.2": 900}}
    found = changes(BEFORE, [(0, now)])
    assert ruled_out(BEFORE, now, found) == ("model",)


def test_the_last_steady_change_set_is_the_most_common_value_of_each_field() -> None:
    expected = {"model": "gpt-4o", "prompt_version": "v7", "response_model": "gpt-4o-2024-08-06"}
    assert expected == last_steady({**BEFORE, "service_version": {}})


def test_nobody_is_told_to_go_back_to_values_that_are_not_named() -> None:
    packed = {"tools": {"__other__": 468, "lookup": 30, "refund": 2}, "index_version": {"__other__": 500}}
    assert {"tools": "lookup"} == last_steady(packed)


OWN = Change("prompt_version", "v7", "v8", 0, 1.0)
TOOLS = Change("tools", "lookup", "lookup+refund", 0, 1.0)
INDEX = Change("index_version", "2026-01", "2026-02", 0, 1.0)
UPSTREAM = Change("response_model", "a", "b", 0, 1.0)


@pytest.mark.parametrize(
    ("quadrant", "found", "unmoved", "expected"),
    [
        (Quadrant.SYSTEM_CHANGED, [OWN], [], "own_change"),
        (Quadrant.SYSTEM_CHANGED, [TOOLS], ["model"], "own_change"),
        (Quadrant.SYSTEM_CHANGED, [INDEX], ["model", "tools"], "own_change"),
        (Quadrant.SYSTEM_CHANGED, [UPSTREAM], ["model"], "silent_upstream"),
        (Quadrant.SYSTEM_CHANGED, [OWN, UPSTREAM], [], "own_change"),
        (Quadrant.SYSTEM_CHANGED, [], ["model", "prompt_version"], "silent_upstream"),
        (Quadrant.SYSTEM_CHANGED, [], [], "unknown"),
        (Quadrant.WORLD_CHANGED, [], ["model"], "users"),
        (Quadrant.WORLD_CHANGED, [OWN], [], "mixed"),
        (Quadrant.WORLD_CHANGED, [UPSTREAM], [], "users"),
        (Quadrant.BOTH_MOVED, [OWN], [], "mixed"),
        (Quadrant.BOTH_MOVED, [], ["model"], "unknown"),
        (Quadrant.STEADY, [OWN], [], "unknown"),
        (None, [OWN], [], "unknown"),
    ],
)
def test_only_what_the_change_set_shows_is_claimed(
    quadrant: Quadrant | None, found: list[Change], unmoved: list[str], expected: str
) -> None:
    assert expected == cause(quadrant, found, unmoved)
