"""Activations as modules, and the gain for the weights before them."""

from __future__ import annotations

import math

from torch import nn

from picturewise.architectures.layers import ActivationName

_MODULES: dict[ActivationName, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def activation(name: ActivationName) -> nn.Module:
    """Return a new module of the activation."""
    return _MODULES[name]()


def gain(following: nn.Module | None) -> float:
    """Return √2 before relu and its smooth variants, which pass half of their input, and 1 before all others."""
    return math.sqrt(2) if isinstance(following, nn.ReLU | nn.ReLU6 | nn.GELU | nn.SiLU) else 1.0
