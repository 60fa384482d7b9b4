"""Weights published by timm, with its names, for networks whose first line is `timm NAME`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from picturewise.architectures.layers import Shape, show, sides_and_channels
from picturewise.errors import UsageError
from picturewise.networks.checked_tensors import check_tensors, shown, tensor_or_zero
from picturewise.timm_adapter import published, state_of

_ANY_CLASSES = 1000


def from_timm(name: str, state: Mapping[str, Tensor], shape: Shape, *, origin: str) -> dict[str, Tensor]:
    """Return published weights with their names in a network whose first line is `timm NAME`.

    The output layer is left out, and so are buffers that follow from the network's shape, which older files contain.
    For pictures with one channel, the first convolutions get the sum of their weights over the colours, which gives the
    same result as a grey picture in colour.

    Args:
        name: in timm's registry.
        state: the tensors by timm's names; the output layer may be missing or have any classes.
        shape: (H, W, C) of the pictures, which the network accepts.
        origin: the name of the weights in errors.

    Raises:
        RunError: the tensors belong to another network; the message names the first that differs.
        UsageError: they do not fit pictures of `shape`.
    """
    own = published(name).shape
    whole, computed = state_of(name, own, classes=_ANY_CLASSES)
    body, _ = state_of(name, own)
    saved = {tensor: numbers for tensor, numbers in state.items() if tensor not in computed}
    check_tensors(f"timm {name}", saved, whole, output=whole.keys() - body.keys(), origin=origin)
    found = {}
    for tensor, wanted in state_of(name, sides_and_channels(shape, "timm"))[0].items():
        numbers = tensor_or_zero(saved, tensor)
        if numbers.ndim == 4 and (numbers.shape[1], wanted.shape[1]) == (3, 1):
            numbers = numbers.sum(dim=1, keepdim=True)
        if numbers.shape != wanted.shape:
            raise UsageError(
                f"The weights of timm {name} are for pictures of {show(own)} and do not fit {show(shape)}: '{tensor}' "
                f"is {shown(numbers)}, but must be {shown(wanted)}. Resize the pictures to {show(own[:2])} with "
                f"--size {show(own[:2])}{' and keep the colour channels' * (own[2] != shape[2])}."
            )
        found[f"0.{tensor}"] = numbers
    return found
