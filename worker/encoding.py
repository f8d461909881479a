"""The configured encoder, made once when a process starts."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from threadpoolctl import threadpool_limits

from baselines.learned import ACTIVE, Active, bin_set_name
from binning.binset import encoder_of
from binning.encoders import load_encoder
from binning.keeping_up import Choice, choose
from config.errors import ConfigError
from config.load import load
from config.settings import Encoder as EncoderSettings
from config.sources import from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from baselines.store import AgentStore
    from binning.encoder import Encoder
    from binning.encoders import Progress as Tell

log = structlog.get_logger()

BEST_FIRST = ("transformer", "onnx", "static")
"""What `auto` tries, by how well their bins tell texts apart."""


def encoder(settings: EncoderSettings, learned_with: frozenset[str] = frozenset()) -> Encoder:
    """The configured encoder; a static one that is not cached is built first, with its progress shown.

    `learned_with`: digests of the encoders that the agents were learned with, which `auto` keeps to.

    Raises:
        ConfigError: there is no such model here, or its package is not installed.
        EncoderUnavailable: it cannot be made now.
    """
    choice = chosen(settings, learned_with)
    log.info("encoder", name=choice.encoder.name, digest=choice.encoder.digest[:16], why=choice.why)
    return choice.encoder


def chosen(settings: EncoderSettings, learned_with: frozenset[str] = frozenset()) -> Choice:
    """The encoder, and why it is that one.

    From here on linear algebra keeps to one thread: its vectors are short, and a worker scales by processes.

    Raises:
        ConfigError: there is no such model here, or its package is not installed.
        EncoderUnavailable: it cannot be made now.
    """
    threadpool_limits(1)
    columns = (
        TextColumn("quadrift: encoder, {task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
    )
    console = Console(stderr=True)
    watched = console.is_terminal  # rich ends the process where it writes and nobody reads
    with Progress(*columns, console=console, transient=True, disable=not watched) as shown:
        task = shown.add_task("loading", total=1.0, visible=False)

        def tell(stage: str, share: float) -> None:
            shown.update(task, description=stage, completed=share, visible=True)

        try:
            return _choice(settings, learned_with, tell)
        except ValueError as error:
            raise ConfigError(str(error)) from error


def _choice(settings: EncoderSettings, learned_with: frozenset[str], tell: Tell) -> Choice:
    make = partial(load_encoder, model=settings.model, cache=settings.cache, progress=tell)
    if settings.kind != "auto":
        return Choice(make(settings.kind), "configured")
    return choose({kind: partial(make, kind) for kind in BEST_FIRST}, settings.turns_per_second, learned_with)


def learned_encoders(store: AgentStore, agents: Sequence[str]) -> frozenset[str]:
    """The digests of the encoders that the agents' active bin sets were learned with.

    Raises:
        StoreError: the store did not answer.
    """
    return frozenset(_learned_encoders(store, agents))


def _learned_encoders(store: AgentStore, agents: Sequence[str]) -> Iterator[str]:
    for agent in agents:
        stored = store.get(agent, ACTIVE)
        data = (
            store.get(agent, bin_set_name(Active.from_bytes(stored).digest)) if stored is not None else None
        )
        if data is not None:
            yield encoder_of(data)


def build_encoder(config: Path | None) -> int:
    """`quadrift encoder`: have the encoder ready before it is needed, and say which one it is and why."""
    if config is not None:
        settings = load(config, os.environ).encoder
    else:  # needed before there is a config: only what the environment says of the encoder counts
        settings = EncoderSettings.model_validate(from_environment(os.environ).get("encoder", {}))
    choice = chosen(settings)
    made = choice.encoder
    sys.stderr.write(f"encoder {made.name}, {made.width} dimensions, {made.digest[:16]} ({choice.why})\n")
    return 0
