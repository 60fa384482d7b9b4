"""The networks whose weights, trained on ImageNet, are published: their lines for pictures of any size.

A named network is changed to suit small pictures. Here it keeps its published form, because its weights do not fit any
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.mobile import LITE, efficientnet_lite, mobilenet_v2
from picturewise.architectures.resnet import resnet
from picturewise.architectures.vgg import vgg
from picturewise.errors import UsageError, unknown

LEAST = 32
"""Pixels of the shorter side: from here on, every pooling has two pixels to pool."""

PUBLISHED_CLASSES = 1000

Scale = tuple[tuple[float, ...], tuple[float, ...]]
_TORCHVISION: Scale = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
_TENSORFLOW: Scale = ((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))


class Published(NamedTuple):
    """A network with published weights.

    Attributes:
        lines: of the network for pictures of a shape.
        side: of the pictures that it was trained on.
        scale: mean and standard deviation of each colour with which these were prepared, in 0..255.
        epsilon: of its batch normalisations.
    """

    lines: Callable[[Shape], tuple[str, ...]]
    side: int = 224
    scale: Scale = _TORCHVISION
    epsilon: float = 1e-5

    @property
    def shape(self) -> Shape:
        """The shape of the pictures that it was trained on."""
        return (self.side, self.side, 3)


def _as_large(shape: Shape, lines: Callable[[Shape], tuple[str, ...]]) -> tuple[str, ...]:
    """Return the lines with the beginning for large pictures, at every size."""
    return lines((224, 224, shape[2]))


def _large(lines: Callable[..., tuple[str, ...]], **options: object) -> Callable[[Shape], tuple[str, ...]]:
    return partial(_as_large, lines=partial(lines, **options))


PUBLISHED: Mapping[str, Published] = {
    "resnet18": Published(_large(resnet, kind="residual", blocks=(2, 2, 2, 2))),
    "resnet34": Published(_large(resnet, kind="residual", blocks=(3, 4, 6, 3))),
    "resnet50": Published(_large(resnet, kind="bottleneck", blocks=(3, 4, 6, 3))),
    "vgg11_bn": Published(partial(vgg, depth=11)),
    "vgg16_bn": Published(partial(vgg, depth=16)),
    "mobilenet-v2": Published(_large(mobilenet_v2)),
    **{
        name: Published(_large(efficientnet_lite, name=name), size.side, _TENSORFLOW, epsilon=1e-3)
        for name, size in LITE.items()
    },
}
"""Each network by its name."""


def published_lines(name: str, shape: Shape) -> tuple[str, ...]:
    """Return the layer lines of a published network for pictures of `shape` (H, W, C), without its output layer.

    All but VGGs begin as for large pictures at every size. VGGs have their two dense layers if 7x7 pixels are
    left for them (224 to 255 pixels a side), as published; at other sizes, global pooling replaces them.

    Raises:
        UsageError: no network with that name is published, or the pictures are too small.

    >>> published_lines("resnet18", (64, 64, 3))[:4]
    ('conv 64 7x7 /2 nobias', 'batchnorm', 'relu', 'maxpool 3 /2 same')
    """
    found = published(name)
    if min(shape[:2]) < LEAST:
        raise UsageError(
            f"The pictures are {show(shape[:2])} pixels, but {name} as published needs at least {LEAST}x{LEAST}. "
            f"Enlarge them with --size {LEAST}x{LEAST} (larger is better, because it was trained on "
            f"{show(found.shape[:2])})."
        )
    return found.lines(shape)


def published_scale(name: str, channels: int = 3) -> Scale:
    """Return mean and standard deviation, in 0..255, with which a network's pictures were prepared.

    For pictures of 1 channel they are the means over the three colours.

    Raises:
        UsageError: no network with that name is published.

    >>> published_scale("resnet18")
    ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    """
    mean, std = published(name).scale
    if channels == 1:
        return (round(sum(mean) / 3, 3),), (round(sum(std) / 3, 3),)
    return mean, std


def published(name: str) -> Published:
    """Return what is known of a published network.

    Raises:
        UsageError: no network with that name is published.
    """
    if name not in PUBLISHED:
        raise unknown("network with published weights", name, PUBLISHED)
    return PUBLISHED[name]
