"""The fully connected layer."""

from __future__ import annotations

import numpy as np

from picturewise.reference.layer import Floats, Layer, Parameter, Training


class Dense(Layer):
    """y = x Wᵀ + b.

    x (B, features), W (units, features), b (units,), y (B, units). With G = ∂L/∂y (B, units):

        ∂L/∂W = Gᵀ x         for every weight: its input × the gradient of its unit, summed over the batch
        ∂L/∂b = Σ G          over the batch
        ∂L/∂x = G W          for each input: the gradients of all units, weighted by their weights for it

    Args:
        weight: W, changed in place by the trainer.
        bias: b.
    """

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self._weight = Parameter(weight, np.zeros_like(weight))
        self._bias = Parameter(bias, np.zeros_like(bias))
        self._values: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, units) for (B, features)."""
        if training is not None:
            self._values = values
        outputs: Floats = values @ self._weight.value.T
        outputs += self._bias.value
        return outputs

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, features) for (B, units)."""
        self.learn(gradient)
        inward: Floats = gradient @ self._weight.value
        return inward

    def learn(self, gradient: Floats) -> None:
        """Fill ∂L/∂W and ∂L/∂b."""
        np.matmul(gradient.T, self._values, out=self._weight.gradient)
        np.sum(gradient, axis=0, out=self._bias.gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return weight and bias."""
        return {"weight": self._weight, "bias": self._bias}
