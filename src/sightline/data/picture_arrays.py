"""Arrays of pictures and labels as others lay them out, brought to ours: (N, H, W, C) uint8 and (N,) int64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.names import printable
from sightline.data.room import Room, room_for
from sightline.errors import DataError

MAX_SIDE = 4096
MAX_CLASSES = 10_000
_ROWS = 1024  # pictures that are converted at a time
_SLACK = 1e-3  # of the range: what rounding in 32 or 16 bits moves a value by


@dataclass(frozen=True)
class Scale:
    """How stored values become 0..255: `(value * spread + centre) * factor`, each of them for every pixel or one.

    Attributes:
        factor: 255 where the values lie in 0..1, else 1.
        spread: (1 or H, W, C) what the values were divided by.
        centre: (1 or H, W, C) what was taken from them before.
    """

    factor: float = 1.0
    spread: NDArray[np.float64] | None = None
    centre: NDArray[np.float64] | None = None

    def restored(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return values without the normalisation, in the range that they had before it."""
        with np.errstate(all="ignore"):  # what is not finite is refused by whoever looks at the values
            floats = values.astype(np.float64)
            if self.spread is not None:
                floats *= self.spread
            if self.centre is not None:
                floats += self.centre
        return floats


def as_pictures(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return a view (N, H, W, C) of (N, H, W), (N, H, W, C), (N, C, H, W) or (N, side * side), C = 1 or 3.

    Raises:
        DataError: the shape is none of these.
    """
    shape = array.shape
    if array.ndim == 2 and (side := math.isqrt(shape[1])) ** 2 == shape[1] and side > 1:
        array = array.reshape(len(array), side, side, 1)  # (N, H · W) → (N, H, W, 1)
    elif array.ndim == 3:
        array = array[:, :, :, np.newaxis]  # (N, H, W) → (N, H, W, 1)
    elif array.ndim == 4 and shape[3] not in {1, 3} and shape[1] in {1, 3}:
        array = array.transpose(0, 2, 3, 1)  # (N, C, H, W) → (N, H, W, C)
    if array.ndim != 4 or array.shape[3] not in {1, 3}:
        raise DataError(
            f"{where} has the shape {shape}, expected pictures as (N, H, W), (N, H, W, C) or (N, C, H, W) with "
            "1 or 3 channels C."
        )
    if len(array) == 0:
        raise DataError(f"{where} holds no pictures: its shape is {shape}.")
    if not all(1 <= side <= MAX_SIDE for side in array.shape[1:3]):
        raise DataError(f"{where} has the shape {shape}, expected a height and width in 1..{MAX_SIDE}.")
    if array.dtype.kind not in "buif":
        raise DataError(f"{where} holds values of type {array.dtype}, expected numbers.")
    return array


def find_scale(
    pictures: NDArray[Any],
    where: str,
    *,
    mean: NDArray[np.float64] | None = None,
    std: NDArray[np.float64] | None = None,
) -> Scale:
    """Return how the values become 0..255, decided by their range.

    Whole numbers are taken as they are. Floats that lie in 0..1 or 0..255 are not normalised; of others, what was
    done with `std` and `mean`, or with `mean` alone, is undone, and the range that comes out must be one of these.

    Args:
        pictures: (N, H, W, C), those of train.
        where: what to call them in an error.
        mean: (H, W, C) or broadcast to it: what may have been taken from each picture.
        std: the same, what may have been its divisor.

    Raises:
        DataError: some values are not finite, or no way leads to such a range.
    """
    if pictures.dtype.kind == "b":
        return Scale(255.0)
    if pictures.dtype.kind in "ui":
        return Scale()
    ways = [Scale()]
    if mean is not None:
        ways.append(Scale(1.0, None, mean))
    if std is not None:
        ways.insert(1 if _divided(pictures, std) else len(ways), Scale(1.0, std, mean))
    for way in ways:
        low, high = _range(pictures, way, where)
        for top in (1.0, 255.0):
            if -_SLACK * top <= low and high <= top * (1 + _SLACK):
                return Scale(255.0 / top, way.spread, way.centre)
    low, high = _range(pictures, Scale(), where)
    raise DataError(
        f"{where} holds values in {low:g}..{high:g}, expected 0..1 or 0..255; if they are normalised, "
        "mean_image and std_image must be in the file and lead back to one of these."
    )


def to_bytes(pictures: NDArray[Any], scale: Scale, where: str, room: Room = room_for) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) as uint8; uint8 in our layout comes back uncopied.

    Raises:
        DataError: values are not finite, or outside 0..255 after scaling; or memory does not suffice.
    """
    if pictures.dtype == np.uint8:
        return np.ascontiguousarray(pictures)
    count, height, width, channels = pictures.shape
    images = room(count, (height, width), channels)
    for start in range(0, count, _ROWS):
        values = scale.restored(pictures[start : start + _ROWS])
        values *= scale.factor
        low, high = values.min(), values.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise _not_finite(where)
        if low < -1 or high > 256:
            raise DataError(
                f"{where} holds values in {low:g}..{high:g} where 0..255 are expected, the range that train has."
            )
        images[start : start + _ROWS] = np.rint(values).clip(0, 255)
    return images


def to_labels(value: Any, count: int, where: str) -> NDArray[np.int64]:
    """Return labels (N,) int64 of a list of whole numbers, or of an array (N,), (N, 1) or one-hot (N, K).

    Raises:
        DataError: they are something else, are not `count` many, or are no class numbers.
    """
    if isinstance(value, list | tuple):
        if not all(type(label) is int and abs(label) < 1 << 31 for label in value):
            raise DataError(f"{where} holds labels that are no whole numbers, expected class numbers.")
        value = np.array(value, dtype=np.int64)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "buif":
        raise DataError(
            f"{where} holds no whole numbers, expected labels (N,), (N, 1) or one-hot (N, classes)."
        )
    if value.ndim == 2 and value.shape[1] > 1:
        value = _from_one_hot(value, where)
    elif value.ndim == 2:
        value = value[:, 0] if value.shape[1] else value.reshape(-1)  # (N, 1) → (N,)
    if value.ndim != 1:
        raise DataError(
            f"{where} has the shape {value.shape}, expected labels (N,), (N, 1) or one-hot (N, classes)."
        )
    if len(value) != count:
        raise DataError(f"{where} holds {len(value):,} labels for {count:,} pictures, expected one each.")
    if value.dtype.kind == "f" and not (np.isfinite(value).all() and (value == np.rint(value)).all()):
        raise DataError(f"{where} holds labels that are no whole numbers, expected class numbers.")
    if count and not 0 <= value.min() <= value.max() < MAX_CLASSES:
        raise DataError(
            f"{where} holds labels in {value.min():g}..{value.max():g}, expected class numbers in "
            f"0..{MAX_CLASSES - 1}; the file may be damaged."
        )
    labels: NDArray[np.int64] = value.astype(np.int64)
    return labels


def check_labels(labels: NDArray[np.int64], classes: Sequence[str], where: str) -> None:
    """Refuse labels that stand for no class.

    Raises:
        DataError: a label is as large as the number of classes, or larger.
    """
    if len(labels) and labels.max() >= len(classes):
        raise DataError(
            f"{where} holds labels up to {labels.max()}, but there are {len(classes)} classes "
            f"(0..{len(classes) - 1}); the file may be damaged."
        )


def to_class_names(value: Any, where: str) -> tuple[str, ...]:
    """Return the class names of a list of texts, of bytes, or of an array of texts.

    Raises:
        DataError: they are something else, or one stands there twice.
    """
    texts = value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value
    if not isinstance(texts, list | tuple) or not all(isinstance(name, str | bytes) for name in texts):
        raise DataError(f"{where} holds no list of texts, expected the names of the classes.")
    names = tuple(as_text(name) for name in texts)
    if len(set(names)) < len(names) or len(names) > MAX_CLASSES:
        raise DataError(f"{where} holds {len(names):,} class names, some of them twice or far too many.")
    return names


def as_text(name: str | bytes) -> str:
    """Return a name that is fit to print; bytes are what Python 2 wrote."""
    return printable(name if isinstance(name, str) else name.decode("utf-8", "replace"))


def _from_one_hot(value: NDArray[Any], where: str) -> NDArray[np.int64]:
    """(N, K) with a single 1 in each row → (N,)."""
    if not (((value == 0) | (value == 1)).all() and (value.sum(axis=1) == 1).all()):
        raise DataError(
            f"{where} has the shape {value.shape} and is not one-hot, expected a single 1 in each row and else 0."
        )
    found: NDArray[np.int64] = value.argmax(axis=1)
    return found


def _divided(pictures: NDArray[Any], std: NDArray[np.float64]) -> bool:
    """Return whether centred values were divided by `std`: their mean square is then nearer to 1 than to its own.

    The range does not tell: pictures that were not divided seem grey, but right, after one multiplication more.
    """
    total = sum(
        float(np.square(pictures[start : start + _ROWS], dtype=np.float64).sum())
        for start in range(0, len(pictures), _ROWS)
    )
    own, found = float(np.square(std).mean()), total / pictures.size
    return not (found > 0 and own > 0) or abs(math.log(found)) <= abs(math.log(found / own))


def _range(pictures: NDArray[Any], way: Scale, where: str) -> tuple[float, float]:
    """Return the smallest and the largest value after the way back."""
    low, high = math.inf, -math.inf
    for start in range(0, len(pictures), _ROWS):
        values = way.restored(pictures[start : start + _ROWS])
        least, most = float(values.min()), float(values.max())
        if not (math.isfinite(least) and math.isfinite(most)):  # a NaN anywhere makes both NaN
            raise _not_finite(where)
        low, high = min(low, least), max(high, most)
    return low, high


def _not_finite(where: str) -> DataError:
    return DataError(
        f"{where} holds values that are NaN or infinite, expected 0..1 or 0..255; mend or drop them."
    )
