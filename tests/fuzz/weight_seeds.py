"""Files of weights as others write them: PyTorch's two forms, and safetensors."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from containers import zipped
from seeds import Seed, one_file


def weights() -> list[Seed]:
    """A small network's tensors, plain and inside a checkpoint; views, halves and counters are among them."""
    import torch
    from safetensors.torch import save

    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    kernel = torch.randn(4, 3, 2, 2, generator=random)
    state = {
        "conv.weight": kernel,
        "bn.running_mean": torch.zeros(4),
        "bn.num_batches_tracked": torch.tensor(7),
        "fc.weight": torch.randn(3, 4, generator=random).half(),
        "fc.bias": torch.ones(3, dtype=torch.bfloat16),
    }
    views = {**state, "turned": kernel[1:3].transpose(0, 1), "again": kernel}
    wrapped = {
        "epoch": 3,
        "state_dict": {f"module.{name}": tensor for name, tensor in state.items()},
        "optimizer": {"state": {0: {"m": torch.ones(3)}}, "groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
    }
    return [
        one_file("a zip", "weights.pth", _zip(views), "stored/pickle"),
        one_file("a zip with a checkpoint", "weights.pth", _zip(wrapped), "stored/pickle"),
        one_file("a stream", "weights.pth", _stream(views), "pickle"),
        one_file("a stream with a checkpoint", "weights.pth", _stream(wrapped), "pickle"),
        one_file("safetensors", "weights.safetensors", save(state), "safetensors/bytes"),
    ]


def _zip(content: dict[str, Any]) -> bytes:
    """Return what `torch.save` writes, without what it puts between members to align them."""
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(buffer) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped(members, zipfile.ZIP_STORED)


def _stream(content: dict[str, Any]) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()
