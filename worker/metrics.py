"""What Prometheus reads: counters of this process, and gauges of the snapshot made anew for each scrape.

A gauge that is read off the snapshot disappears with its agent; one that is set would stay for ever.
"""

from __future__ import annotations

import time
from enum import StrEnum
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.verdict import Quadrant, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric as Family

    from worker.health import Health
    from worker.snapshot import AgentView, Snapshot

disable_created_metrics()  # type: ignore[no-untyped-call]
VERSION = version("quadrift")


class Metric(StrEnum):
    """What this process counts or times, by the name that Prometheus sees. No label is ever free text."""

    TURNS = "quadrift_turns_total"  # turns counted and committed, by agent
    UNCLAIMED = "quadrift_unclaimed_records_total"  # turns of no configured agent, passed by
    REJECTED = "quadrift_rejected_records_total"  # records that are no turn, by reason
    COMMITS = "quadrift_commits_total"  # commits by outcome: applied, already, refused, digest, topic
    STORE_ERRORS = "quadrift_store_errors_total"  # commands that the state store did not take
    KAFKA_ERRORS = "quadrift_kafka_errors_total"  # errors of the Kafka client, by type
    NOTIFICATIONS = "quadrift_notifications_total"  # notifications by sink and outcome
    COMMIT_SECONDS = "quadrift_commit_duration_seconds"  # one commit of one partition
    STEP_SECONDS = "quadrift_judge_step_duration_seconds"  # one agent's judging of one step


_COUNTERS: dict[Metric, tuple[str, tuple[str, ...]]] = {
    Metric.TURNS: ("Turns counted and committed.", ("agent",)),
    Metric.UNCLAIMED: ("Turns of no configured agent, passed by.", ()),
    Metric.REJECTED: ("Records that are no turn, sent to the dead letters.", ("reason",)),
    Metric.COMMITS: ("Commits of a partition by outcome.", ("outcome",)),
    Metric.STORE_ERRORS: ("Commands that the state store did not take.", ()),
    Metric.KAFKA_ERRORS: ("Errors of the Kafka client.", ("type",)),
    Metric.NOTIFICATIONS: ("Notifications by sink and outcome.", ("sink", "outcome")),
}
_HISTOGRAMS = {
    Metric.COMMIT_SECONDS: "Time for one commit of one partition.",
    Metric.STEP_SECONDS: "Time for judging one step of one agent.",
}


class Counters:
    """Counters and timings of this process, safe from any thread. They end with it, as Prometheus expects."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {
            name: Counter(name, text, labels, registry=self.registry)
            for name, (text, labels) in _COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(name, text, registry=self.registry) for name, text in _HISTOGRAMS.items()
        }

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add to a counter; `labels` are exactly those of `metric`."""
        counter = self._counters[metric]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, metric: Metric, seconds: float) -> None:
        """Add one timing."""
        self._histograms[metric].observe(seconds)


class SnapshotCollector(Collector):
    """Gauges of the newest snapshot and of this process's health."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Health,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._clock = clock
        self._monotonic = monotonic

    def describe(self) -> Iterator[Family]:
        """Nothing: what there is depends on the agents."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Every gauge, from one and the same snapshot."""
        snapshot = self._snapshot()
        yield from _process(self._health, self._monotonic())
        yield from _stream(snapshot, self._health, self._clock())
        agents = list(snapshot.agents.values())
        yield from _dimensions(agents)
        yield from _verdicts(agents)
        yield from _progress(agents)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"quadrift_{name}", text, labels=labels)


def _process(health: Health, now: float) -> Iterator[Family]:
    info = _gauge("build_info", "Always 1; the version is a label.", "version")
    info.add_metric([VERSION], 1)
    leader = _gauge("leader", "1 on the worker that judges.")
    leader.add_metric([], health.leader)
    ready = _gauge("ready", "1 while this worker does its work.")
    ready.add_metric([], not health.unready(now))
    placed = _gauge("partitions_placed", "Partitions that this worker reads.")
    placed.add_metric([], len(health.placed))
    yield from (info, leader, ready, placed)


