"""`quadrift run`: one process, its lines each in a thread of its own, until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog

from alerts.playbooks import load as playbook
from baselines.lease import RedisLease
from baselines.redis_store import RedisStore
from worker.active import ActiveAgents
from worker.connect import await_kafka, await_store, kafka_options, redis_client
from worker.counting import Counting, NoCounting
from worker.encoding import encoder, learned_encoders
from worker.health import Health
from worker.kafka.client import require_codecs
from worker.kafka.client_log import thin_kafka_log
from worker.leading import Leading
from worker.serving.http import HttpServer, create_app
from worker.serving.metrics import Work
from worker.serving.snapshot import Refresher
from worker.threads import MENDABLE, Threads
from worker.watchdog import all_stacks

if TYPE_CHECKING:
    import threading

    from binning.encoder import Encoder
    from config.settings import Settings

log = structlog.get_logger()

LEASE_S = 15.0


def run(settings: Settings, role: str) -> int:
    """Run one worker until SIGTERM or SIGINT; 0 when it was told to stop, 1 when it could not go on."""
    thin_kafka_log()
    threads = Threads()
    _stop_on_signals(threads.stop)
    try:
        _run(settings, role, threads)
    except MENDABLE as error:
        threads.failure = threads.failure or error
    if threads.failure is None:
        log.info("stopped")
        return 0
    if isinstance(threads.failure, MENDABLE):
        sys.stderr.write(f"quadrift: {threads.failure}\n")
    return 1


def _run(settings: Settings, role: str, threads: Threads) -> None:
    require_codecs()
    names = [agent.name for agent in settings.agents]
    client = redis_client(settings.redis)
    store = RedisStore(client, settings.redis.prefix)
    health, work = Health(mode=settings.mode, ingests=role != "judge"), Work()
    snapshots = Refresher(store, names, settings.kafka.topics)
    server = HttpServer(create_app(snapshots, health, work, playbook), settings.http.host, settings.http.port)
    server.start()  # first of all: probes are answered while the rest comes up

    def prepare() -> Encoder:
        store.check_server()
        return encoder(settings.encoder, learned_encoders(store, names))

    if (made := await_store(prepare, health, threads.stop)) is None:
        return
    health.store_answered(time.monotonic())
    snapshots.start()
    active = ActiveAgents(names, store, made)
    options = kafka_options(settings.kafka)

    def begin() -> Counting | NoCounting:
        if not health.ingests:
            return NoCounting()
        return Counting(settings, options, store, made, active, health, work)

    if (counting := await_kafka(begin, options, health, threads.stop)) is None:
        return
    if role != "ingest":
        owner = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        lease = RedisLease(client, store.keys.lease, owner, LEASE_S)
        base_url = settings.alerts.base_url or server.url
        leading = Leading(settings, options, store, client, made, base_url, health, work)
        leading.start(threads, lease, LEASE_S)
    threads.start("watchdog", lambda: _watch(health, threads.stop))
    log.info("started", role=role, mode=settings.mode, agents=names, http=server.url)
    threads.run("ingest", partial(counting.run, threads.stop))
    health.draining = True
    counting.close()
    threads.join(5.0)
    snapshots.stop()
    server.stop()


def _watch(health: Health, stop: threading.Event) -> None:
    """Say once what a stuck process was doing; the liveness probe then ends it."""
    while not stop.wait(10.0):
        if problems := health.dead(time.monotonic()):
            log.error("stuck", problems=problems, stacks=all_stacks())
            return


def _stop_on_signals(stop: threading.Event) -> None:
    """The first signal asks for an orderly end, a second one does not ask."""

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
