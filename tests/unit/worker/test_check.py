"""`quadrift check` names the true cause of a failure, never a secret, and its exit status tells."""

import io
import json

from baselines.errors import StoreRefused
from config.load import load
from config.settings import Settings
from tests.servers import free_port
from worker.commands.check import all_checks, check

SECRET = "s3cr3t-Tr0ub4dor"


def settings(**environ: str) -> Settings:
    port = free_port()
    least = {
        "QUADRIFT__KAFKA__TOPICS": "traces",
        "QUADRIFT__AGENTS": "bot",
        "QUADRIFT__KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "QUADRIFT__REDIS__URL": f"redis://u:{SECRET}@127.0.0.1:{port}/0",
    }
    return load(None, least | environ)


def test_all_well_is_zero() -> None:
    out = io.StringIO()
    assert 0 == check(settings(), checks={"redis": lambda: "cache:6379 answers"}, out=out)
    assert ["ok", "redis", "cache:6379", "answers"] == out.getvalue().split()


def test_one_failure_is_one_and_the_others_are_still_tried() -> None:
    def refuse() -> str:
        raise StoreRefused("redis cache:6379: it refused the user name or password")

    out = io.StringIO()
    assert 1 == check(settings(), as_json=True, checks={"redis": refuse, "kafka": lambda: "fine"}, out=out)
    told = json.loads(out.getvalue())
    assert not told["ok"]
    assert [("redis", False), ("kafka", True)] == [(c["what"], c["ok"]) for c in told["checks"]]


def test_nothing_that_listens_is_named_for_both_servers() -> None:
    out = io.StringIO()
    assert 1 == check(settings(), as_json=True, out=out)
    found = {entry["what"]: entry for entry in json.loads(out.getvalue())["checks"]}
    assert found["config"]["ok"]
    assert "connection refused" in found["redis"]["says"]
    assert "nothing listens there: check kafka.bootstrap_servers" in found["kafka"]["says"]
    assert SECRET not in out.getvalue()


def test_a_bad_taxonomy_is_found(tmp_path: object) -> None:
    out = io.StringIO()
    chosen = settings(QUADRIFT__BINNING__TAXONOMY=f"{tmp_path}/none.yaml")
    checks = all_checks(chosen)
    assert 1 == check(chosen, checks={"config": checks["config"]}, out=out)
    assert "none.yaml:cannotberead" in "".join(out.getvalue().split())
