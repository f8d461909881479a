"""No window is judged while turns of it are unread, whatever the owners of the partitions said before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from baselines.store import Partition, PartitionState
from baselines.watermark import OWNER_SILENT_S, EventClock

A, B, C = (Partition("turns", number) for number in range(3))


def read(mark: float | None, at: float) -> PartitionState:
    """Read up to `mark`, and there is more."""
    return PartitionState(watermark=mark, caught_up=False, at=at)


def idle(mark: float | None, at: float) -> PartitionState:
    """Read to the end of the log."""
    return PartitionState(watermark=mark, caught_up=True, at=at)


def test_a_partition_that_is_not_read_to_its_end_holds_the_others_back() -> None:
    states = {A: read(100, at=10), B: idle(900, at=10)}
    assert (100, ()) == EventClock().read(states, now=10)


def test_a_partition_without_traffic_holds_nothing_back() -> None:
    clock = EventClock()
    clock.read({A: idle(900, at=10), B: idle(None, at=9), C: idle(100, at=9)}, now=10)
    assert (900, ()) == clock.read({A: idle(950, at=12), B: idle(None, at=11), C: idle(100, at=11)}, now=12)


def test_an_old_word_vouches_for_what_had_been_read_when_it_was_given() -> None:
    clock = EventClock()
    clock.read({A: idle(100, at=10), B: idle(110, at=10)}, now=10)
    alone = {A: idle(100, at=10), B: read(900, at=12)}  # the owner of A is dead, or slow
    assert (110, ()) == clock.read(alone, now=12)


def test_a_leader_that_has_just_begun_takes_no_more_for_read_than_one_that_saw_it_all() -> None:
    states = {A: idle(100, at=10), B: idle(900, at=12)}
    assert (100, ()) == EventClock().read(states, now=12)


def test_an_owner_that_is_silent_is_named_and_holds_the_others_back() -> None:
    late = 10 + OWNER_SILENT_S + 1
    states = {A: idle(100, at=10), B: idle(900, at=late)}
    assert (100, ("turns-0",)) == EventClock().read(states, now=late)


def test_a_partition_nobody_has_spoken_for_holds_everything_back() -> None:
    states = {A: PartitionState(), B: idle(900, at=100)}
    assert (None, ("turns-0",)) == EventClock().read(states, now=100)


def test_no_event_at_all_is_no_watermark() -> None:
    assert (None, ()) == EventClock().read({A: idle(None, at=10)}, now=10)


def test_only_the_last_half_minute_is_remembered() -> None:
    clock = EventClock()
    for second in range(600):
        clock.read({A: idle(second, at=second), B: idle(None, at=second)}, now=second)
    assert len(clock._times) <= OWNER_SILENT_S + 2
    assert clock.read({A: idle(600, at=600), B: idle(None, at=599)}, now=600) == (599, ())


def test_a_store_that_was_rolled_back_takes_the_watermark_back_with_it() -> None:
    clock = EventClock()
    before = {A: idle(100, at=10), B: idle(110, at=10)}
    clock.read(before, now=10)
    clock.read({A: idle(200, at=15), B: idle(210, at=15)}, now=15)
    assert (110, ()) == clock.read(before, now=16)


def test_an_owner_whose_clock_is_ahead_vouches_for_no_more_than_was_read_when_it_spoke() -> None:
    clock = EventClock()
    spoken = {A: idle(100, at=610), B: idle(110, at=10)}  # the clock of A's owner is ten minutes ahead
    assert (110, ()) == clock.read(spoken, now=10)
    assert (110, ()) == clock.read(spoken | {B: read(900, at=30)}, now=30)
    late = 10 + OWNER_SILENT_S + 1
    assert (100, ("turns-0",)) == clock.read(spoken | {B: read(950, at=late)}, now=late)


def test_a_busy_owner_whose_clock_is_ahead_holds_no_idle_partition_back() -> None:
    clock = EventClock()
    for now in (10, 11):
        mark = clock.read({A: read(800 + now, at=600 + now), B: idle(None, at=now)}, now=now)
    assert (811, ()) == mark


HAPPENS = st.tuples(st.sampled_from(["send", "read", "say", "look"]), st.integers(0, 2))


@given(st.lists(HAPPENS, min_size=20, max_size=60))
def test_nothing_older_than_the_watermark_is_unread_in_a_log_that_is_written_in_order(
    happens: list[tuple[str, int]],
) -> None:
    partitions = (A, B, C)
    logs: dict[Partition, list[int]] = {p: [] for p in partitions}
    counted = dict.fromkeys(partitions, 0)
    states = {p: idle(None, at=0) for p in partitions}
    clock = EventClock()

    def say(partition: Partition, now: int) -> None:
        log, position = logs[partition], counted[partition]
        mark = log[position - 1] if position else None
        states[partition] = PartitionState(watermark=mark, caught_up=position == len(log), at=now)

    for now, (what, number) in enumerate(happens):
        partition = partitions[number]
        if what == "send":
            logs[partition].append(now * 600)  # ten minutes of event time a second
        elif what == "read":
            counted[partition] = min(counted[partition] + 2, len(logs[partition]))
            say(partition, now)
        elif what == "say":
            say(partition, now)
        else:
            mark = clock.read(states, now).at
            unread = [logs[p][counted[p] :] for p in partitions]
            assert all(mark is None or mark < rest[0] for rest in unread if rest)
    for partition in partitions:
        counted[partition] = len(logs[partition])
        say(partition, len(happens))
    newest = max((log[-1] for log in logs.values() if log), default=None)
    assert newest == clock.read(states, len(happens)).at
