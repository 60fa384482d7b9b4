"""Presets: functions that return layer lines, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from picturewise.architectures.airbench import airbench, airbench_notes
from picturewise.architectures.layers import Shape
from picturewise.architectures.mobile import LITE, efficientnet_lite, mobile_notes, mobilenet_v2
from picturewise.architectures.reader import reader
from picturewise.architectures.resnet import resnet, resnet_notes, wide_resnet
from picturewise.architectures.vgg import vgg, vgg_notes
from picturewise.errors import UsageError, unknown


def mlp(shape: Shape, hidden: Sequence[int] = (512, 512)) -> tuple[str, ...]:
    """Return a multilayer perceptron: fully connected layers of the `hidden` sizes.

    >>> mlp((28, 28, 1), [300])
    ('flatten', 'dense 300 relu')
    """
    del shape  # any shape fits
    return ("flatten", *(f"dense {units} relu" for units in hidden))


def cnn(shape: Shape) -> tuple[str, ...]:
    """Return a small convolutional network for pictures of `shape` (H, W, C).

    Blocks of convolution, pooling and normalisation follow each other until the shorter side is below 6 pixels, at
    least two if the picture allows it; then come two dense layers, including the output layer. Pooling comes before
    normalisation and relu, which then have a quarter of the work.
    """
    side, filters, lines = min(shape[0], shape[1]), 32, list[str]()
    while side >= 2 and (side >= 6 or len(lines) < 8):
        lines += [f"conv {filters} 3x3", "maxpool 2", "batchnorm", "relu"]
        side, filters = side // 2, min(2 * filters, 128)
    return (*lines, "flatten", "dense 128", "batchnorm", "relu", "dropout 0.3")


def small_cnn(shape: Shape) -> tuple[str, ...]:
    """Return a convolutional network for `shape` (H, W, C) with about a fifth of the work of `cnn`.

    The first convolution uses windows of 5x5 with stride 2. Then come blocks as in `cnn`, at least one if the picture
    allows it, and two dense layers, including the output layer.
    """
    side, filters = -(-min(shape[0], shape[1]) // 2), 24
    lines = ["conv 16 5x5 /2 nobias", "batchnorm", "relu"]
    while side >= 2 and (side >= 6 or filters == 24):
        lines += [f"conv {filters} 3x3 nobias", "maxpool 2", "batchnorm", "relu"]
        side, filters = side // 2, min(2 * filters, 96)
    return (*lines, "flatten", "dense 128 relu")


NETWORKS: dict[str, Callable[..., tuple[str, ...]]] = {
    "cnn": cnn,
    "small-cnn": small_cnn,
    "mlp": mlp,
    "vgg11": partial(vgg, depth=11),
    "vgg13": partial(vgg, depth=13),
    "vgg16": partial(vgg, depth=16),
    "vgg19": partial(vgg, depth=19),
    "resnet18": partial(resnet, kind="residual", blocks=(2, 2, 2, 2)),
    "resnet20": partial(resnet, kind="residual", blocks=(3, 3, 3), width=16),
    "resnet34": partial(resnet, kind="residual", blocks=(3, 4, 6, 3)),
    "resnet50": partial(resnet, kind="bottleneck", blocks=(3, 4, 6, 3)),
    "wide-resnet-28-10": partial(wide_resnet, depth=28, factor=10),
    "airbench94": airbench,
    "reader": reader,
    "small-airbench": partial(airbench, filters=(32, 128)),
    "mobilenet-v2": mobilenet_v2,
    **{name: partial(efficientnet_lite, name=name) for name in LITE},
}


def named_lines(text: str, shape: Shape) -> tuple[str, ...]:
    """Return the layer lines of a named network for pictures of `shape`; `mlp 256 128` names the hidden sizes.

    Raises:
        UsageError: there is no such network, or the words after its name are not valid.
    """
    name, *sizes = text.split() or [""]
    if name not in NETWORKS:
        raise unknown("network", name, NETWORKS)
    if not sizes:
        return NETWORKS[name](shape)
    if name != "mlp" or not all(re.fullmatch(r"[1-9][0-9]{0,8}", size) for size in sizes):
        raise UsageError(
            f"'{text}' is not valid: only mlp accepts layer sizes, which must be integers, as in 'mlp 256 128'. To "
            "change another network, write layer lines."
        )
    return NETWORKS[name](shape, [int(size) for size in sizes])


def network_notes(text: str, shape: Shape) -> tuple[str, ...]:
    """Return a note for each difference between a named network for `shape` and its published form.

    Raises:
        UsageError: as `named_lines`.

    >>> network_notes("resnet20", (32, 32, 3))
    ()
    """
    lines, name = named_lines(text, shape), text.split(maxsplit=1)[0]
    if name.startswith("vgg"):
        return vgg_notes(name, shape, lines)
    if name == "airbench94":
        return airbench_notes(name, shape, lines)
    if name == "mobilenet-v2" or name in LITE:
        return mobile_notes(name, shape)
    if "resnet" in name:
        return resnet_notes(name, 32 if name in {"resnet20", "wide-resnet-28-10"} else 224, shape)
    return ()
