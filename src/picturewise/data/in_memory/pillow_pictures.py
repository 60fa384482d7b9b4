"""Pillow pictures that Python code has open, as arrays."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.background import Background, Hidden, hidden_by
from picturewise.data.pictures.pixels import RefusedError, deep_values, is_grey, to_array, to_grey_or_rgb
from picturewise.errors import DataError

_SAMPLE = 64  # pictures that are read once more, to see whether they are transparent


def is_picture(value: Any) -> bool:
    """Return whether a value is a Pillow picture."""
    return hasattr(value, "convert") and hasattr(value, "mode")


def as_numbers(picture: Any, place: str, background: Background) -> NDArray[Any]:
    """Return a Pillow picture as (H, W, C), with 1 channel if its mode is grey, otherwise 3.

    The numbers are bytes, or in a picture of more than 8 bits its own numbers.

    Args:
        picture: the picture.
        place: what to call it in an error.
        background: what it is put on if it is transparent.

    Raises:
        DataError: it cannot be decoded.
    """
    try:
        if (values := deep_values(picture)) is not None:
            return values[:, :, np.newaxis]
        return to_array(to_grey_or_rgb(picture, background=background), 1 if is_grey(picture.mode) else 3)
    except (RefusedError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{place} cannot be used: {error}.") from error


def hidden_in(given: Any) -> list[Hidden | None]:
    """Return which background would hide each of a sample of Pillow pictures, see `hidden_by`; others are ignored.

    Args:
        given: a picture, a list of them, a pair of such a list and labels, or a data set that returns pairs.
    """
    pictures = given[0] if isinstance(given, tuple) else given
    if is_picture(pictures):
        pictures = [pictures]
    found: list[Hidden | None] = []
    with contextlib.suppress(Exception):  # its errors are reported where it is converted
        count = 0 if hasattr(pictures, "dtype") else len(pictures)
        for index in range(0, count, -(-count // _SAMPLE) or 1):
            item = pictures[index]
            picture = item[0] if isinstance(item, tuple | list) else item
            if not is_picture(picture):
                break
            found.append(hidden_by(picture))
    return found
