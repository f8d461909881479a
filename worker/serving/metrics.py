"""What Prometheus reads: this process's counts and gauges of the snapshot, made anew for each scrape.

A gauge that is read off the snapshot disappears with its agent; one that is set would stay for ever. No label
is ever free text.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.verdict import Quadrant, Status
from binning.layout import OTHER_INTENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric as Family

    from worker.health import Health
    from worker.ingesting.ingest import IngestStats
    from worker.ingesting.ledger import LedgerStats
    from worker.serving.snapshot import AgentView, Snapshot

VERSION = version("quadrift")


class Metric(Enum):
    """Every metric: its name behind `quadrift_`, and what it says. A counter gets `_total` by the format."""

    # counts of this process; they begin at zero with it
    TURNS = "turns", "Turns counted and committed."
    PASSED_BY = "passed_by_turns", "Turns of an agent that does not count them: it learns from them."
    DEGRADED = "degraded_turns", "Turns counted without what needs a vector: the encoder failed."
    REPEATED = "repeated_turns", "Turns that a producer sent again, which are not counted again."
    UNMATCHED = "unmatched_turns", "Turns of no configured agent."
    GAPS = "gap_records", "Offsets that are in no count of an agent: it learned, or its bin set was lost."
    LOST = "lost_records", "Records never counted, by reason: dropped by the log unread, or unreadable."
    DEAD_LETTERS = "dead_letter_records", "Records that are no turn, by reason."
    COMMITS = "commits", "Commits of one partition, by outcome."
    NOTIFICATIONS = "notifications", "Attempts to notify, by outcome."
    # this process now
    BUILD = "build_info", "Always 1; the version is a label."
    LEADER = "leader", "1 on the worker that judges."
    READY = "ready", "1 while this worker does its work."
    HELD = "ingest_held", "1 while reading waits for the store, the dead letters or Kafka."
    BLOCKED = "partitions_blocked", "Partitions read no further: too many of their records are no turns."
    PLACED = "partitions_placed", "Partitions that this worker reads."
    LAG = "consumer_lag_records", "Records behind the end of the log."
    # the stream, the same from every worker
    NEXT_OFFSET = "next_offset", "The first offset that the stored counts lack."
    WATERMARK = "watermark_timestamp_seconds", "Event time up to which every partition has been read."
    EVENT_LAG = "event_time_lag_seconds", "How far the watermark is behind the wall clock."
    LAGGING = "lagging_partitions", "Partitions that hold the watermark back."
    SNAPSHOT_AGE = "snapshot_age_seconds", "Age of the picture of the store that these gauges show."
    # the agents, the same from every worker
    LEARNED = "learned", "1 once the agent's bin set is active."
    LEARNING_TURNS = "learning_turns", "Turns found so far for learning."
    OUTBOX = "outbox_depth", "Notifications that wait to be sent."
    PSI = "psi", "Debiased PSI of the latest window, never below 0."
    NOISE_FLOOR = "psi_noise_floor", "What was taken off the PSI as noise."
    EXCEEDS = "dimension_exceeds", "1 while the dimension is over its gate."
    WINDOW_TURNS = "window_turns", "Turns of the latest window."
    UNLIKE = "other_intent_share", "Share of inputs like no intent of the taxonomy; growing, it has aged."
    QUADRANT = "quadrant", "1 for the quadrant that holds; 0 for all where it is unknown."
    STATUS = "verdict_status", "1 for the status of the latest verdict."
    ALERTING = "alerting", "1 while an episode is firing."
    JUDGED_TO = "verdict_timestamp_seconds", "Event time of the latest verdict."

    def __init__(self, suffix: str, text: str) -> None:
        self.metric = f"quadrift_{suffix}"
        self.text = text

    def gauge(self, *labels: str) -> GaugeMetricFamily:
        """An empty gauge of this name."""
        return GaugeMetricFamily(self.metric, self.text, labels=labels)

    def counter(self, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
        """A counter of this name with one sample a value of `label`."""
        family = CounterMetricFamily(self.metric, self.text, labels=[label])
        for value, count in sorted(counts.items()):
            family.add_metric([value], count)
        return family


@dataclass(slots=True)
class Work:
    """What the lines of this process have done. A line that does not run here has nothing."""

    ingest: IngestStats | None = None
    ledger: LedgerStats | None = None
    notified: Counter[str] = field(default_factory=Counter)
    """Attempts to notify by outcome: `delivered`, `retried`, `dead`."""


class SnapshotCollector(Collector):
    """All metrics. Each scrape is of one and the same snapshot."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Health,
        work: Work,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._work = work
        self._clock = clock
        self._monotonic = monotonic

    def describe(self) -> Iterator[Family]:
        """Nothing: what there is depends on the agents."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Every metric there is now."""
        snapshot, now = self._snapshot(), self._clock()
        agents = list(snapshot.agents.values())
        yield from _done(self._work)
        yield from _process(self._health, self._monotonic())
        yield from _stream(snapshot, now)
        yield from _progress(agents)
        yield from _dimensions(agents)
        yield from _verdicts(agents)


