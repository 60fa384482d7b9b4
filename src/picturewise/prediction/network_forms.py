"""The two forms in which a classifier holds its network: arrays by name, or a PyTorch module.

Arrays are those of a network of layer lines, with the names of the module's tensors. Nothing else uses them, so they do
not change. A module may still be trained by other code that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from picturewise.architectures.lines import parse
from picturewise.extras import require
from picturewise.networks import arrays

if TYPE_CHECKING:
    from torch import nn

    from picturewise.prediction.description import Description

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
NetworkOrArrays: TypeAlias = "nn.Module | Arrays"


def fingerprint(held: NetworkOrArrays) -> str:
    """Return the SHA-256 of the weights, the same for both forms."""
    if isinstance(held, Mapping):
        return arrays.fingerprint(held)
    from picturewise.networks import weights  # noqa: PLC0415 (it loads PyTorch)

    return weights.fingerprint(held.state_dict())


def to_bytes(held: NetworkOrArrays, metadata: Mapping[str, str]) -> bytes:
    """Return the content of a safetensors file, the same for both forms."""
    if isinstance(held, Mapping):
        return arrays.to_bytes(held, metadata)
    from picturewise.networks import weights  # noqa: PLC0415 (it loads PyTorch)

    return weights.to_bytes(held.state_dict(), metadata)


def as_arrays(held: NetworkOrArrays) -> Arrays:
    """Return the arrays; those of a module are not copies, if it computes on a processor."""
    if isinstance(held, Mapping):
        return held
    return {name: tensor.numpy() for name, tensor in held.state_dict().items()}


def as_module(held: NetworkOrArrays, description: Description) -> nn.Module:
    """Return the module; for arrays, which are copied, one in evaluation mode is built."""
    if not isinstance(held, Mapping):
        return held
    require("A classifier's PyTorch module", "torch")
    import torch  # noqa: PLC0415 (engines of arrays do not need it)

    network = built(description)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in held.items()})
    return network


def built(description: Description) -> nn.Module:
    """Return the module of a description's layer lines, in evaluation mode, with meaningless weights.

    Raises:
        LayerError: a line cannot be read, or does not fit what comes into it.
    """
    from picturewise.networks.builder import build  # noqa: PLC0415 (it loads PyTorch)

    assert description.layers is not None  # noqa: S101 (a Python class is passed by the caller)
    shape, output = description.preparation.output(description.shape), description.target.output_line
    return build(parse(description.layers), shape, output, seed=0).eval()
