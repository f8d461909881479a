"""The topics that are read: whether they are still the same, and how many partitions they have by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from kafka.errors import RetriableError

from worker.kafka.client import open_admin, topic_facts, topic_id_text
from worker.records import NEW_GROUND, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worker.kafka.client import KafkaOptions, TopicFacts

EVERY_S = 30.0
EMPTY_HANDED_S = 5.0

log = structlog.get_logger()


def known_topics(options: KafkaOptions, topics: Sequence[str]) -> Mapping[str, TopicFacts]:
    """What the cluster says of each topic.

    Raises:
        KafkaUnavailable: no broker could be used, or a topic does not exist.
    """
    admin = open_admin(options)
    try:
        return topic_facts(admin, topics, options)
    finally:
        admin.close()


class Topics:
    """The topics of a consumer, looked at through its own metadata, which costs nothing."""

    def __init__(
        self, consumer: Any, facts: Mapping[str, TopicFacts], monotonic: Callable[[], float]
    ) -> None:
        self._consumer, self._monotonic = consumer, monotonic
        self.ids = {name: about.id for name, about in facts.items()}
        self.partitions = {name: about.partitions for name, about in facts.items()}
        self._due = 0.0

    def fetch(self) -> None:
        """Before the first poll: a leader that does not know the partitions assigns nothing to anybody."""
        for topic in self.ids:
            try:
                self._consumer.partitions_for_topic(topic)
            except RetriableError as error:
                log.info("kafka_retry", error=type(error).__name__)

    def look(self, *, empty_handed: bool) -> None:
        """Now and then: note new partitions. `empty_handed`: we have got none at all.

        Raises:
            SourceFailed: a topic is another one by now.
        """
        if self._monotonic() < self._due:
            return
        self._due = self._monotonic() + EVERY_S
        cluster = self._consumer._client.cluster  # noqa: SLF001 - the public API does not show the id
        if empty_handed:
            # Too many members, or the leader of the group missed an answer: then it will not miss this one.
            self._due = self._monotonic() + EMPTY_HANDED_S
            cluster.request_update()
        for topic, known in self.ids.items():
            found = topic_id_text(cluster.topic_id(topic))
            if found and known and found != known:
                raise SourceFailed(f"topic {topic} was deleted and created again; {NEW_GROUND}")
            there = len(cluster.partitions_for_topic(topic) or ())
            self.partitions[topic] = max(self.partitions[topic], there)
