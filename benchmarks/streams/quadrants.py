"""Is the right quadrant named? Turns whose outputs depend on their input's cluster, and four known truths.

Effective N is 500: 920 turns an hour in sessions with a design effect of 1.84. The mix of the clusters moves
by PSI .42, which by itself moves the response categories by PSI .13; a category under 5 % gains 10 points
on every input.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from quiet_hours import BASE8, COPIED, MONDAY, RANKED

from baselines.psi import divergence
from baselines.windows import HOUR, STEP
from binning.dimensions import EMBEDDED
from streams.watch import Watched, shipped_rules
from streams.world import MINUTES, SESSION, SPREAD, blend, gain, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from alerts.verdict import Verdict
    from streams.world import Counts, Shares

TURNS = 920
CLUSTERS, INTENTS = 32, 8
OUTPUTS: dict[str, Shares] = {
    "response_category": BASE8,
    "tool_pattern": RANKED[:12] / RANKED[:12].sum(),
    "flags:hallucination": np.array([0.995, 0.005]),
    "length": np.full(10, 0.1),
}
LAYOUT = layout_of(
    [
        ("input", "intent", INTENTS),
        ("input", "cluster", CLUSTERS),
        *[("output", name, len(base)) for name, base in OUTPUTS.items()],
    ],
    [(f"input.{given}", f"output.{name}") for given in ("cluster", "intent") for name in OUTPUTS],
)
CONCENTRATION = 12.0
"""How alike the clusters' outputs are (Dirichlet)."""
MIX_PSI, EXPLAINED_PSI = 0.42, 0.134
"""How far the clusters' mix moves, and the response categories by that alone (statistics.md, section 5)."""
RARE, POINTS = 0.05, 0.10
CASES = {
    "nothing": "steady",
    "inputs": "world_changed",
    "behaviour": "system_changed",
    "both": "both_moved",
}
QUIET, WATCHED = 1, 2  # hours before and after the change; two windows


class Truth(NamedTuple):
    """Shares of the clusters, and of each output given each cluster."""

    mix: Shares
    outputs: dict[str, Shares]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Truth:
        """An installation: which output goes with which cluster differs, the overall shares do not much."""
        mix = rng.permutation(RANKED[:CLUSTERS] ** 0.7)
        alike = {name: np.maximum(base * CONCENTRATION, 1e-3) for name, base in OUTPUTS.items()}
        alike["flags:hallucination"] = OUTPUTS["flags:hallucination"] * 2000  # the same on every input
        mix /= mix.sum()
        outputs = {name: rng.dirichlet(a, CLUSTERS) for name, a in alike.items()}
        lean = np.log(blend(mix, blended(mix)) / mix)
        tilted = np.outer(lean / np.abs(lean).max(), rng.normal(size=len(BASE8)))
        low, high = 0.0, 8.0
        for _ in range(40):
            middle = (low + high) / 2
            table = outputs["response_category"] * np.exp(middle * tilted)
            truth = cls(mix, outputs | {"response_category": table / table.sum(1, keepdims=True)})
            far = truth.explained(truth.changed("inputs")) > EXPLAINED_PSI
            low, high = (low, middle) if far else (middle, high)
        return truth

    def changed(self, case: str) -> Truth:
        """What it is after the change of this case."""
        mix, outputs = self.mix, dict(self.outputs)
        if case in {"inputs", "both"}:
            mix = blend(mix, blended(mix))
        if case in {"behaviour", "both"}:
            table, at = outputs["response_category"], self.rare
            outputs["response_category"] = np.array(
                [gain(row, at, min(POINTS, (1 - row[at]) / 2)) for row in table]
            )
        return Truth(mix, outputs)

    @property
    def rare(self) -> int:
        """The commonest response category under 5 %."""
        overall = self.mix @ self.outputs["response_category"]
        return int(np.argmax(np.where(overall < RARE, overall, 0.0)))

    def explained(self, after: Truth) -> float:
        """PSI of the response categories that the new mix alone leads to."""
        table = self.outputs["response_category"]
        return divergence(self.mix @ table, after.mix @ table)[0]


