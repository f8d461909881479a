"""How well is drift detected? Generated traffic with known truth, labelled real streams, and other tools.

    python benchmarks/detection.py                    # a look: about four minutes
    python benchmarks/detection.py --full             # the figures of the README: an hour, can be resumed

Quiet traffic of 360 to 3000 turns an hour (day, night, weekends, sessions, wobble) in ten dimensions is
learned for a day and judged for 28 by the worker's own code; every page is false. Copies of it branch off at
random hours with known changes in force. Joint tables say how often the right quadrant is named. The same
windows go through other tools, each in an environment of its own under --cache. What is done is kept there
and not done again; --json prints everything that the tables are made from.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:  # as a script: binning.py beside it would hide the package of that name
    sys.path.insert(0, str(Path(__file__).parents[1]))

import scenarios
from peers import compare, labelled
from peers.environments import PEERS, Peer, PeerError, Windows
from reporting import show
from rich.console import Console
from streams.campaign import Campaign, sources
from streams.figures import ERAS, confusion, drivers, false_pages, found, rightly_named
from streams.quadrants import trials

from config.log import configure
from config.settings import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path.home() / ".cache" / "quadrift-bench"
PEER_LIMIT_S = 3600.0
LEARNED_DAYS = (1, 4)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to do: window-hours of quiet traffic and of it for peers, installations for the quadrants."""

    hours: int
    peer_hours: int
    trials: int
    starts: int
    seed: int
    false_pages: float
    cache: Path
    scenarios: Path

    @property
    def folder(self) -> Path:
        """Where results of this code are kept."""
        return self.cache / "campaigns" / sources(ROOT)


def main() -> int:
    """Run what was asked and print it."""
    asked, form = arguments()
    configure(Log(level="warning"))
    console = Console(stderr=True)
    tell = console.log
    rows = Campaign(asked.folder, asked.seed, asked.hours, asked.false_pages).run(tell)
    same = until(rows, asked.peer_hours)
    results: dict[str, Any] = {
        "hours": sum(row["hours"] for row in rows),
        "alarmed": alarmed(rows),
        "generated": {era: era_figures(rows, era) for era in ERAS},
        "same_hours": era_figures(same, "28 days") | {"alarmed": alarmed(same)} if same else None,
        "drivers": drivers(rows),
        "quadrants": {},
        "labelled": [],
        "peers": {},
        "peers_labelled": {},
        "absent": {},
    }
    for days in LEARNED_DAYS:
        said = trials(asked.folder, asked.seed, asked.trials, days, tell)
        results["quadrants"][str(days)] = {
            "page": confusion(said, "page"),
            "window": confusion(said, "window"),
            "effective_n": sum(row["effective_n"] for row in said) / max(len(said), 1),
            "named": rightly_named(said),
        }
    truths = sorted(asked.scenarios.glob("*.truth.json"))
    for truth in truths:
        tell(f"replaying {truth.stem}")
        for dropped, learn in scenarios.STARTS[: asked.starts]:
            row = scenarios.measure(truth, dropped, learn)
            shown = {name: getattr(row, name) for name in (*row.__slots__, "right")}
            results["labelled"].append(shown)
    peers(asked, rows, truths, results, console)
    if form == "json":
        print(json.dumps(results))
    else:
        width = None if sys.stdout.isatty() else 130
        show(results, Console(width=width), markdown=form == "markdown")
    return 0


def until(rows: list[dict[str, Any]], hours: int) -> list[dict[str, Any]]:
    """What was seen in the first so many window-hours: those that the peers judge too."""
    kept, left = [], hours
    for row in rows:
        if left > 0:
            part = min(row["hours"], left)
            pages = [page for page in row["pages"] if page[0] <= part]
            episodes = [at for at in row["episodes"] if at <= part]
            branches = [each for each in row["branches"] if each["at"] < part]
            alerts = row["alarmed"] if part == row["hours"] else None
            kept.append(
                {
                    **row,
                    "alarmed": alerts,
                    "hours": part,
                    "pages": pages,
                    "episodes": episodes,
                    "branches": branches,
                }
            )
            left -= part
    return kept