def _done(work: Work) -> Iterator[Family]:
    """Counts are copied before they are walked through: another thread goes on counting."""
    if work.ledger is not None:
        yield Metric.TURNS.counter("agent", dict(work.ledger.turns))
        yield Metric.COMMITS.counter("outcome", dict(work.ledger.commits))
        yield Metric.GAPS.counter("agent", dict(work.ledger.gaps))
        yield Metric.LOST.counter("reason", dict(work.ledger.lost))
        held = Metric.HELD.gauge()
        held.add_metric([], work.ledger.held)
        yield held
    if work.ingest is not None:
        yield Metric.PASSED_BY.counter("agent", dict(work.ingest.passed_by))
        yield Metric.DEGRADED.counter("agent", dict(work.ingest.degraded))
        yield Metric.REPEATED.counter("agent", dict(work.ingest.repeated))
        yield Metric.DEAD_LETTERS.counter("reason", dict(work.ingest.dead_letters))
        unmatched = Metric.UNMATCHED
        yield CounterMetricFamily(unmatched.metric, unmatched.text, value=work.ingest.unmatched)
    yield Metric.NOTIFICATIONS.counter("outcome", dict(work.notified))


def _process(health: Health, now: float) -> Iterator[Family]:
    build = Metric.BUILD.gauge("version")
    build.add_metric([VERSION], 1)
    yield build
    values = {
        Metric.LEADER: health.leader,
        Metric.READY: not health.unready(now),
        Metric.PLACED: len(health.placed),
        Metric.BLOCKED: len(health.blocked),
    }
    for metric, value in values.items():
        gauge = metric.gauge()
        gauge.add_metric([], value)
        yield gauge
    lag = Metric.LAG.gauge("topic", "partition")
    for partition, records in sorted(health.lag.items()):
        lag.add_metric([partition.topic, str(partition.number)], records)
    yield lag


def _stream(snapshot: Snapshot, now: float) -> Iterator[Family]:
    offset = Metric.NEXT_OFFSET.gauge("topic", "partition")
    for partition, state in sorted(snapshot.partitions.items()):
        if state.next_offset is not None:
            offset.add_metric([partition.topic, str(partition.number)], state.next_offset)
    yield offset
    values: dict[Metric, float] = {Metric.LAGGING: len(snapshot.lagging)}
    if snapshot.watermark is not None:
        values[Metric.WATERMARK] = snapshot.watermark
        values[Metric.EVENT_LAG] = max(0.0, now - snapshot.watermark)
    if snapshot.at:
        values[Metric.SNAPSHOT_AGE] = max(0.0, now - snapshot.at)
    for metric, value in values.items():
        gauge = metric.gauge()
        gauge.add_metric([], value)
        yield gauge


def _progress(agents: list[AgentView]) -> Iterator[Family]:
    learned, turns, outbox = (
        m.gauge("agent") for m in (Metric.LEARNED, Metric.LEARNING_TURNS, Metric.OUTBOX)
    )
    for agent in agents:
        learned.add_metric([agent.name], agent.bin_set is not None)
        outbox.add_metric([agent.name], agent.outbox)
        if agent.bin_set is None and isinstance(agent.status.get("turns"), int):
            turns.add_metric([agent.name], agent.status["turns"])
    yield from (learned, turns, outbox)


def _dimensions(agents: list[AgentView]) -> Iterator[Family]:
    names = ("agent", "segment", "side", "dimension", "reference")
    psi, floor = Metric.PSI.gauge(*names), Metric.NOISE_FLOOR.gauge(*names)
    exceeds, turns = Metric.EXCEEDS.gauge(*names), Metric.WINDOW_TURNS.gauge(*names)
    for agent in agents:
        for segment, verdict in agent.latest.items():
            for found in verdict.dimensions:
                labels = [agent.name, segment, found.side, found.name, found.reference]
                psi.add_metric(labels, found.psi)
                floor.add_metric(labels, found.noise_floor)
                exceeds.add_metric(labels, found.exceeds)
                turns.add_metric(labels, found.turns)
    yield from (psi, floor, exceeds, turns, _unlike(agents))


def _unlike(agents: list[AgentView]) -> Family:
    gauge = Metric.UNLIKE.gauge("agent", "segment")
    for agent in agents:
        for segment, histograms in agent.histograms.items():
            shares = [
                told.current_share
                for each in histograms
                if (each.side, each.name) == ("input", "intent")
                for told in each.bins
                if told.bin == OTHER_INTENT
            ]
            for latest in shares[:1]:  # against each reference, but of one window
                gauge.add_metric([agent.name, segment], latest)
    return gauge


def _verdicts(agents: list[AgentView]) -> Iterator[Family]:
    quadrant = Metric.QUADRANT.gauge("agent", "segment", "quadrant")
    status = Metric.STATUS.gauge("agent", "segment", "status")
    alerting, at = (m.gauge("agent", "segment") for m in (Metric.ALERTING, Metric.JUDGED_TO))
    for agent in agents:
        for segment, verdict in agent.latest.items():
            for name in Quadrant:
                quadrant.add_metric([agent.name, segment, name], verdict.quadrant == name)
            for state in Status:
                status.add_metric([agent.name, segment, state], verdict.status == state)
            alerting.add_metric([agent.name, segment], verdict.alerting)
            at.add_metric([agent.name, segment], verdict.at)
    yield from (quadrant, status, alerting, at)
