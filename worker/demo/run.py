"""`quadrift demo`: servers, worker and traffic, a view of them, and at the end a table of what was said."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from rich.console import Console

from worker.demo.ask import Answers
from worker.demo.broker import Broker, broker
from worker.demo.grade import grade
from worker.demo.process import Child, DemoError, child, free_port
from worker.demo.producer import Feed, Pace
from worker.demo.scenario import Scenario, plan
from worker.demo.show import Show, show
from worker.demo.summary import summary
from worker.demo.traffic import AGENT
from worker.demo.valkey import valkey
from worker.demo.view import Scene
from worker.demo.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 8321
TICK_S = 0.1
ASK_S = 0.4
STARTS_WITHIN_S = 300.0
"""The first start of all builds the encoder."""
MOVES_WITHIN_S = 90.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Stage:
    """Everything that plays in the demo."""

    scenario: Scenario
    feed: Feed
    pace: Pace
    worker: Child
    answers: Answers
    base_url: str
    watch: Watch = field(default_factory=Watch)

    def scene(self) -> Scene:
        """What is to be shown."""
        return Scene(
            scenario=self.scenario,
            now=self.pace.at,
            sent=len(self.feed.times),
            watch=self.watch,
            histograms=self.answers.histograms,
            learning=self.answers.learning,
            note=self.answers.note,
            base_url=self.base_url,
        )

    @property
    def over(self) -> bool:
        """Whether the last hour of the scenario has been judged."""
        return (self.watch.judged_to or 0) >= self.scenario.end


def demo(*, once: bool, quiet: bool, console: Console | None = None) -> int:
    """Play the demo; the exit status.

    With `once` it ends by itself, 0 only if every shift was named right and nothing else paged; otherwise the
    worker goes on answering until Ctrl-C. With `quiet` there is no shift, and 0 only if nothing paged.
    """
    console = console or Console()
    try:
        with _ends_cleanly() as stack:
            return _perform(plan(time.time(), quiet=quiet), stack, console, once=once)
    except DemoError as error:
        Console(stderr=True).print(f"quadrift demo: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _perform(scenario: Scenario, stack: ExitStack, console: Console, *, once: bool) -> int:
    try:
        stage = _set_up(scenario, stack, console)
        with show(console) as shown:
            _play(stage, shown)
        graded = grade(scenario, stage.watch.alerts)
        console.print(summary(scenario, graded, stage.feed.count))
        if not once:
            with suppress(KeyboardInterrupt):  # the show is over: leaving is no failure
                _stay(stage, console)
    except KeyboardInterrupt:
        console.print("quadrift demo: stopping")
        raise
    return 0 if graded.passed else 1


@contextmanager
def _ends_cleanly() -> Iterator[ExitStack]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does, and nothing interrupts the clearing up."""
    before = {number: signal.getsignal(number) for number in _ENDS}
    for number in _ENDS[1:]:
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as stack:
            try:
                yield stack
            finally:
                for number in _ENDS:
                    signal.signal(number, signal.SIG_IGN)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _set_up(scenario: Scenario, stack: ExitStack, console: Console) -> Stage:
    """Start the servers and the worker; whatever was started ends with the stack, the worker first."""
    console.print("quadrift demo: starting Valkey, a Kafka-protocol broker and the worker", highlight=False)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quadrift-demo-")))
    redis_url = stack.enter_context(valkey(folder))
    kafka = stack.enter_context(broker())
    port = free_port(PORT)
    config = folder / "demo.yaml"
    config.write_text(yaml.safe_dump(settings(kafka, redis_url, port, scenario), sort_keys=False), "utf-8")
    command = [sys.executable, "-P", "-m", "worker", "run", "--config", str(config)]
    worker = stack.enter_context(child("worker", command, folder / "worker.log"))
    base_url = f"http://127.0.0.1:{port}"
    client = stack.enter_context(httpx.Client(base_url=base_url, timeout=2.0, trust_env=False))
    pace = Pace(scenario, float(scenario.begin))
    return Stage(scenario, Feed(kafka, scenario), pace, worker, Answers(client), base_url)


def settings(kafka: Broker, redis_url: str, port: int, scenario: Scenario) -> dict[str, Any]:
    """The worker's config: the defaults, but for where things are."""
    version = {"api_version": kafka.api_version} if kafka.api_version else {}
    return {
        "agents": [AGENT],
        "kafka": {
            "bootstrap_servers": kafka.bootstrap.split(","),
            "topics": [kafka.topic],
            "group": f"{kafka.topic}-demo",
            "dead_letter_topic": kafka.dead_letters,
            **version,
        },
        "redis": {"url": redis_url, "prefix": f"quadrift-demo-{uuid.uuid4().hex[:8]}"},
        "learn": {"at_least": f"{scenario.learning_h}h"},
        "alerts": {"max_age": "30d"},  # a day of the past is played
        "binning": {"segments": {"plan": ["free", "pro"]}},
        "http": {"port": port},
        "log": {"format": "json"},
    }


def _play(stage: Stage, shown: Show) -> None:
    """Send, ask, show, until all is judged. DemoError when the worker ends or stands still."""
    last = asked = moved = time.monotonic()
    seen: tuple[object, ...] = ()
    while not stage.over:
        stage.worker.check()
        now = time.monotonic()
        stage.feed.send_until(stage.pace.advance(now - last, stage.watch.judged_to))
        last = now
        if now - asked >= ASK_S:
            stage.watch.take(stage.answers.refresh())
            shown.update(stage.scene())
            asked = now
        state = (stage.watch.judged_to, stage.answers.learning, stage.pace.at)
        if state != seen:
            seen, moved = state, now
        elif now - moved > (MOVES_WITHIN_S if stage.watch.latest else STARTS_WITHIN_S):
            raise DemoError(f"the worker stands still; its last words:\n{stage.worker.last_words()}")
        time.sleep(TICK_S)
    shown.update(stage.scene())


def _stay(stage: Stage, console: Console) -> None:
    """Keep everything up until Ctrl-C, and say where to ask."""
    console.print("The worker is still up. Ask it:", highlight=False)
    for path in ("/v1/psi", "/v1/verdicts?limit=3", "/healthz", "/metrics", "/playbooks/world_changed"):
        console.print(f"  curl -s '{stage.base_url}{path}'", highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops it.")
    while True:
        stage.worker.check()
        time.sleep(1)
