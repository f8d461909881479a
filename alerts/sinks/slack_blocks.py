"""The blocks of a Slack message: header, story, matrix, dimensions, drivers, facts, buttons. Pure.

Limits: a header takes 150 characters, a text object 3,000, and a message of more than about 13,000 is
refused; these stay under 10,000 by construction. Names from traces are cleaned, then escaped.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from alerts.hygiene import clean, cut
from alerts.rendering import DRIVERS, STATE, driver_text, facts, headline, share, subject
from alerts.verdict import Quadrant

if TYPE_CHECKING:
    from alerts.notification import Notification
    from alerts.verdict import DimensionVerdict

HEADER = 150
SECTION = 1500
FACT = 450
FACTS = 2800
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "\u02cb"}  # no code span can be closed
CALM_MARK = "🟢"
MARKS = {Quadrant.WORLD_CHANGED: "🟡", Quadrant.SYSTEM_CHANGED: "🔴", Quadrant.BOTH_MOVED: "🔴"}

Block = dict[str, Any]


def blocks(notification: Notification) -> list[Block]:
    """The blocks, from what is read first to what is read last."""
    mark = CALM_MARK if notification.kind == "resolved" else MARKS.get(notification.like, "🔴")
    title = f"{mark} {STATE[notification.kind]} {subject(notification)}: {_what(notification)}"
    body = [_header(title), _section(escaped(headline(notification), SECTION))]
    if notification.kind != "resolved":
        body += [_code(matrix(notification.quadrant)), _code(table(notification.dimensions))]
        body += [_section(text) for text in _drivers(notification.dimensions)]
    body += [_section(_facts(notification))]
    buttons = [(notification.playbook, "Playbook"), (notification.status_url, "Status")]
    elements = [_button(url, label) for url, label in buttons if url]
    return [*body, {"type": "actions", "elements": elements}] if elements else body


def matrix(quadrant: Quadrant | None) -> str:
    """The four quadrants as text, the one that holds marked."""
    rows = [
        ("input steady", Quadrant.STEADY, Quadrant.SYSTEM_CHANGED),
        ("input moved", Quadrant.WORLD_CHANGED, Quadrant.BOTH_MOVED),
    ]
    lines = [f"{'':14}{'output steady':18}output moved"]
    lines += [f"{label:14}{_cell(left, quadrant):18}{_cell(right, quadrant)}" for label, left, right in rows]
    return "\n".join(lines)


def table(dimensions: tuple[DimensionVerdict, ...]) -> str:
    """The worst dimensions as aligned text; `!` marks one that exceeds."""
    lines = [f"  {'dimension':28}{'PSI':>6}{'noise':>7}  {'level':12}{'turns':>8}"]
    lines += [
        f"{'!' if d.exceeds else ' '} {clean(f'{d.side}.{d.name}', 27):28}{d.psi:>6.2f}{d.noise_floor:>7.3f}"
        f"  {d.level:12}{d.turns:>8}"
        for d in dimensions
    ]
    return "\n".join(lines)


def escaped(text: str, limit: int) -> str:
    """The text with Slack's control characters escaped, at most `limit` long, never cut inside an entity."""
    pieces = [ESCAPES.get(character, character) for character in text]
    ends = list(accumulate(map(len, pieces)))
    if not ends or ends[-1] <= limit:
        return "".join(pieces)
    return "".join(pieces[: bisect_right(ends, limit - 1)]) + "…"


def _what(notification: Notification) -> str:
    sides = " and ".join(f"{side}s" for side in notification.moved)
    return notification.quadrant.replace("_", " ") if notification.quadrant else f"{sides} moved"


def _cell(cell: Quadrant, quadrant: Quadrant | None) -> str:
    return f"● {cell.upper()}" if cell is quadrant else f"○ {cell}"


def _drivers(dimensions: tuple[DimensionVerdict, ...]) -> list[str]:
    """For each dimension that exceeds its strongest bins, with their part of the PSI."""
    moved = [d for d in dimensions if d.exceeds and d.drivers]
    if not moved:
        return []
    return [escaped("\n".join(_driver_line(d) for d in moved), SECTION)]


def _driver_line(dimension: DimensionVerdict) -> str:
    bins = [
        f"{driver_text(driver)} ({share(driver.contribution / dimension.psi_raw)} of its PSI)"
        if dimension.psi_raw > 0
        else driver_text(driver)
        for driver in dimension.drivers[:DRIVERS]
    ]
    return f"• {clean(dimension.name)}: {', '.join(bins)}"


def _facts(notification: Notification) -> str:
    """What fits of the facts, in reading order."""
    lines: list[str] = []
    left = FACTS
    for label, text in facts(notification).items():
        line = f"*{label}*  {escaped(text, FACT)}"
        left -= len(line) + 1
        if left < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": cut(text, HEADER), "emoji": False}}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _code(text: str) -> Block:
    return _section(f"```\n{escaped(text, SECTION)}\n```")


def _button(url: str, label: str) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "url": url}
