"""A Pillow picture of any mode to (H, W, C) uint8: colours, depth and size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.options import Fit
from sightline.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Room = Callable[[int, tuple[int, int], int], NDArray[np.uint8]]
"""Gives an array for so many pictures, of a height and width, with so many channels."""

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})


class RefusedError(Exception):
    """Why a picture is not used, in a few words, raised where its name is not at hand."""


def is_grey(mode: str) -> bool:
    """Return whether pictures of one of Pillow's modes are grey whatever their content.

    >>> is_grey("I;16B"), is_grey("P")
    (True, False)
    """
    return mode in _GREY_MODES or mode.startswith("I;16")


def to_grey_or_rgb(image: Image.Image) -> Image.Image:
    """Return the picture in Pillow's mode L or RGB, whatever its mode was."""
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    if image.mode in {"1", "L"}:
        return image.convert("L")
    return image.convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (H, W) as uint8: 16-bit values scaled; others as they are, or scaled where they pass 255.

    Raises:
        RefusedError: there are values below 0, above 65535, or not a number.
    """
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= 65535:
        raise RefusedError(f"its values lie in {low:g}..{high:g}, expected 0..255 or 0..65535")
    scale = 257 if values.dtype.itemsize == 2 or high > 255 else 1
    scaled: NDArray[np.float32] = np.rint(values / np.float32(scale))
    return scaled.astype(np.uint8)


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Return the picture, mode L or RGB, at `size` (height, width); see `resize`."""
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    (height, width), (own_width, own_height) = size, image.size
    if (own_height, own_width) == size:
        return image
    # When it reduces, Pillow's bilinear filter averages over all pixels that it leaves out.
    bilinear = Image.Resampling.BILINEAR
    if fit == "stretch":
        return image.resize((width, height), bilinear)
    if fit == "crop":
        scale = min(own_width / width, own_height / height)
        left, top = max(0, own_width - scale * width) / 2, max(0, own_height - scale * height) / 2
        return image.resize((width, height), bilinear, box=(left, top, own_width - left, own_height - top))
    scale = min(width / own_width, height / own_height)
    inner_width, inner_height = max(1, round(scale * own_width)), max(1, round(scale * own_height))
    canvas = Image.new(image.mode, (width, height))
    inner = image.resize((inner_width, inner_height), bilinear)
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def to_array(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """Return a picture of mode L or RGB as (H, W, C)."""
    array = np.array(image, dtype=np.uint8)
    return as_channels(array[:, :, np.newaxis] if array.ndim == 2 else array, channels)


def as_channels(pictures: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """(…, H, W, C) → (…, H, W, channels), each 1 or 3: grey is the rounded mean of colours, or repeated."""
    if pictures.shape[-1] == channels:
        return pictures
    if channels == 3:
        return np.repeat(pictures, 3, axis=-1)
    total = pictures.sum(axis=-1, keepdims=True, dtype=np.uint16)
    mean: NDArray[np.uint16] = (total + 1) // 3  # rounded: a third is never half-way
    return mean.astype(np.uint8)


def room_for(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Return an array (N, H, W, C) to be filled.

    Raises:
        DataError: there is not enough memory.
    """
    shape = (count, *size, channels)
    try:
        return np.empty(shape, np.uint8)
    except (MemoryError, ValueError) as error:  # ValueError: more than an array can have
        raise DataError(
            f"{count:,} pictures of {size[0]}x{size[1]} with {channels} channels need "
            f"{math.prod(shape) / 2**30:,.1f} GiB of memory, more than there is; choose a smaller --size."
        ) from error
