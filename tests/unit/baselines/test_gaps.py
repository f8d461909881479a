"""What a gap reaches into, and how long it is remembered."""

from __future__ import annotations

from baselines.evaluation import Window
from baselines.gaps import KEEP, KEEP_S, Gap, decode_gaps, encode_gaps, remembered

HOUR = 3600


def gap(number: int, *, since: float | None = None, until: float = 0.0, agent: str = "") -> Gap:
    return Gap(number * 10, number * 10 + 4, 4, since, until, "dropped", agent)


def test_a_gap_touches_the_windows_that_its_records_may_be_of() -> None:
    lost = gap(0, since=2.5 * HOUR, until=3.2 * HOUR)
    touched = [hour for hour in range(6) if lost.touches(Window(hour * HOUR, (hour + 1) * HOUR))]
    assert [2, 3] == touched


def test_without_an_event_before_it_a_gap_may_reach_back_for_ever() -> None:
    assert gap(0, until=HOUR).touches(Window(0, HOUR))
    assert not gap(0, until=HOUR).touches(Window(2 * HOUR, 3 * HOUR))


def test_a_gap_is_forgotten_with_the_counts_of_its_time() -> None:
    old, young = gap(0, until=1000.0), gap(1, until=2000.0)
    assert (young,) == remembered([old, young], 1000.0 + KEEP_S + 1)
    assert (old, young) == remembered([old, young], None)


def test_many_gaps_become_fewer_that_lose_no_record_and_no_time() -> None:
    gaps = [gap(n, since=float(n), until=n + 0.5, agent="a") for n in range(KEEP + 9)]
    kept = remembered(gaps, None)
    assert KEEP == len(kept)
    assert sum(one.records for one in gaps) == sum(one.records for one in kept)
    assert Gap(0, 94, 40, 0.0, 9.5, "dropped", "a") == kept[0]


def test_gaps_are_read_back_as_they_were() -> None:
    gaps = (gap(0, until=1.5), gap(1, since=0.25, until=2.0, agent="support"))
    assert gaps == decode_gaps(encode_gaps(gaps))


def test_the_hours_of_a_gap_are_those_around_it_and_none_where_its_beginning_is_unknown() -> None:
    assert [2, 3] == list(gap(0, since=2.5 * HOUR, until=3.2 * HOUR).hours(9.0 * HOUR))
    assert [2, 3] == list(gap(0, since=2.5 * HOUR, until=float("inf")).hours(3.9 * HOUR))
    assert list(gap(0, until=3.2 * HOUR).hours(9.0 * HOUR)) == []
