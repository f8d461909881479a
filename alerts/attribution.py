"""What a shift looks like, in one word: one driver, a transfer between two bins, broad, or no story. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.verdict import Story


def story(changes: Sequence[float], *, residual_moved: bool, significant: bool) -> Story:
    """The story of a shift, from the change of share of each driver that peeling found.

    One driver that leaves nothing behind is "driver", two that went opposite ways are "transfer", anything
    else that is significant is "broad". Without significance there is no story to tell: in pure noise one bin
    of eight "explains half the PSI" in a quarter of the windows.
    """
    if not significant:
        return "none"
    if residual_moved:
        return "broad"
    if len(changes) == 1:
        return "driver"
    if len(changes) == 2 and changes[0] * changes[1] < 0:
        return "transfer"
    return "broad"
