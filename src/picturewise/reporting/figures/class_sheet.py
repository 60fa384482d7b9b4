"""`draw_class_sheet`: the look of each class, one row per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from picturewise.reporting.class_rows import ClassRow
from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import drawable, text_width
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import count

_GAP = 0.06  # inches between pictures
_MEAN_GAP = 0.18  # inches between the mean and the samples
_BLOCK_GAP = 0.35  # inches between blocks of classes side by side
_HEAD = 0.24  # inches of the column titles


@dataclass(frozen=True)
class _Grid:
    """The layout of the classes; lengths in inches, the font size in points."""

    blocks: int
    samples: int
    names: float
    size: float

    @property
    def block(self) -> float:
        """The width of one block."""
        return (look.WIDTH - 2 * look.MARGIN - (self.blocks - 1) * _BLOCK_GAP) / self.blocks

    @property
    def side(self) -> float:
        """The side of one picture, so that names, mean and samples fill the block."""
        return (self.block - self.names - _MEAN_GAP - (self.samples - 1) * _GAP) / (self.samples + 1)


def _grid(names: Sequence[str]) -> _Grid:
    if len(names) <= 12:
        blocks, samples, most, size = 1, 10, 1.9, look.BODY
    elif len(names) <= 40:
        blocks, samples, most, size = 2, 5, 1.25, look.BODY
    else:
        blocks, samples, most, size = 3, 4, 1.0, look.SMALL
    longest = max(text_width(drawable(name[:100]), size=size, weight="bold") for name in names)
    return _Grid(blocks=blocks, samples=samples, names=min(max(longest + 0.15, 0.8), most), size=size)


@look.house_style()
def draw_class_sheet(rows: Sequence[ClassRow]) -> Figure:
    """Return a sheet with each class's name, count, mean picture and samples.

    Up to 12 classes are drawn in one block of rows, up to 40 in two blocks side by side, more in three.
    """
    grid = _grid([row.name for row in rows])
    per_block = -(-len(rows) // grid.blocks)
    page = Page(look.WIDTH, 2 * look.MARGIN + _HEAD + per_block * (grid.side + _GAP) - _GAP)
    for number, row in enumerate(rows):
        block, line = divmod(number, per_block)
        left = look.MARGIN + block * (grid.block + _BLOCK_GAP)
        if line == 0:
            _draw_head(page, grid, left=left)
        _draw_row(page, grid, row, left=left, top=look.MARGIN + _HEAD + line * (grid.side + _GAP))
    return page.figure


def _draw_head(page: Page, grid: _Grid, *, left: float) -> None:
    for title, place in (("class", 0), ("mean", grid.names), ("samples", grid.names + grid.side + _MEAN_GAP)):
        page.text(title, left + place, look.MARGIN, size=look.SMALL, colour=look.MUTED)


def _draw_row(page: Page, grid: _Grid, row: ClassRow, *, left: float, top: float) -> None:
    middle = top + grid.side / 2
    page.text(row.name, left, middle, size=grid.size, vertical="bottom", room=grid.names - 0.1, weight="bold")
    page.text(count(row.count), left, middle + 0.02, size=look.SMALL, colour=look.MUTED)
    left += grid.names
    if row.mean is not None:
        mean = np.rint(np.asarray(row.mean, dtype=np.float64)).astype(np.uint8)
        page.picture(mean, left=left, top=top, width=grid.side, height=grid.side)
    left += grid.side + _MEAN_GAP
    for sample in row.samples[: grid.samples]:
        page.picture(sample, left=left, top=top, width=grid.side, height=grid.side)
        left += grid.side + _GAP
