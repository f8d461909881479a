"""Topics that the config names no longer, or only now, while an agent is being learned."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from baselines.learned import PLAN, Plan
from binning.spec import BinSpec
from tests.kafka.support import AGENT, new_topic, options, produce, spread
from tests.unit.worker.memory_log import NoEncoder
from worker.kafka.ranges import KafkaRanges
from worker.learning.learn import Learner
from worker.learning.study import Study
from worker.learning.survey import LearnRule

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker

NEVER_ENOUGH = LearnRule(1e9, 1_000_000, 1e9, None)


def start(broker: Broker, topics: list[str], store: RedisStore) -> tuple[int, set[str]]:
    """One start of learning with these topics configured: the turns that it sees, the topics of its plan."""
    study = Study(
        KafkaRanges(options(broker), topics), lambda _: True, BinSpec((), ()), NoEncoder(), time.time
    )
    learner = Learner(AGENT, store, study, NEVER_ENOUGH)
    for _ in range(2):
        assert learner.step(5) is None
    learner.close()
    plan = Plan.from_bytes(store.get(AGENT, PLAN) or b"")
    return json.loads(store.get(AGENT, "status") or b"")["turns"], {planned.topic for planned in plan.ranges}


def test_learning_from_two_topics_goes_on_after_a_restart(kafka_broker: Broker, store: RedisStore) -> None:
    one, other = new_topic(kafka_broker), new_topic(kafka_broker)
    produce(kafka_broker, one, spread(range(40)))
    produce(kafka_broker, other, spread(range(100)))
    for _ in range(2):
        assert (140, {one, other}) == start(kafka_broker, [one, other], store)


def test_what_a_topic_holds_that_was_taken_out_of_the_config_is_not_learned_from(
    kafka_broker: Broker, store: RedisStore
) -> None:
    wrong, right = new_topic(kafka_broker), new_topic(kafka_broker)
    produce(kafka_broker, wrong, spread(range(40)))
    produce(kafka_broker, right, spread(range(100)))
    assert (40, {wrong}) == start(kafka_broker, [wrong], store)
    assert (100, {right}) == start(kafka_broker, [right], store)


def test_a_topic_that_comes_into_the_config_is_learned_from_too(
    kafka_broker: Broker, store: RedisStore
) -> None:
    first, second = new_topic(kafka_broker), new_topic(kafka_broker)
    produce(kafka_broker, first, spread(range(40)))
    produce(kafka_broker, second, spread(range(100)))
    assert (40, {first}) == start(kafka_broker, [first], store)
    assert 140 == start(kafka_broker, [first, second], store)[0]
