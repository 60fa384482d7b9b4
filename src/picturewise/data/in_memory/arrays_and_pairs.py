"""One split in Python code, arrays or a data set of pairs, converted to (N, H, W, C) uint8 and labels.

PyTorch is not imported for it: a tensor is anything that can be detached and converted to an array, and a data set is
anything that has a length and returns (picture, label) at an index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import allocate_in_memory
from picturewise.data.arrays.find_layout import FoundLayout, find_layout
from picturewise.data.arrays.find_value_range import Seen, decide
from picturewise.data.arrays.layout import MAX_SIDE, check_layout, expected_of, layouts_of
from picturewise.data.arrays.value_range import Conversion, Ends, ValueRange
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.in_memory.pillow_pictures import as_numbers, is_picture
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError

_BYTES_AT_ONCE = 16 << 20  # of the caller's numbers that are examined and converted together
_ADVICE = (
    "Pass pictures without normalisation (Picturewise normalises them itself), or specify the values of black and "
    "white: value_range='{ends}' in make_dataset, --value-range, or data.value_range in a recipe."
)

Blocks = Callable[[], Iterator[tuple[int, NDArray[Any]]]]
"""Yields the number of the first picture, and pictures (n, H, W, C) in the caller's form, until the last one."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a split's numbers before they are examined.

    Attributes:
        hints: what the user says about them.
        learned: the range that a classifier was trained on, if these pictures are for a classifier.
        scale: the range of train's values; None: this is train.
        order: the layout of train's pictures; None: this is train, or its pictures came one by one.
        background: what transparent Pillow pictures are put on.
    """

    hints: Hints = NO_HINTS
    learned: Ends | None = None
    scale: ValueRange | None = None
    order: FoundLayout | None = None
    background: Background = WHITE

    def decide(self, seen: Seen, where: str) -> ValueRange:
        """Return the range of the examined values."""
        if self.hints.value_range is not None:
            return ValueRange.said(self.hints.value_range)
        return self.scale or decide(seen, where, learned=self.learned, advice=_ADVICE)


@dataclass(frozen=True, eq=False)
class ArraysOfSplit:
    """One split as it was passed.

    Attributes:
        images: (N, H, W, C) uint8.
        labels: class numbers (N,), (N, 1) or one-hot (N, K), or class names (N,); None: there are none.
        scale: the range of the values.
        order: the layout of the pictures; None: they came one by one.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any] | None
    scale: ValueRange
    order: FoundLayout | None = None


