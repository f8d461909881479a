"""Where learning ends depends on the recorded records alone."""

from collections.abc import Iterator, Sequence

from baselines.learned import Plan, PlannedRange
from baselines.store import Partition
from worker.learning.survey import LearnRule, Survey

HOUR = 3600.0
P0, P1 = Partition("turns", 0), Partition("turns", 1)
RULE = LearnRule(at_least_s=2 * HOUR, turns=4, at_most_s=10 * HOUR, leave_s=3 * HOUR)
AS_IT_COMES = LearnRule(at_least_s=2 * HOUR, turns=4, at_most_s=10 * HOUR, leave_s=None)


def survey(logs: dict[Partition, list[float]]) -> Survey:
    """A survey that has read the given event times, in hours, one an offset."""
    made = Survey(Plan(tuple(PlannedRange(p.topic, p.number, 0, len(log)) for p, log in logs.items())))

    def times(partition: Partition, start: int, end: int) -> Iterator[Sequence[tuple[int, float]]]:
        yield [(offset, logs[partition][offset] * HOUR) for offset in range(start, end)]

    made.read_on([(partition, len(log)) for partition, log in logs.items()], times)
    return made


def ends(plan: Plan | None) -> list[int]:
    return [r.end for r in plan.ranges] if plan else []


def test_nothing_seen_is_not_enough() -> None:
    assert survey({P0: []}).until(RULE) is None


def test_learning_needs_both_the_hours_and_the_turns() -> None:
    assert survey({P0: [0, 0.1, 0.2, 0.3, 1.9]}).until(AS_IT_COMES) is None
    assert survey({P0: [0, 1, 3]}).until(AS_IT_COMES) is None
    assert survey({P0: [0, 0.1, 0.2, 0.3, 2.1]}).until(AS_IT_COMES) == 2 * HOUR
    assert survey({P0: [0, 1, 2, 3, 3.1]}).until(AS_IT_COMES) == 3 * HOUR


def test_learning_is_over_at_most_even_with_too_few_turns() -> None:
    assert survey({P0: [0, 1, 10.5]}).until(AS_IT_COMES) == 10 * HOUR


def test_where_more_is_retained_the_newest_part_is_left_to_be_judged() -> None:
    assert survey({P0: [0, 1, 2, 3, 4, 5, 6, 7, 8]}).until(RULE) == 5 * HOUR


def test_where_little_more_is_retained_learning_still_gets_what_it_needs() -> None:
    assert survey({P0: [0, 1, 2, 3, 4]}).until(RULE) == 3 * HOUR


def test_each_partition_ends_at_its_first_offset_past_the_common_end() -> None:
    found = survey({P0: [0, 1, 2, 4, 3], P1: [0.5, 2.5, 3.5, 5]})
    assert ends(found.seal(3 * HOUR, 0.0)) == [3, 2]


def test_a_partition_that_never_passes_the_end_starts_at_its_beginning() -> None:
    found = survey({P0: [0, 1, 2, 3, 9], P1: [0.5, 1.5]})
    assert ends(found.seal(3 * HOUR, 0.0)) == [4, 0]


def test_a_partition_that_may_still_pass_the_end_is_waited_for() -> None:
    found = survey({P0: [0, 1, 2, 3, 3.1], P1: [0.5, 1.5]})
    assert found.seal(3 * HOUR, 0.0) is None


def test_a_partition_without_a_record_is_not_waited_for() -> None:
    found = survey({P0: [0, 1, 2, 3, 3.1], P1: []})
    assert ends(found.seal(3 * HOUR, 0.0)) == [4, 0]


def test_one_turn_from_long_ago_does_not_pass_for_the_beginning() -> None:
    log = [-480.0, *(i / 100 for i in range(300))]
    found = survey({P0: log})
    assert 2 * HOUR == found.until(AS_IT_COMES)
    plan = found.seal(2 * HOUR, 0.0)
    assert plan is not None
    assert plan.since == 0.0


def test_a_slow_beginning_is_no_straggler() -> None:
    assert survey({P0: [0, 5, *(5.5 + i / 100 for i in range(300))]}).since == 0.0
