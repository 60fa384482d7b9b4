"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from picturewise.reference.layer import Floats, Parameter

_NOT_ZERO = 1e-6
"""Added to a norm before it divides, as PyTorch does."""


class Sgd:
    """v ← μ v + ∂L/∂w + λ w, then w ← w - η v (Polyak, 1964): a ball rolling down the loss, which keeps its speed.

    Args:
        parameters: name → w and ∂L/∂w; w is changed in place, and the gradients are overwritten.
        velocities: name → v of the same shape, changed in place; 0 before the first step.
        momentum: μ in 0..1, excluding 1.
        weight_decay: λ, for matrices and kernels; vectors (biases, normalisation) are not decayed.
        clip_norm: gradients whose norm over all parameters together is larger are scaled down to it; None: never.
        factors: name → multiple of the rate; 1 if missing.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        velocities: Mapping[str, Floats],
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        self._parameters, self._velocities = parameters, velocities
        self._momentum, self._weight_decay, self._clip_norm = momentum, weight_decay, clip_norm
        self._factors = factors or {}

    def step(self, learning_rate: float) -> None:
        """Change every parameter by its gradient; `learning_rate` is η."""
        if self._clip_norm is not None:
            self._clip(self._clip_norm)
        for name, parameter in self._parameters.items():
            self._move(parameter, self._velocities[name], learning_rate * self._factors.get(name, 1.0))

    def _move(self, parameter: Parameter, velocity: Floats, learning_rate: float) -> None:
        value, gradient = parameter
        if self._weight_decay and value.ndim > 1:
            gradient += self._weight_decay * value
        velocity *= self._momentum
        velocity += gradient
        # The gradient's memory holds the step: a new array for it would cost as much as the arithmetic.
        np.multiply(velocity, learning_rate, out=gradient)
        value -= gradient

    def _clip(self, most: float) -> None:
        squares = (float(np.vdot(one.gradient, one.gradient)) for one in self._parameters.values())
        share = most / (math.sqrt(math.fsum(squares)) + _NOT_ZERO)
        if share < 1:
            for parameter in self._parameters.values():
                parameter.gradient[...] *= share
