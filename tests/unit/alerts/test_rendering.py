from __future__ import annotations

import msgspec
import pytest

from alerts.notification import Notification, announce, worst
from alerts.rendering import driver_text, duration, facts, headline, share
from alerts.verdict import BehaviourVerdict, Change, Driver, Quadrant, Where
from tests.unit.alerts.samples import (
    BASE_URL,
    INTENTS,
    NOON,
    REFUSALS,
    make_notification,
    make_opened,
    make_resolved,
)

MOVED_INTENTS = msgspec.structs.replace(
    INTENTS, psi=0.31, level="significant", exceeds=True, drivers=(Driver("refund", 0.1, 0.4, 0.3),)
)
BEHAVIOUR = BehaviourVerdict(
    psi=0.08,
    level="moderate",
    mix_explained_psi=0.0,
    residual_psi=0.07,
    unsupported_share=0.0,
    effective_n=900.0,
    where=(Where("billing", "refused", 0.05, 0.35, 61),),
)
AGENT = "[FIRING] support-bot"


def test_the_headline_tells_the_whole_story_in_one_line() -> None:
    expected = (
        f"{AGENT}: system_changed - outputs moved, inputs did not; "
        "response_category PSI 0.41: refused 3 % -> 18 %"
    )
    assert expected == headline(make_notification())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"quadrant": Quadrant.WORLD_CHANGED, "dimensions": (MOVED_INTENTS,)},
            "world_changed - inputs moved, outputs did not; intent PSI 0.31: refund 10 % -> 40 %",
        ),
        (
            {"quadrant": Quadrant.WORLD_CHANGED, "dimensions": (MOVED_INTENTS, REFUSALS)},
            (
                "world_changed - inputs moved, and that explains what the outputs show; "
                "intent PSI 0.31: refund 10 % -> 40 %"
            ),
        ),
        (
            {"quadrant": Quadrant.BOTH_MOVED, "dimensions": (MOVED_INTENTS, REFUSALS)},
            (
                "both_moved - inputs and outputs moved; response_category PSI 0.41: refused 3 % -> 18 %; "
                "intent PSI 0.31: refund 10 % -> 40 %"
            ),
        ),
        (
            {"dimensions": (INTENTS,), "behaviour": BEHAVIOUR},
            "system_changed - outputs moved, inputs did not; at billing: refused 5 % -> 35 %",
        ),
        (
            {"quadrant": None, "dimensions": (REFUSALS,)},
            "outputs moved, inputs cannot be seen; response_category PSI 0.41: refused 3 % -> 18 %",
        ),
        (
            {"quadrant": None, "dimensions": (MOVED_INTENTS,)},
            "inputs moved, outputs cannot be seen; intent PSI 0.31: refund 10 % -> 40 %",
        ),
    ],
)
def test_the_headline_names_what_moved(changes: dict[str, object], expected: str) -> None:
    assert f"{AGENT}: {expected}" == headline(make_notification(**changes))


def test_the_headline_of_a_segment_names_it() -> None:
    assert headline(make_notification(segment="plan=pro")).startswith("[FIRING] support-bot (plan=pro): ")


def test_a_resolve_says_how_long_and_how_bad() -> None:
    state, _ = make_opened()
    over = announce(make_resolved(state), base_url=None, playbooks={})
    expected = "[RESOLVED] support-bot: system_changed - calm again after 3 h 40 min; peak PSI 0.41"
    assert expected == headline(over)
    assert "First step" not in facts(over)


def test_the_driver_that_rose_is_named_before_one_that_fell() -> None:
    fell_first = msgspec.structs.replace(REFUSALS, drivers=REFUSALS.drivers[::-1])
    assert "refused 3 % -> 18 %" in headline(make_notification(dimensions=(fell_first,)))


def test_the_facts_name_the_change_and_what_was_ruled_out() -> None:
    change = Change("prompt_version", "v7", "v8", NOON - 1200, 0.97)
    told = facts(
        make_notification(
            changes=(change,), cause="own_change", ruled_out=("model",), last_steady={"model": "m1"}
        )
    )
    assert told["Changed since"] == "prompt_version v7 -> v8 (97 % since 2026-10-16 11:40 UTC)"
    assert told["Likely cause"] == "own change"
    assert told["Looked at, did not change"] == "model"
    assert told["Last steady"] == "model m1"
    assert told["Since"] == "2026-10-16 11:40 UTC, firing since 2026-10-16 12:00 UTC"
    assert told["Turns to read"] == "traces-3@18233 trace 4bf92f3577b34da6"


