"""The four pages that an on-call engineer follows, one a quadrant, shipped with the package."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from alerts.verdict import Quadrant

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(quadrant: Quadrant) -> str:
    """The page of a quadrant, as Markdown."""
    return resources.files(__name__).joinpath(f"{quadrant}.md").read_text(encoding="utf-8")


def link(quadrant: Quadrant, base_url: str | None, overrides: Mapping[str, str]) -> str | None:
    """Where the page is read: the configured one, else the worker's own, None where neither is known."""
    if quadrant in overrides:
        return overrides[quadrant]
    return f"{base_url.rstrip('/')}/playbooks/{Quadrant(quadrant)}" if base_url else None