def from_arrays(pictures: Any, labels: Any, where: str, known: Known) -> ArraysOfSplit:
    """Return the split from an array or tensor of pictures and one of labels; uint8 in our layout is not copied.

    Args:
        pictures: (N, H, W), (N, H, W, C), (N, C, H, W) or (N, pixels of a square), integers or floats.
        labels: one for each picture, see `ArraysOfSplit`; also a list. None: there are none.
        where: what to call the split in an error.
        known: about the values, the layout and the background.

    Raises:
        DataError: shapes, types or values are something else.
    """
    if isinstance(pictures, list) and labels is not None:
        return replace(from_pictures(pictures, where, known), labels=as_labels(labels, where))
    array = as_array(pictures, where)
    if labels is None:
        array = _several(array, where)
    order = _order(array, where, known)
    layout = order.layout
    found = None if labels is None else as_labels(labels, where)

    def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
        step = max(1, _BYTES_AT_ONCE // (array[:1].nbytes or 1))
        for first in range(0, len(array), step):
            yield first, layout.arrange(array[first : first + step])

    if array.dtype == np.uint8:
        scale = known.decide(_bytes_seen(blocks, where), where)
        if (scale.low, scale.high) == (0, 255):
            images = np.ascontiguousarray(layout.arrange(array))
            _check_unit(blocks, scale, where)
            return ArraysOfSplit(images, found, scale, order)
    images, scale = _converted(blocks, (len(array), *layout.shape), array.dtype, where, known)
    return ArraysOfSplit(images, found, scale, order)


def from_pictures(
    pictures: Sequence[Any],
    where: str,
    known: Known,
    *,
    size: tuple[int, int] | None = None,
    mode: ResizeMode = "crop",
) -> ArraysOfSplit:
    """Return a list of pictures, without labels.

    Args:
        pictures: arrays, tensors or Pillow pictures; grey ones among coloured ones get three channels.
        where: what to call the split in an error.
        known: about the values and the layout.
        size: what pictures are resized to if their sizes differ; None: they must not differ.
        mode: how they are resized, see `resize`.

    Raises:
        DataError: there are none, or they differ in size or type.
    """
    if not pictures:
        raise DataError(f"{where}: the list is empty. Pass at least one picture.")
    arrays, order = list[NDArray[Any]](), None
    for number, picture in enumerate(pictures):
        array, order = _picture(picture, f"{where}: picture {number:,} (counted from 0)", known, order)
        arrays.append(array)
    scale = None
    deep = [index for index, array in enumerate(arrays) if array.dtype != np.uint8]
    # Bytes among them are 0..255, and pictures of several sizes are resized as bytes.
    if deep and len({arrays[index].dtype for index in deep}) == 1:
        seen = Seen(arrays[deep[0]].dtype)
        for index in deep:
            seen.add(index, arrays[index][np.newaxis], where)
        scale = known.decide(seen, where)
        for index in deep:
            arrays[index] = scale.to_bytes(arrays[index][np.newaxis], where, index)[0]
    if len({array.shape[2] for array in arrays}) > 1 and all(array.dtype == np.uint8 for array in arrays):
        arrays = [as_channels(array, 3) for array in arrays]
    if size is not None and len({array.shape for array in arrays}) > 1:
        arrays = [resize(array, size, mode=mode) if array.dtype == np.uint8 else array for array in arrays]
    for index, array in enumerate(arrays):
        _check_alike(array, arrays[0], index, where)
    stack = np.stack(arrays)
    if scale is not None:
        return ArraysOfSplit(stack, None, scale)
    images, scale = _converted(lambda: iter([(0, stack)]), stack.shape, stack.dtype, where, known)
    return ArraysOfSplit(images, None, scale)


def from_pairs(
    data: Any,
    where: str,
    known: Known,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ArraysOfSplit:
    """Return the split of a data set that gives (picture, label) for each index below its length.

    Args:
        data: such as PyTorch's map-style data sets; pictures are arrays, tensors or Pillow pictures.
        where: what to call the split in an error.
        known: about the values, the layout and the background.
        progress: called from time to time with (done, total).

    Raises:
        DataError: it returns something else, or pictures of several sizes or types.
    """
    count = _length(data, where)
    first_picture, order, _ = _pair(data, 0, where, known, None)
    labels: list[Any] = []

    def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
        labels.clear()
        step = max(1, _BYTES_AT_ONCE // first_picture.nbytes)
        for first in range(0, count, step):
            pictures = []
            for index in range(first, min(first + step, count)):
                picture, _, label = _pair(data, index, where, known, order)
                _check_alike(picture, first_picture, index, where)
                pictures.append(picture)
                labels.append(label)
            yield first, np.stack(pictures)
            if progress is not None:
                progress(min(first + step, count), count)

    images, scale = _converted(blocks, (count, *first_picture.shape), first_picture.dtype, where, known)
    return ArraysOfSplit(images, _labels(labels, where), scale)


def as_array(value: Any, where: str) -> NDArray[Any]:
    """Return an array, a tensor on any device, or any object that can convert itself to an array, as an array.

    Raises:
        DataError: it is something else, or of a type that NumPy does not know.
    """
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):
            value = value.detach().cpu().numpy()
        if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
            return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{where}: cannot convert the {type(value).__name__} to an array ({error})."
        ) from error
    raise DataError(
        f"{where}: found an object of type {type(value).__name__}. Pass a NumPy array or a tensor; for a list, use "
        "numpy.stack."
    )


def _order(array: NDArray[Any], where: str, known: Known, earlier: FoundLayout | None = None) -> FoundLayout:
    """Return the layout of the pictures in an array: that of train or of an earlier array if there is one."""
    shape, dtype = array.shape, array.dtype
    if shape[:1] == (0,):
        raise DataError(f"{where}: the array is empty (its shape is {shape}). Pass at least one picture.")
    if not layouts_of(shape) or dtype.kind not in "buif":
        channels = f"(N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels C, height and width in 1..{MAX_SIDE}."
        rgba = (
            expected_of(shape)
            if len(shape) == 4 and 4 in {shape[1], shape[3]}
            else f"a numeric array of shape {channels}"
        )
        raise DataError(f"{where}: found an array of shape {shape} and dtype {dtype}. Expected {rgba}")
    before = earlier or known.order
    if before is not None and known.hints.layout is None:
        layout = check_layout(shape, dtype, where, channels_first=before.channels_first)
        return FoundLayout(layout, before.channels_first)
    return find_layout(shape, dtype, lambda rows: array[rows], where, known.hints.layout)


def _length(data: Any, where: str) -> int:
    try:
        count = len(data)
    except Exception as error:  # the caller's code may raise anything
        raise DataError(
            f"{where}: the {type(data).__name__} does not have a length, so it is a stream. Collect it into arrays, or "
            "pass a data set that returns (picture, label) at each index."
        ) from error
    if not count:
        raise DataError(f"{where}: the {type(data).__name__} is empty. Pass at least one picture.")
    return count


def _pair(
    data: Any, index: int, where: str, known: Known, order: FoundLayout | None
) -> tuple[NDArray[Any], FoundLayout | None, Any]:
    """Return one picture (H, W, C), its layout, and its label."""
    try:
        pair = data[index]
    except Exception as error:
        raise DataError(
            f"{where}: the {type(data).__name__} failed at picture {index:,} (counted from 0): "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        found = (
            f"{len(pair)} values"
            if isinstance(pair, tuple | list)
            else f"an object of type {type(pair).__name__}"
        )
        raise DataError(
            f"{where}: the {type(data).__name__} returns {found} for picture {index:,} (counted from 0). Expected "
            "(picture, label)."
        )
    picture, label = pair
    return *_picture(picture, f"{where}: picture {index:,} (counted from 0)", known, order), label


def _picture(
    picture: Any, place: str, known: Known, order: FoundLayout | None
) -> tuple[NDArray[Any], FoundLayout | None]:
    """Return one picture (H, W, C) from a Pillow picture, an array or a tensor, and its layout."""
    if is_picture(picture):
        return as_numbers(picture, place, known.background), order
    single = as_array(picture, place)[np.newaxis]
    order = _order(single, place, known, order)
    return order.layout.arrange(single)[0], order


def _several(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array without labels as (N, …); a single grey picture (H, W) becomes an array of one picture.

    Labels would show how many pictures there are; without them, some shapes are ambiguous.

    Raises:
        DataError: the shape is one of these.
    """
    shape = array.shape
    if len(shape) == 2 and not layouts_of(shape):
        return array[np.newaxis]
    doubtful = (len(shape) == 2 and shape[0] == shape[1]) or (
        len(shape) == 3 and {shape[0], shape[2]} & {1, 3}
    )
    if doubtful:
        raise DataError(
            f"{where}: an array of shape {shape} could be one picture or {shape[0]} pictures. Pass one picture as "
            "picture[None], or several as an array of shape (N, H, W, C)."
        )
    return array


def as_labels(labels: Any, where: str) -> NDArray[Any]:
    """Return labels, a list or an array, as an array of numbers or of strings.

    Raises:
        DataError: they are neither all numbers nor all strings.
    """
    return _labels(
        labels if isinstance(labels, list | tuple) else as_array(labels, f"{where}, labels"), where
    )


def _check_alike(picture: NDArray[Any], first: NDArray[Any], index: int, where: str) -> None:
    if picture.shape != first.shape:
        shape, wanted = ("x".join(map(str, array.shape)) for array in (picture, first))
        raise DataError(
            f"{where}: picture {index:,} (counted from 0) is {shape}, but the first is {wanted}. Give all pictures "
            f"the same size and number of channels, for example with torchvision's Resize({first.shape[:2]})."
        )
    if picture.dtype != first.dtype:
        raise DataError(
            f"{where}: picture {index:,} (counted from 0) has dtype {picture.dtype}, but the first has {first.dtype}. "
            "Convert all to the same dtype."
        )


def _converted(
    blocks: Blocks, shape: tuple[int, ...], dtype: np.dtype[Any], where: str, known: Known
) -> tuple[NDArray[np.uint8], ValueRange]:
    """Return all pictures as uint8, and the range of their values.

    They are converted with the likely range while they are examined, and again if that was wrong, because a data
    set may take long to return them.
    """
    images = allocate_in_memory(shape[0], (shape[1], shape[2]), shape[3])
    seen, scale = Seen(dtype), known.scale
    if known.hints.value_range is not None:
        scale = ValueRange.said(known.hints.value_range)
    if scale is None:
        likely = ValueRange(0.0, 1.0 if dtype.kind in "bf" else 255.0)
        for first, block in blocks():
            seen.add(first, block, where)
            images[first : first + len(block)] = likely.scaled(likely.restored(block))
        scale = known.decide(seen, where)
        if (scale.low, scale.high) == (likely.low, likely.high):
            return images, scale
    conversion = Conversion(scale, where)
    for first, block in blocks():
        images[first : first + len(block)] = conversion.to_bytes(block, first)
    conversion.finish()
    return images, scale


def _bytes_seen(blocks: Blocks, where: str) -> Seen:
    """Return facts about bytes; no more of them are read than necessary."""
    seen = Seen(np.dtype(np.uint8))
    for first, block in blocks():
        seen.add(first, block, where)
        if seen.enough:
            break
    return seen


def _check_unit(blocks: Blocks, scale: ValueRange, where: str) -> None:
    """Refuse bytes that are all far below the range of train."""
    conversion = Conversion(scale, where)
    for first, block in blocks():
        conversion.to_bytes(block, first)
    conversion.finish()


def _labels(values: Any, where: str) -> NDArray[Any]:
    """Return labels as one array, of numbers or of strings."""
    if isinstance(values, list | tuple):
        plain = [
            as_array(label, f"{where}, labels") if hasattr(label, "__array__") else label for label in values
        ]
        array: NDArray[Any] = np.empty(0)
        kinds = {isinstance(label, str) for label in plain if label is not None}
        if len(kinds) < 2:  # NumPy would turn a mixture into strings
            with contextlib.suppress(ValueError):  # their shapes differ
                array = np.array(plain)
    else:
        array = values
    if array.dtype.kind == "O" and {label is None for label in array.flat} == {True, False}:
        texts = any(isinstance(label, str) for label in array.flat)
        array = np.array([("" if texts else np.nan) if label is None else label for label in array.flat])
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array.flat):
        array = array.astype(str)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "buifU" or not len(array):
        raise DataError(
            f"{where}: the labels are neither all numbers nor all strings. Pass an integer, a class "
            "name or a one-hot row for each picture."
        )
    return array
