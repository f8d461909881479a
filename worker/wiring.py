"""From settings to the values that the other packages take. No connection is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.playbooks import link
from alerts.routes import moved_sides, nearest
from alerts.verdict import Quadrant
from baselines.evaluate import Gates
from baselines.learned import bin_set_name
from baselines.windows import Calendar
from binning.binset import BinSet
from binning.spec import BinSpec, Defined, ResponseRule, TaxonomyEntry
from config.taxonomies import load_intents, load_responses
from worker.decode import AgentMatch, agent_of
from worker.ingesting.chain import ActiveBinSet
from worker.judging.judge import Telling
from worker.judging.tracked import IncompatibleError, OutdatedError, Rules
from worker.learning.study import LearnFrom
from worker.learning.survey import LearnRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alerts.episode import Transition
    from alerts.routes import Routes
    from alerts.verdict import Verdict
    from baselines.learned import Active
    from baselines.store import AgentStore
    from binning.encoder import Encoder
    from binning.turn import Turn
    from config.settings import Settings

LEAVE_S = 24 * 3600
"""Where more is retained, learning leaves this much to be judged at once."""


def bin_spec(settings: Settings) -> BinSpec:
    """What is configured about binning.

    Raises:
        ConfigError: the taxonomy or the response patterns cannot be used.
    """
    binning = settings.binning
    outcomes = tuple(name.partition(".")[2] for name in settings.deciding if name.startswith("output."))
    return BinSpec(
        taxonomy=tuple(
            TaxonomyEntry(entry["name"], entry["description"], tuple(entry["examples"]))
            for entry in load_intents(binning.taxonomy)
        ),
        responses=tuple(ResponseRule(**entry) for entry in load_responses(binning.responses)),
        clusters=(binning.clusters.min, binning.clusters.max),
        flags=tuple(binning.flags),
        segments=binning.segments,
        joint_outcomes=outcomes,
        defined=tuple(Defined(**each.model_dump()) for each in binning.dimensions),
        embedded_turns_per_hour=binning.embedded_turns_per_hour,
    )


def rules(settings: Settings) -> Rules:
    """How to judge."""

    def gates(dimension: str) -> Gates:
        effect = settings.thresholds.of(dimension)
        return Gates(moderate=effect.moderate, significant=effect.significant)

    return Rules(
        false_pages_per_month=settings.false_pages_per_month,
        gates=gates,
        calendar=Calendar(ZoneInfo(settings.time_zone)),
        decides=settings.decides,
        agents=len(settings.agents),
        lateness_s=settings.lateness,
    )


def matches(settings: Settings) -> list[AgentMatch]:
    """The agents and what selects their turns; one without match comes last, to take what is left."""
    found = [
        AgentMatch(agent.name, {key: str(value) for key, value in agent.match.items()})
        for agent in settings.agents
    ]
    return sorted(found, key=lambda match: not match.match)


def learn_rule(settings: Settings) -> LearnRule:
    """How much a first start learns from."""
    learn = settings.learn
    return LearnRule(learn.at_least, learn.turns, learn.at_most, LEAVE_S)


def learn_from(settings: Settings) -> LearnFrom:
    """Where a first start learns from."""
    begin = settings.learn.begin
    if begin == "latest":
        return LearnFrom(latest=True)
    return LearnFrom(since=begin) if isinstance(begin, float) else LearnFrom()


def owner(agent: str, settings: Settings) -> Callable[[Turn], bool]:
    """Says of a turn whether it is this agent's."""
    found = matches(settings)
    return lambda turn: agent_of(turn, found) == agent


def active_bins(store: AgentStore, agent: str, active: Active, made: Encoder) -> ActiveBinSet:
    """What an agent counts under: its bin set, read from the store, and where its learning ended.

    Raises:
        IncompatibleError: it was learned with another encoder, or it is missing.
        OutdatedError: another version of quadrift learned it.
    """
    data = store.get(agent, bin_set_name(active.digest))
    if data is None:
        raise IncompatibleError(
            f"bin set {active.digest} of agent {agent} is not in Redis: restore it, or take another prefix"
        )
    try:
        bin_set = BinSet.from_bytes(data)
    except ValueError as error:
        raise OutdatedError(
            f"agent {agent} was learned by another version of quadrift ({error}). Until `quadrift baseline"
            " recluster` has learned anew what changed, nothing of it is counted"
        ) from None
    if bin_set.encoder_digest != made.digest:
        raise IncompatibleError(
            f"agent {agent} was learned with another encoder than {made.name} as it is cached here: give all"
            " workers one encoder.kind, model and cache (the image has one), or take another redis.prefix to"
            " learn anew"
        )
    ends = {planned.partition: planned.end for planned in active.ends}
    return ActiveBinSet(bin_set, ends, active.past, active.lost)


def playbooks(settings: Settings) -> dict[str, str]:
    """The configured pages by quadrant."""
    return {name: url for name, url in settings.alerts.playbooks.model_dump().items() if url is not None}


def telling(
    settings: Settings,
    base_url: str | None,
    rows: Callable[[Transition], Sequence[tuple[str, bytes]]],
    clock: Callable[[], float],
) -> Telling:
    """How episodes are told: the routes of the config, playbook links, and what `rows` puts in the outbox.

    In `mode: observe` no sink takes anything: episodes are recorded, and nobody is told, not even of their
    end. While a backlog is caught up none is told of what is older than `alerts.max_age`; an episode that is
    still open when that is over is told then.
    """
    pages = playbooks(settings)
    alerts = settings.alerts

    def playbook(verdict: Verdict) -> str | None:
        return link(nearest(verdict.quadrant, moved_sides(verdict)), base_url, pages)

    routes = {
        Quadrant.WORLD_CHANGED: alerts.taken_by("world_changed"),
        Quadrant.SYSTEM_CHANGED: alerts.taken_by("system_changed"),
        Quadrant.BOTH_MOVED: alerts.taken_by("both_moved"),
    }
    silent = settings.mode == "observe"

    def routes_at(at: int) -> Routes:
        return {} if silent or clock() - at > alerts.max_age else routes

    return Telling(routes_at, playbook, rows)
