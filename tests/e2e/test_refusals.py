"""What `quadrift run` says when it cannot start: one line that names the cause, and the right exit status."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from binning import distil
from binning.encoders import default_cache
from binning.models import model_folder
from tests.e2e.processes import PATIENCE_S, WorkerProcess, eventually, settings
from tests.servers import Broker, free_port

if TYPE_CHECKING:
    from tests.servers import ValkeyServer


def refused(folder: Path, config: dict[str, Any]) -> tuple[int, str]:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "worker", "run", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    lines = [line for line in ended.stderr.splitlines() if line.startswith("quadrift: ")]
    assert len(lines) == 1, ended.stderr
    return ended.returncode, lines[0]


def alive(worker: WorkerProcess) -> bool:
    answer = worker.get("/livez")
    return bool(answer) and answer["status"] == "ok"


def nowhere() -> Broker:
    return Broker(f"127.0.0.1:{free_port()}", "real")


@pytest.mark.fault("P6")
def test_an_unknown_config_key_names_the_nearest_one(
    valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    status, said = refused(tmp_path, settings(nowhere(), valkey, redis_prefix, "t", false_page_per_month=2))
    assert status == 2
    assert "false_pages_per_month" in said


@pytest.mark.fault("R1")
def test_an_unreachable_redis_is_named_and_waited_for(
    valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    config = settings(nowhere(), valkey, redis_prefix, "t")
    config["redis"]["url"] = f"redis://127.0.0.1:{free_port()}/0"
    worker = WorkerProcess(config, tmp_path).start()
    said = eventually("it says what it waits for", lambda: worker.events("waiting_for_the_store"))
    assert "is redis.url right?" in said[0]["reason"]
    assert alive(worker)
    assert worker.stop() == 0


@pytest.mark.fault("K1")
def test_an_unreachable_broker_is_named_and_waited_for(
    valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    broker = nowhere()
    worker = WorkerProcess(settings(broker, valkey, redis_prefix, "t"), tmp_path).start()

    def told() -> list[str]:
        answer = worker.ask("/readyz")
        problems = answer.json()["problems"] if answer is not None and answer.status_code == 503 else []
        return [problem for problem in problems if problem.startswith("reading waits: ")]

    def logged() -> bool:
        return reason in [line["reason"] for line in worker.events("waiting_for_kafka")]

    (problem,) = eventually("it says what it waits for", told)
    reason = problem.removeprefix("reading waits: ")
    assert reason.startswith(f"cannot use Kafka at {broker.bootstrap}")
    assert "check kafka.bootstrap_servers" in reason
    eventually("it logs the same", logged)
    assert alive(worker)
    assert worker.stop() == 0


def test_a_missing_topic_is_named(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    if kafka_broker.kind == "mock":  # the mock cluster makes every topic that it is asked for
        return
    status, said = refused(tmp_path, settings(kafka_broker, valkey, redis_prefix, f"no-{redis_prefix}"))
    assert status == 1
    assert f"no-{redis_prefix}" in said


@pytest.mark.fault("P6")
def test_a_wrong_redis_password_is_named_and_not_repeated(
    kafka_broker: Broker, own_valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    own_valkey.client().config_set("requirepass", "right-password")
    config = settings(kafka_broker, own_valkey, redis_prefix, "t")
    config["redis"]["password"] = "wrong-password"
    status, said = refused(tmp_path, config)
    assert status == 1
    assert "redis.password" in said
    assert "wrong-password" not in said


def an_artefact(cache: Path) -> Path:
    """A copy under `cache` of the static encoder's artefact."""
    made = distil.artefact(model_folder("all-MiniLM-L6-v2"), default_cache(), lambda *_: None)
    return shutil.copytree(made, cache / made.name)


@pytest.mark.fault("P5")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to be read")
def test_an_encoder_that_a_disk_does_not_give_is_no_mistake_of_the_config(
    valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    folder = an_artefact(tmp_path / "cache")
    (folder / "vectors.npy").unlink()
    (folder / "vectors.npy").symlink_to("/proc/self/mem")  # whose first page nobody can read
    config = settings(nowhere(), valkey, redis_prefix, "t", encoder={"cache": str(folder.parent)})
    status, said = refused(tmp_path, config)
    assert status == 1
    assert "static:all-MiniLM-L6-v2 cannot be loaded now (OSError: [Errno 5]" in said


def test_an_encoder_that_is_damaged_is_a_mistake_of_the_config(
    valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    folder = an_artefact(tmp_path / "cache")
    (folder / "tokenizer.json").write_bytes(b"{}")
    config = settings(nowhere(), valkey, redis_prefix, "t", encoder={"cache": str(folder.parent)})
    status, said = refused(tmp_path, config)
    assert status == 2
    assert "static:all-MiniLM-L6-v2 cannot be loaded (Exception: Model missing" in said


@pytest.mark.parametrize(
    "encoder", [{"model": "nowhere"}, {"kind": "transformer", "model": "nowhere"}, {"cache": "/proc/nowhere"}]
)
def test_an_encoder_that_is_not_there_is_a_mistake_of_the_config(
    encoder: dict[str, str], valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    status, said = refused(tmp_path, settings(nowhere(), valkey, redis_prefix, "t", encoder=encoder))
    assert status == 2
    assert "nowhere" in said
