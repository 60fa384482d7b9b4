"""Networks of inverted residual blocks, made for phones: MobileNetV2 and EfficientNet-Lite.

MobileNetV2: Sandler et al., 2018. EfficientNet-Lite (Liu, 2020) is EfficientNet (Tan and Le, 2019) with relu6 in place
of silu and without squeeze-and-excitation; its stem and its last convolution are not widened, and its first and last
row of blocks not repeated, as the networks grow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.resnet import LARGE


class _Rows(NamedTuple):
    """Blocks of one width: expansion, channels, their number, the stride of the first, the side of the kernel."""

    expand: int
    channels: int
    blocks: int
    stride: int
    kernel: int = 3

    def line(self, padding: str) -> str:
        words = [f"mbconv {self.channels}"] + [f"x{self.blocks}"] * (self.blocks > 1)
        words += [f"/{self.stride}"] * (self.stride > 1) + [f"expand {self.expand}"] * (self.expand != 6)
        return " ".join(
            words + [f"{self.kernel}x{self.kernel}"] * (self.kernel != 3) + [padding] * bool(padding)
        )


_MOBILENET = (
    _Rows(1, 16, 1, 1),
    _Rows(6, 24, 2, 2),
    _Rows(6, 32, 3, 2),
    _Rows(6, 64, 4, 2),
    _Rows(6, 96, 3, 1),
    _Rows(6, 160, 3, 2),
    _Rows(6, 320, 1, 1),
)
_EFFICIENTNET = (
    _Rows(1, 16, 1, 1),
    _Rows(6, 24, 2, 2),
    _Rows(6, 40, 2, 2, 5),
    _Rows(6, 80, 3, 2),
    _Rows(6, 112, 3, 1, 5),
    _Rows(6, 192, 4, 2, 5),
    _Rows(6, 320, 1, 1),
)


class _Scale(NamedTuple):
    """By how much a Lite network is wider and deeper than the first, the sides it is published for, its dropout."""

    width: float
    depth: float
    side: int
    dropout: float


LITE = {
    "efficientnet-lite0": _Scale(1.0, 1.0, 224, 0.2),
    "efficientnet-lite1": _Scale(1.0, 1.1, 240, 0.2),
    "efficientnet-lite2": _Scale(1.1, 1.2, 260, 0.3),
}


def mobilenet_v2(shape: Shape) -> tuple[str, ...]:
    """Return MobileNetV2 for pictures of `shape` (H, W, C); small ones keep their sides in the first rows.

    >>> mobilenet_v2((224, 224, 3))[:4]
    ('conv 32 3x3 /2 nobias', 'batchnorm', 'relu6', 'mbconv 16 expand 1')
    """
    return _network(shape, _MOBILENET, "", 0.2)


def efficientnet_lite(shape: Shape, name: str) -> tuple[str, ...]:
    """Return the network `name` of `LITE` for pictures of `shape`; small ones keep their sides in the first rows."""
    scale = LITE[name]
    rows = [
        row._replace(
            channels=_widened(row.channels, scale.width),
            blocks=row.blocks
            if place in {0, len(_EFFICIENTNET) - 1}
            else math.ceil(row.blocks * scale.depth),
        )
        for place, row in enumerate(_EFFICIENTNET)
    ]
    return _network(shape, rows, "same-upper", scale.dropout)


def mobile_notes(name: str, shape: Shape) -> tuple[str, ...]:
    """Return how the network `name` is changed for pictures of `shape`.

    >>> mobile_notes("mobilenet-v2", (224, 224, 3))
    ()
    """
    if min(shape[:2]) >= LARGE:
        return ()
    side = LITE[name].side if name in LITE else 224
    note = (
        f"{name} was published for {side}x{side} pixels; for {show(shape[:2])} its first convolution and its second "
        "group of blocks have stride 1."
    )
    return (note,)


def _network(shape: Shape, rows: Sequence[_Rows], padding: str, dropout: float) -> tuple[str, ...]:
    small = min(shape[:2]) < LARGE
    stem = " ".join(["conv 32 3x3"] + [padding] * bool(padding) + ["/2"] * (not small) + ["nobias"])
    if small:
        rows = [row._replace(stride=1) if place == 1 else row for place, row in enumerate(rows)]
    blocks = (row.line(padding) for row in rows)
    end = ("conv 1280 1x1 nobias", "batchnorm", "relu6", "avgpool global", f"dropout {dropout:g}")
    return (stem, "batchnorm", "relu6", *blocks, *end)


def _widened(channels: int, factor: float) -> int:
    """Return channels × factor as a multiple of 8, at most a tenth less, as in the published code."""
    wide = channels * factor
    rounded = max(8, int(wide + 4) // 8 * 8)
    return rounded + 8 * (rounded < 0.9 * wide)