def _stream(snapshot: Snapshot, health: Health, now: float) -> Iterator[Family]:
    lag = _gauge("consumer_lag_records", "Records behind the end of the log.", "topic", "partition")
    for partition, records in sorted(health.lag.items()):
        lag.add_metric([partition.topic, str(partition.number)], records)
    offset = _gauge("next_offset", "The next offset that the stored counts lack.", "topic", "partition")
    for partition, state in sorted(snapshot.partitions.items()):
        if state.next_offset is not None:
            offset.add_metric([partition.topic, str(partition.number)], state.next_offset)
    yield from (lag, offset)
    if snapshot.watermark is not None:
        mark = _gauge("watermark_timestamp_seconds", "Event time up to which every partition has been read.")
        mark.add_metric([], snapshot.watermark)
        behind = _gauge("event_time_lag_seconds", "How far the watermark is behind the wall clock.")
        behind.add_metric([], max(0.0, now - snapshot.watermark))
        yield from (mark, behind)
    held = _gauge("lagging_partitions", "Partitions that hold the watermark back.")
    held.add_metric([], len(snapshot.lagging))
    yield held
    if snapshot.at:
        age = _gauge("snapshot_age_seconds", "Age of the picture of the store that the gauges show.")
        age.add_metric([], max(0.0, now - snapshot.at))
        yield age


_DIMENSION = ("agent", "segment", "side", "dimension", "reference")


def _dimensions(agents: list[AgentView]) -> Iterator[Family]:
    psi = _gauge("psi", "Debiased PSI of the latest window, never below 0.", *_DIMENSION)
    floor = _gauge("psi_noise_floor", "What was taken off the PSI as noise.", *_DIMENSION)
    exceeds = _gauge("dimension_exceeds", "1 while the dimension is over its gate.", *_DIMENSION)
    turns = _gauge("window_turns", "Turns of the latest window.", *_DIMENSION)
    for agent in agents:
        for segment, verdict in agent.latest.items():
            for found in verdict.dimensions:
                labels = [agent.name, segment, found.side, found.name, found.reference]
                psi.add_metric(labels, found.psi)
                floor.add_metric(labels, found.noise_floor)
                exceeds.add_metric(labels, found.exceeds)
                turns.add_metric(labels, found.turns)
    yield from (psi, floor, exceeds, turns)


def _verdicts(agents: list[AgentView]) -> Iterator[Family]:
    quadrant = _gauge(
        "quadrant", "1 for the quadrant that holds; none where it is unknown.", "agent", "segment", "quadrant"
    )
    status = _gauge("verdict_status", "1 for the status of the latest verdict.", "agent", "segment", "status")
    alerting = _gauge("alerting", "1 while an episode is firing.", "agent", "segment")
    at = _gauge("verdict_timestamp_seconds", "Event time of the latest verdict.", "agent", "segment")
    for agent in agents:
        for segment, verdict in agent.latest.items():
            for name in Quadrant:
                quadrant.add_metric([agent.name, segment, name], verdict.quadrant == name)
            for state in Status:
                status.add_metric([agent.name, segment, state], verdict.status == state)
            alerting.add_metric([agent.name, segment], verdict.alerting)
            at.add_metric([agent.name, segment], verdict.at)
    yield from (quadrant, status, alerting, at)


def _progress(agents: list[AgentView]) -> Iterator[Family]:
    learned = _gauge("learned", "1 once the agent's bin set is active.", "agent")
    turns = _gauge("learning_turns", "Turns found so far for learning.", "agent")
    outbox = _gauge("outbox_depth", "Notifications that wait to be sent.", "agent")
    for agent in agents:
        learned.add_metric([agent.name], agent.bin_set is not None)
        outbox.add_metric([agent.name], agent.outbox)
        if isinstance(agent.status.get("turns"), int | float):
            turns.add_metric([agent.name], agent.status["turns"])
    yield from (learned, turns, outbox)
