"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from picturewise.reference.layer import Floats, Layer, Parameter, Training


class Chain(Layer):
    """y = fₙ(… f₂(f₁(x))): there from the first to the last, back from the last to the first.

    Back is the chain rule: with y = f₂(u) and u = f₁(x), ∂L/∂x = ∂L/∂y · ∂y/∂u · ∂u/∂x. No matrix of derivatives is
    ever written down; each layer multiplies what it gets by its own. A chain of no layers passes on what it gets.

    Args:
        layers: name → layer, in order; the names stand before those of the parameters.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return what comes out of the last layer."""
        for layer in self.layers.values():
            values = layer.forward(values, training)
        return values

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x."""
        for layer in reversed(self.layers.values()):
            gradient = layer.backward(gradient)
        return gradient

    def learn(self, gradient: Floats) -> None:
        """Go back no further than to the first layer that learns."""
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
