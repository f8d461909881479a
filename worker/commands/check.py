"""`quadrift check`: tries everything that the settings name, and says of each failure what really is wrong.

It leaves nothing behind: no key stays, no group is joined, no alert is sent.
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from baselines.errors import StoreError, StoreRefused, StoreUnavailable
from baselines.redis_store import RedisStore
from binning.encoder import EncoderUnavailable
from config.errors import ConfigError
from config.taxonomies import load_intents, load_responses
from worker.commands.check_taxonomy import TaxonomyScores, cross_validated
from worker.commands.check_taxonomy import table as scores_table
from worker.connect import kafka_options, redis_client
from worker.encoding import chosen
from worker.ingesting.placing import refuse_lost_state
from worker.kafka.client import KafkaAway, KafkaUnavailable, open_admin, require_codecs, topic_facts
from worker.kafka.client_log import silent_kafka_log
from worker.kafka.ranges import KafkaRanges
from worker.wiring import bin_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from config.settings import Settings

    Checks = Mapping[str, Callable[[], str | TaxonomyScores]]
    """By what is checked: a function that says what it found, or raises what is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `says` is one line and holds no secret."""

    what: str
    ok: bool
    says: str
    scores: TaxonomyScores | None = None


def check(
    settings: Settings, *, as_json: bool = False, checks: Checks | None = None, out: TextIO | None = None
) -> int:
    """Run every check and print what it found; 0 when all are well, 1 otherwise."""
    with silent_kafka_log():
        found = [_run(what, trial) for what, trial in (checks or all_checks(settings)).items()]
    _print(found, as_json=as_json, out=out or sys.stdout)
    return 0 if all(finding.ok for finding in found) else 1


def all_checks(settings: Settings) -> Checks:
    """What can be tried of these settings."""
    return {
        "config": lambda: _config(settings),
        "taxonomy": lambda: cross_validated(bin_spec(settings).taxonomy, chosen(settings.encoder).encoder),
        "encoder": lambda: _encoder(settings),
        "redis": lambda: _redis(settings),
        "kafka": lambda: _kafka(settings),
        "counts": lambda: _counts(settings),
        "alerts": lambda: _alerts(settings),
    }


def _run(what: str, trial: Callable[[], str | TaxonomyScores]) -> Finding:
    try:
        found = trial()
    except (ConfigError, EncoderUnavailable, StoreError, KafkaUnavailable) as error:
        return Finding(what, ok=False, says=str(error))
    return Finding(what, ok=True, says=str(found), scores=None if isinstance(found, str) else found)


def _config(settings: Settings) -> str:
    intents = load_intents(settings.binning.taxonomy)
    responses = load_responses(settings.binning.responses)
    agents = ", ".join(agent.name for agent in settings.agents)
    return f"agents {agents}; {len(intents)} intents, {len(responses)} response categories"


def _encoder(settings: Settings) -> str:
    choice = chosen(settings.encoder)
    return f"{choice.encoder.name}, {choice.encoder.width} dimensions ({choice.why})"


def _redis(settings: Settings) -> str:
    client = redis_client(settings.redis)
    try:
        RedisStore(client, settings.redis.prefix).check_server()
    finally:
        client.close()
    return f"{settings.redis.location()} answers, runs scripts and evicts nothing"


def _kafka(settings: Settings) -> str:
    require_codecs()
    options = kafka_options(settings.kafka)
    admin = open_admin(options)
    try:
        topics = topic_facts(admin, settings.kafka.topics, options)
        topic_facts(admin, [settings.kafka.dead_letter_topic], options)
    finally:
        admin.close()
    told = ", ".join(f"{name} ({facts.partitions} partitions)" for name, facts in topics.items())
    return f"{options.address} answers; {told}; dead letters go to {settings.kafka.dead_letter_topic}"


def _counts(settings: Settings) -> str:
    """Whether the store still has what Kafka was told that this installation has counted."""
    client = redis_client(settings.redis)
    store = RedisStore(client, settings.redis.prefix)
    try:
        store.partitions()  # first, for it is quick to say that it is away
        with closing(KafkaRanges(kafka_options(settings.kafka), settings.kafka.topics)) as ranges:
            counted = ranges.told(settings.redis.prefix)
        refuse_lost_state(store, counted)
    except (StoreUnavailable, StoreRefused, KafkaAway):
        return "not looked at: that takes both redis and kafka"
    finally:
        client.close()
    return f"redis has those of {len(counted)} partitions" if counted else "nothing was counted yet"


def _alerts(settings: Settings) -> str:
    if settings.mode == "observe":
        return "mode is observe: nothing is sent"
    alerts = settings.alerts
    routes = {name: alerts.taken_by(name) for name in ("world_changed", "system_changed", "both_moved")}
    told = "; ".join(f"{name} to {', '.join(sinks) or 'nobody'}" for name, sinks in routes.items())
    return f"{told} (not tried: it would tell people)"


def _print(found: list[Finding], *, as_json: bool, out: TextIO) -> None:
    if as_json:
        content = {"ok": all(finding.ok for finding in found), "checks": found}
        out.write(msgspec.json.encode(content).decode() + "\n")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for finding in found:
        mark = Text("ok", style="green") if finding.ok else Text("failed", style="bold red")
        table.add_row(mark, Text(finding.what, style="bold"), Text(finding.says))
    console = Console(file=out, highlight=False)
    console.print(table)
    for finding in found:
        if finding.scores is not None:
            console.print("", scores_table(finding.scores), sep="\n")