def alarmed(rows: list[dict[str, Any]]) -> float | None:
    """The part of the quiet steps in which a dimension alerts; None where an installation is cut short."""
    if any(row["alarmed"] is None for row in rows):
        return None
    steps = 6 * sum(int(row["hours"]) for row in rows)
    return sum(int(row["alarmed"]) for row in rows) / steps


def era_figures(rows: list[dict[str, Any]], era: str) -> dict[str, Any]:
    """Pages and changes found of quadrift in one era."""
    pages, episodes = false_pages(rows, era)
    return {
        "pages": pages.shown(),
        "episodes": episodes.shown(),
        "found": {name: each.shown() for name, each in found(rows, era).items()},
    }


def peers(
    asked: Asked, rows: list[dict[str, Any]], truths: list[Path], results: dict[str, Any], console: Console
) -> None:
    """Run every peer over the generated and the labelled streams; one that fails is named with the reason."""
    campaign = Campaign(asked.folder, asked.seed, asked.hours, asked.false_pages)
    generated = []
    left = asked.peer_hours
    for row in rows:
        if left > 0:
            path = campaign.path(row["number"], row["hours"]).with_suffix(".npz")
            generated.append((row["number"], compare.Stream.load(path, left)))
            left -= row["hours"]
    real = [labelled.load(truth) for truth in truths] if asked.peer_hours else []
    for peer in PEERS if asked.peer_hours else ():
        try:
            for name, made in judged(asked, peer, [s for _, s in generated], "generated", console):
                results["peers"][name] = shown(compare.outcome([s for _, s in generated], made))
            for name, made in judged(asked, peer, real, "labelled", console):
                told = [labelled.said(stream, each) for stream, each in zip(real, made, strict=True)]
                results["peers_labelled"][name] = [{**each._asdict(), "right": each.right} for each in told]
        except PeerError as error:
            results["absent"][peer.name] = str(error)


def judged(
    asked: Asked, peer: Peer, streams: list[Any], kind: str, console: Console
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """For each setting of a peer its decisions on every stream; those that are kept are not made again."""
    settings: dict[str, list[np.ndarray]] = {}
    for number, stream in enumerate(streams):
        windows = Windows(asked.cache / "decisions", stream.arrays())
        if not windows.decided_by(peer).exists():
            console.log(f"{peer.name}: {kind} stream {number + 1} of {len(streams)}, {windows.count} windows")
        for name, decisions in windows.decisions(peer, asked.cache, PEER_LIMIT_S).items():
            settings.setdefault(name, []).append(decisions)
    yield from settings.items()


def shown(outcome: compare.Outcome) -> dict[str, Any]:
    """As in the JSON, by era."""
    return {
        era: {
            "pages": outcome.pages[era].shown(),
            "episodes": outcome.episodes[era].shown(),
            "alarmed": outcome.alarmed[era],
            "found": {name: each.shown() for name, each in outcome.found[era].items()},
        }
        for era in ERAS
    }


def arguments() -> tuple[Asked, str]:
    """The command line: what to do, and in what form to print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="20,160 window-hours, peers on 672 of them")
    parser.add_argument("--hours", type=int, help="window-hours of quiet traffic (672)")
    parser.add_argument("--peer-hours", type=int, help="how many of them the peers judge, 0 for none (96)")
    parser.add_argument("--trials", type=int, help="installations for the quadrants (20)")
    parser.add_argument("--starts", type=int, help="starts a labelled stream is replayed from (1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--false-pages", type=float, default=1.0, help="the knob: false pages a month")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environments of peers, and what is done")
    parser.add_argument("--scenarios", type=Path, default=scenarios.SHARED)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="tables")
    form.add_argument("--markdown", dest="form", action="store_const", const="markdown")
    given = parser.parse_args()
    hours, peer_hours, trials_, starts = (20_160, 672, 300, 3) if given.full else (672, 96, 20, 1)
    asked = Asked(
        hours=hours if given.hours is None else given.hours,
        peer_hours=peer_hours if given.peer_hours is None else given.peer_hours,
        trials=trials_ if given.trials is None else given.trials,
        starts=starts if given.starts is None else given.starts,
        seed=given.seed,
        false_pages=given.false_pages,
        cache=given.cache,
        scenarios=given.scenarios,
    )
    return asked, given.form


if __name__ == "__main__":
    sys.exit(main())
