"""Activations: a function of each number on its own, so that ∂L/∂x = ∂L/∂y · f′(x), number by number."""

from __future__ import annotations

import math

import numpy as np

from picturewise.architectures.layers import ActivationName
from picturewise.reference.erf import erf
from picturewise.reference.layer import Floats, Layer, Training


class Relu(Layer):
    """f(x) = max(x, 0); f′(x) = 1 where x > 0, and 0 elsewhere, including at 0."""

    def __init__(self) -> None:
        self._outputs: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        outputs: Floats = np.maximum(values, 0)
        if training is not None:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        return gradient * (self._outputs > 0)


class Relu6(Layer):
    """f(x) = min(max(x, 0), 6); f′(x) = 1 where 0 < x < 6, and 0 elsewhere."""

    def __init__(self) -> None:
        self._outputs: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        outputs: Floats = np.clip(values, 0, 6)
        if training is not None:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        return gradient * ((self._outputs > 0) & (self._outputs < 6))


class Tanh(Layer):
    """f(x) = tanh x; f′(x) = 1 - f(x)², at most 1, and nearly 0 away from x = 0."""

    def __init__(self) -> None:
        self._outputs: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        outputs: Floats = np.tanh(values)
        if training is not None:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        slope: Floats = 1 - np.square(self._outputs)
        return gradient * slope


class Sigmoid(Layer):
    """f(x) = 1 / (1 + exp(-x)); f′(x) = f(x) · (1 - f(x)), at most 1/4: after many layers, little gradient is left."""

    def __init__(self) -> None:
        self._outputs: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        outputs = sigmoid(values)
        if training is not None:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        return gradient * self._outputs * (1 - self._outputs)


class Silu(Layer):
    """f(x) = x · σ(x) with σ the sigmoid; f′(x) = σ(x) · (1 + x · (1 - σ(x))) (Elfwing et al., 2018)."""

    def __init__(self) -> None:
        self._values: Floats
        self._sigmoid: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        share = sigmoid(values)
        if training is not None:
            self._values, self._sigmoid = values, share
        return values * share

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        return gradient * self._sigmoid * (1 + self._values * (1 - self._sigmoid))


class Gelu(Layer):
    """f(x) = x · Φ(x), Φ(x) = (1 + erf(x/√2)) / 2 the normal distribution; f′(x) = Φ(x) + x · exp(-x²/2) / √(2π).

    The exact form (Hendrycks and Gimpel, 2016), not its approximation by tanh.
    """

    def __init__(self) -> None:
        self._values: Floats
        self._share: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return f(x)."""
        share = (1 + erf(values * math.sqrt(0.5))) / 2
        if training is not None:
            self._values, self._share = values, share
        return values * share

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂y · f′(x)."""
        density = np.exp(np.square(self._values) / -2) / math.sqrt(2 * math.pi)
        return gradient * (self._share + self._values * density)


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)), computed with exp(-|x|), which never overflows."""
    small = np.exp(-np.abs(values))
    share: Floats = np.where(values >= 0, 1, small) / (1 + small)
    return share


_LAYERS: dict[ActivationName, type[Layer]] = {
    "relu": Relu,
    "relu6": Relu6,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "gelu": Gelu,
    "silu": Silu,
}


def activation(name: ActivationName) -> Layer:
    """Return a new layer of the activation."""
    return _LAYERS[name]()


def gain(name: ActivationName | None) -> float:
    """Return √2 for relu and its smooth variants, which pass half of their input, and 1 for all others."""
    return math.sqrt(2) if name in {"relu", "relu6", "gelu", "silu"} else 1.0
