"""`reader`: a network for sequences of symbols, whose last maps keep the columns of the picture apart."""

from __future__ import annotations

from picturewise.architectures.layers import Shape

_WHITENED = 8  # filters for each channel: every direction of a 2x2 patch, in both signs
_LOW = 12  # pixels of height from which on maps are not pooled
_GROUPS = 2


def reader(shape: Shape, filters: tuple[int, int] = (64, 128)) -> tuple[str, ...]:
    """Return the network for pictures of `shape` (H, W, C).

    Its convolutions are those of airbench94: one that whitens 2x2 patches, then groups of a convolution, a pooling and
    another convolution, with `filters` in the first group and in the others, until the maps are less than 12 pixels
    high: two groups for pictures of 32xW, whose maps have a quarter of the columns. Two more convolutions see about 30
    pixels of the picture each. The output layer `ctc` reads the columns of the last maps; others take all values
    together.

    >>> reader((32, 64, 3))[-2:]
    ('dropout 0.3', 'flatten')
    """
    height, width, channels = shape
    padding = " valid" if min(height, width) > 1 else ""
    lines = [f"conv {_WHITENED * channels} 2x2{padding} whiten gelu"]
    side, groups = min(height, width) - bool(padding), 0
    while groups < _GROUPS or side >= _LOW:
        convolution = f"conv {filters[groups > 0]} 3x3 nobias"
        pooling = ["maxpool 2"] * (side >= 2)
        lines += [convolution, *pooling, "batchnorm", "gelu", convolution, "batchnorm", "gelu"]
        side, groups = (side // 2 if pooling else side), groups + 1
    return (*lines, *(2 * [f"conv {filters[1]} 3x3 nobias", "batchnorm", "gelu"]), "dropout 0.3", "flatten")
