"""`Page`: a figure measured in inches from its top left corner, for sheets of pictures with text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.framed import Framed
from picturewise.reporting.figures.lettering import drawable, shortened

# The distance of the baseline below the given height, in units of the font size (DejaVu Sans: capitals are
# 0.73 high, descenders 0.24 deep).
_BASELINE = {"top": 0.85, "center": 0.36, "bottom": -0.25}


@dataclass
class Page:
    """Paper of `width` × `height` inches; everything is placed by its distance from the left and the top.

    One pair of axes covers the figure, because a hundred small axes would take seconds to create and draw.

    Attributes:
        width: of the figure, in inches.
        height: of the figure, in inches.
        figure: the matplotlib figure.
        axes: cover the figure; one data unit is one inch, y grows downwards.
    """

    width: float
    height: float
    figure: Figure = field(init=False)
    axes: Axes = field(init=False)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.width, self.height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_autoscale_on(False)
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0), aspect="equal")

    def picture(
        self, image: NDArray[np.uint8], *, left: float, top: float, width: float, height: float
    ) -> AxesImage:
        """Draw `image` (H, W, C) with a frame in the middle of a box, as large as it fits without distortion."""
        rows, columns = image.shape[:2]
        scale = min(width / columns, height / rows)
        left += (width - columns * scale) / 2
        top += (height - rows * scale) / 2
        extent = (left, left + columns * scale, top + rows * scale, top)
        # `imshow` would compute the limits of the axes each time, although they never change.
        artist = Framed(self.axes, extent=extent, clip_on=False)
        artist.set_data(image[:, :, 0] if image.shape[2] == 1 else image)
        self.axes.add_artist(artist)
        return artist

    def text(
        self,
        text: str,
        left: float,
        top: float,
        *,
        size: float = look.BODY,
        colour: str = look.INK,
        weight: Literal["normal", "bold"] = "normal",
        align: Literal["left", "center", "right"] = "left",
        vertical: Literal["top", "center", "bottom"] = "top",
        room: float | None = None,
        prefix: str = "",
    ) -> Text:
        """Write one line, `prefix` and then `text` literally, shortened to `room` inches if that is given."""
        line = prefix + drawable(text)
        if room is not None:
            line = shortened(text, inches=room, size=size, weight=weight, prefix=prefix)
        # All lines are placed by their baseline, so that accents and descenders do not move a line.
        baseline = top + _BASELINE[vertical] * size / 72
        return self.axes.text(
            left, baseline, line,
            fontsize=size, color=colour, fontweight=weight, horizontalalignment=align,
            verticalalignment="baseline",
        )  # fmt: skip

    def rectangle(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        edge: str | None = None,
    ) -> Rectangle:
        """Draw a rectangle, filled or as a frame."""
        rectangle = Rectangle(
            (left, top), width, height,
            facecolor=fill or "none", edgecolor=edge or "none", linewidth=0.6 if edge else 0,
        )  # fmt: skip
        self.axes.add_artist(rectangle)
        return rectangle
