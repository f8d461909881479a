"""`quadrift calibrate` over a generated history: from the file, and from the Redis that holds the same."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest

from baselines.connection import connect
from baselines.redis_store import RedisStore
from config.load import load
from tests.unit.config.reading import LEAST
from worker.__main__ import main
from worker.commands.history_file import HistoryFiles
from worker.commands.replay import default_settings, learn_option, learned_agents, verdicts
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate
from worker.encoding import encoder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import ValkeyServer

LEARN = ("--learn", "24h")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two quiet days of 300 turns an hour, and three hours of another model between them."""
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=8, shift_h=3, calm_h=14, shifts=(Shift.MODEL,))
    begin = latest_begin(1_790_000_000, shape.end // 3600 + 1)
    played = Scenario(begin=begin, turns_per_hour=300, warm_h=8, shift_h=3, calm_h=14, shifts=(Shift.MODEL,))
    path = tmp_path_factory.mktemp("calibrate") / "history.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as lines:
        for sent in generate(played):
            lines.write(sent.record() + b"\n")
    return path


def calibrated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["calibrate", *arguments, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    return dict(result)


@pytest.fixture(scope="module")
def from_file(history: Path) -> dict[str, Any]:
    """What the file gives; beside it are a picture, c.svg, and settings, c.yaml."""
    out = io.StringIO()
    files = ("--picture", str(history.with_name("c.svg")), "--write", str(history.with_name("c.yaml")))
    with redirect_stdout(out):
        assert main(["calibrate", str(history), *LEARN, *files, "--json"]) == 0
    (result,) = json.loads(out.getvalue())
    return dict(result)


def test_a_history_file_gives_thresholds_a_picture_and_blind_spots(
    history: Path, from_file: dict[str, Any]
) -> None:
    result, drawn, written = from_file, history.with_name("c.svg"), history.with_name("c.yaml")
    found = {f"{each['side']}.{each['name']}": each for each in result["dimensions"]}
    category = found["output.response_category"]
    assert 1 == len(result["episodes"])
    assert 1 == category["pages_current"]["opened"]
    assert category["movement"][1] < 0.25  # the three hours of another model are no normal movement
    assert 3600 == category["window_s"]
    measured = [each for each in result["dimensions"] if each["proposed"]]
    assert {each["name"] for each in result["dimensions"] if each["deciding"]} <= {
        each["name"] for each in measured
    }
    assert all(each["proposed"]["moderate"] >= 0.10 for each in measured)
    assert 0 < result["expected_proposed"] <= result["expected_current"] <= 2 * result["asked"]
    refused = next(spot for spot in category["blind"]["spots"] if spot["bin"] == "refused")
    assert refused["share"] < refused["within_24h"] < refused["within_2h"] < 0.15
    assert "<svg" in drawn.read_text()
    assert load(written, LEAST).thresholds.moderate == 0.10


def test_hours_of_an_episode_count_where_nothing_is_known_to_have_happened(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = calibrated(capsys, str(history), *LEARN, "--known-calm")
    category = next(each for each in result["dimensions"] if each["name"] == "response_category")
    assert result["known_calm"]
    assert category["proposed"]["significant"] > 0.25


def test_the_table_shows_both_halves(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(history), *LEARN]) == 0
    said = capsys.readouterr().out
    assert "false pages a month expected, 1 asked for" in said
    assert "Blind spots" in said
    assert "in a day" in said


def test_stored_history_gives_the_same_and_stays_as_it_was(
    history: Path,
    from_file: dict[str, Any],
    tmp_path: Path,
    valkey: ValkeyServer,
    redis_prefix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, files = default_settings(), HistoryFiles([history])
    made = encoder(settings.encoder)
    with connect(valkey.url) as client:
        store = RedisStore(client, redis_prefix)
        agents = learned_agents(files, settings, learn_option("24h", settings), made, store)
        for _ in verdicts(files, settings, made, store, agents):
            pass
    config = tmp_path / "quadrift.yaml"
    config.write_text(
        "agents: [agent]\nkafka: {topics: [history]}\n"
        f"redis: {{url: '{valkey.url}', prefix: {redis_prefix}}}"
    )
    with valkey.client() as client:
        before = {key: client.dump(key) for key in client.scan_iter(f"*{redis_prefix}*")}
        capsys.readouterr()  # what counting logged
        stored = calibrated(capsys, "--config", str(config))
        assert before == {key: client.dump(key) for key in client.scan_iter(f"*{redis_prefix}*")}
    assert before
    assert from_file == stored
    config.write_text(f"{config.read_text()}\ntime_zone: Asia/Tokyo\n")
    assert main(["calibrate", "--config", str(config)]) == 2
    assert "its reference has the hours of UTC; set that" in capsys.readouterr().err


def test_what_is_missing_is_said_with_what_to_do(
    tmp_path: Path, valkey: ValkeyServer, redis_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.jsonl"
    short.write_text('{"trace_id": "a", "timestamp": 1790000000, "input": {"text": "hello"}}\n')
    assert main(["calibrate", str(short)]) == 1
    assert "--learn" in capsys.readouterr().err
    config = tmp_path / "quadrift.yaml"
    config.write_text(
        f"agents: [bot]\nkafka: {{topics: [t]}}\nredis: {{url: '{valkey.url}', prefix: {redis_prefix}}}"
    )
    assert main(["calibrate", "--config", str(config)]) == 1
    assert "nothing is judged yet of bot" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "give a history FILE"),
        (("no-such-file.jsonl",), "no-such-file.jsonl: cannot be read"),
        (("FILE", "--write", "FILE"), "exists already"),
        (("FILE", "--picture", "FILE"), "exists already"),
        (("FILE", "--write", "no-such-folder/c.yaml"), "folder does not exist"),
        (("FILE", "--learn=yesterday"), "--learn"),
    ],
)
def test_arguments_that_cannot_work_are_named(
    arguments: tuple[str, ...], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("{}\n")
    assert main(["calibrate", *(str(path) if part == "FILE" else part for part in arguments)]) == 2
    assert expected in capsys.readouterr().err
