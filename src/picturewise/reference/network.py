"""The whole network, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from picturewise.architectures.layers import Layer, Shape
from picturewise.reference.arrays import Drawn, GivenArrays
from picturewise.reference.builder import build
from picturewise.reference.layer import Floats, Parameter, Training


class Network:
    """The network of layer lines and the line `output`: pictures in, logits out.

    Args:
        layers: what `architectures.lines.parse` returns.
        input_shape: (H, W, C) of the pictures.
        output: the line of the output layer, such as 'dense 10'.
        state: every array by name, from `draw_state` or from a PyTorch network of the same lines: `0.weight`,
            `1.running_mean`, `4.0.conv1.weight`. They are used without a copy, so training changes them.

    Attributes:
        parameters: the trainable ones, by the same names.

    Raises:
        LayerError: a line does not fit what comes into it, or does not have a NumPy layer.
    """

    def __init__(
        self, layers: Sequence[Layer], input_shape: Shape, output: str, state: Mapping[str, NDArray[Any]]
    ) -> None:
        self._layers = build(layers, input_shape, output, GivenArrays(state))
        self.parameters: dict[str, Parameter] = self._layers.parameters()

    def forward(self, pictures: Floats, training: Training = None) -> Floats:
        """Return the logits (B, K) of pictures (B, H, W, C).

        Args:
            pictures: prepared, in the type of the weights.
            training: the generator of this step's noise; None: the network only predicts, and no `backward` may follow.
        """
        return self._layers.forward(pictures, training)

    def backward(self, gradient: Floats) -> None:
        """Fill the gradients of all parameters for ∂L/∂logits (B, K)."""
        self._layers.learn(gradient)


def draw_state(
    layers: Sequence[Layer],
    input_shape: Shape,
    output: str,
    random: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> dict[str, NDArray[Any]]:
    """Return the initial arrays of a network by name, see `Network`.

    Weights are drawn from N(0, gain²/fan-in) (He et al., 2015), biases are 0. For a convolution without a normalisation
    before the next weights, the mean of fan-in and fan-out takes the place of the fan-in. Normalisations start as the
    identity, but the last one of a residual block starts at scale 0, so that the block initially passes on its input.

    Raises:
        LayerError: as for `Network`.
    """
    drawn = Drawn(random, dtype)
    build(layers, input_shape, output, drawn)
    return drawn.state
