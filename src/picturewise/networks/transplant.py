"""Copying weights from one network to another that begins, or ends, with the same layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from picturewise.errors import RunError

FAR_BELOW = 20.0
"""Nats by which a new class is initially below the others: its probability, below 3e-9, is lost in float32."""


def with_channels(weights: Mapping[str, Tensor], channels: int) -> dict[str, Tensor]:
    """Return the weights with a first convolution for pictures with another number of channels.

    From colour to grey, its kernels are summed over the channels; from grey to colour, they are shared among them: grey
    pictures converted to colour then give the same result as before.

    Args:
        weights: in the order of the layers; among those named `weight` (positions of patches are not), the first
            kernel (F, C, H, W) is changed.
        channels: of the pictures, 1 or 3.
    """
    fitted = dict(weights)
    for name, tensor in weights.items():
        if not name.endswith("weight"):
            continue
        if tensor.ndim == 4:
            incoming = tensor.shape[1]
            if {incoming, channels} == {1, 3}:
                summed = tensor.sum(dim=1, keepdim=True)
                fitted[name] = summed.expand(-1, channels, -1, -1).clone() / channels
            break
        if tensor.ndim == 2:  # a dense layer, which does not have channels, comes first
            break
    return fitted


def put_in(network: nn.Sequential, weights: Mapping[str, Tensor], modules: int, origin: str) -> None:
    """Copy `weights` into the first `modules` modules of a network.

    Raises:
        RunError: names or shapes differ; the message names the first such tensor in the network's order.
    """
    own = {name: tensor for name, tensor in network.state_dict().items() if _place(name) < modules}
    surplus = [name for name in weights if name not in own]
    for name in [*own, *surplus]:
        found = tuple(weights[name].shape) if name in weights else "missing"
        expected = tuple(own[name].shape) if name in own else "absent"
        if found != expected:
            raise RunError(f"{origin} does not fit the network: '{name}' is {found}, but must be {expected}.")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[name])


def pass_on(modules: Sequence[nn.Module]) -> None:
    """Let added layers start as the identity if they can, so that the network's output does not change.

    A dense layer with as many outputs as inputs, or a convolution with as many channels and without stride, passes on
    its input; a relu after it changes nothing if a relu came before (Chen, Goodfellow and Shlens, "Net2Net", 2016).
    Other layers keep their weights.
    """
    with torch.no_grad():
        for module in modules:
            if isinstance(module, nn.Linear) and module.in_features == module.out_features:
                nn.init.eye_(module.weight)
            elif isinstance(module, nn.Conv2d) and _keeps_shape(module):
                nn.init.dirac_(module.weight, module.groups)


def keep_outputs(
    head: nn.Linear, weight: Tensor, bias: Tensor, old: Sequence[str], classes: Sequence[str]
) -> list[int]:
    """Copy the weights of the classes that an older output layer had; the other classes get zeros.

    Args:
        head: the output layer of `classes`.
        weight: (K, features) of the older layer.
        bias: (K,) of the older layer.
        old: its classes.
        classes: those of the new layer, including the old ones.

    Returns:
        the positions of the new classes; see `put_below`.

    Raises:
        RunError: the number of incoming features differs.
    """
    if head.in_features != weight.shape[1]:
        raise RunError(
            f"The output layer cannot be kept: it has {weight.shape[1]:,} inputs, but the layers before it have "
            f"{head.in_features:,} outputs. Change the added layers to {weight.shape[1]:,} outputs, or use a new "
            "output layer."
        )
    new = [place for place, name in enumerate(classes) if name not in old]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        for place, name in enumerate(old):
            head.weight[classes.index(name)] = weight[place]
            head.bias[classes.index(name)] = bias[place]
    return new


def put_below(head: nn.Linear, new: Sequence[int], logits: Tensor) -> None:
    """Put new classes far below the old ones, so that none of them is predicted yet; see `let_learn`.

    Args:
        head: the output layer, the weights of the new classes zero.
        new: their positions.
        logits: (N, K) of pictures, N >= 1; those of the new classes are ignored.
    """
    old = [place for place in range(head.out_features) if place not in new]
    with torch.no_grad():
        head.bias[list(new)] = logits[:, old].amax(dim=1).min() - FAR_BELOW


def new_classes(head: nn.Linear) -> list[int]:
    """Return the classes for which `keep_outputs` set no weights."""
    return [place for place, row in enumerate(head.weight.detach()) if not row.any()]


def let_learn(head: nn.Linear, new: Sequence[int]) -> None:
    """Raise classes that `put_below` put far below, to where the least certain picture would just be one of them.

    From so far below, training would spend its first hundreds of steps on raising them.
    """
    with torch.no_grad():
        head.bias[list(new)] += FAR_BELOW


def _place(name: str) -> int:
    """Return the position of the module that a weight belongs to: 4 for `4.0.conv1.weight`."""
    return int(name.partition(".")[0])


def _keeps_shape(module: nn.Conv2d) -> bool:
    rows, columns = module.kernel_size
    centred = module.padding == (rows // 2, columns // 2) and rows % 2 == columns % 2 == 1
    return module.in_channels == module.out_channels and module.stride == (1, 1) and centred
