"""The VGG networks (Simonyan and Zisserman, 2015), with batch normalisation."""

from __future__ import annotations

from typing import Literal

from picturewise.architectures.layers import Shape, show

Depth = Literal[11, 13, 16, 19]

_FILTERS = (64, 128, 256, 512, 512)
_CONVOLUTIONS: dict[Depth, tuple[int, ...]] = {  # in each of five stages: table 1, columns A, B, D, E
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


def vgg(shape: Shape, depth: Depth) -> tuple[str, ...]:
    """Return a VGG network for pictures of `shape` (H, W, C).

    Five stages of 3x3 convolutions, each followed by batch normalisation and relu, end in a pooling that halves the
    sides, if there are two pixels to pool.

    At the published size, 224x224 (up to 255x255, where 7x7 pixels are left, too), two dense layers of 4,096 with
    dropout follow, and parameter counts are the published ones; these layers have nine tenths of the parameters of
    VGG-16. At other sizes, the head is only global pooling and the output layer, as usual for CIFAR: five poolings of
    32x32 pixels leave one, so dense layers would not see positions, and 512 features need no further layer. One head
    then fits every size.
    """
    lines, (height, width, _) = list[str](), shape
    for filters, count in zip(_FILTERS, _CONVOLUTIONS[depth], strict=True):
        lines += [f"conv {filters} 3x3", "batchnorm", "relu"] * count
        if min(height, width) >= 2:
            lines.append("maxpool 2")
            height, width = height // 2, width // 2
    if (height, width) == (7, 7):
        return (*lines, "flatten", *["dense 4096 relu", "dropout 0.5"] * 2)
    return (*lines, "avgpool global")


def vgg_notes(name: str, shape: Shape, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return how the `lines` of the network `name` differ from the published network."""
    if "flatten" in lines:
        return ()
    left_out = len(_FILTERS) - lines.count("maxpool 2")
    pooled = (
        f", and {left_out} of its 5 pooling layers {'are' if left_out > 1 else 'is'} left out, because nothing is "
        "left to pool"
        if left_out
        else ""
    )
    note = (
        f"{name} was published for 224x224 pixels; for {show(shape[:2])} its two dense layers of 4,096 are replaced "
        f"with global pooling{pooled}."
    )
    return (note,)
