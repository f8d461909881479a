"""The outbox on a real Valkey and in memory; the sinks here are recorders that answer as they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alerts.episode import UPDATE_AFTER, EpisodeState, Transition, advance
from alerts.notification import announce
from alerts.outbox import Drained, Outbox, Row, backoff, decode, encode, rows
from alerts.outbox_redis import RedisOutbox
from alerts.sinks.base import Dead, Delivered, Outcome, Retry
from alerts.sinks.slack import Slack
from alerts.verdict import Quadrant
from tests.integration.alerts.conftest import Answer
from tests.unit.alerts.samples import ALERTING, DEFAULT_ROUTES, NOON, make_opened, make_resolved, make_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.notification import Notification
    from alerts.outbox import OutboxStore
    from tests.integration.alerts.conftest import Receiver
    from tests.servers import ValkeyServer

DAY = 24 * 3600


class MemoryOutbox:
    """The rows of one agent in a dictionary."""

    def __init__(self) -> None:
        self.waiting: dict[str, bytes] = {}
        self.buried: dict[str, bytes] = {}

    def put(self, row: Row) -> None:
        self.waiting[row.id] = encode(row)

    def rows(self) -> Mapping[str, bytes]:
        return dict(self.waiting)

    def replace(self, row_id: str, row: bytes) -> None:
        if row_id in self.waiting:
            self.waiting[row_id] = row

    def delete(self, row_id: str) -> None:
        self.waiting.pop(row_id, None)

    def bury(self, row_id: str, row: bytes) -> None:
        self.buried[row_id] = row
        self.delete(row_id)

    def dead(self) -> Sequence[str]:
        return list(self.buried)


class Recorder:
    """A sink that keeps what it was sent; `outcomes` are given in turn, then everything is delivered."""

    def __init__(self, name: str, *outcomes: Outcome) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        self.sent: list[str] = []

    def close(self) -> None:
        pass

    def send(self, notification: Notification, now: float) -> Outcome:
        del now
        self.sent.append(notification.kind)
        return self.outcomes.pop(0) if self.outcomes else Delivered()


class Fixture:
    """A store with a way in, and the rows that it was given."""

    def __init__(self, store: OutboxStore, valkey: ValkeyServer | None, key: str) -> None:
        self.store = store
        self._valkey = valkey
        self._key = key

    def put(self, *transitions: Transition, at: float = 0.0) -> None:
        for transition in transitions:
            for row in rows(transition, announce(transition, base_url=None, playbooks={}), at):
                self.put_raw(row.id, encode(row))

    def put_raw(self, row_id: str, row: bytes) -> None:
        if isinstance(self.store, MemoryOutbox):
            self.store.waiting[row_id] = row
        elif self._valkey is not None:
            with self._valkey.client() as client:
                client.hset(self._key, row_id, row)

    def drain(self, now: float, *sinks: Recorder, jitter: float = 0.5) -> Drained:
        """With an outbox made anew each time, as after a crash."""
        return Outbox(self.store, {sink.name: sink for sink in sinks}, jitter=lambda: jitter).drain(now)


@pytest.fixture(params=["memory", "valkey"])
def box(request: pytest.FixtureRequest) -> Fixture:
    if request.param == "memory":
        return Fixture(MemoryOutbox(), None, "")
    valkey: ValkeyServer = request.getfixturevalue("valkey")
    prefix: str = request.getfixturevalue("redis_prefix")
    key = f"{prefix}:{{support-bot}}:outbox"
    return Fixture(RedisOutbox(valkey.client(), key, f"{prefix}:{{support-bot}}:dead"), valkey, key)


ALL = ("slack", "pagerduty", "log")


def test_every_sink_of_the_route_is_told_once(box: Fixture) -> None:
    sinks = [Recorder(name) for name in ALL]
    box.put(make_opened()[1])
    assert Drained(3, 0, 0, None) == box.drain(0.0, *sinks)
    assert Drained(0, 0, 0, None) == box.drain(1.0, *sinks)
    assert [sink.sent for sink in sinks] == [["opened"]] * 3


@pytest.mark.fault("P3")
def test_the_same_transition_written_again_is_the_same_rows(box: Fixture) -> None:
    sinks = [Recorder(name) for name in ALL]
    box.put(make_opened()[1], make_opened()[1])
    box.drain(0.0, *sinks)
    assert [sink.sent for sink in sinks] == [["opened"]] * 3


def test_a_resolve_never_overtakes_its_trigger_and_other_sinks_do_not_wait(box: Fixture) -> None:
    state, opened = make_opened()
    slack, pager, log = (Recorder("slack", Retry("status 500")), Recorder("pagerduty"), Recorder("log"))
    box.put(make_resolved(state), opened)
    assert Drained(4, 1, 0, 1.0) == box.drain(0.0, slack, pager, log)
    assert pager.sent == ["opened", "resolved"]
    assert Drained(0, 0, 0, 1.0) == box.drain(0.5, slack, pager, log)
    assert slack.sent == ["opened"]
    assert Drained(2, 0, 0, None) == box.drain(1.0, slack, pager, log)
    assert slack.sent == ["opened", "opened", "resolved"]


def test_the_next_episode_waits_for_the_end_of_the_one_before(box: Fixture) -> None:
    state, first = make_opened()
    _, second = make_opened(at=NOON + 20_000)
    pager = Recorder("pagerduty", Delivered(), Retry("status 500"))
    others = (Recorder("slack"), Recorder("log"))
    box.put(second, first, make_resolved(state))
    box.drain(0.0, pager, *others)
    assert pager.sent == ["opened", "resolved"]
    box.drain(10.0, pager, *others)
    assert pager.sent == ["opened", "resolved", "resolved", "opened"]


@pytest.mark.fault("P3")
def test_a_failure_waits_longer_each_time_and_survives_a_crash(box: Fixture) -> None:
    log = Recorder("log", *[Retry("status 500")] * 3)
    box.put(only(make_opened()[1], "log"))
    assert [box.drain(now, log).next_due for now in (0.0, 1.0, 3.0)] == [1.0, 3.0, 7.0]
    assert box.drain(7.0, log).delivered == 1
    assert len(log.sent) == 4


def test_the_receiver_s_own_wait_is_honoured(box: Fixture) -> None:
    log = Recorder("log", Retry("status 429", 90.0))
    box.put(only(make_opened()[1], "log"))
    assert box.drain(0.0, log).next_due == 90.0
    assert box.drain(89.0, log).delivered == 0
    assert box.drain(90.0, log).delivered == 1


def test_what_can_never_pass_is_buried_and_does_not_hold_up_the_rest(box: Fixture) -> None:
    log = Recorder("log", Dead("status 400"))
    state, opened = updated()
    box.put(*(only(t, "log") for t in (*opened, make_resolved(state))))
    assert Drained(2, 0, 1, None) == box.drain(0.0, log)
    assert log.sent == ["opened", "updated", "resolved"]
    assert [f"{opened[0].episode.id}:1:log"] == list(box.store.dead())


def test_a_sink_that_was_never_told_is_not_told_of_the_end(box: Fixture) -> None:
    log = Recorder("log", Dead("no_service"))
    state, opened = make_opened()
    box.put(*(only(t, "log") for t in (opened, make_resolved(state))))
    assert Drained(0, 0, 2, None) == box.drain(0.0, log)
    assert log.sent == ["opened"]


def test_a_sink_that_is_no_longer_configured_is_buried(box: Fixture) -> None:
    box.put(make_opened()[1])
    assert Drained(0, 0, 3, None) == box.drain(0.0)


def test_after_a_day_of_failures_it_gives_up(box: Fixture) -> None:
    log = Recorder("log", Retry("ConnectError"), Retry("ConnectError"))
    box.put(only(make_opened()[1], "log"))
    assert box.drain(DAY - 1.0, log).retried == 1
    assert box.drain(DAY + 1.0, log).dead == 1


def test_a_row_that_cannot_be_read_is_buried(box: Fixture) -> None:
    box.put_raw("old:1:log", b'{"from": "another version"}')
    assert Drained(0, 0, 1, None) == box.drain(0.0)
    assert list(box.store.dead()) == ["old:1:log"]


def test_a_row_that_another_sender_delivered_does_not_come_back(box: Fixture) -> None:
    _, opened = make_opened()
    row = rows(opened, announce(opened, base_url=None, playbooks={}), 0.0)[0]
    box.store.replace(row.id, encode(row))
    assert box.store.rows() == {}


def test_no_more_than_a_thousand_dead_rows_are_kept(valkey: ValkeyServer, redis_prefix: str) -> None:
    store = RedisOutbox(valkey.client(), f"{redis_prefix}:{{a}}:outbox", f"{redis_prefix}:{{a}}:dead")
    for number in range(1010):
        store.bury(f"e:{number}:log", b"{}")
    assert len(store.dead()) == 1000


def test_slack_s_answers_end_in_the_right_place(box: Fixture, receiver: Receiver) -> None:
    receiver.answer(Answer(429, headers={"retry-after": "5"}), Answer(500), Answer(200, b"ok"))
    outbox = Outbox(box.store, {"slack": Slack(receiver.url)}, jitter=lambda: 0.5)
    box.put(only(make_opened()[1], "slack"))
    assert [outbox.drain(now).next_due for now in (0.0, 5.0, 7.0)] == [5.0, 7.0, None]
    assert len(receiver.requests) == 3


def test_backoff_has_full_jitter_and_a_cap() -> None:
    assert [backoff(1, 0.0), backoff(1, 1.0), backoff(2, 1.0)] == [0.0, 2.0, 4.0]
    assert backoff(50, 1.0) == 300.0


def test_a_row_survives_being_stored() -> None:
    _, opened = make_opened()
    for row in rows(opened, announce(opened, base_url=None, playbooks={}), 12.5):
        assert row == decode(encode(row))
    assert decode(b"not json") is None


def only(transition: Transition, sink: str) -> Transition:
    return msgspec.structs.replace(transition, sinks=(sink,))


def updated() -> tuple[EpisodeState, list[Transition]]:
    """An episode that opened and took over another quadrant."""
    state, opened = make_opened()
    seen = [opened]
    for step in range(1, UPDATE_AFTER + 1):
        verdict = make_verdict(at=NOON + 600 * step, quadrant=Quadrant.BOTH_MOVED)
        state, _, transition = advance(state, verdict, ALERTING, DEFAULT_ROUTES)
        seen += [transition] if transition else []
    return state, seen
