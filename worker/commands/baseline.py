"""`quadrift baseline`: what is in force for an agent, and asking for it to be learned anew."""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from baselines.followed import followed
from baselines.learned import ACTIVE, Active
from baselines.redis_store import RedisStore
from config.errors import ConfigError
from config.values import seconds, spelled
from worker.commands.in_force import in_force, shown
from worker.connect import redis_client
from worker.learning.reclustering import Request, request_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.store import Store
    from config.settings import Settings
    from worker.learning.reclustering import Reclustered

_EVERY_S = 0.5
_UNANSWERED_S = 20.0
_WEEK = 7 * 86_400


def show(settings: Settings, agent: str | None, *, as_json: bool) -> int:
    """Print what is in force for the agents of the config, or for one of them.

    Raises:
        ConfigError: there is no such agent.
        StoreError: Redis does not answer.
    """
    names = [entry.name for entry in settings.agents] if agent is None else [_agent(settings, agent)]
    store = RedisStore(redis_client(settings.redis), settings.redis.prefix)
    found = {name: in_force(store, name, settings) for name in names}
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    for name, one in found.items():
        shown(Console(), name, one)
    return 0 if any(one is not None for one in found.values()) else 1


def recluster(settings: Settings, agent: str | None, last: str | None) -> int:
    """Ask for an agent's bins to be learned anew, and follow that until every partition has gone over.

    Raises:
        ConfigError: there is no such agent, or `last` is no length of time that may be learned from.
        StoreError: Redis does not answer.
    """
    name, length = _agent(settings, agent), _length(settings, last)
    store = RedisStore(redis_client(settings.redis), settings.redis.prefix)
    if store.get(name, ACTIVE) is None:
        sys.stderr.write(f"quadrift: agent {name} is not learned yet: `quadrift run` does that first\n")
        return 1
    request = ask(store, name, length)
    try:
        return _followed(store, name, request, frozenset(settings.kafka.topics))
    except KeyboardInterrupt:
        sys.stderr.write("quadrift: the workers go on with it; the same command follows it again\n")
        raise


def ask(store: Store, agent: str, last_s: float) -> Request:
    """Leave word for the leader; what is under way already is not asked for again."""
    under_way = request_of(store, agent)
    if under_way is not None and under_way.open:
        return under_way
    request = Request(uuid.uuid4().hex[:12], last_s)
    while not store.write(agent, store.token(agent), [request.to_put()]):
        pass  # another leader wrote in between: its token is the highest now
    return request


def _agent(settings: Settings, agent: str | None) -> str:
    names = [entry.name for entry in settings.agents]
    if agent is None and len(names) == 1:
        return names[0]
    if agent in names:
        return agent
    raise ConfigError(f"--agent: say which one: {', '.join(names)}")


def _length(settings: Settings, last: str | None) -> float:
    learn = settings.learn
    if last is None:
        return max(learn.at_least, min(_WEEK, learn.at_most))
    try:
        length = float(str(seconds(last)))
    except ValueError as error:
        raise ConfigError(f"--last: {error}") from None
    if not learn.at_least <= length <= learn.at_most:
        least, most = spelled(int(learn.at_least)), spelled(int(learn.at_most))
        raise ConfigError(f"--last: learning takes from {least} to {most} (learn.at_least, learn.at_most)")
    return length


def _followed(store: Store, agent: str, asked: Request, topics: frozenset[str]) -> int:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("waiting for the leading worker", total=None)

        def tell(stage: str) -> None:
            progress.update(task, description=stage)

        request = _finished(store, agent, asked, tell)
        while (waiting := _to_go_over(store, agent, topics)) and request.state == "done":
            tell(f"going over: waiting for {waiting} partitions")
            time.sleep(_EVERY_S)
    if request.outcome is None:
        sys.stderr.write(f"quadrift: not reclustered: {request.reason}\n")
        return 1
    sys.stdout.write(_summary(request.outcome))
    return 0


def _finished(store: Store, agent: str, asked: Request, tell: Callable[[str], None]) -> Request:
    """The request once the leader is done with it."""
    since, request = time.monotonic(), asked
    while request.open:
        if request.state == "learning":
            tell(f"{request.stage or 'learning'}: {request.turns:,} turns")
        elif time.monotonic() - since > _UNANSWERED_S:
            tell("waiting for the leading worker: does one run? (quadrift run)")
        time.sleep(_EVERY_S)
        request = request_of(store, agent) or asked
    return request


def _to_go_over(store: Store, agent: str, topics: frozenset[str]) -> int:
    """How many partitions still count under another bin set than the one in force."""
    stored = store.get(agent, ACTIVE)
    digest = Active.from_bytes(stored).digest if stored is not None else ""
    states = followed(store, topics).values()
    return sum(state.digests.get(agent, digest) != digest for state in states)


def _summary(outcome: Reclustered) -> str:
    told: list[str] = [f"bin set {outcome.bin_set}, learned from {outcome.turns:,} turns\n"]
    if not outcome.changed:
        return told[0] + "nothing changed: these are the bins that were in force\n"
    told.append(f"new bins for {', '.join(outcome.changed)}; everything else goes on as it was\n")
    before = f" ({outcome.clusters_before} before)" if outcome.clusters_before is not None else ""
    told.append(f"clusters: {outcome.clusters}{before}\n")
    shares: dict[str, Any] = {
        "turns that left their old cluster's company": outcome.moved,
        "turns like no cluster, before": outcome.outliers_before,
        "turns like no cluster, now": outcome.outliers,
    }
    told += [f"{what}: {share:.1%}\n" for what, share in shares.items() if share is not None]
    return "".join(told)
