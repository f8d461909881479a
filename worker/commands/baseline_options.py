"""The arguments of `quadrift baseline`, apart from what it does: that takes a second to load."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from config.load import load
from config.log import configure
from config.settings import Log

if TYPE_CHECKING:
    from collections.abc import Callable

_RECLUSTER = """\
Learns the clusters of inputs anew from the agent's recent turns, and takes over whatever of `binning` the
config has changed: a taxonomy, a dimension of your own. The leading worker does it while all go on counting;
then each partition goes over to the new bins where it stands. A dimension whose bins did not change keeps its
reference, its history and its episodes; a changed one is judged again once a window lies after the switch,
against the range that was learned from, and an episode that stood on it alone ends as `reclustered`.

Change the config of every worker first, and start them again with it.
"""


def add_baseline(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the family of commands."""
    parser = commands.add_parser("baseline", help="what is in force (show), and learning it anew (recluster)")
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_show(actions, config_option)
    _add_recluster(actions, config_option)


def _add_show(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    parser = actions.add_parser(
        "show", help="bin set, what it was learned from, reference, clusters and their terms"
    )
    config_option(parser)
    parser.add_argument("--agent", help="this one only (default: all of the config)")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(command=_show)


def _add_recluster(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    parser = actions.add_parser(
        "recluster",
        help="learn the bins anew from recent turns",
        description=_RECLUSTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    config_option(parser)
    parser.add_argument("--agent", help="which one, where the config has several")
    parser.add_argument(
        "--last", metavar="7d", help="learn from so much event time (default: 7d, within `learn`)"
    )
    parser.set_defaults(command=_recluster)


def _show(arguments: argparse.Namespace) -> int:
    from worker.commands.baseline import show  # noqa: PLC0415 - see the module

    settings = load(arguments.config, os.environ)
    configure(Log(level="warning"))
    return show(settings, arguments.agent, as_json=arguments.json)


def _recluster(arguments: argparse.Namespace) -> int:
    from worker.commands.baseline import recluster  # noqa: PLC0415 - see the module

    settings = load(arguments.config, os.environ)
    configure(Log(level="warning"))
    return recluster(settings, arguments.agent, arguments.last)
