"""The names that published tensors have for the tensors of our own networks.

Ours number the modules of all lines in order, and the blocks of a row within it: `4.0.conv1.weight`.
"""

from __future__ import annotations

from typing import Protocol

from torch import nn

from picturewise.networks.builder import RowMajorFlatten
from picturewise.networks.inverted_blocks import InvertedResidual


class _BlockNames(Protocol):
    """Returns the published names of the parts of a block, by ours; `widens`: it begins with a 1x1 convolution."""

    def __call__(self, number: int, *, widens: bool) -> dict[str, str]: ...


def published_names(name: str, network: nn.Sequential) -> dict[str, str]:
    """Return the published name of each tensor of an assembled network, by our name, in its order.

    Args:
        name: of the network, one of `PUBLISHED`.
        network: its modules, the output layer included.
    """
    if name.startswith("efficientnet-lite"):
        return _mobile(network, _lite_block, ("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), "_fc")
    if name == "mobilenet-v2":
        rows = [module for module in network if isinstance(module, nn.Sequential)]
        end = f"features.{sum(len(row) for row in rows) + 1}"
        first, last = (("features.0.0", "features.0.1"), (f"{end}.0", f"{end}.1"))
        return _mobile(network, _mobilenet_block, first, last, "classifier.1")
    stages = [place for place, module in enumerate(network) if isinstance(module, nn.Sequential)]
    return {
        own: _resnet(own, len(network), stages[0]) if stages else _vgg(own, network)
        for own in network.state_dict()
    }


def _resnet(own: str, count: int, first: int) -> str:
    place, _, rest = own.partition(".")
    number = int(place)
    if number == count - 1:
        return f"fc.{rest}"
    # Before the stages, only the convolution and its normalisation hold numbers.
    return f"layer{number - first + 1}.{rest}" if number >= first else f"{('conv1', 'bn1')[number]}.{rest}"


def _vgg(own: str, network: nn.Sequential) -> str:
    place, _, rest = own.partition(".")
    number = int(place)
    flat = next((at for at, module in enumerate(network) if isinstance(module, RowMajorFlatten)), None)
    if flat is not None and number > flat:
        return f"classifier.{number - flat - 1}.{rest}"
    # If global pooling replaces the dense layers, the output layer is the one after them.
    return f"classifier.6.{rest}" if number == len(network) - 1 else f"features.{own}"


def _mobile(
    network: nn.Sequential,
    block_names: _BlockNames,
    first: tuple[str, str],
    last: tuple[str, str],
    output: str,
) -> dict[str, str]:
    """Return the names of a network of inverted blocks, whose published form numbers all blocks in order.

    Args:
        network: its modules.
        block_names: returns the published names of the parts of a block, by ours.
        first: the convolution and the normalisation before the blocks.
        last: those after them.
        output: the output layer.
    """
    named, seen = dict[str, str](), 0
    for place, module in enumerate(network):
        if isinstance(module, nn.Sequential):
            for number, block in enumerate(module):
                assert isinstance(block, InvertedResidual)  # noqa: S101 (these networks have no other blocks)
                parts = block_names(seen, widens=hasattr(block, "conv1"))
                named |= {f"{place}.{number}.{own}": published for own, published in parts.items()}
                seen += 1
        elif isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            named[f"{place}"] = (last if seen else first)[isinstance(module, nn.BatchNorm2d)]
        elif isinstance(module, nn.Linear):
            named[f"{place}"] = output
    return {own: f"{named[own.rpartition('.')[0]]}.{own.rpartition('.')[2]}" for own in network.state_dict()}


def _lite_block(number: int, *, widens: bool) -> dict[str, str]:
    """Return the published names of the parts of a block of EfficientNet-Lite."""
    del widens  # the names are the same
    own = ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3")
    parts = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2")
    return {mine: f"_blocks.{number}.{part}" for mine, part in zip(own, parts, strict=True)}


def _mobilenet_block(number: int, *, widens: bool) -> dict[str, str]:
    """Return torchvision's names of the parts of a block; a convolution is one module with what follows it."""
    place = f"features.{number + 1}.conv"
    names, at = dict[str, str](), 0
    for part in (1, 2) if widens else (2,):
        names |= {f"conv{part}": f"{place}.{at}.0", f"bn{part}": f"{place}.{at}.1"}
        at += 1
    return names | {"conv3": f"{place}.{at}", "bn3": f"{place}.{at + 1}"}
