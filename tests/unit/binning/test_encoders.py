from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from binning.encoders import _PLAIN, StaticEncoder, load_encoder

if TYPE_CHECKING:
    from binning.encoder import Encoder

TEXTS = (
    "where is my parcel",
    "Refund me, NOW!",
    "Größe und Preis?",
    "it\u2019s broken",
    "x" * 9_000,
    "a\x00b",
    "\ud800",
)


def test_a_text_has_the_same_row_alone_and_in_any_batch(encoder: Encoder) -> None:
    texts = [f"{text} {number}" for number in range(70) for text in TEXTS]
    together = encoder.encode(texts)
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.array_equal(alone, together)


def test_rows_are_unit_vectors_times_127(encoder: Encoder) -> None:
    rows = encoder.encode(TEXTS[:4]).astype(np.float64)
    assert rows.shape == (4, encoder.width)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(127, abs=5)


def test_no_text_and_no_known_token_give_zeros(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.width)
    assert not encoder.encode(["", "   ", "\n"]).any()


SOME_TEXT = st.text(max_size=40) | st.text(
    st.sampled_from(
        "aZ9#'-. \t\n\x0b\x1c\x7f\x85\xa0\xad\u0130\u00e9e\u0301\u2028\u3000\u200b\ufeff\u4e2d\u1100\u1161"
    ),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(text=SOME_TEXT)
@example(text="Hello, I can't log-in (error 500)!")
@example(text="e-mail: a.b@c.de\tnow\nplease")
@example(text="unbelievable/incomprehensible " + "x" * 120)
def test_texts_are_split_like_the_tokenizer_does(text: str, encoder: Encoder) -> None:
    assert isinstance(encoder, StaticEncoder)
    plain = text.translate(_PLAIN)
    assert list(encoder._words.cut(plain)) == encoder._tokens(text)


def test_similar_texts_are_nearer_than_others(encoder: Encoder) -> None:
    parcel, package, joke = encoder.encode(
        ["where is my parcel", "when does the package arrive", "tell me a joke about cats"]
    ).astype(np.float64)
    assert parcel @ package > parcel @ joke


def test_a_long_number_weighs_less_than_what_is_asked(encoder: Encoder) -> None:
    long, short, other = encoder.encode(
        ["cancel order 113542617735902", "cancel order 98", "track order 98"]
    ).astype(np.float64)
    assert short @ long > short @ other


def test_a_cached_static_encoder_needs_no_torch(encoder: Encoder) -> None:
    code = (
        "import sys; from binning.encoders import default_cache, load_encoder;"
        "encoder = load_encoder(cache=default_cache()); print(encoder.digest, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [encoder.digest, "False"]


def test_an_artefact_that_lost_the_race_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = np.random.default_rng(1).normal(size=(30_522, 384))
    monkeypatch.setattr("binning.distil._token_states", lambda *_: states)
    builders = [threading.Thread(target=load_encoder, kwargs={"cache": tmp_path}) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    (folder,) = tmp_path.iterdir()
    assert not folder.name.startswith(".")
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_unknown_kind_or_model_is_named() -> None:
    with pytest.raises(ValueError, match="'magic' is unknown"):
        load_encoder("magic", cache=Path())
    with pytest.raises(ValueError, match="'no-such' is neither packaged"):
        load_encoder(model="no-such", cache=Path())


def test_a_huge_batch_is_encoded_in_chunks_and_reads_the_same(encoder: Encoder) -> None:
    texts = [TEXTS[number % 4] for number in range(9_000)]
    assert np.array_equal(encoder.encode(TEXTS[:4])[np.arange(9_000) % 4], encoder.encode(texts))


def test_a_model_that_no_static_encoder_can_be_made_of_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "byte-pairs"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"")
    (model / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {}}, "normalizer": null}')
    with pytest.raises(ValueError, match="uncased WordPiece"):
        load_encoder(model=str(model), cache=tmp_path / "cache")
