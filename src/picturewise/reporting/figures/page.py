"""`Page`: a figure measured in inches from its top left corner, for sheets of pictures with text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from picturewise.data.pictures.resize import resize
from picturewise.reporting.figures import look
from picturewise.reporting.figures.dark import Box
from picturewise.reporting.figures.lettering import drawable, shortened

# The distance of the baseline below the given height, in units of the font size (DejaVu Sans: capitals are
# 0.73 high, descenders 0.24 deep).
_BASELINE = {"top": 0.85, "center": 0.36, "bottom": -0.25}


class Framed(AxesImage):
    """A uint8 picture in whole pixels of the paper, with a frame of one pixel around it.

    Matplotlib itself converts pictures to floats and resamples them, which takes most of the time of a sheet.
    """

    def box(self, renderer: RendererBase) -> Box:
        """Return the pixels that it fills, without its frame, counted from the bottom as in matplotlib."""
        extent = self.get_window_extent(renderer)
        left, bottom = round(extent.x0), round(extent.y0)
        right, top = max(round(extent.x1), left + 1), max(round(extent.y1), bottom + 1)
        return Box(top=top, bottom=bottom, left=left, right=right)

    def make_image(
        self, renderer: RendererBase, magnification: float = 1.0, unsampled: bool = False
    ) -> tuple[NDArray[np.uint8], float, float, Affine2D]:
        """Return (H, W, 4) pixels from the bottom up, and the positions of their left and lower edges."""
        del magnification, unsampled  # for printers and vector graphics
        box = self.box(renderer)
        left, bottom, width, height = box.left, box.bottom, box.right - box.left, box.top - box.bottom
        picture = np.asarray(self.get_array(), np.uint8).reshape(*self.get_size(), -1)
        rows, columns = picture.shape[:2]
        scale = width / columns
        if scale >= 3 or scale == int(scale):  # whole pixels are enlarged, as under a microscope
            picture = picture[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
        else:
            picture = resize(picture, (height, width), mode="stretch")
        framed = np.empty((height + 2, width + 2, 4), np.uint8)
        framed[:] = [round(255 * share) for share in to_rgba(look.EDGE)]
        framed[1:-1, 1:-1, :3] = picture
        return framed[::-1].copy(), left - 1, bottom - 1, Affine2D()


@dataclass
class Page:
    """Paper of `width` × `height` inches; everything is placed by its distance from the left and the top.

    One pair of axes covers the figure, because a hundred small axes would take seconds to create and draw.

    Attributes:
        width: of the figure, in inches.
        height: of the figure, in inches.
        figure: what is drawn on.
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
