"""What the demo asks the worker over HTTP; nothing else does it know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from alerts.verdict import Driver, Level, Side, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Reference and current shares of one dimension, as `/v1/psi` gives them."""

    side: Side
    name: str
    psi: float
    level: Level
    exceeds: bool
    deciding: bool
    turns: int
    bins: tuple[Driver, ...]


class Learning(msgspec.Struct, frozen=True):
    """How far the worker has got with learning."""

    turns: int
    turns_needed: int
    hours: float
    hours_needed: float


@dataclass(slots=True)
class Answers:
    """The newest answers of one worker. What it cannot answer yet stays as it was."""

    client: httpx.Client
    agent: str
    learning: Learning | None = None
    histograms: Sequence[Histogram] = ()

    def refresh(self) -> list[Verdict]:
        """Ask for everything that is shown; the newest verdicts, oldest first."""
        psi = self._get("/v1/psi")
        found: Any = psi.get("agents", {}).get(self.agent, psi) if psi else {}
        if status := found.get("learning"):
            self.learning = msgspec.convert(status, Learning)
        if dimensions := found.get("dimensions"):
            self.histograms = msgspec.convert(dimensions, list[Histogram])
        verdicts = self._get("/v1/verdicts") or {}
        return msgspec.convert(verdicts.get("verdicts", []), list[Verdict])

    def _get(self, path: str) -> Any:
        try:
            response = self.client.get(path)
        except httpx.TransportError:
            return None
        return msgspec.json.decode(response.content) if response.is_success else None
