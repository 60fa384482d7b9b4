"""The interface of every layer: a forward and a backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

Training: TypeAlias = np.random.Generator | None
"""In training, the generator of a step's random numbers; None: the network only predicts."""


class Parameter(NamedTuple):
    """Trainable numbers, and ∂L/∂value in the same shape, from the last `backward`."""

    value: Floats
    gradient: Floats


class Layer(ABC):
    """A function y = f(x; parameters) of a batch, and its derivatives.

    `backward` gets ∂L/∂y of the last `forward` in training and returns ∂L/∂x; by the chain rule, this is all that the
    layers before it need to know. Intermediate values from `forward` are kept for it. Layers never change their input.
    """

    @abstractmethod
    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return y for x, the batch first."""

    @abstractmethod
    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x for ∂L/∂y, and fill the gradients of the parameters."""

    def learn(self, gradient: Floats) -> None:
        """Fill the gradients of the parameters for ∂L/∂y, if ∂L/∂x is not needed."""
        self.backward(gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return the trainable parameters by name; the arrays are not copies."""
        return {}
