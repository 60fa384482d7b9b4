"""Weights as tensors: safetensors in and out, and a fingerprint that depends only on the numbers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from picturewise.architectures.layers import Shape
from picturewise.errors import RunError
from picturewise.networks import arrays


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hexadecimal) of names, types, shapes and numbers, independent of their order in memory."""
    plain = ((name, weights[name].detach().cpu().contiguous()) for name in sorted(weights))
    return arrays.sha256_of(
        (name, str(tensor.dtype), tensor.shape, tensor.reshape(-1).view(torch.uint8).numpy())
        for name, tensor in plain
    )


def to_bytes(weights: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the weights as the content of a safetensors file; equal weights give equal bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    seen = set[int]()
    for (
        name,
        tensor,
    ) in plain.items():  # weights that two layers share are written twice, as the format requires
        storage = tensor.untyped_storage().data_ptr()
        plain[name] = tensor.clone() if storage in seen else tensor
        seen.add(storage)
    return safetensors.torch.save(plain, dict(metadata) if metadata else None)


def from_bytes(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file's content.

    Raises:
        ValueError: it is not such content.
    """
    try:
        return safetensors.torch.load(content)
    except (
        safetensors.SafetensorError,
        KeyError,
    ) as error:  # KeyError: a type of numbers that torch does not have
        raise ValueError(f"it is not a safetensors file: {error}") from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file. No code in it can run.

    Raises:
        RunError: the file is missing, or is not a complete safetensors file.
    """
    with arrays.opened(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (not a mapping)


def check_module(network: nn.Module, found: Mapping[str, Shape], origin: str) -> None:
    """Check that weights with these names and shapes belong to a network.

    Raises:
        RunError: names or shapes differ; the message names the first such tensor.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    arrays.check_shapes(found, expected, origin)


def load_weights(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Copy `state` into `network`.

    Raises:
        RunError: names or shapes differ; the message names the first such tensor.
    """
    check_module(network, {name: tuple(tensor.shape) for name, tensor in state.items()}, origin)
    network.load_state_dict(state)


def check_numbers(network: nn.Module, origin: str) -> None:
    """Check that the weights of a network are numbers that it can compute with, in its types.

    Raises:
        RunError: a parameter is NaN or infinite, or a variance is negative; the message names the tensor.
    """
    # Other buffers of a user's class may be infinite, for example masks.
    statistics = (
        (name, buffer)
        for name, buffer in network.named_buffers()
        if name.endswith((arrays.MEAN, arrays.VARIANCE))
    )
    for name, tensor in itertools.chain(network.named_parameters(), statistics):
        if tensor.numel() and tensor.is_floating_point():
            found = arrays.problem(name, *(float(bound) for bound in torch.aminmax(tensor.detach())))
            if found is not None:
                raise RunError(
                    f"{origin} is damaged or malicious: {found}. Restore the original file, or train again."
                )
