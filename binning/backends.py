"""What runs a transformer: torch, by sentence-transformers, or onnxruntime with an int8 file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from binning.contextual import BATCH, ContextualEncoder
from binning.encoder import EncoderUnavailable, said
from binning.models import ModelMissing, file_digest, folder_digest, model_folder, onnx_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MAX_TOKENS = 256
"""What sentence-transformers reads of a text with the MiniLM models."""


def torch_encoder(model: str) -> ContextualEncoder:
    """A sentence-transformers model in torch: on CUDA when there is one, else one thread of the CPU.

    Raises:
        ModelMissing: there is no such model on this machine.
        EncoderUnavailable: it fails on its first texts; any other error where it cannot be loaded.
    """
    folder = model_folder(model)
    digest = folder_digest(folder)  # first: a disk that fails here says so, in a library it may not
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # noqa: PLC0415 - seconds to import, and only this encoder needs it
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)  # a worker scales by processes
    loaded: Any = SentenceTransformer(str(folder), device=device)

    def run(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = loaded.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors

    return ContextualEncoder(run, f"transformer:{model} on {device}", digest)


def onnx_encoder(model: str) -> ContextualEncoder:
    """A transformer in onnxruntime, on one thread: mean of the last hidden states, of length one.

    Raises:
        ModelMissing: onnxruntime or the file of the model is not here.
        EncoderUnavailable: it cannot be loaded now, or fails on its first texts; any other error where it
            cannot be loaded.
    """
    file, tokens = onnx_file(model)
    try:
        import onnxruntime  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise ModelMissing("encoder.kind onnx needs an extra: pip install 'quadrift[onnx]'") from None
    digest = file_digest((file, tokens))  # first, as above
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    states = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (states.RuntimeException, states.EPFail) as error:
        raise EncoderUnavailable(f"onnx:{model} cannot be loaded now ({said(error)})") from error
    takes = {entry.name for entry in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(tokens))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.enable_padding()

    def run(texts: Sequence[str]) -> NDArray[np.float32]:
        encoded = tokenizer.encode_batch(list(texts))
        ids = np.array([entry.ids for entry in encoded], dtype=np.int64)
        mask = np.array([entry.attention_mask for entry in encoded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden, *_) = session.run(None, {name: given[name] for name in takes})
        return _mean(hidden, mask)

    raises = (states.Fail, states.RuntimeException, states.EPFail, RuntimeError)
    return ContextualEncoder(run, f"onnx:{model}", digest, raises=raises)


def _mean(states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """Unit vectors of the means over each text's tokens: of (texts, tokens, width), (texts, width)."""
    summed = np.einsum("ijk,ij->ik", states, mask.astype(np.float32))
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (summed / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
