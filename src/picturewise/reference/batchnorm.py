"""Batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import UsageError
from picturewise.reference.layer import Floats, Layer, Parameter, Training

EPSILON = 1e-5
MOMENTUM = 0.1


class BatchNorm(Layer):
    """y = γ · x̂ + β with x̂ = (x - μ) / √(σ² + ε), for each channel (Ioffe and Szegedy, 2015).

    x (B, H, W, C) or (B, C); all axes but the channels form one axis of N = B·H·W. γ, β, μ, σ² are (C,), ε = 1e-5.

    In training μ and σ² are the mean and the variance (1/N) of the batch, so they depend on every x in it. With
    G = ∂L/∂y:

        ∂L/∂γ = Σ G · x̂     ∂L/∂β = Σ G
        ∂L/∂x = γ / √(σ² + ε) · (G - 1/N Σ G - x̂ · 1/N Σ G · x̂)

    The first sum is subtracted because shifting all x equally shifts μ with them and leaves y unchanged; the second
    because scaling them does. So whatever scale the earlier layers give x, y and the gradients keep their size.

    In prediction, μ and σ² are running means from training, m ← 0.9 m + 0.1 · new; the running variance uses that of a
    sample (1/(N - 1)), like PyTorch.

    Args:
        weight: γ, changed in place by the trainer.
        bias: β, likewise.
        running_mean: of μ, changed in place by each step of training.
        running_variance: of σ².
        batches: (), the number of steps so far.
    """

    def __init__(
        self,
        weight: Floats,
        bias: Floats,
        running_mean: Floats,
        running_variance: Floats,
        batches: NDArray[Any],
    ) -> None:
        self._weight = Parameter(weight, np.zeros_like(weight))
        self._bias = Parameter(bias, np.zeros_like(bias))
        self._mean, self._variance, self._batches = running_mean, running_variance, batches
        self._normalised: Floats
        self._scale: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return y, in the shape of x.

        Raises:
            UsageError: in training, a channel has a single number in the batch, which does not have a variance.
        """
        rows = values.reshape(-1, values.shape[-1])  # (N, C)
        if training is None:
            scale = self._weight.value / np.sqrt(self._variance + EPSILON)
            shift = self._bias.value - self._mean * scale
            predicted: Floats = rows * scale + shift
            return predicted.reshape(values.shape)
        count = len(rows)
        if count < 2:
            raise UsageError(
                "batchnorm needs at least two numbers per channel, but the batch has only one. "
                "Train on more pictures, or without batchnorm."
            )
        mean = rows.mean(axis=0)
        normalised: Floats = rows - mean
        variance = np.square(normalised).mean(axis=0)
        inverse = 1 / np.sqrt(variance + EPSILON)
        normalised *= inverse
        self._normalised, self._scale = normalised, self._weight.value * inverse
        self._mean += MOMENTUM * (mean - self._mean)
        self._variance += MOMENTUM * (variance * (count / (count - 1)) - self._variance)
        self._batches += 1
        outputs = normalised * self._weight.value
        outputs += self._bias.value
        return outputs.reshape(values.shape)

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x, in the shape of x."""
        rows = gradient.reshape(-1, gradient.shape[-1])
        np.sum(rows * self._normalised, axis=0, out=self._weight.gradient)
        np.sum(rows, axis=0, out=self._bias.gradient)
        inward: Floats = self._normalised * (self._weight.gradient / -len(rows))
        inward += rows
        inward -= self._bias.gradient / len(rows)
        inward *= self._scale
        return inward.reshape(gradient.shape)

    def parameters(self) -> dict[str, Parameter]:
        """Return weight (γ) and bias (β); the running means are not trained."""
        return {"weight": self._weight, "bias": self._bias}
