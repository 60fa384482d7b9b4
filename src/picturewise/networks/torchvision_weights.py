"""Published weights for our own networks.

The numbers are the same and in the same order; only the names and the layout of a picture as a vector differ:
torchvision's flatten goes channel by channel, ours pixel by pixel, so the columns of the first dense layer of a VGG
are reordered. A network may have been trained with another epsilon in its normalisations than ours; the difference is
added to the running variances, so that they compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from picturewise.architectures.layers import Shape
from picturewise.architectures.lines import parse
from picturewise.architectures.published import PUBLISHED_CLASSES, published, published_lines
from picturewise.networks.builder import RowMajorFlatten, assemble
from picturewise.networks.checked_tensors import check_tensors, tensor_or_zero
from picturewise.networks.published_names import published_names

EPSILON = 1e-5
"""Of our normalisations, which is PyTorch's."""


def from_published(
    name: str, state: Mapping[str, Tensor], shape: Shape, *, origin: str, head: bool = False
) -> dict[str, Tensor]:
    """Return published weights with their names in the network of `published_lines(name, shape)`.

    For pictures with one channel, the first convolution gets the sum of its weights over the colours, which gives the
    same result as a grey picture in colour. Missing counters of batches are 0. Layers that the network does not have at
    this size (the dense ones of a VGG) are left out.

    Args:
        name: of the network, one of `PUBLISHED`.
        state: the published tensors, by torchvision's names; the output layer may be missing and have any classes.
        shape: of the pictures, (H, W, C).
        origin: the name of the weights in errors.
        head: return the output layer, too, as the module after the last line.

    Raises:
        UsageError: no network with that name is published, or the pictures are too small.
        RunError: the tensors belong to another network; the message names the first that differs.
    """
    lines = published_lines(name, shape)
    check_published(name, state, origin=origin, head=head)
    with torch.device("meta"):  # names and shapes without memory
        network = assemble(parse(lines), shape, f"dense {PUBLISHED_CLASSES}")
    last = f"{len(network) - 1}."
    found = {}
    for own, theirs in published_names(name, network).items():
        if own.startswith(last) and not head:
            continue
        found[own] = tensor_or_zero(state, theirs)
        if own.endswith("running_var"):
            found[own] = found[own] + (published(name).epsilon - EPSILON)
    first = found["0.weight"]
    if shape[2] == 1:
        found["0.weight"] = first.sum(dim=1, keepdim=True)
    for place, module in enumerate(network):
        if isinstance(module, RowMajorFlatten):
            found[f"{place + 1}.weight"] = _by_pixels(found[f"{place + 1}.weight"])
    return found


def check_published(name: str, state: Mapping[str, Tensor], *, origin: str, head: bool = False) -> None:
    """Refuse tensors that are not those of the published network `name`.

    Args:
        name: of the network, one of `PUBLISHED`.
        state: tensors by torchvision's names.
        origin: their name in errors.
        head: whether the output layer must be there.

    Raises:
        UsageError: no network with that name is published.
        RunError: a tensor is missing, has another shape or type, or is unexpected; the message names the first one in
            the order of the network.
    """
    expected = _published(name)
    head_name = [*expected][-1].rpartition(".")[0]
    output = {tensor for tensor in expected if tensor.startswith(f"{head_name}.")}
    check_tensors(name, state, expected, output=output, output_needed=head, origin=origin)


def published_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of each published tensor by torchvision's names, in the order of the network.

    Raises:
        UsageError: no network with that name is published.
    """
    return {theirs: tuple(tensor.shape) for theirs, tensor in _published(name).items()}


def _published(name: str) -> dict[str, Tensor]:
    """Return each published tensor by torchvision's names, in the order of the network, without using memory."""
    shape = published(name).shape
    with torch.device("meta"):
        network = assemble(parse(published_lines(name, shape)), shape, f"dense {PUBLISHED_CLASSES}")
    own = network.state_dict()
    return {theirs: own[place] for place, theirs in published_names(name, network).items()}


def _by_pixels(weight: Tensor) -> Tensor:
    """Reorder columns (4096, C·H·W) → (4096, H·W·C), of 7x7 pixels."""
    units, numbers = weight.shape
    return weight.reshape(units, numbers // 49, 7, 7).permute(0, 2, 3, 1).reshape(units, numbers)
