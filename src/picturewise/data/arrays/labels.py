"""Class numbers as other tools write them, brought to (N,) int64, and the names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable

MAX_CLASSES = 10_000
_EXPECTED = "expected class numbers as (N,), (N, 1) or one-hot (N, classes)"


def to_labels(values: Any, count: int, where: str, *, most: int = MAX_CLASSES - 1) -> NDArray[np.int64]:
    """Return class numbers (N,) int64 of a list, or of an array (N,), (N, 1) or one-hot (N, K).

    Args:
        values: what a file holds.
        count: how many pictures there are.
        where: what to call the labels in an error.
        most: the largest class number.

    Raises:
        DataError: there are not `count`, or they are no whole numbers in 0..`most`.
    """
    if isinstance(values, list | tuple):
        values = _listed(values, where, most)
    if not isinstance(values, np.ndarray):
        raise DataError(f"{where} is no array or list, {_EXPECTED}.")
    if values.dtype.kind not in "buif":
        kind = "texts" if values.dtype.kind in "US" else f"values of type {values.dtype}"
        raise DataError(f"{where} holds {kind}, {_EXPECTED}.")
    if values.ndim not in {1, 2}:
        raise DataError(f"{where} has the shape {values.shape}, {_EXPECTED}.")
    if len(values) != count:
        raise DataError(f"{where} holds {len(values):,} labels for {count:,} pictures, expected one each.")
    flat = _from_one_hot(values, where) if values.ndim == 2 and values.shape[1] != 1 else values.reshape(-1)
    good = (flat >= 0) & (flat <= most) & (flat == np.floor(flat))  # a NaN is none of these
    if not good.all():
        at = int(np.argmin(good))
        raise _no_class(where, at, f"{flat[at]:.12g}", most)
    labels: NDArray[np.int64] = flat.astype(np.int64)
    return labels


def check_labels(labels: NDArray[np.int64], classes: Sequence[object], where: str) -> None:
    """Refuse labels that stand for no class.

    Raises:
        DataError: a label is as large as the number of classes, or larger.
    """
    bad = labels >= len(classes)
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{where}: label {at:,} (counted from 0) is {labels[at]}, expected one of the {len(classes):,} classes "
            f"that there are, 0..{len(classes) - 1}."
        )


def numbered_classes(labels: NDArray[np.int64] | None) -> tuple[str, ...]:
    """Return the names "0" to the largest label's.

    >>> numbered_classes(np.array([2, 0]))
    ('0', '1', '2')
    """
    return () if labels is None else tuple(str(number) for number in range(int(labels.max(initial=-1)) + 1))


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


def _listed(values: Sequence[Any], where: str, most: int) -> NDArray[np.float64]:
    for at, value in enumerate(values):
        # Larger numbers would not fit, and are no class numbers either. A NaN is not smaller.
        if type(value) not in {int, float, bool} or not abs(value) < 1 << 53:
            raise _no_class(where, at, printable(repr(value)[:40]), most)
    return np.array(values, np.float64)


def _no_class(where: str, at: int, found: str, most: int) -> DataError:
    return DataError(
        f"{where}: label {at:,} (counted from 0) is {found}, expected a whole number in 0..{most}."
    )


def _from_one_hot(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    """(N, K) with a single 1 in each row → (N,)."""
    good = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
    if not good.all():
        raise DataError(
            f"{where} has the shape {values.shape} and row {int(np.argmin(good)):,} (counted from 0) is not one-hot, "
            "expected one number for each picture, or one column per class with a single 1 in each row."
        )
    found: NDArray[np.int64] = values.argmax(axis=1)
    return found
