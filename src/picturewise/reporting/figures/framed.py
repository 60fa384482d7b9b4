"""`Framed`: a picture on a page, pixel by pixel."""

from __future__ import annotations

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from picturewise.data.pictures.resize import resize
from picturewise.reporting.figures import look
from picturewise.reporting.figures.dark import Box


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
