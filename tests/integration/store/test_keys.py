from __future__ import annotations

import pytest
from redis.crc import key_slot

from baselines.keys import Keys
from baselines.store import Partition

KEYS = Keys("quadrift")
AGENTS = ["support", "a:5", "5", "}{", "orders-0", "lease", "probe", "ünï code", "%7B"]
PARTITION = Partition("orders", 0)


def buckets(partition: Partition, agent: str) -> list[str]:
    return [key for bin_set in ("d1", "d2") for key in KEYS.buckets(partition, agent, bin_set).all()]


def agent_keys(agent: str) -> list[str]:
    return [KEYS.fence(agent), *(KEYS.agent(agent, kind, "x:1") for kind in ("value", "hash", "list"))]


def test_all_keys_of_a_partition_share_a_slot() -> None:
    keys = [KEYS.state(PARTITION), *(key for agent in AGENTS for key in buckets(PARTITION, agent))]
    assert 1 == len({key_slot(key.encode()) for key in keys})


@pytest.mark.parametrize("agent", AGENTS)
def test_all_keys_of_an_agent_share_a_slot(agent: str) -> None:
    assert 1 == len({key_slot(key.encode()) for key in agent_keys(agent)})


def test_no_two_keys_are_the_same() -> None:
    keys = [KEYS.partitions, KEYS.lease, f"{KEYS.lease}:token", *KEYS.probe]
    for partition in (PARTITION, Partition("orders", 1), Partition("orders-0", 0), Partition("lease", 0)):
        keys += [KEYS.state(partition)]
        keys += [key for agent in AGENTS for key in buckets(partition, agent)]
    keys += [key for agent in AGENTS for key in agent_keys(agent)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("prefix", ["", "a{b", "a}b"])
def test_a_prefix_that_would_break_the_hash_tag_is_an_error(prefix: str) -> None:
    with pytest.raises(ValueError, match="without braces"):
        Keys(prefix)


def test_an_agent_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="an agent needs a name"):
        KEYS.fence("")
