"""The words of an alert, shared by every sink: a headline that tells the story, and the facts below it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alerts.hygiene import clean, cut
from alerts.verdict import Quadrant
from binning.layout import OTHER_INTENT

if TYPE_CHECKING:
    from alerts.notification import Notification
    from alerts.verdict import Change, DimensionVerdict, Driver, Sample, Where

STATE = {"opened": "FIRING", "updated": "FIRING", "resolved": "RESOLVED"}
MEANING = {
    Quadrant.STEADY: "Inputs and outputs look like the reference: trust the evals.",
    Quadrant.WORLD_CHANGED: "Users ask for other things; asked the same, the system answers as before.",
    Quadrant.SYSTEM_CHANGED: "The same inputs get other answers: a model, prompt, tool or index changed.",
    Quadrant.BOTH_MOVED: "Inputs moved, and asked the same the system answers otherwise: two causes, or one.",
}
FIRST_STEP = {
    Quadrant.STEADY: "Nothing to do.",
    Quadrant.WORLD_CHANGED: "No rollback. See which inputs grew; re-run the evals on the new mix by day.",
    Quadrant.SYSTEM_CHANGED: "List what changed since the onset and roll back the newest change of your own. "
    "None of yours: check the model provider's snapshot and every tool.",
    Quadrant.BOTH_MOVED: "Hold the inputs fixed: run one saved set of inputs through today's system "
    "and last week's.",
}
PHRASE = {
    Quadrant.STEADY: "nothing moved",
    Quadrant.WORLD_CHANGED: "inputs moved, outputs did not",
    Quadrant.SYSTEM_CHANGED: "outputs moved, inputs did not",
    Quadrant.BOTH_MOVED: "inputs and outputs moved",
}
DRIVERS = 3
HEADLINE = 300


def headline(notification: Notification) -> str:
    """One line, at most 300 characters: state, agent, quadrant, what moved, and by how much."""
    name = subject(notification)
    if notification.kind == "resolved":
        took = duration(notification.at - notification.onset)
        peak = f"; peak PSI {notification.peak_psi:.2f}" if notification.peak_psi is not None else ""
        what = notification.quadrant or f"{' and '.join(notification.moved)} moved"
        over = "calm again" if notification.ended is None else "not judged on, its bins were learned anew,"
        return cut(f"[RESOLVED] {name}: {what} - {over} after {took}{peak}", HEADLINE)
    now = "now " if notification.kind == "updated" else ""
    parts = [f"[FIRING] {name}: {now}{what_moved(notification)}", *evidence(notification)]
    return cut("; ".join(parts), HEADLINE)


def subject(notification: Notification) -> str:
    """The agent, with its segment where that is not the whole."""
    agent, segment = clean(notification.agent), clean(notification.segment)
    return agent if segment == "all" else f"{agent} ({segment})"


def what_moved(notification: Notification) -> str:
    """The quadrant and its meaning in a few words; without a quadrant the side that moved."""
    quadrant = notification.quadrant
    if quadrant is None:
        sides = " and ".join(f"{side}s" for side in notification.moved) or "answers at some inputs"
        unseen = " and ".join(f"{side}s" for side in ("input", "output") if side not in notification.moved)
        return f"{sides} moved" + (f", {unseen} cannot be seen" if unseen else "")
    if quadrant is Quadrant.WORLD_CHANGED and _exceeding(notification, "output"):
        return f"{quadrant} - inputs moved, and that explains what the outputs show"
    return f"{quadrant} - {PHRASE[quadrant]}"


def evidence(notification: Notification) -> list[str]:
    """For each side that moved its worst dimension in a few words, outputs first; else its cell."""
    found = []
    for side in ("output", "input"):
        if side not in notification.moved:
            continue
        if dimension := _exceeding(notification, side):
            found.append(dimension_text(dimension))
        elif side == "output" and notification.where:
            found.append(where_text(notification.where[0]))
    return found


def dimension_text(dimension: DimensionVerdict) -> str:
    """`response_category PSI 0.41: refused 3 % -> 18 %`: with the driver that rose first, if one did."""
    text = f"{clean(dimension.name)} PSI {dimension.psi:.2f}"
    rose = [driver for driver in dimension.drivers if driver.current_share > driver.reference_share]
    shown = (rose or list(dimension.drivers))[:1]
    return f"{text}: {driver_text(shown[0])}" if shown else text


def driver_text(driver: Driver) -> str:
    """`refused 3 % -> 18 %`; a bin that has a label with it: `7 (refund, charged twice) 3 % -> 18 %`."""
    moved = f"{share(driver.reference_share)} -> {share(driver.current_share)}"
    label = f" ({clean(driver.label, 40)})" if driver.label else ""
    return f"{clean(driver.bin, 40)}{label} {moved}"


def where_text(where: Where) -> str:
    """`at billing: refused 5 % -> 35 %`."""
    moved = f"{share(where.reference_share)} -> {share(where.current_share)}"
    return f"at {clean(where.given, 40)}: {clean(where.bin, 40)} {moved}"


def change_text(change: Change) -> str:
    """`prompt_version v7 -> v8 (97 % since 2026-10-16 11:40 UTC)`."""
    old = clean(change.old) if change.old is not None else "none"
    since = f"{share(change.share)} since {moment(change.first_seen)}"
    return f"{clean(change.field)} {old} -> {clean(change.new)} ({since})"


def sample_text(sample: Sample) -> str:
    """`traces-3@18233 trace 4bf9...`: where the turn lies, never what it says."""
    return f"{clean(sample.topic)}-{sample.partition}@{sample.offset} trace {clean(sample.trace_id, 40)}"


def facts(notification: Notification) -> dict[str, str]:
    """What on-call reads below the headline, label to text, in reading order; what is unknown is left out."""
    lines = {
        "Means": MEANING[notification.like],
        "First step": FIRST_STEP[notification.like],
        "Since": f"{moment(notification.onset)}, firing since {moment(notification.opened_at)}",
        "Moved at the same inputs": "; ".join(map(where_text, notification.where)),
        "Changed since": "; ".join(map(change_text, notification.changes)),
        "Looked at, did not change": ", ".join(map(clean, notification.ruled_out)),
        "Last steady": ", ".join(f"{clean(k)} {clean(v)}" for k, v in notification.last_steady.items()),
        "Likely cause": notification.cause.replace("_", " ") if notification.cause != "unknown" else "",
        "Taxonomy": aged(notification),
        "Caveat": notification.reason or "",
        "Turns to read": "; ".join(map(sample_text, notification.samples)),
        "Episode": notification.episode,
    }
    if notification.kind == "resolved":
        del lines["Means"], lines["First step"]
    return {label: cut(text, 900) for label, text in lines.items() if text}


def aged(notification: Notification) -> str:
    """That the taxonomy has aged, where the share of inputs like no intent grew; else nothing."""
    for dimension in notification.dimensions:
        if (dimension.side, dimension.name, dimension.exceeds) == ("input", "intent", True):
            for driver in dimension.drivers:
                if driver.bin == OTHER_INTENT and driver.current_share > driver.reference_share:
                    moved = f"{share(driver.reference_share)} -> {share(driver.current_share)}"
                    return (
                        f"has aged: inputs like no intent {moved}. Read some of the turns, add an intent "
                        "with examples, see by `quadrift check` that it can be told, then recluster."
                    )
    return ""


def share(value: float) -> str:
    """A share in per cent with the digits that matter: 18 %, 3.4 %, 0.5 %."""
    percent = 100 * value
    if percent and percent < 0.01:
        return "<0.01 %"
    digits = (
        f"{percent:.0f}"
        if percent >= 9.95 or not percent
        else f"{percent:.1f}"
        if percent >= 1
        else f"{percent:.1g}"
    )
    return f"{digits.removesuffix('.0')} %"


def moment(at: int) -> str:
    """A second since the epoch as `2026-10-16 11:40 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: int) -> str:
    """`40 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = max(seconds, 0) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min"


def _exceeding(notification: Notification, side: str) -> DimensionVerdict | None:
    moved = (d for d in notification.dimensions if d.side == side and d.exceeds and d.deciding)
    return next(moved, None)
