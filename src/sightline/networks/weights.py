"""Weights as bytes: safetensors in and out, and a fingerprint that depends on nothing but the numbers."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from sightline.errors import RunError
from sightline.visible import visible


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hexadecimal) of names, types, shapes and numbers, whatever their order in memory."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def to_bytes(weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the weights as the content of a safetensors file; equal weights give equal bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    seen = set[int]()
    for (
        name,
        tensor,
    ) in plain.items():  # weights that two layers share are written twice: the format wants it so
        storage = tensor.untyped_storage().data_ptr()
        plain[name] = tensor.clone() if storage in seen else tensor
        seen.add(storage)
    return safetensors.torch.save(plain, dict(metadata) if metadata else None)


def from_bytes(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file's content.

    Raises:
        ValueError: it is no such content.
    """
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError) as error:  # KeyError: a type of numbers that torch has not
        raise ValueError(f"no content of a safetensors file: {error}") from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file. No code in it can run.

    Raises:
        RunError: the file is missing, or is no whole safetensors file.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (no mapping)


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata alone; otherwise like `read`."""
    with _opened(path) as file:
        return file.metadata() or {}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    except safetensors.SafetensorError as error:
        raise RunError(f"{path} is damaged or is no safetensors file: {visible(str(error))}.") from error
