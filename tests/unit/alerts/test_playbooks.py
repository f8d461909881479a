from __future__ import annotations

import pytest

from alerts.playbooks import link, load
from alerts.verdict import Quadrant

SECTIONS = ["How sure", "First five minutes", "Decide", "Close", "Escalate", "What it is not"]


@pytest.mark.parametrize("quadrant", list(Quadrant))
def test_every_quadrant_has_a_page_with_its_sections_in_order(quadrant: Quadrant) -> None:
    text = load(quadrant)
    places = [text.find(f"\n## {section}") for section in SECTIONS]
    assert text.startswith(f"# {quadrant}")
    assert -1 not in places
    assert sorted(places) == places
    assert "/v1/psi" in text
    assert "/v1/verdicts" in text


def test_a_page_of_your_own_comes_before_the_worker_s() -> None:
    own: dict[str, str] = {Quadrant.BOTH_MOVED: "https://wiki.example.com/both"}
    assert own[Quadrant.BOTH_MOVED] == link(Quadrant.BOTH_MOVED, "http://127.0.0.1:8321", own)
    assert link(Quadrant.STEADY, "http://127.0.0.1:8321/", own) == "http://127.0.0.1:8321/playbooks/steady"
    assert link(Quadrant.STEADY, None, own) is None
