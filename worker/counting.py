"""The ingest half of a process: the consumer, its ledger and dead letters, and what they report."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from worker.ingesting.dead_letters import DeadLetters
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.ingesting.sieve import Limits
from worker.kafka.source import KafkaSource
from worker.wiring import matches

if TYPE_CHECKING:
    import threading

    from baselines.store import PartitionStore
    from binning.encoder import Encoder
    from config.settings import Settings
    from worker.active import ActiveAgents
    from worker.health import Health
    from worker.kafka.client import KafkaOptions
    from worker.serving.metrics import Work


_OBJECTS_A_COLLECTION = 50_000
_COLLECT_EVERY_S = 10.0
_WELL_AGAIN_S = 60.0
"""An encoder that has not failed for this long is no longer said to fail."""

log = structlog.get_logger()


@dataclass(slots=True)
class Wellness:
    """Says once that the encoder fails, and once that it no longer does."""

    health: Health
    _turns: int = 0
    _failed_at: float = 0.0

    def tell(self, turns: int, now: float) -> None:
        """`turns` are all that were ever counted without what needs a vector."""
        if turns > self._turns:
            self._turns, self._failed_at = turns, now
        failing = turns > 0 and now - self._failed_at < _WELL_AGAIN_S
        if failing and not self.health.degraded:
            log.warning("encoder_failing", turns=turns, lacking="what needs a vector; all else is counted")
        elif self.health.degraded and not failing:
            log.info("encoder_well_again", turns=turns)
        self.health.degraded = failing


class NoCounting:
    """What a process does in its place that only judges."""

    def run(self, stop: threading.Event) -> None:
        """Wait until told to stop."""
        stop.wait()

    def close(self) -> None:
        """Nothing is open."""


class Counting:
    """Reads and counts until told to stop.

    Raises:
        KafkaUnavailable: no broker could be used, or a topic does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        options: KafkaOptions,
        store: PartitionStore,
        encoder: Encoder,
        active: ActiveAgents,
        health: Health,
        work: Work,
    ) -> None:
        self._health = health
        self._well = Wellness(health)
        limits = Limits(settings.kafka.dead_letter_share, settings.kafka.dead_letters_in_a_row)
        with ExitStack() as on_failure:
            letters = DeadLetters(options, settings.kafka.dead_letter_topic)
            on_failure.callback(letters.close)
            source = KafkaSource(options, settings.kafka.topics, settings.redis.prefix)
            on_failure.pop_all()
        self._source = source
        self._ledger = Ledger(
            source,
            store,
            active.agents,
            active,
            letters=letters,
            drop_repeats=settings.kafka.drop_repeats,
            judged_to=active.judged_to,
        )
        self._ingest = Ingest(
            source, self._ledger, encoder, matches(settings), letters=letters, limits=limits
        )
        work.ingest, work.ledger = self._ingest.stats, self._ledger.stats

    def run(self, stop: threading.Event) -> None:
        """One pass after the other.

        What is there by now stays, and turns are in no cycles: the garbage collector need not look again at
        the first, nor for every few hundred of the second. kafka-python leaves 600 objects a second in
        cycles, thousands while a broker is away, and old ones keep new ones from being found: so all are
        looked at every ten seconds, in about 10 ms.
        """
        gc.freeze()
        gc.set_threshold(_OBJECTS_A_COLLECTION, 20, 20)
        collect_due = 0.0
        while not stop.is_set():
            self._ingest.tick()
            self._report()
            if time.monotonic() >= collect_due:
                gc.collect()
                collect_due = time.monotonic() + _COLLECT_EVERY_S

    def close(self) -> None:
        """Commit what there is and leave the group."""
        self._ledger.close()

    def _report(self) -> None:
        now = time.monotonic()
        self._health.tick("ingest", now)
        self._well.tell(self._ingest.stats.degraded.total(), now)
        placed = self._ledger.placed
        if self._source.joined:
            self._health.assigned = placed.union(self._source.parked())
        self._health.placed = placed
        self._health.lag = self._ledger.lag
        self._health.blocked = tuple(self._ledger.blocked.values())
        self._health.waits_for = self._ledger.stats.waits_for
        if not self._ledger.stats.held:
            self._health.kafka_ok_at = self._ledger.heard_at
            self._health.store_answered(now)
