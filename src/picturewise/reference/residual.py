"""Residual blocks: the output of layers is added to their input."""

from __future__ import annotations

from picturewise.reference.chain import Chain
from picturewise.reference.layer import Floats, Layer, Parameter, Training


class ResidualBlock(Layer):
    """y = a(branch(x) + shortcut(x)), with an activation a after the sum (He et al., 2015).

    A sum passes its gradient on unchanged to both sides, and both depend on x: with S = ∂L/∂y · a′,

        ∂L/∂x = S · ∂branch/∂x + S · ∂shortcut/∂x

    With the plain shortcut, a chain without layers, the second term is S itself. So in a network of any depth, the
    gradient has a path to the first layer on which nothing makes it smaller.

    Args:
        branch: convolutions and normalisations, (B, H, W, C) → (B, H', W', C').
        shortcut: a 1x1 convolution with its normalisation if the shape changes; otherwise empty.
        activation: a.
    """

    def __init__(self, branch: Chain, shortcut: Chain, activation: Layer) -> None:
        self._branch, self._shortcut, self._activation = branch, shortcut, activation

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H', W', C') for (B, H, W, C)."""
        total = self._branch.forward(values, training) + self._shortcut.forward(values, training)
        return self._activation.forward(total, training)

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H', W', C')."""
        gradient = self._activation.backward(gradient)
        return self._branch.backward(gradient) + self._shortcut.backward(gradient)

    def parameters(self) -> dict[str, Parameter]:
        """Return those of the branch, and those of the shortcut below `downsample`."""
        return self._branch.parameters() | Chain({"downsample": self._shortcut}).parameters()


class PreactivatedBlock(Layer):
    """y = branch(u) + x with u = entry(x), normalised and activated (He et al., 2016).

    If the shape changes, y = branch(u) + projection(u): the input of the 1x1 convolution is u, as in the paper's code.
    With G = ∂L/∂y, the plain shortcut brings G back to x unchanged, without an activation in between:

        ∂L/∂u = G · ∂branch/∂u (+ G · ∂projection/∂u)     ∂L/∂x = ∂L/∂u · ∂u/∂x (+ G)

    Args:
        entry: normalisation and activation.
        branch: the first convolution and what follows it.
        projection: the 1x1 convolution, or None.
    """

    def __init__(self, entry: Chain, branch: Chain, projection: Chain | None) -> None:
        self._entry, self._branch, self._projection = entry, branch, projection

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H', W', C') for (B, H, W, C)."""
        activated = self._entry.forward(values, training)
        shortcut = values if self._projection is None else self._projection.forward(activated, training)
        return self._branch.forward(activated, training) + shortcut

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H', W', C')."""
        inner = self._branch.backward(gradient)
        if self._projection is None:
            return self._entry.backward(inner) + gradient
        return self._entry.backward(inner + self._projection.backward(gradient))

    def parameters(self) -> dict[str, Parameter]:
        """Return all parameters of the block, those of the projection below `downsample`."""
        projection = {} if self._projection is None else {"downsample": self._projection}
        return self._entry.parameters() | self._branch.parameters() | Chain(projection).parameters()
