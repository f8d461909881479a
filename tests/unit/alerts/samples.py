"""Verdicts, transitions and notifications with sensible defaults; a test names only what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from alerts.episode import EpisodeState, Transition, advance
from alerts.notification import Notification, announce
from alerts.verdict import (
    DimensionVerdict,
    Driver,
    Quadrant,
    Sample,
    SideVerdict,
    Status,
    Verdict,
    WindowSpan,
)

if TYPE_CHECKING:
    from alerts.routes import Routes

NOON = 1_792_152_000  # 2026-10-16 12:00 UTC
DEFAULT_ROUTES: Routes = {
    Quadrant.WORLD_CHANGED: ("slack", "log"),
    Quadrant.SYSTEM_CHANGED: ("slack", "pagerduty", "log"),
    Quadrant.BOTH_MOVED: ("slack", "pagerduty", "log"),
}

REFUSALS = DimensionVerdict(
    side="output",
    name="response_category",
    version=1,
    reference="fixed",
    window=WindowSpan(NOON - 3600, NOON, 3600),
    turns=1180,
    reference_turns=26_400,
    psi=0.41,
    psi_raw=0.43,
    noise_floor=0.02,
    p_value=1e-9,
    level="significant",
    exceeds=True,
    deciding=True,
    drivers=(Driver("refused", 0.03, 0.18, 0.27), Driver("answered", 0.71, 0.58, 0.03)),
    story="transfer",
)
INTENTS = msgspec.structs.replace(
    REFUSALS, side="input", name="intent", psi=0.02, level="low", exceeds=False, drivers=(), story="none"
)


def make_verdict(**changes: Any) -> Verdict:
    verdict = Verdict(
        agent="support-bot",
        segment="all",
        at=NOON,
        bin_set="9f2c4b7d00112233",
        quadrant=Quadrant.SYSTEM_CHANGED,
        marginal_quadrant=Quadrant.SYSTEM_CHANGED,
        exceeds=True,
        alerting=False,
        episode=None,
        status=Status.OK,
        reason=None,
        turns=1180,
        input=SideVerdict("low", 0.02, "intent"),
        output=SideVerdict("significant", 0.41, "response_category"),
        behaviour=None,
        dimensions=(INTENTS, REFUSALS),
        changes=(),
        cause="unknown",
        ruled_out=(),
        last_steady={},
        samples=(Sample("4bf92f3577b34da6", "traces", 3, 18_233),),
        playbook="https://drift.example.com/playbooks/system_changed",
    )
    return msgspec.structs.replace(verdict, **changes)


ALERTING = {"output.response_category": NOON - 1200}
BASE_URL = "https://drift.example.com"


def make_opened(**changes: Any) -> tuple[EpisodeState, Transition]:
    state, _, transition = advance(EpisodeState(), make_verdict(**changes), ALERTING, DEFAULT_ROUTES)
    if transition is None:
        raise ValueError("this verdict opens no episode")
    return state, transition


def make_resolved(state: EpisodeState, at: int = NOON + 12_000) -> Transition:
    calm = make_verdict(at=at, quadrant=Quadrant.STEADY, exceeds=False, dimensions=(INTENTS,))
    _, _, transition = advance(state, calm, {}, DEFAULT_ROUTES)
    if transition is None:
        raise ValueError("nothing was open")
    return transition


def make_notification(**changes: Any) -> Notification:
    return announce(make_opened(**changes)[1], base_url=BASE_URL, playbooks={})
