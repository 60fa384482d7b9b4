"""The padding around a picture, so that windows can extend beyond its edge."""

from __future__ import annotations

from typing import NamedTuple


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


def same(rows: int, columns: int) -> Margins:
    """Return the padding with which a window of `rows` x `columns` has as many places as there are pixels.

    An even window cannot be centred: the extra row and column go below and to the right.

    >>> same(3, 2)
    Margins(above=1, left=0, below=1, right=1)
    """
    above, left = (rows - 1) // 2, (columns - 1) // 2
    return Margins(above, left, rows - 1 - above, columns - 1 - left)
