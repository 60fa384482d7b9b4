"""`timm NAME`: one of timm's networks, without its output layer, as one layer.

Only such a line loads timm, and PyTorch with it, to ask what the network makes of pictures; all other layers are known
without an engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picturewise.architectures.layers import Count, Shape, ShapeError, sides_and_channels

if TYPE_CHECKING:
    from picturewise.timm_adapter import Measured

NAME = r"[a-z0-9_]+(\.[a-z0-9_]+)?"
"""A name in timm's registry, and the tag of published weights. Folders and repositories are not among these."""


@dataclass(frozen=True)
class Timm:
    """A network of timm's that gives flat features.

    Attributes:
        name: in timm's registry; what stands behind a dot names published weights, and decides the scale of the
            pictures when they are taken, but nothing of the network.
    """

    name: str

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"timm {self.name}"

    def output(self, shape: Shape) -> Shape:
        """Return (features,); whether it takes pictures of `shape`, timm says."""
        return (self.measured(shape).features,)

    def count(self, shape: Shape) -> Count:
        """Return what timm's network holds."""
        found = self.measured(shape)
        return Count(trainable=found.trainable, fixed=found.fixed)

    def measured(self, shape: Shape) -> Measured:
        """Return what the network gives and costs for pictures of `shape`; raises ShapeError."""
        from picturewise import timm_adapter  # noqa: PLC0415 (it loads PyTorch)

        try:
            return timm_adapter.measure(self.name, sides_and_channels(shape, "timm"))
        except timm_adapter.TimmError as error:
            raise ShapeError(str(error).removesuffix(".")) from error


def timm_line(name: str) -> Timm:
    """Return the layer of a name that timm knows.

    Raises:
        ValueError: timm knows none of that name, or cannot be imported; the message is a sentence.
    """
    from picturewise.timm_adapter import check_name  # noqa: PLC0415 (as above)

    check_name(name)
    return Timm(name)
