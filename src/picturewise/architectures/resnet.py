"""Residual networks: ResNets (He et al., 2015) and Wide-ResNets (Zagoruyko and Komodakis, 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from picturewise.architectures.layers import Shape, show

LARGE = 64
"""Pixels of the shorter side from which the stem of the ImageNet networks is used; it divides the sides by 4."""


def resnet(shape: Shape, kind: str, blocks: Sequence[int], *, width: int = 64) -> tuple[str, ...]:
    """Return a ResNet for pictures of `shape` (H, W, C).

    Args:
        shape: of the pictures; small ones get a stem without stride and pooling, see `LARGE`.
        kind: of the blocks: residual or bottleneck.
        blocks: their number in each stage; every stage but the first halves the sides and doubles the width.
        width: of the stem and the first stage.

    >>> resnet((32, 32, 3), "residual", [2, 2])
    ('conv 64 3x3 nobias', 'batchnorm', 'relu', 'residual 64 x2', 'residual 128 x2 /2', 'avgpool global')
    """
    first, *pooling = _stem(shape, width)
    return (first, "batchnorm", "relu", *pooling, *_stages(kind, blocks, width), "avgpool global")


def wide_resnet(shape: Shape, depth: int, factor: int) -> tuple[str, ...]:
    """Return the Wide-ResNet of `depth` = 6n + 4 convolutions, `factor` times as wide as the ResNet for CIFAR.

    As in the paper's code: blocks with pre-activation, no bias in convolutions, a normalisation before the head.
    """
    assert (depth - 4) % 6 == 0  # noqa: S101 (the named networks have the depth)
    stages = _stages("residual", [(depth - 4) // 6] * 3, 16 * factor)
    return (
        *_stem(shape, 16),
        *(f"{line} pre" for line in stages),
        "batchnorm",
        "relu",
        "avgpool global",
    )


def resnet_notes(name: str, published: int, shape: Shape) -> tuple[str, ...]:
    """Return how the network `name`, published for pictures of side `published`, is changed for pictures of `shape`."""
    large = min(shape[:2]) >= LARGE
    if large == (published >= LARGE):
        return ()
    stem = "7x7 with stride 2 and pooling" if large else "3x3 without stride and pooling"
    note = (
        f"{name} was published for {published}x{published} pixels; for {show(shape[:2])} it starts with the stem for "
        f"{'large' if large else 'small'} pictures ({stem})."
    )
    return (note,)


def _stem(shape: Shape, filters: int) -> tuple[str, ...]:
    """Return the first convolution and, for large pictures, the pooling after it."""
    if min(shape[:2]) < LARGE:
        return (f"conv {filters} 3x3 nobias",)
    return f"conv {filters} 7x7 /2 nobias", "maxpool 3 /2 same"


def _stages(kind: str, blocks: Sequence[int], width: int) -> list[str]:
    return [
        f"{kind} {width * 2**number} x{count}" + " /2" * (number > 0) for number, count in enumerate(blocks)
    ]
