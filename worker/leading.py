"""The judge half of a process: lease, learning, judging, and sending what the outbox holds."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import structlog

from alerts.notification import announce
from alerts.outbox import Outbox, encode, rows
from alerts.outbox_redis import RedisOutbox
from alerts.sinks.log import LogSink
from alerts.sinks.pagerduty import PagerDuty
from alerts.sinks.slack import Slack
from baselines.connection import server_name
from baselines.errors import StoreUnavailable, explained
from config.errors import ConfigError
from worker.ingesting.dead_letters import DeadLetters
from worker.ingesting.placing import refuse_lost_state
from worker.judging.judge import AgentJudge
from worker.kafka.ranges import KafkaRanges
from worker.lead import Judging, Learning, lead
from worker.leadership import Leadership
from worker.learning.bookmark import told_to_stop
from worker.learning.learn import Learner
from worker.learning.orphans import Orphans
from worker.learning.reclustering import Reclusterer
from worker.learning.study import Study
from worker.wiring import active_bins, bin_spec, learn_from, learn_rule, owner, playbooks, rules, telling

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from alerts.episode import Transition
    from alerts.sinks.base import Sink
    from baselines.connection import Client
    from baselines.learned import Active
    from baselines.lease import Lease
    from baselines.redis_store import RedisStore
    from binning.encoder import Encoder
    from config.settings import Settings
    from worker.health import Health
    from worker.kafka.client import KafkaOptions
    from worker.serving.metrics import Work
    from worker.threads import Threads

log = structlog.get_logger()

LEARNING_S = 3600.0
"""Learning from a long range may take this long."""
SEND_EVERY_S = 1.0


class Leading:
    """Everything that only the leader does."""

    def __init__(
        self,
        settings: Settings,
        options: KafkaOptions,
        store: RedisStore,
        client: Client,
        encoder: Encoder,
        base_url: str,
        health: Health,
        work: Work,
    ) -> None:
        self._settings = settings
        self._options = options
        self._store = store
        self._client = client
        self._encoder = encoder
        self._base_url = base_url
        self._health = health
        self._work = work
        self._telling = telling(settings, base_url, self._rows, time.time)
        self._sinks = _sinks(settings)

    def start(self, threads: Threads, lease: Lease, ttl_s: float) -> None:
        """Start the four threads: lease, learn, judge, send."""
        agents = tuple(agent.name for agent in self._settings.agents)
        leadership = Leadership(lease, ttl_s, self._health)
        topics = frozenset(self._settings.kafka.topics)
        orphans = Orphans(self._store, topics, time.monotonic)
        learning = Learning(agents, self._store, self._learner, self._reclusterer, orphans)
        judging = Judging(agents, topics, self._store, self._judge, time.time)
        threads.start("lease", lambda: self._hold(leadership, agents, threads))
        threads.start("learn", lambda: lead(learning, leadership, threads.stop, self._learns))
        threads.start("judge", lambda: lead(judging, leadership, threads.stop, self._judges))
        threads.start("sender", lambda: self._send(agents, leadership, threads.stop))

    def _hold(self, leadership: Leadership, agents: Sequence[str], threads: Threads) -> None:
        """Hold the lease until told to stop; what is half learned then is no death to who leads next."""
        leadership.run(threads.stop)
        token = leadership.token
        orderly = threads.failure is None and not self._health.dead(time.monotonic())
        if orderly and token is not None:
            with suppress(StoreUnavailable):
                told_to_stop(self._store, agents, token)
        leadership.renounce()

    def _learns(self) -> None:
        self._health.tick("learn", time.monotonic(), next_within=LEARNING_S)

    def _judges(self) -> None:
        self._health.tick("judge", time.monotonic())

    def _learner(self, agent: str) -> Learner:
        settings = self._settings
        start = learn_from(settings)
        with ExitStack() as on_failure:
            ranges = KafkaRanges(self._options, settings.kafka.topics)
            on_failure.callback(ranges.close)
            refuse_lost_state(self._store, ranges.told(settings.redis.prefix))
            study = self._study(agent, ranges)
            study.since = start.since
            study.letters = DeadLetters(self._options, settings.kafka.dead_letter_topic)
            on_failure.pop_all()
        return Learner(agent, self._store, study, learn_rule(settings), start.latest)

    def _reclusterer(self, agent: str) -> Reclusterer:
        ranges = KafkaRanges(self._options, self._settings.kafka.topics)
        return Reclusterer(agent, self._store, ranges, self._study(agent, ranges), learn_rule(self._settings))

    def _study(self, agent: str, ranges: KafkaRanges) -> Study:
        settings = self._settings
        return Study(ranges, owner(agent, settings), bin_spec(settings), self._encoder, time.time)

    def _judge(self, agent: str, active: Active) -> AgentJudge:
        bins = active_bins(self._store, agent, active, self._encoder)
        if active.spec != bin_spec(self._settings).digest:
            log.warning(
                "binning_settings_changed",
                agent=agent,
                bin_set=active.digest,
                hint="the bin set learned under the old ones stays until `quadrift baseline recluster`",
            )
        return AgentJudge.take_over(
            agent, active, bins.bin_set, self._store, rules(self._settings), self._telling
        )

    def _rows(self, transition: Transition) -> Sequence[tuple[str, bytes]]:
        told = announce(transition, base_url=self._base_url, playbooks=playbooks(self._settings))
        return [(row.id, encode(row)) for row in rows(transition, told, time.time())]

    def _send(self, agents: Sequence[str], leadership: Leadership, stop: threading.Event) -> None:
        """Drain the outboxes while we lead. A store that cannot answer is waited for."""
        sinks = self._sinks
        keys, server = self._store.keys, server_name(self._settings.redis.address())
        boxes = [
            Outbox(
                RedisOutbox(self._client, keys.agent(a, "hash", "outbox"), keys.agent(a, "hash", "dead")),
                sinks,
            )
            for a in agents
        ]
        failing = False
        while not stop.wait(SEND_EVERY_S):
            self._health.leader = leadership.token is not None
            try:
                with explained(server):
                    self._drain(boxes if leadership.token is not None else ())
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.warning("outbox_waits_for_the_store", reason=str(error))
                failing = True
        for sink in sinks.values():
            sink.close()

    def _drain(self, boxes: Sequence[Outbox]) -> None:
        for box in boxes:
            done = box.drain(time.time())
            self._work.notified.update(delivered=done.delivered, retried=done.retried, dead=done.dead)


def _sinks(settings: Settings) -> dict[str, Sink]:
    """The configured sinks by name.

    Raises:
        ConfigError: an address is one that alerts may not go to.
    """
    configured = settings.alerts.sinks
    sinks: dict[str, Sink] = {"log": LogSink()}
    try:
        if configured.slack is not None:
            sinks["slack"] = Slack(configured.slack.webhook_url.get_secret_value())
        if configured.pagerduty is not None:
            key = configured.pagerduty.routing_key.get_secret_value()
            sinks["pagerduty"] = PagerDuty(
                key, installation=settings.redis.prefix, url=configured.pagerduty.url
            )
    except ValueError as error:
        raise ConfigError(f"alerts.sinks: {error}") from None
    return sinks
