"""The network of airbench94 (Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024), also for other sizes.

https://arxiv.org/abs/2404.00498. There, normalisations do not have a trainable scale, biases have their own rate, and
logits are divided by nine; here these are as in every other network.
"""

from __future__ import annotations

from picturewise.architectures.layers import Shape, show

_PUBLISHED_GROUPS = 3
_WHITENED = 8  # filters for each channel: every direction of a 2x2 patch, in both signs


def airbench(shape: Shape, filters: tuple[int, int] = (64, 256)) -> tuple[str, ...]:
    """Return the network for pictures of `shape` (H, W, C).

    A convolution that whitens 2x2 patches comes first. Each following group is a convolution, a pooling and another
    convolution, with `filters` in the first group and in the others, until the shorter side is below 6 pixels:
    three groups for 28x28 and 32x32, and at least two if the picture allows it. The largest remaining value of each
    channel goes into the output layer.
    """
    height, width, channels = shape
    padding = " valid" if min(height, width) > 1 else ""
    lines = [f"conv {_WHITENED * channels} 2x2{padding} whiten gelu"]
    side, groups = min(height, width) - bool(padding), 0
    while groups == 0 or (side >= 2 and (side >= 6 or groups < 2)):
        convolution = f"conv {filters[groups > 0]} 3x3 nobias"
        pooling = ["maxpool 2"] * (side >= 2)
        lines += [convolution, *pooling, "batchnorm", "gelu", convolution, "batchnorm", "gelu"]
        side, groups = (side // 2 if pooling else side), groups + 1
    return (*lines, *([f"maxpool {side}"] * (side > 1)), "flatten")


def airbench_notes(name: str, shape: Shape, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return how the `lines` of the network `name` differ from the published network."""
    groups = lines.count("gelu") // 2
    if groups == _PUBLISHED_GROUPS:
        return ()
    note = (
        f"{name} was published for 32x32 pixels; for {show(shape[:2])} it has {groups} group{'s' * (groups > 1)} of "
        f"convolutions instead of {_PUBLISHED_GROUPS}."
    )
    return (note,)
