"""What the demo asks the worker over HTTP; nothing else does it know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from alerts.verdict import Driver, Level, Side, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


RECENT = 60
"""So many verdicts are asked for each time: ten hours of event time, more than pass between two questions."""


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

    turns: int = 0
    turns_needed: int = 0
    hours: float = 0.0
    hours_needed: float = 0.0


@dataclass(slots=True)
class Answers:
    """The newest answers of one worker. What it cannot answer just now stays as it was."""

    client: httpx.Client
    learning: Learning | None = None
    histograms: Sequence[Histogram] = ()
    note: str = ""

    def refresh(self) -> list[Verdict]:
        """Ask for all that is shown; the newest verdicts."""
        psi = self._get("/v1/psi", segment="all")
        if psi:
            self.note = psi.get("reason") or ""
        if told := psi.get("learning"):
            self.learning = msgspec.convert(told, Learning)
            if told.get("stage") == "learning":  # all is read; the hours are no longer told
                self.learning = msgspec.structs.replace(self.learning, hours=self.learning.hours_needed)
                self.note = "fitting the bins and counting the reference"
        sides = {side: psi.get(side, {}).get("dimensions", []) for side in ("input", "output")}
        listed = [one | {"side": side} for side, found in sides.items() for one in found if one.get("bins")]
        self.histograms = msgspec.convert(listed, list[Histogram]) or self.histograms
        verdicts = self._get("/v1/verdicts", segment="all", limit=RECENT).get("verdicts", [])
        return msgspec.convert(verdicts, list[Verdict])

    def _get(self, path: str, **query: str | int) -> dict[str, Any]:
        """The JSON object of a path, an empty one where there is no answer yet."""
        try:
            response = self.client.get(path, params=query)
        except httpx.TransportError:
            return {}
        return dict(msgspec.json.decode(response.content)) if response.is_success else {}
