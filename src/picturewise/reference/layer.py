"""What every layer offers: a way there, and a way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

Training: TypeAlias = np.random.Generator | None
"""In training, where a step's random numbers come from; None: the network only predicts."""


class Parameter(NamedTuple):
    """Numbers that learn, and ∂L/∂value, of the same shape, as the last `backward` left it."""

    value: Floats
    gradient: Floats


class Layer(ABC):
    """A function y = f(x; parameters) of a batch, and its derivatives.

    `backward` gets ∂L/∂y of the last `forward` in training and returns ∂L/∂x; by the chain rule that is all that the
    layers before it need to know. What it needs of `forward` is kept in between. No layer changes what is handed to it.
    """

    @abstractmethod
    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return y for x, the batch first."""

    @abstractmethod
    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x for ∂L/∂y, and fill the gradients of the parameters."""

    def learn(self, gradient: Floats) -> None:
        """Fill the gradients of the parameters for ∂L/∂y, where nobody asks for ∂L/∂x."""
        self.backward(gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return what learns, by name; the arrays are the live ones."""
        return {}
