"""The networks whose weights, trained on ImageNet, are published: their lines for pictures of any size.

A named network is changed to suit small pictures. Here it keeps its published form, because its weights do not fit any
other. The five networks share the scale of their pictures, torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.resnet import resnet
from picturewise.architectures.vgg import vgg
from picturewise.errors import UsageError, unknown

LEAST = 32
"""Pixels of the shorter side: from here on, every pooling has two pixels to pool."""

PUBLISHED_SHAPE = (224, 224, 3)
PUBLISHED_CLASSES = 1000

_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


def _resnet(shape: Shape, kind: str, blocks: tuple[int, ...]) -> tuple[str, ...]:
    return resnet((*PUBLISHED_SHAPE[:2], shape[2]), kind, blocks)  # the stem for large pictures at every size


PUBLISHED: Mapping[str, Callable[[Shape], tuple[str, ...]]] = {
    "resnet18": partial(_resnet, kind="residual", blocks=(2, 2, 2, 2)),
    "resnet34": partial(_resnet, kind="residual", blocks=(3, 4, 6, 3)),
    "resnet50": partial(_resnet, kind="bottleneck", blocks=(3, 4, 6, 3)),
    "vgg11_bn": partial(vgg, depth=11),
    "vgg16_bn": partial(vgg, depth=16),
}
"""Each network's lines for pictures of a shape, by torchvision's name."""


def published_lines(name: str, shape: Shape) -> tuple[str, ...]:
    """Return the layer lines of a published network for pictures of `shape` (H, W, C), without its output layer.

    ResNets begin with the stem for large pictures at every size. VGGs have their two dense layers if 7x7 pixels are
    left for them (224 to 255 pixels a side), as published; at other sizes, global pooling replaces them.

    Raises:
        UsageError: no network with that name is published, or the pictures are too small.

    >>> published_lines("resnet18", (64, 64, 3))[:4]
    ('conv 64 7x7 /2 nobias', 'batchnorm', 'relu', 'maxpool 3 /2 same')
    """
    lines = _known(name)
    if min(shape[:2]) < LEAST:
        raise UsageError(
            f"The pictures have {show(shape[:2])} pixels, but {name} as published needs at least "
            f"{LEAST}x{LEAST}. Enlarge them with --size {LEAST}x{LEAST} (larger is better: it was trained "
            f"on {show(PUBLISHED_SHAPE[:2])})."
        )
    return lines(shape)


def published_scale(name: str, channels: int = 3) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation, in 0..255, with which a network's pictures were prepared.

    For pictures of 1 channel they are the means over the three colours.

    Raises:
        UsageError: no network with that name is published.

    >>> published_scale("resnet18")
    ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    """
    _known(name)
    if channels == 1:
        return (round(sum(_MEAN) / 3, 3),), (round(sum(_STD) / 3, 3),)
    return _MEAN, _STD


def _known(name: str) -> Callable[[Shape], tuple[str, ...]]:
    if name not in PUBLISHED:
        raise unknown("network with published weights", name, PUBLISHED)
    return PUBLISHED[name]
