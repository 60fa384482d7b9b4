"""One split as Python code has it, arrays or a data set of pairs, brought to (N, H, W, C) uint8 and labels.

PyTorch is not imported for it: a tensor is what can be detached and become an array, and a data set is what has a
length and gives (picture, label) at an index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import allocate_in_memory
from picturewise.data.arrays.layout import MAX_SIDE, Layout, layout_of
from picturewise.data.arrays.value_range import ValueRange
from picturewise.data.in_memory.pillow_pictures import as_bytes, is_picture
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError

_BYTES_AT_ONCE = 16 << 20  # of the caller's numbers that are looked at and converted together
_SLACK = 1e-3  # of the range: what rounding in 32 or 16 bits moves a value by
_NOT_NORMALISED = "hand them in as they were before any normalisation, which Picturewise does itself"

Blocks = Callable[[], Iterator[tuple[int, NDArray[Any]]]]
"""Yields the number of the first picture, and pictures (n, H, W, C) as the caller has them, until all were there."""


@dataclass(frozen=True, eq=False)
class ArraysOfSplit:
    """One split as it was passed.

    Attributes:
        images: (N, H, W, C) uint8.
        labels: class numbers (N,), (N, 1) or one-hot (N, K), or class names (N,); None: there are none.
        factor: what floats were multiplied by; None where the values were no floats.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any] | None
    factor: float | None


