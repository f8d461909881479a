"""The part of a config that a calibration proposes, as a file to merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.calibrate.measure import FLOOR
from worker.calibrate.result import Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from worker.calibrate.result import Result

_HEAD = """\
# Proposed by `quadrift calibrate`: the 95th and 99th percentile of normal movement, chance taken out.
# Merge into the config under `thresholds:`, then run `quadrift check` and start the workers again.
"""


def write_fragment(results: Sequence[Result], path: Path) -> None:
    """Write the thresholds that differ from the shipped ones.

    Raises:
        OSError: the file exists already or cannot be written.
    """
    with path.open("x", encoding="utf-8") as file:
        file.write(fragment(results))


def fragment(results: Sequence[Result]) -> str:
    """The fragment; of several agents, which share one config, the highest threshold."""
    highest: dict[str, Threshold] = {}
    unknown: set[str] = set()
    for result in results:
        for found in result.dimensions:
            if found.proposed is None:
                unknown |= {found.key} if found.deciding else set()
                continue
            known = highest.get(found.key, found.proposed)
            highest[found.key] = Threshold(
                max(known.moderate, found.proposed.moderate),
                max(known.significant, found.proposed.significant),
            )
    lines = [f"# From the history of {', '.join(result.agent for result in results)}."]
    own = {key: at for key, at in highest.items() if at != Threshold(FLOOR.moderate, FLOOR.significant)}
    if steady := sorted(highest.keys() - own.keys()):
        lines.append(f"# as shipped ({FLOOR.moderate:.2f}, {FLOOR.significant:.2f}): {', '.join(steady)}")
    if unknown:
        lines.append(f"# not measured, left as they are: {', '.join(sorted(unknown))}")
    lines += ["thresholds:", "  dimensions:" if own else "  dimensions: {}"]
    lines += [
        f'    "{key}": {{moderate: {at.moderate:.2f}, significant: {at.significant:.2f}}}'
        for key, at in sorted(own.items())
    ]
    return _HEAD + "\n".join(lines) + "\n"