def test_other_tools_and_another_index_read_as_a_sentence() -> None:
    found = (
        Change("tools", "lookup+refund", "lookup", NOON, 0.97),
        Change("tools", "12 #5c0e91d3", "13 #77b0d2aa", NOON, 0.5),
        Change("index_version", "2026-01", "2026-02", NOON, 1.0),
    )
    since = "since 2026-10-16 12:00 UTC"
    assert facts(make_notification(changes=found, cause="own_change"))["Changed since"] == (
        f"tools lookup+refund -> lookup (97 % {since}); tools 12 #5c0e91d3 -> 13 #77b0d2aa (50 % {since}); "
        f"index_version 2026-01 -> 2026-02 (100 % {since})"
    )


def test_what_is_unknown_is_left_out() -> None:
    told = facts(make_notification(samples=()))
    assert {"Means", "First step", "Since", "Episode"} == set(told)


def test_at_most_five_dimensions_are_told_each_once_and_the_worst_first() -> None:
    others = tuple(msgspec.structs.replace(INTENTS, name=f"d{i}", psi=i / 100) for i in range(8))
    rolling = msgspec.structs.replace(REFUSALS, reference="rolling", psi=0.2)
    reported = msgspec.structs.replace(REFUSALS, name="tool_count", psi=0.9, deciding=False)
    told = worst((*others, rolling, REFUSALS, reported))
    assert [d.name for d in told] == ["response_category", "tool_count", "d7", "d6", "d5"]
    assert told[0] == REFUSALS


def test_links_lead_to_the_configured_page_or_to_the_worker_s_own() -> None:
    _, opened = make_opened()
    own = announce(opened, base_url=BASE_URL + "/", playbooks={})
    assert own.playbook == "https://drift.example.com/playbooks/system_changed"
    page = "https://wiki.example.com/drift"
    assert page == announce(opened, base_url=None, playbooks={"system_changed": page}).playbook
    assert announce(opened, base_url=None, playbooks={}).playbook is None


def test_a_notification_survives_being_stored() -> None:
    told = make_notification()
    assert told == msgspec.json.decode(msgspec.json.encode(told), type=Notification)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.18, "18 %"),
        (0.0999, "10 %"),
        (0.034, "3.4 %"),
        (0.03, "3 %"),
        (0.005, "0.5 %"),
        (0.00034, "0.03 %"),
        (0.00001, "<0.01 %"),
    ],
)
def test_a_share_has_the_digits_that_matter(value: float, expected: str) -> None:
    assert expected == share(value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 min"),
        (2400, "40 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
        (86_400, "1 d"),
    ],
)
def test_a_duration_reads_as_people_say_it(seconds: int, expected: str) -> None:
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(0.04, 0.19, "has aged: inputs like no intent 4 % -> 19 %."), (0.19, 0.04, "")],
)
def test_a_growing_share_of_inputs_like_no_intent_says_that_the_taxonomy_has_aged(
    before: float, now: float, expected: str
) -> None:
    unlike = Driver("other", before, now, 0.2, "like no intent")
    moved = msgspec.structs.replace(MOVED_INTENTS, drivers=(Driver("refund", 0.1, 0.4, 0.3), unlike))
    told = facts(make_notification(quadrant=Quadrant.WORLD_CHANGED, dimensions=(moved,)))
    assert told.get("Taxonomy", "").startswith(expected)
    assert bool(expected) == ("Taxonomy" in told)


def test_a_bin_is_told_with_its_label() -> None:
    driver = Driver("7", 0.03, 0.18, 0.2, label="refund, charged twice")
    assert driver_text(driver).startswith("7 (refund, charged twice) ")
    assert driver_text(msgspec.structs.replace(driver, label=None)).startswith("7 ")


def test_an_episode_whose_bins_were_learned_anew_is_not_called_calm() -> None:
    state, _ = make_opened()
    assert state.episode is not None
    ending = msgspec.structs.replace(state.episode, reason="reclustered")
    resolved = make_resolved(msgspec.structs.replace(state, episode=ending))
    told = headline(announce(resolved, base_url=BASE_URL, playbooks={}))
    assert "its bins were learned anew" in told
    assert "calm" not in told
