"""Builders of verdicts with sensible defaults; a test names only what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

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
    from collections.abc import Callable

NOON = 1_792_152_000  # 2026-10-16 12:00 UTC

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


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    return make_verdict


@pytest.fixture
def refusals() -> DimensionVerdict:
    return REFUSALS


@pytest.fixture
def intents() -> DimensionVerdict:
    return INTENTS
