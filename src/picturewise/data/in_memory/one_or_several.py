"""Whether an array to be predicted is one picture or several, and which axis has the channels.

Labels would show how many pictures there are; without them, only the shape does. A last axis of 1 or 3 has the
channels; PyTorch's tensors have them first. An ambiguous shape is refused, with advice on what to pass.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.find_layout import find_layout
from picturewise.data.arrays.layout import MAX_SIDE, expected_of
from picturewise.data.hints import LayoutName
from picturewise.data.in_memory.arrays_and_pairs import as_array
from picturewise.errors import DataError

_CHANNELS = (1, 3)
_BY_LAYOUT = (
    "it to picturewise.predict with hints=picturewise.Hints(layout='channels-last') or 'channels-first'"
)
_FORMS = "(H, W), (H, W, C), (N, H, W) or (N, H, W, C) with 1 or 3 channels C"


class Arranged(NamedTuple):
    """Pictures in our order.

    Attributes:
        pictures: (N, H, W, C), a view if possible.
        single: they were passed as one picture, without an axis for several.
        notes: how they were read, if that was found from the values.
    """

    pictures: NDArray[Any]
    single: bool = False
    notes: tuple[str, ...] = ()


def arranged(value: Any, shape: tuple[int, int, int], where: str, said: LayoutName | None = None) -> Arranged:
    """Return an array or a tensor as pictures (N, H, W, C).

    Args:
        value: (H, W), (H, W, C), (N, H, W), (N, H, W, C), or (N, C, H, W) if nothing else fits; a tensor also
            (C, H, W). (N, F) where F is the number of values of a picture of `shape`: a row for each.
        shape: height, width and channels that the classifier was trained on.
        where: what to call the array in an error.
        said: where the channels are, if the user specifies it.

    Raises:
        DataError: it does not contain numbers, is empty, or has another or an ambiguous shape.
    """
    try:
        array = as_array(value, where)
    except DataError:
        raise
    except Exception as error:  # what becomes an array by itself may raise anything
        raise DataError(
            f"{where}: cannot convert the {type(value).__name__} to an array ({error})."
        ) from error
    if array.dtype.kind not in "buif":
        raise DataError(f"{where} has dtype {array.dtype}. Pass integers or floats.")
    if not array.size and array.ndim:
        raise DataError(f"{where} has shape {array.shape}, so it is empty. Pass at least one picture.")
    tensor = hasattr(value, "detach")
    if array.ndim == 2:
        found = _two(array, shape, where, said)
    elif array.ndim == 3:
        found = _three(array, shape, where, said, tensor=tensor)
    elif array.ndim == 4:
        found = Arranged(_four(array, shape, where, said))
    else:
        raise DataError(f"{where} has shape {array.shape}. Expected {_FORMS}.")
    height, width = found.pictures.shape[1:3]
    if max(height, width) > MAX_SIDE:
        raise DataError(
            f"{where} has shape {array.shape}, so its pictures would be {height:,}x{width:,}. Expected at most "
            f"{MAX_SIDE:,} pixels per side."
        )
    return found


def _two(array: NDArray[Any], shape: tuple[int, int, int], where: str, said: LayoutName | None) -> Arranged:
    """Return one grey picture, or several in rows."""
    count, numbers = array.shape
    height, width, channels = shape
    if numbers != height * width * channels:
        return Arranged(array[np.newaxis, :, :, np.newaxis], single=True)
    if count == numbers:
        one = f"({height}, {width})" if channels == 1 else f"{shape}"
        raise _doubtful(
            where,
            array,
            f"one picture, or {count:,} pictures of shape {one} as rows",
            f"x[None] or x.reshape(-1, {one[1:-1]})",
        )
    if channels == 1 or height != width:
        return Arranged(array.reshape(-1, *shape))
    found = find_layout(array.shape, array.dtype, lambda rows: array[rows], where, said)
    return Arranged(found.layout.arrange(array), notes=found.notes)


def _three(
    array: NDArray[Any], shape: tuple[int, int, int], where: str, said: LayoutName | None, *, tensor: bool
) -> Arranged:
    """Return one picture (H, W, C) or (C, H, W), or several grey ones (N, H, W)."""
    first, last = array.shape[0] in _CHANNELS, array.shape[2] in _CHANNELS
    if said is not None:
        first, last = first and said == "channels-first", last and said == "channels-last"
    elif first and last:
        raise _doubtful(where, array, "one picture with its channels last or first", _BY_LAYOUT)
    elif tensor and last:
        raise _doubtful(
            where,
            array,
            "one picture with its channels last, or several grey pictures",
            "x.permute(2, 0, 1)[None]",
            advice="If it is one picture, pass",
        )
    elif array.shape[0] == 3 and (shape[2] == 1) is tensor:
        # Three pictures for a grey classifier or one for a coloured one are the likely readings of an array, and
        # one picture is what a tensor is. The other way round, the shape is ambiguous.
        way = "x[:, None] or x[None]" if tensor else "x[..., None] or x.transpose(1, 2, 0)"
        raise _doubtful(where, array, "three grey pictures, or one with its channels first", way)
    elif not tensor and array.shape[2] in {2, 4} and array.shape[1:] != shape[:2]:
        raise _doubtful(
            where,
            array,
            "one picture with transparency, or several grey pictures",
            "x[..., :-1] or x[..., None]",
        )
    if last:
        return Arranged(array[np.newaxis], single=True)
    if first and (tensor or said is not None):
        return Arranged(array.transpose(1, 2, 0)[np.newaxis], single=True)
    return Arranged(array[..., np.newaxis])


def _four(
    array: NDArray[Any], shape: tuple[int, int, int], where: str, said: LayoutName | None
) -> NDArray[Any]:
    """Return several pictures (N, H, W, C) or (N, C, H, W) in the first of these orders."""
    first, third, last = (array.shape[axis] in _CHANNELS for axis in (1, 2, 3))
    if said is not None:
        first, last = first and said == "channels-first", last and said == "channels-last"
    elif first and last:
        raise _doubtful(where, array, "pictures with their channels last or first", _BY_LAYOUT)
    elif third and (last or not first) and array.shape[1:3] != shape[:2]:
        raise DataError(
            f"{where} has shape {array.shape}, which looks like (H, W, C, N). Pass np.moveaxis(x, -1, 0) instead."
        )
    if last:
        return array
    if first:
        return array.transpose(0, 2, 3, 1)
    raise DataError(f"{where} has shape {array.shape}. Expected {expected_of(array.shape)}")


def _doubtful(
    where: str, array: NDArray[Any], readings: str, way_out: str, *, advice: str = "Pass"
) -> DataError:
    return DataError(f"{where} has shape {array.shape}, which could be {readings}. {advice} {way_out}.")
