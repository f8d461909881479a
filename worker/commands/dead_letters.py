"""`quadrift dead-letters`: which records were no turns, why, and sending them back once that is mended."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from worker.commands.letters import Heap, LetterBox
from worker.commands.redrive import Redrive, sent_back_to
from worker.connect import kafka_options
from worker.kafka.client import KafkaUnavailable
from worker.kafka.client_log import silent_kafka_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from config.settings import Settings
    from worker.commands.letters import Letter
    from worker.kafka.client import KafkaOptions


class Report(msgspec.Struct):
    """What was found. `waiting` records can be sent back, `beyond` ones cannot: cut, or without a value.

    `unread` are the topic's partitions that have no leader now: nothing is known of their letters.
    """

    topic: str
    records: int
    repeated: int
    sent_before: int
    sent: int
    waiting: int
    beyond: int
    reasons: list[Heap]
    unread: list[int]


def dead_letters(
    settings: Settings, *, redrive: bool = False, as_json: bool = False, out: TextIO | None = None
) -> int:
    """Print what the dead-letter topic holds, having sent it back if so told.

    0, or 1 when Kafka refuses, or lets only a part of the topic be read.
    """
    options, topic = kafka_options(settings.kafka), settings.kafka.dead_letter_topic
    try:
        with silent_kafka_log():
            report = _report(options, topic, redrive=redrive)
    except KafkaUnavailable as error:
        sys.stderr.write(f"quadrift: {error}\n")
        return 1
    _print(report, as_json=as_json, out=out or sys.stdout)
    if not report.unread:
        return 0
    names = ", ".join(f"{topic}-{number}" for number in report.unread)
    sys.stderr.write(f"quadrift: not read: no leader of {names}; bring its broker back, then run it again\n")
    return 1


def _report(options: KafkaOptions, topic: str, *, redrive: bool) -> Report:
    box = LetterBox(options, topic)
    driver = None
    try:
        driver = Redrive(options, topic) if redrive else None  # shuts another one out, before we look how far
        done = sent_back_to(options, box.partitions)  # that one got
        report = Report(topic, 0, 0, 0, 0, 0, 0, [], box.unread)
        heaps: dict[tuple[str, str], Heap] = {}
        for letter in _with_progress(box):
            heaps.setdefault((letter.reason, letter.of.topic), Heap(letter.reason, letter.of.topic)).add(
                letter
            )
            report.records += 1
            if letter.offset < done.get(letter.partition, 0):
                report.sent_before += letter.whole
            elif driver is not None:
                driver.add(letter)
            else:
                report.waiting += letter.whole
            report.beyond += not letter.whole
        if driver is not None:
            driver.flush()
            report.sent = driver.sent
        report.repeated = box.repeated
        report.reasons = sorted(heaps.values(), key=lambda heap: -heap.records)
        return report
    finally:
        box.close()
        if driver is not None:
            driver.close()


def _with_progress(box: LetterBox) -> Iterator[Letter]:
    columns = (TextColumn("quadrift: dead letters"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield from shown.track(box.letters(), total=box.size)


def _print(report: Report, *, as_json: bool, out: TextIO) -> None:
    if as_json:
        out.write(msgspec.json.encode(report).decode() + "\n")
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("records", "reason", "topic", "mostly", "first", "last", "newest"):
        table.add_column(name, justify="right" if name == "records" else "left", overflow="fold")
    for heap in report.reasons:
        newest = "\n".join(map(str, reversed(heap.pointers)))
        often = "\n".join(detail for detail, _ in heap.details.most_common(2) if detail)
        times = (_clock(heap.first_at), _clock(heap.last_at))
        table.add_row(f"{heap.records:,}", heap.reason, heap.topic, often, *times, newest)
    console = Console(file=out, highlight=False)
    console.print(f"{report.records:,} records in {report.topic}: {_told(report)}")
    if report.reasons:
        console.print(table)


def _told(report: Report) -> str:
    parts = {
        "sent back": report.sent,
        "sent back before": report.sent_before,
        "can be sent back (--redrive)": report.waiting,
        "cannot: they were cut, or had no value": report.beyond,
    }
    return ", ".join(f"{count:,} {what}" for what, count in parts.items() if count) or "nothing to do"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
