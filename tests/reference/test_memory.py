from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from picturewise.architectures.lines import parse
from picturewise.reference.chain import Chain
from picturewise.reference.convolution import Convolution
from picturewise.reference.layer import Layer
from picturewise.reference.memory import windows_kept
from picturewise.reference.network import Network, draw_state


def convolutions(layer: Layer) -> Iterator[Convolution]:
    """Yield every convolution in a layer, however deep."""
    if isinstance(layer, Convolution):
        yield layer
    inside = layer.layers if isinstance(layer, Chain) else vars(layer)
    for part in inside.values():
        if isinstance(part, Layer):
            yield from convolutions(part)


@pytest.mark.parametrize(
    "lines",
    [
        "conv 4 3x3; maxpool 2; conv 5 2x3 /2; conv 3 3x2 valid nobias; flatten; dense 9 relu",
        "conv 4; residual 4 x2; residual 6 x2 /2; bottleneck 2 x2 /2; avgpool global",
        "residual 5 x2 pre /2; flatten",
    ],
)
def test_it_is_what_the_convolutions_keep_and_no_longer_than_to_the_way_back(lines: str) -> None:
    layers, shape = parse(lines), (11, 14, 3)
    network = Network(
        layers, shape, "dense 2", draw_state(layers, shape, "dense 2", np.random.default_rng(0))
    )
    pictures = np.zeros((3, *shape), np.float32)
    network.forward(pictures)
    assert not any(hasattr(one, "_windows") for one in convolutions(network._layers))
    logits = network.forward(pictures, np.random.default_rng(0))
    found = sum(one._windows.size for one in convolutions(network._layers))
    assert found == 3 * windows_kept(layers, shape) > 0
    network.backward(logits)
    assert not any(hasattr(one, "_windows") for one in convolutions(network._layers))
