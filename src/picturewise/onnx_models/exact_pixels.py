"""First layers for runtimes that compute whole models in bfloat16: they take bytes, which are exact in it.

Prepared pictures would be rounded, so the preparation is part of the first layer's weights: w · (x − mean) / std =
(w / std) · x − (w · mean / std) · 1.

A convolution loses nothing. Its input and its weights matter most: a layer that whitens patches multiplies small
differences of pixels by large weights. The ones are a further channel, because the margins that a convolution adds are
zeros of the prepared picture, where neither x nor 1 may count. Each weight is the sum of two numbers in bfloat16, with
16 bits together, so each channel is there twice.

A dense layer of all pixels is the most expensive layer of its network, and adds up so many products that their errors
cancel. So its weights are rounded once, and the mean is part of the bias, which stays in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from picturewise.onnx_models.graph import FirstFactors, Graph, rounded, type_number


def exact_channels(graph: Graph, pictures: str) -> str:
    """Add the input of the convolution, (N, C, H, W) uint8 → (N, 2 (C + 1), H, W) float32; return its name."""
    values = graph.node("Cast", pictures, to=type_number(np.float32))
    over = graph.constant("pixel_channels", np.array([1], np.int64))
    one = graph.constant("one", np.array(1, np.float32))
    ones = graph.node("Clip", graph.node("ReduceMax", values, over, keepdims=1), one, one)
    return graph.node("Concat", values, ones, values, ones, axis=1)


def exact_weight(
    weight: NDArray[np.float32], mean: Sequence[float], std: Sequence[float], channels: int
) -> NDArray[np.float32]:
    """Return the weight (F, 2 (C + 1), P, Q) of the convolution, whose numbers are all exact in bfloat16.

    Args:
        weight: (F, C, P, Q), or (F, 1, P, Q) if pictures of several channels are made grey.
        mean: of each channel of the prepared pictures, in 0..255.
        std: the same.
        channels: of the pictures, C.
    """
    wide = weight.astype(np.float64)
    means, stds = (np.array(numbers, np.float64).reshape(1, -1, 1, 1) for numbers in (mean, std))
    of_pixels = wide / stds
    if of_pixels.shape[1] < channels:  # the mean of the channels
        of_pixels = np.repeat(of_pixels / channels, channels, axis=1)
    of_ones = -(wide * means / stds).sum(axis=1, keepdims=True)
    whole = np.concatenate([of_pixels, of_ones], axis=1).astype(np.float32)
    high = rounded(whole)
    return np.concatenate([high, rounded(whole - high)], axis=1)


def dense_factors(
    weight: NDArray[np.float32], mean: Sequence[float], std: Sequence[float], channels: int
) -> FirstFactors:
    """Return the factors of a first dense layer of bytes, whose weights are all exact in bfloat16.

    Args:
        weight: (units, H · W · c), the channels of a pixel side by side; c is C, or 1 if pictures are made grey.
        mean: of each of the c channels of the prepared pictures, in 0..255.
        std: the same.
        channels: of the pictures, C.
    """
    seen = len(mean)
    by_pixel = weight.astype(np.float64).reshape(len(weight), -1, seen) / np.array(std)
    means = np.array(mean)
    if seen < channels:  # the mean of the channels
        by_pixel, means = np.repeat(by_pixel / channels, channels, axis=2), np.repeat(means, channels)
    narrow = rounded(by_pixel.astype(np.float32))
    # The rounded weights are used here, too, so their errors are multiplied by differences from the mean alone.
    offset = -(narrow.astype(np.float64) * means).sum(axis=(1, 2))
    return FirstFactors(narrow.reshape(len(weight), -1), offset=offset.astype(np.float32))
