from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.chain import digests_after
from baselines.connection import connect
from baselines.memory import MemoryStore
from baselines.redis_store import RedisStore
from baselines.store import BucketKey, Commit, Delta, Switch
from tests.integration.store.cases import HOUR, MINUTE, ORDERS, commit, first

if TYPE_CHECKING:
    from baselines.store import BucketRead, Fields, Pointers
    from tests.servers import ValkeyServer

AGENTS = ["support", "sales"]
DIGESTS = ["d1", "d2"]


@st.composite
def commits(draw: st.DrawFn) -> Commit:
    """Any commit that a worker may send, right or wrong, over so few values that they often meet."""
    expected = draw(st.one_of(st.none(), st.integers(0, 3)))
    following = draw(st.integers(expected or 0, 4))
    any_digests = st.dictionaries(st.sampled_from(AGENTS), st.sampled_from(DIGESTS))
    digests = draw(st.one_of(st.just({"support": "d1"}), any_digests))
    switched = draw(st.lists(st.sampled_from(AGENTS), unique=True))
    old, new = st.sampled_from(["", *DIGESTS]), st.sampled_from(["", *DIGESTS])
    switches = [Switch(agent, draw(old), draw(new)) for agent in switched]
    topic = draw(st.sampled_from(["topic-id", "topic-id", "another"]))
    watermark = draw(st.one_of(st.none(), st.floats(0, 2e9)))
    link = commit(
        expected,
        following,
        digests=digests,
        switches=switches,
        topic_id=topic,
        watermark=watermark,
        caught_up=draw(st.booleans()),
        at=draw(st.floats(0, 2e9)),
    )
    if following == expected:
        return link
    return replace(link, buckets=draw(buckets(sorted(digests_after(link).items()))))


@st.composite
def buckets(draw: st.DrawFn, adopted: list[tuple[str, str]]) -> dict[BucketKey, Delta]:
    if not adopted:
        return {}
    minutes = st.sampled_from([MINUTE, MINUTE + 1, MINUTE + 60])
    keys = st.builds(lambda one, minute: BucketKey(one[0], minute, one[1]), st.sampled_from(adopted), minutes)
    counts = st.dictionaries(st.sampled_from(["1", "2", "plan=pro/1", "@model=m"]), st.integers(1, 3))
    deltas = st.builds(lambda fields, turns: Delta({"#": turns, **fields}), counts, st.integers(1, 3))
    return draw(st.dictionaries(keys, deltas, max_size=3))


@given(st.lists(st.one_of(commits(), st.tuples(st.sampled_from(AGENTS), st.integers(0, 4))), max_size=8))
@settings(max_examples=150, deadline=None)
def test_both_stores_answer_alike_and_end_alike(
    valkey_server: ValkeyServer, steps: list[Commit | tuple[str, int]]
) -> None:
    with connect(valkey_server.url) as client:
        memory, redis = MemoryStore(), RedisStore(client, f"agree-{uuid.uuid4().hex}")
        for step in [first(0), *steps]:
            if isinstance(step, Commit):
                assert memory.commit(step) is redis.commit(step)
            else:
                agent, expected = step
                for digest in DIGESTS:
                    packed = [
                        store.pack(ORDERS, agent, digest, HOUR, expected, keep_hours=1)
                        for store in (memory, redis)
                    ]
                    assert packed[0] == packed[1]
            assert memory.state(ORDERS) == redis.state(ORDERS)
        for agent, digest in itertools.product(AGENTS, DIGESTS):
            kept = [plain(store.read(ORDERS, agent, digest, {}, {})) for store in (memory, redis)]
            assert kept[0] == kept[1]


def plain(read: BucketRead) -> tuple[dict[int, Delta], dict[int, tuple[Fields, Pointers]], set[int]]:
    """A read in one form: Redis hands out packed hours as arrays, the other store as they were committed."""
    return read.minutes, {hour: (kept.counts, kept.pointers) for hour, kept in read.hours.items()}, read.gone
