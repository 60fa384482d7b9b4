"""A classifier's logits from the reference network, to check those of PyTorch and ONNX Runtime."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.errors import UsageError
from picturewise.prediction.computation import Computation, computation
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute
from picturewise.prediction.network_forms import Arrays
from picturewise.reference.network import Network

_MOST_WINDOWS = 100_000_000
"""Numbers, 0.4 GB; vgg19 on 224x224 has 29 million for one picture."""


class NumPyEngine:
    """The reference network of layer lines.

    Args:
        weights: by name; they are not copied.
        description: of the lines, and how pictures are prepared.

    Raises:
        UsageError: the network is a Python class, or its windows would take gigabytes; a LayerError if a line does not
            have a NumPy layer.
    """

    def __init__(self, weights: Arrays, description: Description) -> None:
        if description.layers is None:
            raise UsageError(
                "The NumPy engine supports only layer lines, but this network is the Python class "
                f"{description.module}. Use the default engine."
            )
        self._description = description
        shape, output = description.preparation.output(description.shape), description.target.output_line
        layers = parse(description.layers)
        self._windows = summarise(layers, shape, output).windows
        if self._windows > _MOST_WINDOWS:
            raise UsageError(
                f"The NumPy engine would store {self._windows:,} numbers for each picture with this network, but at "
                f"most {_MOST_WINDOWS:,} are allowed. Use the default engine."
            )
        self._network = Network(layers, shape, output, weights)

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return 1, because layers keep their input, and the function that computes a batch."""
        return 1, self._logits

    def computation(self, pictures: int) -> Computation:
        """Return how pictures are computed: in float32, whatever the classifier's number format is."""
        del pictures
        return computation("float32", "numpy")

    def _logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (B, K) logits, divided by the temperature, for a batch (B, H, W, C)."""
        most = max(1, _MOST_WINDOWS // max(1, self._windows))
        parts = [self._part(pictures[start : start + most]) for start in range(0, len(pictures), most)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _part(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        preparation = self._description.preparation
        floats = pictures.astype(np.float32)
        if preparation.grey:
            floats = floats.mean(axis=3, keepdims=True)
        mean, std = (np.array(numbers, np.float32) for numbers in (preparation.mean, preparation.std))
        prepared = (floats - mean) / std
        return np.asarray(self._network.forward(prepared) / self._description.temperature, np.float32)
