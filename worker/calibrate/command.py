"""`quadrift calibrate`: thresholds from an agent's own history, what they cost, and what cannot be seen.

The history is a file, judged as `replay` does, or what the configured Redis holds. Nothing is changed there.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from alerts.verdict import decode
from baselines.eras import Laid
from baselines.history import ALL
from baselines.learned import ACTIVE, Active, layout_name
from baselines.memory import MemoryStore
from baselines.redis_store import RedisStore
from config.errors import ConfigError
from config.load import load
from worker.calibrate.fragment import write_fragment
from worker.calibrate.measure import Observed, measured
from worker.calibrate.picture import write_picture
from worker.calibrate.table import show
from worker.commands.history_file import HISTORY, HistoryFiles
from worker.commands.replay import NotEnoughError, default_settings, learn_option, learned_agents, verdicts
from worker.connect import redis_client
from worker.encoding import encoder
from worker.judging.judge import VERDICTS_KEPT, AgentJudge, Telling
from worker.judging.tracked import IncompatibleError
from worker.wiring import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from alerts.verdict import Verdict
    from baselines.store import Store
    from config.settings import Settings
    from worker.calibrate.result import Result


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of the command."""

    files: Sequence[str]
    config: Path | None
    learn: str | None
    as_json: bool
    picture: Path | None
    write: Path | None
    known_calm: bool


def calibrate(asked: Asked) -> int:
    """Calibrate and print what was found; 1 where there is too little history.

    Raises:
        ConfigError: the config, an option or a file cannot be used.
        StoreError: Redis cannot be used.
    """
    for target in (asked.picture, asked.write):
        if target is not None and target.exists():
            raise ConfigError(f"{target}: exists already; name another file or move it away")
        if target is not None and not target.absolute().parent.is_dir():
            raise ConfigError(f"{target}: its folder does not exist")
    try:
        observed = _from_files(asked) if asked.files else _from_store(asked)
    except NotEnoughError as error:
        sys.stderr.write(f"quadrift: {error}\n")
        return 1
    results = [measured(each, known_calm=asked.known_calm) for each in observed]
    _write(results, asked)  # first: whoever reads the table may have seen enough of it early
    if asked.as_json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        show(results)
    return 0


def _write(results: Sequence[Result], asked: Asked) -> None:
    done = []
    try:
        if asked.picture is not None:
            write_picture(results, asked.picture)
            done.append(f"picture: {asked.picture}")
        if asked.write is not None:
            write_fragment(results, asked.write)
            done.append(f"thresholds to merge into your config: {asked.write}")
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written ({error.strerror})") from None
    sys.stderr.write("".join(f"{line}\n" for line in done))


def _from_files(asked: Asked) -> list[Observed]:
    """Replay the files, as `quadrift replay` does.

    Raises:
        NotEnoughError: there is too little to learn from or to judge.
    """
    settings = load(asked.config, os.environ) if asked.config is not None else default_settings()
    rule = learn_option(asked.learn, settings)
    try:
        files = HistoryFiles([Path(path) for path in asked.files])
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read ({error.strerror or error})") from None
    made, store = encoder(settings.encoder), MemoryStore()
    found: dict[str, list[Verdict]] = {}
    with _progress(files.bounds()[HISTORY][1]) as tell:
        agents = learned_agents(files, settings, rule, made, store)
        for verdict in verdicts(files, settings, made, store, agents, tell):
            if verdict.segment == ALL:
                found.setdefault(verdict.agent, []).append(verdict)
    if not found:
        raise NotEnoughError("no window lies after what was learned; give --learn less, such as --learn 6h")
    return [Observed(agents[name].judge, told) for name, told in found.items()]


@contextmanager
def _progress(lines: int) -> Iterator[Callable[[int], None]]:
    """Shows on a terminal how far the replay has got; takes lines read."""
    columns = (
        TextColumn("quadrift: {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("learning", total=lines)
        yield lambda line: shown.update(task, completed=line, description="judging the history")


def _from_store(asked: Asked) -> list[Observed]:
    """What the configured Redis holds: counts of up to 35 days, verdicts of a fortnight. Only reads.

    Raises:
        NotEnoughError: no agent has been judged yet.
    """
    if asked.config is None:
        raise ConfigError("give a history FILE, or with --config the config whose Redis holds the history")
    if asked.learn is not None:
        raise ConfigError("--learn goes with a history FILE; the stored history was learned already")
    settings = load(asked.config, os.environ)
    client = redis_client(settings.redis)
    try:
        store = RedisStore(client, settings.redis.prefix)
        found = [each for agent in settings.agents if (each := stored(agent.name, store, settings))]
    except IncompatibleError as error:
        raise ConfigError(str(error)) from None
    finally:
        client.close()
    if not found:
        names = ", ".join(agent.name for agent in settings.agents)
        raise NotEnoughError(
            f"nothing is judged yet of {names} under the prefix {settings.redis.prefix} at"
            f" {settings.redis.location()}: let `quadrift run` learn and judge first, or give a history FILE"
        )
    return found


def stored(agent: str, store: Store, settings: Settings) -> Observed | None:
    """A stored agent as the leader would take it over; None where it was not learned or not judged yet."""
    raw = store.get(agent, ACTIVE)
    if raw is None:
        return None
    active = Active.from_bytes(raw)
    data = store.get(agent, layout_name(active.digest))
    if data is None:
        return None
    silent = Telling(lambda _: {}, lambda _: None, lambda _: ())
    judge = AgentJudge.take_over(agent, active, Laid.from_bytes(data), store, rules(settings), silent)
    judge.history.refresh(judge.judged_to)
    told = [decode(row) for row in store.newest(agent, "verdicts", VERDICTS_KEPT)]
    own = [verdict for verdict in told if verdict.segment == ALL and verdict.bin_set == active.digest]
    return Observed(judge, own) if own else None