def blended(mix: Shares) -> float:
    """How much of the reversed mix moves it by `MIX_PSI`."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if divergence(mix, blend(mix, middle))[0] > MIX_PSI else (middle, high)
    return low


def hour_of(rng: np.random.Generator, truth: Truth) -> Counts:
    """Turns of each minute and slot of one hour."""
    return counted(*turns_of(rng, truth, TURNS))


def turns_of(rng: np.random.Generator, truth: Truth, turns: int) -> tuple[Counts, dict[str, Counts]]:
    """The minute and the bins of each turn of one hour; a session's last turns count into its last minute."""
    sessions = int(rng.poisson(turns / SESSION))
    start = rng.uniform(0, MINUTES, (sessions, 1)) + rng.uniform(0, SPREAD, (sessions, SESSION))
    minute = np.minimum(start, MINUTES - 1).astype(np.int64).ravel()
    copied = rng.random((sessions, SESSION)) < COPIED
    pick = np.where(copied, 0, np.arange(1, SESSION + 1))
    drawn = rng.choice(CLUSTERS, (sessions, SESSION + 1), p=truth.mix)
    cluster = np.take_along_axis(drawn, pick, 1).ravel()
    bins = {"input.cluster": cluster, "input.intent": cluster % INTENTS}
    for name, table in truth.outputs.items():
        edges = np.cumsum(table, axis=1)[drawn]
        chosen = (rng.random((*drawn.shape, 1)) > edges[..., :-1]).sum(-1)
        bins[f"output.{name}"] = np.take_along_axis(chosen, pick, 1).ravel()
    return minute, bins


def counted(minute: Counts, bins: dict[str, Counts], embedded: NDArray[np.bool_] | None = None) -> Counts:
    """Turns of each minute and slot; of `EMBEDDED` dimensions and their joints the `embedded` ones alone."""
    chosen = dict.fromkeys(EMBEDDED, embedded) if embedded is not None else {}
    counts = np.zeros((MINUTES, LAYOUT.size), dtype=np.int64)
    for dimension in LAYOUT.dimensions:
        rows = chosen.get(dimension.key, slice(None))
        np.add.at(counts, (minute[rows], dimension.offset + bins[dimension.key][rows]), 1)
    for joint in LAYOUT.joints:
        rows = chosen.get(joint.given, slice(None))
        cell = joint.offset + bins[joint.given] * joint.shape[1] + bins[joint.outcome]
        np.add.at(counts, (minute[rows], cell[rows]), 1)
    return counts


def trial(seed: int, number: int, days: int) -> list[dict[str, Any]]:
    """One installation, learned from Monday on for so many days: what is said in each of the four cases."""
    rng = np.random.default_rng([seed, 1000 + number])
    truth, begin = Truth.draw(rng), MONDAY + 24 * days
    learned = {hour: hour_of(rng, truth) for hour in range(MONDAY, begin)}
    watched = Watched.learn(LAYOUT, learned, shipped_rules())
    for hour in range(begin, begin + QUIET):
        list(watched.hour(hour, hour_of(rng, truth)))
    return [
        {"case": case, "days": days, **say(rng, watched.fork(), truth, case, begin + QUIET)} for case in CASES
    ]


def say(rng: np.random.Generator, watched: Watched, truth: Truth, case: str, begin: int) -> dict[str, Any]:
    """What is said when it pages, and of the first window that lies wholly after the change."""
    after = truth.changed(case)
    page: Verdict | None = None
    window: Verdict | None = None
    for hour in range(begin, begin + WATCHED):
        counts = hour_of(rng, after)
        for i in range(HOUR // STEP):
            watched.put(hour, i, counts)
            for end, alerts in watched.step(hour * HOUR + (i + 1) * STEP):
                if alerts and page is None:
                    page = watched.verdict(end)
            window = watched.verdict(end) if end == (begin + 1) * HOUR else window
    return {
        "page": str(page.quadrant) if page else None,
        "window": str(window.quadrant) if window else None,
        "explained": truth.explained(after),
        "effective_n": _effective(watched),
        "driver": _driver(page) == f"bin {truth.rare}" if page and page.output.level != "low" else None,
    }


def _effective(watched: Watched) -> float:
    shown = watched.segment.tracked["output.response_category"].shown
    return shown.effective_n if shown is not None else 0.0


def _driver(verdict: Verdict) -> str | None:
    """The first driver of the response category, where it exceeds."""
    for each in verdict.dimensions:
        if each.name == "response_category" and each.exceeds and each.drivers:
            return each.drivers[0].bin
    return None


def trials(
    folder: Path, seed: int, count: int, days: int, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """So many installations, four cases each; those kept in `folder` are not run again."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        path = folder / f"quadrants-{seed}-{days}-{number}.json"
        if not path.exists():
            path.write_text(json.dumps(trial(seed, number, days)), encoding="utf-8")
        rows += json.loads(path.read_text(encoding="utf-8"))
        if number % 10 == 9:
            tell(f"{number + 1} of {count} installations for the quadrants, {days} days learned")
    return rows
