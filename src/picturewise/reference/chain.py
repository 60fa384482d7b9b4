"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from picturewise.reference.layer import Floats, Layer, Parameter, Training


class Chain(Layer):
    """y = fₙ(… f₂(f₁(x))): forward from the first to the last, backward from the last to the first.

    Backward is the chain rule: with y = f₂(u) and u = f₁(x), ∂L/∂x = ∂L/∂y · ∂y/∂u · ∂u/∂x. No matrix of derivatives is
    ever stored; each layer multiplies its gradient by its own. A chain without layers passes on its input.

    Args:
        layers: name → layer, in order; the names come before those of the parameters.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return the output of the last layer."""
        for layer in self.layers.values():
            values = layer.forward(values, training)
        return values

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x."""
        for layer in reversed(self.layers.values()):
            gradient = layer.backward(gradient)
        return gradient

    def learn(self, gradient: Floats) -> None:
        """Go back only to the first trainable layer."""
        layers = list(self.layers.values())
        first = next((number for number, layer in enumerate(layers) if layer.parameters()), len(layers))
        for layer in reversed(layers[first + 1 :]):
            gradient = layer.backward(gradient)
        for layer in layers[first : first + 1]:
            layer.learn(gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of all layers, `layer.parameter` → parameter."""
        return {
            f"{name}.{own}": parameter
            for name, layer in self.layers.items()
            for own, parameter in layer.parameters().items()
        }
