"""A classifier's logits by the reference network, to look behind those of PyTorch and ONNX Runtime."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.architectures.lines import parse
from picturewise.errors import UsageError
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute
from picturewise.prediction.network_forms import Arrays
from picturewise.reference.network import Network


class NumPyEngine:
    """The reference network of layer lines.

    Args:
        weights: by name; they are read where they are.
        description: of the lines, and how pictures are prepared.

    Raises:
        UsageError: the network is a Python class; a LayerError, if a line is none that NumPy layers are made for.
    """

    def __init__(self, weights: Arrays, description: Description) -> None:
        if description.layers is None:
            raise UsageError(
                f"The NumPy engine computes layer lines alone, and this is the Python class {description.module}: "
                "leave the engine out."
            )
        self._description = description
        shape = description.preparation.output(description.shape)
        self._network = Network(parse(description.layers), shape, description.target.output_line, weights)

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return 1, as layers keep what they have seen, and what computes a batch."""
        return 1, self._logits

    def _logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (B, K) logits, divided by the temperature, for a batch (B, H, W, C)."""
        preparation = self._description.preparation
        floats = pictures.astype(np.float32)
        if preparation.grey:
            floats = floats.mean(axis=3, keepdims=True)
        mean, std = (np.array(numbers, np.float32) for numbers in (preparation.mean, preparation.std))
        prepared = (floats - mean) / std
        return np.asarray(self._network.forward(prepared) / self._description.temperature, np.float32)
