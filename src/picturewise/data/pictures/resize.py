"""Resizing pictures that are already arrays, exactly as picture files are resized."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.pictures.pixels import fitted, to_array

if TYPE_CHECKING:
    from picturewise.data.pictures.resize_mode import ResizeMode


def resize(
    image: NDArray[np.uint8], size: tuple[int, int], *, mode: ResizeMode = "crop"
) -> NDArray[np.uint8]:
    """Return one picture (H, W, C) resized to `size` (height, width), exactly as `read_picture` does.

    Args:
        image: (H, W, C) uint8 with C = 1 or 3.
        size: height and width.
        mode: `crop` fills the size and cuts off the rest, equally on both sides; `pad` shows the whole picture on
            black; `stretch` distorts it.
    """
    if image.shape[:2] == size:
        return image
    from PIL import Image  # noqa: PLC0415 (Pillow is needed only where pictures are files)

    channels = image.shape[2]
    return to_array(fitted(Image.fromarray(image[:, :, 0] if channels == 1 else image), size, mode), channels)


def resize_all(
    images: NDArray[np.uint8],
    size: tuple[int, int] | None,
    *,
    mode: ResizeMode = "crop",
    allocate: Allocate = allocate_in_memory,
) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) resized to `size`, or unchanged and uncopied if they already have it.

    Raises:
        DataError: there is not enough memory.
    """
    if size is None or images.shape[1:3] == size:
        return images
    resized = allocate(len(images), size, images.shape[3])
    for index, image in enumerate(np.asarray(images)):
        resized[index] = resize(image, size, mode=mode)
    return resized
