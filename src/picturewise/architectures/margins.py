"""The padding around a picture, so that windows can extend beyond its edge."""

from __future__ import annotations

from typing import NamedTuple

from picturewise.architectures.layers import Padding


class Margins(NamedTuple):
    """Rows and columns of pixels that are added around a picture."""

    above: int = 0
    left: int = 0
    below: int = 0
    right: int = 0

    @property
    def uneven(self) -> bool:
        """Whether opposite sides differ."""
        return (self.above, self.left) != (self.below, self.right)


def upper(sides: tuple[int, int], window: tuple[int, int], stride: int) -> Margins:
    """Return TensorFlow's margins: just enough for ceil(side / stride) windows, and the odd one below or to the right.

    >>> upper((224, 224), (3, 3), 2), upper((225, 225), (5, 5), 1)
    (Margins(above=0, left=0, below=1, right=1), Margins(above=2, left=2, below=2, right=2))
    """
    rows, columns = (
        max((-(-side // stride) - 1) * stride + size - side, 0)
        for side, size in zip(sides, window, strict=True)
    )
    return Margins(rows // 2, columns // 2, rows - rows // 2, columns - columns // 2)


def around(padding: Padding, sides: tuple[int, int], window: tuple[int, int], stride: int) -> Margins:
    """Return the margins of a layer with windows for pictures with these sides."""
    if padding == "valid":
        return Margins()
    return same(*window) if padding == "same" else upper(sides, window, stride)


def same(rows: int, columns: int) -> Margins:
    """Return the padding with which a window of `rows` x `columns` has as many places as there are pixels.

    An even window cannot be centred: the extra row and column go below and to the right.

    >>> same(3, 2)
    Margins(above=1, left=0, below=1, right=1)
    """
    above, left = (rows - 1) // 2, (columns - 1) // 2
    return Margins(above, left, rows - 1 - above, columns - 1 - left)
