from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from alerts.playbooks import link, load
from alerts.verdict import BehaviourVerdict, Change, Quadrant, Where
from tests.unit.alerts.samples import NOON, make_verdict
from worker.serving.answers import current, recent
from worker.serving.snapshot import AgentView, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def commands() -> Iterator[tuple[str, bool, str]]:
    """Every `curl ... | jq` of the pages: the address, whether raw, the filter."""
    for quadrant in Quadrant:
        text = re.sub(r"\|\n\s+jq", "| jq", load(quadrant))
        for path, raw, query in re.findall(r'curl -s "\$Q(/v1/[^"]*)" \| jq (-r )?\'([^\']*)\'', text):
            yield path, bool(raw), query


def answers() -> dict[str, Any]:
    """What the worker answers, with something in every place that the pages look at."""
    where = (Where("billing", "refused", 0.05, 0.35, 61),)
    behaviour = BehaviourVerdict(
        psi=0.1,
        level="moderate",
        mix_explained_psi=0.0,
        residual_psi=0.1,
        unsupported_share=0.0,
        effective_n=900.0,
        where=where,
    )
    change = Change("model", "a", "b", NOON, 0.9)
    verdict = make_verdict(behaviour=behaviour, changes=(change,), ruled_out=("prompt_version",))
    agent = AgentView(verdict.agent, {"all": verdict}, (verdict, verdict))
    snapshot = Snapshot(NOON, {verdict.agent: agent})
    return {
        "/v1/psi": current(snapshot, agent, "all", NOON),
        "/v1/verdicts": recent(snapshot, agent, "all", 20, NOON),
    }


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(("path", "raw", "query"), list(commands()))
def test_every_command_of_the_pages_finds_what_it_looks_for(path: str, raw: bool, query: str) -> None:
    content = msgspec.json.encode(answers()[path.partition("?")[0]])
    argv = ["jq", "-e", *(["-r"] if raw else []), query]
    done = subprocess.run(argv, input=content, capture_output=True, check=False)
    if ".input.dimensions[] | select" in query:  # the sample's inputs are calm
        assert done.stdout == b""
        return
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip()


def test_the_pages_have_commands() -> None:
    assert len(list(commands())) >= 14


def test_a_page_of_your_own_comes_before_the_worker_s() -> None:
    own: dict[str, str] = {Quadrant.BOTH_MOVED: "https://wiki.example.com/both"}
    assert own[Quadrant.BOTH_MOVED] == link(Quadrant.BOTH_MOVED, "http://127.0.0.1:8321", own)
    assert link(Quadrant.STEADY, "http://127.0.0.1:8321/", own) == "http://127.0.0.1:8321/playbooks/steady"
    assert link(Quadrant.STEADY, None, own) is None