def from_arrays(
    pictures: Any,
    labels: Any,
    where: str,
    *,
    factor: float | None = None,
    background: Background = WHITE,
) -> ArraysOfSplit:
    """Return the split of an array or tensor of pictures and one of labels; uint8 in our layout is not copied.

    Args:
        pictures: (N, H, W), (N, H, W, C), (N, C, H, W) or (N, pixels of a square), whole numbers or floats.
        labels: one a picture, see `ArraysOfSplit`; also a list of them. None: there are none.
        where: what to call the split in an error.
        factor: what train's floats were multiplied by; None: the values decide.
        background: what transparent pictures of Pillow's are put on.

    Raises:
        DataError: shapes, types or values are something else.
    """
    if isinstance(pictures, list) and labels is not None:
        arrays = from_pictures(pictures, where, factor=factor, background=background)
        return replace(arrays, labels=_given_labels(labels, where))
    array = as_array(pictures, where)
    if labels is None:
        array = _several(array, where)
    layout = _layout(array.shape, array.dtype, where)
    found = None if labels is None else _given_labels(labels, where)
    if array.dtype == np.uint8:
        return ArraysOfSplit(np.ascontiguousarray(layout.arrange(array)), found, None)

    def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
        step = max(1, _BYTES_AT_ONCE // (array[:1].nbytes or 1))
        for first in range(0, len(array), step):
            yield first, layout.arrange(array[first : first + step])

    images, factor = _converted(blocks, (len(array), *_shape(layout)), array.dtype, where, factor)
    return ArraysOfSplit(images, found, factor)


def from_pictures(
    pictures: Sequence[Any],
    where: str,
    *,
    factor: float | None = None,
    size: tuple[int, int] | None = None,
    mode: ResizeMode = "crop",
    background: Background = WHITE,
) -> ArraysOfSplit:
    """Return a list of pictures, without labels.

    Args:
        pictures: arrays, tensors or Pillow's pictures; grey ones among colours get their three channels.
        where: what to call the split in an error.
        factor: what train's floats were multiplied by; None: the values decide.
        size: what pictures of bytes are brought to where they differ in size; None: they may not.
        mode: how, see `resize`.
        background: as for `from_arrays`.

    Raises:
        DataError: there are none, or they differ in size or type.
    """
    if not pictures:
        raise DataError(f"{where}: the list has no pictures.")
    places = [f"{where}: picture {index:,} (counted from 0)" for index in range(len(pictures))]
    arrays = [_picture(picture, place, background) for picture, place in zip(pictures, places, strict=True)]
    if len({array.shape[2] for array in arrays}) > 1 and all(array.dtype == np.uint8 for array in arrays):
        arrays = [as_channels(array, 3) for array in arrays]
    if size is not None and len({array.shape for array in arrays}) > 1:
        arrays = [resize(array, size, mode=mode) if array.dtype == np.uint8 else array for array in arrays]
    for index, array in enumerate(arrays):
        _check_alike(array, arrays[0], index, where)
    return from_arrays(np.stack(arrays), None, where, factor=factor)


def from_pairs(
    data: Any,
    where: str,
    *,
    factor: float | None = None,
    background: Background = WHITE,
    progress: Callable[[int, int], None] | None = None,
) -> ArraysOfSplit:
    """Return the split of a data set that gives (picture, label) for each index below its length.

    Args:
        data: such as PyTorch's map-style data sets; pictures are arrays, tensors or Pillow's.
        where: what to call the split in an error.
        factor: what train's floats were multiplied by; None: the values decide.
        background: as for `from_arrays`.
        progress: called now and then with (done, total).

    Raises:
        DataError: it gives something else, or pictures of several sizes or types.
    """
    count = _length(data, where)
    first_picture, _ = _pair(data, 0, where, background)
    labels: list[Any] = []

    def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
        labels.clear()
        step = max(1, _BYTES_AT_ONCE // first_picture.nbytes)
        for first in range(0, count, step):
            pictures = []
            for index in range(first, min(first + step, count)):
                picture, label = _pair(data, index, where, background)
                _check_alike(picture, first_picture, index, where)
                pictures.append(picture)
                labels.append(label)
            yield first, np.stack(pictures)
            if progress is not None:
                progress(min(first + step, count), count)

    images, factor = _converted(blocks, (count, *first_picture.shape), first_picture.dtype, where, factor)
    return ArraysOfSplit(images, _labels(labels, where), factor)


def as_array(value: Any, where: str) -> NDArray[Any]:
    """Return an array, a tensor of any device, or what says how it becomes an array, as an array.

    Raises:
        DataError: it is something else, or of a type that NumPy does not know.
    """
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):
            value = value.detach().cpu().numpy()
        if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
            return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{where}: the {type(value).__name__} does not become an array ({error}).") from error
    raise DataError(
        f"{where}: found a {type(value).__name__}, expected a NumPy array or a tensor; numpy.stack makes one of a list."
    )


def _layout(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> Layout:
    if shape[:1] == (0,):
        raise DataError(f"{where}: there are no pictures, for the shape is {shape}.")
    layout = layout_of(shape)
    if layout is None or dtype.kind not in "buif":
        raise DataError(
            f"{where}: found an array of the shape {shape} and the type {dtype}, expected numbers as (N, H, W), "
            f"(N, H, W, C) or (N, C, H, W) with 1 or 3 channels C, height and width in 1..{MAX_SIDE}."
        )
    return layout


def _shape(layout: Layout) -> tuple[int, int, int]:
    return layout.height, layout.width, layout.channels


def _length(data: Any, where: str) -> int:
    try:
        count = len(data)
    except Exception as error:  # the caller's code may raise anything
        raise DataError(
            f"{where}: the {type(data).__name__} has no length, so it is a stream; expected a data set that gives "
            "(picture, label) at each index: collect the stream into arrays."
        ) from error
    if not count:
        raise DataError(f"{where}: there are no pictures, for the {type(data).__name__} is empty.")
    return count


def _pair(data: Any, index: int, where: str, background: Background) -> tuple[NDArray[Any], Any]:
    """Return one picture (H, W, C) and its label."""
    try:
        pair = data[index]
    except Exception as error:
        raise DataError(
            f"{where}: the {type(data).__name__} does not give picture {index:,} (counted from 0): "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        found = f"{len(pair)} things" if isinstance(pair, tuple | list) else f"a {type(pair).__name__}"
        raise DataError(
            f"{where}: the {type(data).__name__} gives {found} for picture {index:,} (counted from 0), expected a pair "
            "(picture, label)."
        )
    picture, label = pair
    return _picture(picture, f"{where}: picture {index:,} (counted from 0)", background), label


def _picture(picture: Any, place: str, background: Background) -> NDArray[Any]:
    """Return one picture (H, W, C), of Pillow's, an array or a tensor."""
    if is_picture(picture):
        return as_bytes(picture, place, background)
    single = as_array(picture, place)[np.newaxis]
    array: NDArray[Any] = _layout(single.shape, single.dtype, place).arrange(single)[0]
    return array


def _several(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array without labels as one of several pictures; a single grey picture (H, W) becomes one of one.

    Labels would say how many pictures there are; without them, some shapes can be read in two ways.

    Raises:
        DataError: the shape is one of these.
    """
    shape = array.shape
    if len(shape) == 2 and layout_of(shape) is None:
        return array[np.newaxis]
    doubtful = (len(shape) == 2 and shape[0] == shape[1]) or (
        len(shape) == 3 and {shape[0], shape[2]} & {1, 3}
    )
    if doubtful:
        raise DataError(
            f"{where}: an array of the shape {shape} can be one picture or {shape[0]}. Pass one picture as "
            "picture[None], several as (N, H, W, C)."
        )
    return array


def _given_labels(labels: Any, where: str) -> NDArray[Any]:
    return _labels(
        labels if isinstance(labels, list | tuple) else as_array(labels, f"{where}, labels"), where
    )


def _check_alike(picture: NDArray[Any], first: NDArray[Any], index: int, where: str) -> None:
    if picture.shape != first.shape:
        shape, wanted = ("x".join(map(str, array.shape)) for array in (picture, first))
        raise DataError(
            f"{where}: picture {index:,} (counted from 0) is {shape}, the first is {wanted}; expected one size and one "
            f"number of channels: let the data set resize them, as torchvision's Resize({first.shape[:2]}) does."
        )
    if picture.dtype != first.dtype:
        raise DataError(
            f"{where}: picture {index:,} (counted from 0) has values of type {picture.dtype}, the first of type "
            f"{first.dtype}; expected one type."
        )


def _converted(
    blocks: Blocks, shape: tuple[int, int, int, int], dtype: np.dtype[Any], where: str, factor: float | None
) -> tuple[NDArray[np.uint8], float | None]:
    """Return all pictures as uint8, and what floats were multiplied by."""
    images = allocate_in_memory(shape[0], shape[1:3], shape[3])
    if dtype.kind != "f":
        for first, block in blocks():
            scale = ValueRange(255.0 if dtype.kind == "b" else 1.0)
            images[first : first + len(block)] = scale.to_bytes(block, where, first)
        return images, None
    for candidate in (factor,) if factor is not None else (255.0, 1.0):
        top = 255.0 / candidate
        for first, block in blocks():
            high = _highest(block, first, where)
            if high > top * (1 + _SLACK):
                break  # 0..1 is tried first; one value above it, and the values are meant as 0..255
            # Float16 does not hold 255 steps between 0 and 1 and would lose some on the way.
            values = block.astype(np.float32, copy=False).clip(0, top)
            images[first : first + len(block)] = ValueRange(candidate).to_bytes(values, where, first)
        else:
            return images, candidate
    wanted = "the range that train has" if factor is not None else _NOT_NORMALISED
    raise DataError(f"{where}: there is a value {high:g}, expected pixels in 0..{top:g}, {wanted}.")


def _highest(block: NDArray[Any], first: int, where: str) -> float:
    """Return the highest value; refuse what is below 0 or no number."""
    flat = block.reshape(len(block), -1)
    bad = ~((flat >= -_SLACK) & np.isfinite(flat))  # a NaN is neither
    if bad.any():
        row = int(np.argmax(bad.any(axis=1)))
        value = flat[row][bad[row]][0]
        raise DataError(
            f"{where}: picture {first + row:,} (counted from 0) has the value {value:g}, expected pixels in 0..1 or "
            f"0..255; {_NOT_NORMALISED}."
        )
    return float(flat.max())


def _labels(values: Any, where: str) -> NDArray[Any]:
    """Return labels as one array, of numbers or of texts."""
    if isinstance(values, list | tuple):
        plain = [
            as_array(label, f"{where}, labels") if hasattr(label, "__array__") else label for label in values
        ]
        array = np.empty(0)
        if len({isinstance(label, str) for label in plain}) < 2:  # of a mixture, NumPy would make texts
            with contextlib.suppress(ValueError):  # of different shapes
                array = np.array(plain)
    else:
        array = values
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array.flat):
        array = array.astype(str)
    if array.dtype.kind not in "buifU" or not len(array):
        raise DataError(
            f"{where}: the labels are neither all numbers nor all texts, expected for each picture a whole number, a "
            "class name, or a row with a single 1."
        )
    return array
