"""`quadrift replay`: the lines of `run` over a history file, in event time and in process. Sends nothing."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.verdict import encode
from baselines.learned import ACTIVE
from baselines.memory import MemoryStore
from baselines.store import Put
from config.errors import ConfigError
from config.load import load
from config.settings import Settings
from worker.commands.history_file import HISTORY, HistoryFiles, HistorySource
from worker.commands.summary import Summary
from worker.encoding import encoder
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.judging.judge import AgentJudge
from worker.learning.learn import Learner
from worker.learning.study import Study
from worker.learning.survey import LearnRule
from worker.wiring import active_bins, bin_spec, matches, owner, rules, telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alerts.verdict import Verdict
    from baselines.store import Store
    from binning.encoder import Encoder
    from worker.ingesting.chain import ActiveBinSet

TOKEN = 1
_HOURS = re.compile(r"(\d+(?:\.\d+)?)([hd])")


class NotEnoughError(Exception):
    """The history is too short to learn from and leave something to judge."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A learned agent and what judges it."""

    bins: ActiveBinSet
    judge: AgentJudge


def replay(files: HistoryFiles, settings: Settings, rule: LearnRule, made: Encoder) -> Iterator[Verdict]:
    """Every verdict, in order of event time.

    Raises:
        NotEnoughError: no agent's turns suffice to learn from.
    """
    store = MemoryStore()
    agents = learned_agents(files, settings, rule, made, store)
    yield from verdicts(files, settings, made, store, agents)


def learned_agents(
    files: HistoryFiles, settings: Settings, rule: LearnRule, made: Encoder, store: Store
) -> dict[str, Replayed]:
    """Every agent that the beginning of the files has enough turns of, ready to be judged.

    Raises:
        NotEnoughError: there is none.
    """
    agents = {}
    for match in matches(settings):
        if (learned := _learn(match.name, files, settings, rule, made, store)) is not None:
            agents[match.name] = learned
    if not agents:
        raise NotEnoughError(
            f"no agent has {rule.turns} turns over {rule.at_least_s / 3600:g} h and later ones to judge; "
            "give --learn less, such as --learn 500 or --learn 6h"
        )
    return agents


def verdicts(
    files: HistoryFiles,
    settings: Settings,
    made: Encoder,
    store: Store,
    agents: Mapping[str, Replayed],
    tell: Callable[[int], None] = lambda _: None,
) -> Iterator[Verdict]:
    """Count the turns that were not learned from and judge them; `tell` hears how many lines were read."""
    source = HistorySource(files)
    active = {name: learned.bins for name, learned in agents.items()}
    ticks = _Ticks()
    ledger = Ledger(source, store, list(agents), lambda: active, monotonic=ticks)
    ingest = Ingest(source, ledger, made, matches(settings), monotonic=ticks)
    while not source.exhausted:
        ingest.tick()
        tell(source.position(HISTORY) or 0)
        yield from _judge(agents, store)
    ledger.close()
    yield from _judge(agents, store)


class _Ticks:
    """A monotonic clock that passes a second a look: a replay commits after every poll on any machine."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 1.0
        return self._now


def _judge(agents: Mapping[str, Replayed], store: Store) -> Iterator[Verdict]:
    mark = store.state(HISTORY).watermark
    if mark is None:
        return
    for replayed in agents.values():
        yield from replayed.judge.advance(mark, TOKEN) or ()


def _learn(
    agent: str, files: HistoryFiles, settings: Settings, rule: LearnRule, made: Encoder, store: Store
) -> Replayed | None:
    learner = Learner(
        agent, store, Study(files, owner(agent, settings), bin_spec(settings), made, time.time), rule
    )
    active = learner.step(TOKEN)
    if active is None:
        return None
    store.write(agent, TOKEN, [Put(ACTIVE, active.to_bytes())])
    bins = active_bins(store, agent, active, made)
    told = telling(settings, settings.alerts.base_url, lambda _: (), lambda: 0.0)
    return Replayed(bins, AgentJudge.take_over(agent, active, bins.bin_set, store, rules(settings), told))


def learn_option(text: str | None, settings: Settings) -> LearnRule:
    """`--learn`: a duration (`24h`, `2d`) or a number of turns; the config's rule without it.

    Raises:
        ConfigError: it is neither.
    """
    if text is None:
        return LearnRule(settings.learn.at_least, settings.learn.turns, settings.learn.at_most, None)
    if text.isdecimal() and int(text) > 0:
        return LearnRule(0.0, int(text), float("inf"), None)
    if (match := _HOURS.fullmatch(text)) is not None:
        seconds = float(match[1]) * (3600 if match[2] == "h" else 86_400)
        return LearnRule(seconds, 1, float("inf"), None)
    raise ConfigError("--learn: should be a duration such as 24h or 2d, or a number of turns such as 1000")


def replay_command(paths: Sequence[str], config: Path | None, *, learn: str | None, as_json: bool) -> int:
    """Replay the files and print what was found: one verdict a line, or a summary.

    Raises:
        ConfigError: the config, `--learn` or a file cannot be used.
    """
    settings = load(config, os.environ) if config is not None else default_settings()
    rule = learn_option(learn, settings)
    try:
        files = HistoryFiles([Path(path) for path in paths])
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read ({error.strerror or error})") from None
    summary = Summary(files.bounds()[HISTORY][1])
    try:
        for verdict in replay(files, settings, rule, encoder(settings.encoder)):
            summary.add(verdict)
            if as_json:
                sys.stdout.write(encode(verdict).decode() + "\n")
    except NotEnoughError as error:
        sys.stderr.write(f"quadrift: {error}\n")
        return 1
    if not as_json:
        summary.show()
    return 0


def default_settings() -> Settings:
    """Everything as shipped: one agent that takes every turn."""
    return Settings.model_validate({"agents": [{"name": "agent"}], "kafka": {"topics": [HISTORY.topic]}})
