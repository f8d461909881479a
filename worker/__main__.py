"""The command line: `quadrift COMMAND`.

Exit status: 0 done, 1 failed, 2 the config or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from baselines.errors import StoreError
from binning.encoder import EncoderUnavailable
from config.load import ConfigError, load
from config.log import configure
from config.settings import Log, Settings
from worker.calibrate.options import add_calibrate
from worker.commands.baseline_options import add_baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger()

EPILOG = """\
Start with `quadrift demo` (or `make demo`), then `quadrift replay FILE` on a history of your own agent:
one turn a line, {"trace_id", "timestamp", "input": {"text"}, "output": {"text", "tool_calls"}}.
Exit status: 0 done, 1 failed, 2 the config or the arguments are wrong.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. Errors that a person can mend are one line on standard error."""
    arguments = _parser().parse_args(argv)
    configure(Log())
    try:
        return int(arguments.command(arguments))
    except ConfigError as error:
        sys.stderr.write(f"quadrift: {error}\n")
        return 2
    except (EncoderUnavailable, StoreError) as error:
        sys.stderr.write(f"quadrift: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it is flushed at exit
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quadrift",
        description="Tells on-call which of four things happened to an LLM agent: nothing, its users changed,"
        " its system changed, or both.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_demo(commands)
    _add_replay(commands)
    add_calibrate(commands, _config_option)
    add_baseline(commands, _config_option)
    _add_check(commands)
    _add_dead_letters(commands)
    _add_config(commands)
    _add_encoder(commands)
    return parser


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        default=os.environ.get("QUADRIFT_CONFIG"),
        help="YAML file (default: $QUADRIFT_CONFIG); QUADRIFT__SECTION__KEY in the environment goes over it",
    )


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="the worker: consume, count, judge, alert, answer",
        description="Consumes the topics of the config until SIGTERM. Start as many as the topic has"
        " partitions: they share the counting, and one of them judges.",
    )
    _config_option(parser)
    parser.add_argument(
        "--role",
        choices=("all", "ingest", "judge"),
        default="all",
        help="do only one half, where one core is not enough for both (default: all)",
    )
    parser.set_defaults(command=_run)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="watch a live agent drift three times; needs nothing but this machine",
        description="Starts a Valkey server and a Kafka-protocol broker (KAFKA_BOOTSTRAP and REDIS_URL take"
        " real ones), plays a customer-support agent's traffic, and runs the real worker on it.",
    )
    parser.add_argument(
        "--once", action="store_true", help="end by itself; exit 0 only if each shift was named right"
    )
    parser.add_argument("--quiet", action="store_true", help="no shift at all: exit 0 only if nothing pages")
    parser.set_defaults(command=_demo)


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "replay",
        help="judge a history file with the code of `run`; sends nothing",
        description="Reads turns (one JSON object a line, .jsonl or .jsonl.gz, - for standard input) in event"
        " time, learns from the beginning, judges the rest. Needs neither Kafka nor Redis.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="turns in order of time; several are read as one"
    )
    _config_option(parser)
    parser.add_argument(
        "--learn",
        metavar="24h|1000",
        help="what to learn from at the beginning: a duration, or a number of turns (default: the config's)",
    )
    parser.add_argument("--json", action="store_true", help="one verdict a line instead of the summary")
    parser.set_defaults(command=_replay)


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "check", help="validate the config and try each connection, naming the true cause of a failure"
    )
    _config_option(parser)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(command=_check)


def _add_dead_letters(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "dead-letters",
        help="which records were no turns, and why; send them back once that is mended",
        description="Reads the dead-letter topic and counts its records by reason, with pointers and never"
        " any text. --redrive sends each of them once to the topic that it came from, with its key and"
        " partition; what still is no turn comes back as a new dead letter.",
    )
    _config_option(parser)
    parser.add_argument("--redrive", action="store_true", help="send back what was not sent back before")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(command=_dead_letters)


def _add_config(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("config", help="what the settings are (show), and what they may be (schema)")
    _config_option(parser)
    parser.add_argument("what", choices=("show", "schema"))
    parser.set_defaults(command=_config)


def _add_encoder(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "encoder",
        help="build the static encoder that turns texts into vectors (about a minute, once; cached)",
    )
    _config_option(parser)
    parser.set_defaults(command=_encoder)


def _settings(path: Path | None) -> Settings:
    settings = load(path, os.environ)
    configure(settings.log, secrets=settings.secrets())
    return settings


def _run(arguments: argparse.Namespace) -> int:
    from worker.app import run  # noqa: PLC0415 - the other commands need no Kafka client

    return run(_settings(arguments.config), arguments.role)


def _demo(arguments: argparse.Namespace) -> int:
    try:
        from worker.demo.run import demo  # noqa: PLC0415 - its packages are an extra
    except ModuleNotFoundError as error:
        sys.stderr.write(f"quadrift demo: {error.name} is missing; pip install 'quadrift[demo]'\n")
        return 1
    return demo(once=arguments.once, quiet=arguments.quiet)


def _replay(arguments: argparse.Namespace) -> int:
    from worker.commands.replay import replay_command  # noqa: PLC0415 - numpy and the encoder take a second to load

    configure(Log(level="warning"))
    return replay_command(arguments.files, arguments.config, learn=arguments.learn, as_json=arguments.json)


def _check(arguments: argparse.Namespace) -> int:
    from worker.commands.check import check  # noqa: PLC0415 - the other commands need no Kafka client

    return check(_settings(arguments.config), as_json=arguments.json)


def _dead_letters(arguments: argparse.Namespace) -> int:
    from worker.commands.dead_letters import dead_letters  # noqa: PLC0415 - the other commands need no Kafka client

    settings = _settings(arguments.config)
    return dead_letters(settings, redrive=arguments.redrive, as_json=arguments.json)


def _config(arguments: argparse.Namespace) -> int:
    if arguments.what == "schema":
        sys.stdout.write(json.dumps(Settings.model_json_schema(), indent=2) + "\n")
    else:
        sys.stdout.write(_settings(arguments.config).model_dump_json(indent=2, by_alias=True) + "\n")
    return 0


def _encoder(arguments: argparse.Namespace) -> int:
    from worker.encoding import build_encoder  # noqa: PLC0415 - torch is loaded only where it is needed

    return build_encoder(arguments.config)


if __name__ == "__main__":
    sys.exit(main())
