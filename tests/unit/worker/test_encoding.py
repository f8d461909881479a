from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.memory import MemoryStore
from baselines.store import Put
from binning.binset import BinSet
from binning.encoder import EncoderUnavailable
from binning.encoders import default_cache
from config.errors import ConfigError
from config.settings import Encoder
from worker.encoding import chosen, encoder, learned_encoders


def test_agents_tell_which_encoder_they_were_learned_with() -> None:
    store = MemoryStore()
    learned = BinSet("an-encoder", (), {}, ())
    active = Active(learned.digest, until=0.0, turns=0, ends=(), round=("old",))
    values = {ACTIVE: active.to_bytes(), bin_set_name(learned.digest): learned.to_bytes()}
    store.write("old", 1, [Put(name, value) for name, value in values.items()])
    assert frozenset({"an-encoder"}) == learned_encoders(store, ["old", "new"])


def test_what_another_version_learned_still_tells_its_encoder() -> None:
    content = msgspec.msgpack.decode(BinSet("an-encoder", (), {}, ()).to_bytes())
    content["dimensions"] = [{"kind": "input.language", "version": 99, "state": {}}]
    store, active = MemoryStore(), Active("theirs", until=0.0, turns=0, ends=(), round=("old",))
    values = {ACTIVE: active.to_bytes(), bin_set_name("theirs"): msgspec.msgpack.encode(content)}
    store.write("old", 1, [Put(name, value) for name, value in values.items()])
    assert frozenset({"an-encoder"}) == learned_encoders(store, ["old"])


def test_auto_takes_the_static_encoder_where_no_other_keeps_up() -> None:
    choice = chosen(Encoder(kind="auto", turns_per_second=1_000_000, cache=default_cache()))
    assert choice.encoder.name.startswith("static:")
    assert "texts/s" in choice.why


def test_auto_keeps_to_what_the_agents_were_learned_with() -> None:
    static = encoder(Encoder(cache=default_cache()))
    settings = Encoder(kind="auto", turns_per_second=0.001, cache=default_cache())
    assert static.digest == encoder(settings, frozenset({static.digest})).digest


def test_a_model_that_is_not_here_is_an_error_of_the_config() -> None:
    with pytest.raises(ConfigError, match=r"encoder\.model 'nowhere' is neither packaged"):
        chosen(Encoder(kind="transformer", model="nowhere", cache=Path("unused")))


@pytest.mark.fault("P5")
def test_a_transformer_that_fails_on_its_first_texts_is_said_in_one_line_and_auto_takes_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = pytest.importorskip("sentence_transformers")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nfor execution on the device")

    monkeypatch.setattr(package.SentenceTransformer, "encode", fail)
    settings = Encoder(kind="auto", turns_per_second=0.001, cache=default_cache())
    choice = chosen(settings)
    assert not choice.encoder.name.startswith("transformer:")
    assert "fails on its first texts (RuntimeError: CUDA error: no kernel image is available)" in choice.why
    with pytest.raises(EncoderUnavailable, match=r"fails on its first texts \(RuntimeError: CUDA error"):
        chosen(settings.model_copy(update={"kind": "transformer"}))
