"""Ways around records that cannot be had: the log dropped them unread, or their batch cannot be opened.

The client spins for ever where it is asked again for a batch that it could not open. So a partition that may
be at one is left alone until another process has looked. The loop goes on, and keeps our place in the group.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from kafka import TopicPartition
from kafka.errors import RetriableError

from baselines.store import Partition
from worker.kafka.bounds import log_begins, log_ends
from worker.kafka.probe import Probe
from worker.records import NEW_GROUND, Jump, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kafka.errors import OffsetOutOfRangeError

    from baselines.gaps import Reason
    from worker.kafka.client import KafkaOptions
    from worker.kafka.parking import Parking
    from worker.kafka.probe import BadBatch

_BROKER_MS = 1_000
_DEADLY = "where the process dies here again, give it more memory, or delete the records from there on"

log = structlog.get_logger()


class _Search(NamedTuple):
    """Where to look for a bad batch: `records` from these offsets on. Raises `otherwise` if there is none."""

    starts: Mapping[Partition, int]
    records: int
    otherwise: SourceFailed | None

    @property
    def at(self) -> Mapping[str, int]:
        """The offsets, for people."""
        return {str(partition): offset for partition, offset in self.starts.items()}

    def found_none(self) -> None:
        """Raise `otherwise`, or else say where something deadly must be that is no bad batch."""
        if self.otherwise is not None:
            raise self.otherwise
        log.error("no_bad_batch", at=self.at, hint=_DEADLY)


class Detours:
    """The jumps of one consumer, the bad batches that lie ahead of it, and the search for more."""

    def __init__(self, consumer: Any, options: KafkaOptions, parking: Parking) -> None:
        self._consumer, self._options, self._parking = consumer, options, parking
        self._ahead: dict[Partition, BadBatch] = {}
        self._jumps: list[Jump] = []
        self._searches: list[_Search] = []
        self._probe: Probe | None = None

    def taken(self) -> Sequence[Jump]:
        """The jumps since the last call."""
        jumps, self._jumps = self._jumps, []
        return jumps

    @contextmanager
    def approach(self, limit: int) -> Iterator[int]:
        """How many records to poll. With a bad batch ahead, its partition alone is read, just up to it.

        The client opens a batch when the first of its records is asked for.
        """
        reading = self._parking.reading
        partition = next((p for p in self._ahead if p in reading), None)
        if partition is None:
            yield limit
            return
        bad = self._ahead[partition]
        if not bad.good:
            del self._ahead[partition]
            self._jump(partition, bad.end, "unreadable")
            yield limit
            return
        others = [TopicPartition(*p) for p in reading - {partition}]
        self._consumer.pause(*others)
        try:
            yield min(limit, bad.good)
        finally:
            self._resume(Partition(*tp) for tp in others)

    def placed(self, partition: Partition, offset: int) -> None:
        """It is read from here on: what was found out from another offset no longer holds."""
        bad = self._ahead.get(partition)
        if bad is not None and (bad.good or bad.first != offset):
            del self._ahead[partition]
        if any(search.starts.get(partition) == offset for search in self._searches):
            self._leave_alone([partition])

    def came(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Records were polled: so many fewer before the bad batch."""
        for partition, bad in self._ahead.items():
            came = len(batches.get(TopicPartition(*partition), ()))
            self._ahead[partition] = bad._replace(good=bad.good - came)

    def examine(
        self, starts: Mapping[Partition, int], records: int, otherwise: SourceFailed | None = None
    ) -> None:
        """Leave these partitions alone until it is known which of them has a bad batch ahead, if any."""
        search = _Search(starts, records, otherwise)
        if search not in self._searches:  # one that was taken and came back is looked at once
            self._searches.append(search)
            log.warning("looking_for_a_bad_batch", at=search.at)
        self._leave_alone(starts)

    def search_on(self) -> None:
        """Take in what has been found out by now.

        Raises:
            SourceFailed: there is no bad batch, although one must be (`otherwise`).
        """
        if not self._searches:
            return
        search = self._searches[0]
        self._probe = self._probe or Probe(self._options, search.starts, search.records)
        if not self._probe.over():
            return
        bad, self._probe = self._probe.found(), None
        if bad is None:
            search.found_none()
        elif bad.partition in self._parking.examined or not self._placed(bad.partition):
            self._ahead[bad.partition] = bad
            log.error("bad_batch", partition=str(bad.partition), offset=bad.first, end=bad.end)
        del self._searches[0]
        waiting = {p for other in self._searches for p in other.starts}
        self._parking.examined -= search.starts.keys() - waiting
        self._resume(search.starts)

    def close(self) -> None:
        """Search no further."""
        if self._probe is not None:
            self._probe.found()

    def dropped(self, error: OffsetOutOfRangeError) -> None:
        """Records dropped unread are jumped over; an offset beyond the end is another log.

        Raises:
            SourceFailed: the log ends before what has been read.
        """
        wanted: dict[TopicPartition, int] = error.args[0]
        try:
            begins = log_begins(self._consumer, wanted, _BROKER_MS)
            ends = log_ends(self._consumer, begins, _BROKER_MS)
        except RetriableError:
            return
        for tp in ends:
            partition, offset = Partition(*tp), wanted[tp]
            if offset > ends[tp]:
                raise SourceFailed(
                    f"{partition} ends at {ends[tp]}, but has been read up to {offset}: "
                    f"its log was lost or the topic recreated; {NEW_GROUND}"
                )
            if begins[tp] > offset and self._placed(partition):
                self._jump(partition, begins[tp], "dropped")

    def _placed(self, partition: Partition) -> bool:
        return partition in self._parking.placed

    def _leave_alone(self, partitions: Iterable[Partition]) -> None:
        self._parking.examined |= set(partitions)
        self._consumer.pause(*(TopicPartition(*p) for p in partitions))

    def _resume(self, partitions: Iterable[Partition]) -> None:
        reading = self._parking.reading
        self._consumer.resume(*(TopicPartition(*p) for p in partitions if p in reading))

    def _jump(self, partition: Partition, to: int, reason: Reason) -> None:
        self._consumer.seek(TopicPartition(*partition), to)
        self._jumps.append(Jump(partition, to, reason))
