"""What `quadrift replay` says of labelled real streams, with the shipped config: one row a stream and start.

    python benchmarks/scenarios.py [FOLDER]

FOLDER holds `NAME.jsonl.gz` with turns and `NAME.truth.json` with `expected_quadrant` and `change_time`.
Each stream is replayed three times: learning from its first 1000 turns, and with the first 100 and 200 turns
dropped from the next 900 and 800, so that no result hangs on one start. A page counts as sent when event time
has passed the end of its step by the two minutes that late events are waited for.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # as a script: binning.py beside it would hide the package of that name
    sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.progress import track
from rich.table import Table

from config.log import configure
from config.settings import Log
from worker.commands.history_file import HistoryFiles
from worker.commands.replay import default_settings, learn_option, replay
from worker.encoding import encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.verdict import Verdict

STARTS = ((0, 1000), (100, 900), (200, 800))
NAMES = {
    "steady": None,
    "input_shift": "world_changed",
    "output_shift": "system_changed",
    "both": "both_moved",
}
SHARED = Path(__file__).parents[2] / "shared" / "data" / "scenarios"


@dataclass(frozen=True, slots=True)
class Row:
    """One replay: what was expected, what was said first after the change and how soon, and false pages."""

    scenario: str
    dropped: int
    expected: str | None
    said: tuple[str, ...]
    turns_to_page: int | None
    false_pages: int

    @property
    def right(self) -> bool:
        """Whether nothing paged before the change and the first page after it has the right name."""
        return self.false_pages == 0 and (
            self.said[:1] == (self.expected,) if self.expected else not self.said
        )


def main() -> int:
    """Replay every stream of the folder and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--json", action="store_true", help="one row a line")
    arguments = parser.parse_args()
    truths = sorted(arguments.folder.glob("*.truth.json"))
    if not truths:
        print(f"no *.truth.json in {arguments.folder}", file=sys.stderr)
        return 1
    configure(Log(level="warning"))
    runs = [(truth, dropped, learn) for truth in truths for dropped, learn in STARTS]
    quiet = Console(stderr=True)
    rows = [measure(*run) for run in track(runs, "replaying", console=quiet, transient=True)]
    if arguments.json:
        for row in rows:
            print(json.dumps({name: getattr(row, name) for name in (*Row.__slots__, "right")}))
    else:
        Console().print(table(rows))
    return 0


def measure(truth_path: Path, dropped: int, learn: int) -> Row:
    """Replay one stream without its first turns."""
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    with gzip.open(truth_path.with_name(truth["scenario"] + ".jsonl.gz")) as stream:
        lines = stream.readlines()[dropped:]
    times = sorted(_seconds(json.loads(line)["timestamp"]) for line in lines)
    change = _seconds(truth["change_time"]) if truth["change_time"] else None
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(lines)
        file.flush()
        opened = pages(file.name, learn)
    before = [v for v in opened if change is None or v.at <= change]
    after = [v for v in opened if change is not None and v.at > change]
    delay = None
    if after and change is not None:
        delay = sum(change < at <= after[0].at + 120 for at in times)
    return Row(
        truth["scenario"],
        dropped,
        NAMES[truth["expected_quadrant"]],
        tuple(str(v.quadrant) for v in after),
        delay,
        len(before),
    )


def pages(path: str, learn: int) -> list[Verdict]:
    """The verdict that opened each episode."""
    settings = default_settings()
    rule = learn_option(str(learn), settings)
    opened: dict[str, Verdict] = {}
    for verdict in replay(HistoryFiles([Path(path)]), settings, rule, encoder(settings.encoder)):
        if verdict.episode is not None:
            opened.setdefault(verdict.episode, verdict)
    return list(opened.values())


def table(rows: Sequence[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table("scenario", "dropped", "expected", "said", "turns to page", "false pages", "right")
    for row in rows:
        shown.add_row(
            row.scenario,
            str(row.dropped),
            row.expected or "no page",
            ", ".join(row.said) or "no page",
            str(row.turns_to_page) if row.turns_to_page is not None else "",
            str(row.false_pages),
            "yes" if row.right else "no",
        )
    return shown


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    sys.exit(main())
