"""The contents of the HTTP answers, as plain values made from one snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from worker.serving.metrics import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI

    from alerts.verdict import DimensionVerdict, Side, SideVerdict, Verdict
    from worker.health import Health
    from worker.judging.verdicts import Histogram
    from worker.serving.snapshot import AgentView, Snapshot

STALE_S = 15.0
"""A snapshot older than this is said to be stale, seconds."""


class NotFoundError(Exception):
    """What was asked for does not exist; `content` says so and names what does."""

    def __init__(self, error: str, **known: Any) -> None:
        super().__init__(error)
        self.content = {"error": error, **known}


def find_agent(snapshot: Snapshot, name: str | None) -> AgentView:
    """The agent of that name, or the only one where none is named.

    Raises:
        NotFoundError: there is no such agent, or there are several to choose from.
    """
    known = sorted(snapshot.agents)
    if name is None and len(known) == 1:
        return snapshot.agents[known[0]]
    if name is None:
        raise NotFoundError("say which agent: ?agent=NAME", agents=known)
    if name not in snapshot.agents:
        raise NotFoundError("there is no such agent", agents=known)
    return snapshot.agents[name]


def current(snapshot: Snapshot, agent: AgentView, segment: str, now: float) -> dict[str, Any]:
    """The latest verdict of a segment by side; what is not known is null, with a status and a reason.

    Raises:
        NotFoundError: the agent has no such segment.
    """
    verdict = agent.latest.get(segment)
    stale = _stale(snapshot, now)
    if verdict is None:
        if segment != "all":
            raise NotFoundError(
                "there is no such segment", segments=["all", *(s for s in agent.latest if s != "all")]
            )
        return _unjudged(agent, snapshot, stale)
    stale = stale or _held_back(snapshot)
    return {
        "agent": agent.name,
        "segment": segment,
        "as_of": iso(verdict.at),
        "stale": stale is not None or verdict.status == "stale",
        "status": "stale" if stale else verdict.status,
        "reason": stale or verdict.reason,
        "quadrant": verdict.quadrant,
        "exceeds": verdict.exceeds,
        "alerting": verdict.alerting,
        "episode": verdict.episode,
        "turns": verdict.turns,
        "input": _side(verdict, "input", verdict.input, agent.histograms.get(segment, ())),
        "output": _side(verdict, "output", verdict.output, agent.histograms.get(segment, ())),
        "behaviour": verdict.behaviour,
        "bin_set": verdict.bin_set,
        "playbook": verdict.playbook,
    }


def recent(snapshot: Snapshot, agent: AgentView, segment: str, limit: int, now: float) -> dict[str, Any]:
    """The newest verdicts of a segment, newest first.

    Raises:
        NotFoundError: the agent has no such segment.
    """
    if segment != "all" and segment not in agent.latest:
        raise NotFoundError(
            "there is no such segment", segments=["all", *(s for s in agent.latest if s != "all")]
        )
    found = [verdict for verdict in reversed(agent.history) if verdict.segment == segment][:limit]
    return {
        "agent": agent.name,
        "segment": segment,
        "as_of": iso(snapshot.at) if snapshot.at else None,
        "stale": _stale(snapshot, now) is not None,
        "verdicts": found,
    }


def detail(snapshot: Snapshot, health: Health, now: float, monotonic: float) -> dict[str, Any]:
    """How this worker is, for a person."""
    return {
        "version": VERSION,
        "mode": health.mode,
        "leader": health.leader,
        "ready": not health.unready(monotonic),
        "unready": health.unready(monotonic),
        "degraded": health.degraded,
        "partitions": {
            "assigned": None if health.assigned is None else sorted(map(str, health.assigned)),
            "placed": sorted(map(str, health.placed)),
            "lag": {str(partition): records for partition, records in sorted(health.lag.items())},
        },
        "watermark": None if snapshot.watermark is None else iso(snapshot.watermark),
        "lagging": snapshot.lagging,
        "as_of": iso(snapshot.at) if snapshot.at else None,
        "stale": _stale(snapshot, now) is not None,
        "agents": {
            agent.name: {"bin_set": agent.bin_set, "status": _status(agent), "outbox": agent.outbox}
            for agent in snapshot.agents.values()
        },
    }


def gaps(snapshot: Snapshot, agent: AgentView) -> dict[str, Any]:
    """The records that were never counted: windows that they may be of are not judged."""
    return {
        "agent": agent.name,
        "as_of": iso(snapshot.at) if snapshot.at else None,
        "gaps": [
            {
                "topic": partition.topic,
                "partition": partition.number,
                "first_offset": gap.first,
                "end_offset": gap.end,
                "records": gap.records,
                "since": None if gap.since is None else iso(gap.since),
                "until": iso(gap.until),
                "reason": gap.reason,
            }
            for partition, state in sorted(snapshot.partitions.items())
            for gap in state.gaps
            if gap.agent in ("", agent.name)
        ],
    }


def document(app: FastAPI, verdict: type[Verdict]) -> Callable[[], dict[str, Any]]:
    """What makes /openapi.json, once: FastAPI's own with the verdict's schema in it."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(get_openapi(title=app.title, version=app.version, routes=app.routes))
            reference = "#/components/schemas/{name}"
            (schema,), parts = msgspec.json.schema_components([verdict], ref_template=reference)
            made.setdefault("components", {}).setdefault("schemas", {}).update(parts)
            answer = {"type": "object", "properties": {"verdicts": {"type": "array", "items": schema}}}
            content = made["paths"]["/v1/verdicts"]["get"]["responses"]["200"].setdefault("content", {})
            content["application/json"] = {"schema": answer}
        return made

    return openapi


