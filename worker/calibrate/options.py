"""The arguments of `quadrift calibrate`, apart from what it does: that takes a second to load."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from config.log import configure
from config.settings import Log

if TYPE_CHECKING:
    from collections.abc import Callable

_DESCRIPTION = """\
Measures how much each dimension moves while nothing happens, proposes thresholds from that, estimates the
false pages a month with the present and with the proposed ones, and says what cannot be seen: the smallest
change that would be found within two hours and within a day, at this agent's own traffic.

With FILE it judges the history there as `quadrift replay` does. Without, it takes what the Redis of --config
holds (counts of up to 35 days, verdicts of a fortnight), and only reads. Hours of episodes are left out.
"""
_EPILOG = """\
A week of normal traffic, with its weekend, is a good start. The least are 20 pairs of windows: a day for a
dimension that is served by windows of 1 h. Example:
  quadrift calibrate history.jsonl.gz --picture calibration.svg --write thresholds.yaml
"""


def add_calibrate(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "calibrate",
        help="thresholds from your own history, false pages to expect, and what cannot be seen",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="turns in order of time (default: the stored history)"
    )
    config_option(parser)
    parser.add_argument(
        "--learn",
        metavar="24h|1000",
        help="what to learn from at the beginning of FILE: a duration, or a number of turns",
    )
    parser.add_argument(
        "--known-calm",
        action="store_true",
        help="nothing happened in this history: what paged there was false and counts as normal",
    )
    parser.add_argument("--json", action="store_true", help="for machines: a list with one object an agent")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.svg", help="draw every dimension over time, with its thresholds"
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE.yaml",
        help="write the proposed thresholds as a part of a config, to a file that does not exist yet",
    )
    parser.set_defaults(command=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    from worker.calibrate.command import Asked, calibrate  # noqa: PLC0415 - numpy and the encoder take a second

    configure(Log(level="warning"))
    return calibrate(
        Asked(
            files=arguments.files,
            config=arguments.config,
            learn=arguments.learn,
            as_json=arguments.json,
            picture=arguments.picture,
            write=arguments.write,
            known_calm=arguments.known_calm,
        )
    )
