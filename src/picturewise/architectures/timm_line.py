"""`timm NAME`: a timm network without its output layer, as one layer.

Only such a line loads timm, and PyTorch with it, to measure the network's output and cost; all other layers are known
without an engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picturewise.architectures.layers import Count, Shape, ShapeError, sides_and_channels

if TYPE_CHECKING:
    from picturewise.timm_adapter import Measured

NAME = r"[a-z0-9_]+(\.[a-z0-9_]+)?"
"""A name in timm's registry, and the tag of published weights. Folders and repositories are not allowed."""


@dataclass(frozen=True)
class Timm:
    """A timm network that returns flat features.

    Attributes:
        name: in timm's registry; the part after a dot names published weights, and decides the scale of the pictures if
            these weights are used, but it does not change the network.
    """

    name: str

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"timm {self.name}"

    def output(self, shape: Shape) -> Shape:
        """Return (features,); timm decides whether it accepts pictures of `shape`."""
        return (self.measured(shape).features,)

    def count(self, shape: Shape) -> Count:
        """Return the numbers of the timm network."""
        found = self.measured(shape)
        return Count(trainable=found.trainable, fixed=found.fixed)

    def measured(self, shape: Shape) -> Measured:
        """Return the network's output and cost for pictures of `shape`; raises ShapeError."""
        from picturewise import timm_adapter  # noqa: PLC0415 (it loads PyTorch)

        try:
            return timm_adapter.measure(self.name, sides_and_channels(shape, "timm"))
        except timm_adapter.TimmError as error:
            raise ShapeError(str(error).removesuffix(".")) from error


def timm_line(name: str) -> Timm:
    """Return the layer with a name in timm's registry.

    Raises:
        ValueError: timm does not have this name, or cannot be imported; the message is a sentence.
    """
    from picturewise.timm_adapter import check_name  # noqa: PLC0415 (as above)

    check_name(name)
    return Timm(name)