def iso(at: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _stale(snapshot: Snapshot, now: float) -> str | None:
    """Why the snapshot is not fresh, None when it is."""
    if not snapshot.at:
        return "the state store has not answered yet"
    age = now - snapshot.at
    return f"the state store has not answered for {age:.0f} s" if age > STALE_S else None


def _held_back(snapshot: Snapshot) -> str | None:
    """Why no new window can be judged, None where nothing holds them back."""
    if not snapshot.lagging:
        return None
    named = ", ".join(snapshot.lagging[:5])
    return f"no worker reports on {named}: windows wait for what they hold"


def _unjudged(agent: AgentView, snapshot: Snapshot, stale: str | None) -> dict[str, Any]:
    nothing: dict[str, Any] = {"level": None, "psi": None, "dimension": None, "dimensions": []}
    return {
        "agent": agent.name,
        "segment": "all",
        "as_of": None if snapshot.watermark is None else iso(snapshot.watermark),
        "stale": stale is not None,
        "status": "stale" if stale else "insufficient" if agent.bin_set else "learning",
        "reason": stale or _progress(agent),
        "quadrant": None,
        "exceeds": False,
        "alerting": False,
        "episode": None,
        "turns": 0,
        "input": nothing,
        "output": nothing,
        "behaviour": None,
        "bin_set": agent.bin_set,
        "playbook": None,
        "learning": dict(agent.status),
    }


def _progress(agent: AgentView) -> str:
    if agent.bin_set:
        return "no window lies after learning yet"
    told = agent.status
    if {"turns", "turns_needed", "hours", "hours_needed"} <= told.keys():
        hours = f"{told['hours']:.1f} of {told['hours_needed']:.0f} h"
        return f"learning: {told['turns']} of {told['turns_needed']} turns, {hours}"
    return "learning has not begun: no worker leads yet, or no turn of this agent has come"


def _status(agent: AgentView) -> str:
    latest = agent.latest.get("all")
    return latest.status if latest else "insufficient" if agent.bin_set else "learning"


def _side(
    verdict: Verdict, side: Side, summary: SideVerdict, histograms: Sequence[Histogram]
) -> dict[str, Any]:
    bins = {(h.side, h.name, h.reference): h.bins for h in histograms}
    return {
        "level": summary.level,
        "psi": summary.psi,
        "dimension": summary.dimension,
        "dimensions": [
            _dimension(found) | {"bins": bins.get((side, found.name, found.reference), ())}
            for found in verdict.dimensions
            if found.side == side
        ],
    }


def _dimension(found: DimensionVerdict) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(found)
    del told["side"]
    return told
