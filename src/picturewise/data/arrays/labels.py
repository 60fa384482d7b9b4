"""Labels as other tools write them: class numbers or names, converted to (N,) int64, and pictures without a label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.names import listed, natural_order
from picturewise.printable import printable

MAX_CLASSES = 10_000
UNLABELLED = -1
"""The label number that means "no label"."""
_WAY_OUT = "Pass class numbers of shape (N,) or (N, 1), or one-hot labels of shape (N, classes)."
_BYTE_MARK = 255  # -1 as a byte


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """The labels of one split as a file has them.

    Attributes:
        numbers: (N,) int64, the class numbers in the file, or positions in `names`; `UNLABELLED` without a label.
        names: the different strings, in natural order, if the labels are strings.
        mark: the value in the file that means "no label".
    """

    numbers: NDArray[np.int64]
    names: tuple[str, ...] | None = None
    mark: str = "-1"

    @property
    def are_there(self) -> bool:
        """Whether any picture has a label."""
        return bool((self.numbers != UNLABELLED).any())


@dataclass(frozen=True)
class Numbering:
    """Which number means which class, decided by train.

    Attributes:
        classes: the names, in the order of the numbers that Picturewise gives.
        first: the number of the first class in the file: 1 if it counts from one.
        by_name: the file has names, not numbers.
        notes: what to tell the user about it.
    """

    classes: tuple[str, ...]
    first: int = 0
    by_name: bool = False
    notes: tuple[str, ...] = ()

    def of(self, labels: GivenLabels, where: str) -> NDArray[np.int64]:
        """Return labels (N,) as positions in `classes`, or `UNLABELLED`.

        Raises:
            DataError: a label is not among the classes.
        """
        if (labels.names is not None) != self.by_name and labels.are_there:
            kinds = ("class names", "class numbers")
            raise DataError(
                f"{where} contains {kinds[labels.names is None]}, but the training labels are "
                f"{kinds[not self.by_name]}. Use the same kind in all splits."
            )
        if labels.names is None:
            check_labels(labels.numbers - self.first, self.classes, where, shown=self.first)
            marked = labels.numbers == UNLABELLED
            if self.first and (labels.numbers == 0).any():
                raise DataError(
                    f"{where}: a label is 0, but the training labels start at {self.first}. Number the classes from "
                    "the same number in all splits."
                )
            return np.where(marked, UNLABELLED, labels.numbers - self.first)
        places = {name: place for place, name in enumerate(self.classes)}
        unknown = [name for name in labels.names if name not in places]
        if unknown:
            raise DataError(
                f"{where} contains unknown labels: {listed(unknown)}. Use only the classes "
                f"{listed(self.classes)}."
            )
        # The last element is the one that UNLABELLED, -1, selects.
        lookup = np.array([*(places[name] for name in labels.names), UNLABELLED], np.int64)
        return lookup[labels.numbers]


def number_classes(labels: GivenLabels | None, names: tuple[str, ...] | None, where: str) -> Numbering:
    """Return which number means which class.

    Args:
        labels: those of train; None: there are none.
        names: of the classes, in the order of the numbers, if they are known.
        where: what to call the labels in an error.

    Raises:
        DataError: labels are strings that are not among `names`.
    """
    if labels is None:
        return Numbering(names or ())
    if labels.names is not None:
        numbering = Numbering(names or labels.names, by_name=True)
        numbering.of(labels, where)
        return numbering
    if names is None:
        return Numbering(numbered_classes(labels.numbers))
    there = labels.numbers[labels.numbers != UNLABELLED]
    if len(there) and there.min() == 1 and there.max() == len(names):
        note = (
            f"{where}: the labels start at 1, so 1 means '{names[0]}' and {len(names)} means '{names[-1]}'."
        )
        return Numbering(names, 1, notes=(note,))
    return Numbering(names)


def given_labels(values: Any, count: int, where: str, *, most: int = MAX_CLASSES - 1) -> GivenLabels:
    """Return the labels in a list, or in an array (N,), (N, 1), (1, N), (N, 1, 1, 1) or one-hot (N, K).

    Numbers may be whole floats. A label of -1, NaN, None or an empty string means that the picture has no label; so
    does 255 among bytes whose other values are below 100.

    Args:
        values: what a file holds: numbers, strings or bytes.
        count: the number of pictures.
        where: what to call the labels in an error.
        most: the largest class number.

    Raises:
        DataError: there are not exactly `count` labels, or they are neither strings nor integers up to `most`.
    """
    if isinstance(values, list | tuple):
        values = _listed(values, where, most)
    if not isinstance(values, np.ndarray):
        raise DataError(f"{where} is not an array or a list. {_WAY_OUT}")
    if values.dtype.kind not in "buifUS":
        raise DataError(
            f"{where} contains values of type {values.dtype}, which is not valid for labels. {_WAY_OUT}"
        )
    if values.ndim > 2 and math.prod(values.shape[1:]) == 1:  # (N, 1, 1, 1)
        values = values.reshape(-1)
    if values.ndim == 2 and values.shape[0] == 1 and values.shape[1] == count > 1:  # (1, N)
        values = values.reshape(-1)
    if values.ndim not in {1, 2} or (values.dtype.kind in "US" and values.shape[1:] not in {(), (1,)}):
        raise DataError(f"{where} has shape {values.shape}, which is not valid for labels. {_WAY_OUT}")
    if len(values) != count:
        raise DataError(
            f"{where} contains {len(values):,} labels for {count:,} pictures. Pass one label for each picture."
        )
    if values.dtype.kind in "US":
        return _texts(values.reshape(-1), where)
    flat = _from_one_hot(values, where) if values.ndim == 2 and values.shape[1] != 1 else values.reshape(-1)
    marked, mark = _marked(flat)
    good = marked | ((flat >= 0) & (flat <= most) & (flat == np.floor(flat)))
    if not good.all():
        at = int(np.argmin(good))
        raise _no_class(where, at, f"{flat[at]:.12g}", most)
    labels = np.where(marked, 0, flat).astype(np.int64)
    labels[marked] = UNLABELLED
    return GivenLabels(labels, None, mark)


def to_labels(values: Any, count: int, where: str, *, most: int = MAX_CLASSES - 1) -> NDArray[np.int64]:
    """Return the class numbers (N,) int64 in a list or an array, see `given_labels`; every picture must have one.

    Args:
        values: what a file holds.
        count: the number of pictures.
        where: what to call the labels in an error.
        most: the largest class number.

    Raises:
        DataError: there are not exactly `count` labels, or they are not integers in 0..`most`.
    """
    labels = given_labels(values, count, where, most=most)
    if labels.names is not None:
        raise DataError(f"{where} contains strings. {_WAY_OUT}")
    if (labels.numbers == UNLABELLED).any():
        raise _no_class(where, int(np.argmax(labels.numbers == UNLABELLED)), labels.mark, most)
    return labels.numbers


def check_labels(labels: NDArray[np.int64], classes: Sequence[object], where: str, *, shown: int = 0) -> None:
    """Refuse labels that do not mean any class.

    Args:
        labels: class numbers.
        classes: one for each number.
        where: what to call the labels in an error.
        shown: by how much the file's own numbers are larger.

    Raises:
        DataError: a label is as large as the number of classes, or larger.
    """
    bad = labels >= len(classes)
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{where}: label {at:,} (counted from 0) is {labels[at] + shown}, but there are only {len(classes):,} "
            f"classes. Use labels in {shown}..{len(classes) - 1 + shown}."
        )


def check_labelled(labels: NDArray[np.int64], where: str, mark: str = "-1", *, skip_bad: bool) -> None:
    """Refuse pictures without a label among pictures that have one, unless they are to be left out.

    Raises:
        DataError: there are some.
    """
    without = labels == UNLABELLED
    if without.any() and not skip_bad:
        known = f", or number the classes from 0 if {mark} is a class" if mark[:1] in "-2" else ""
        raise DataError(
            f"{where} does not have labels for {int(without.sum()):,} of {len(labels):,} pictures: label "
            f"{int(np.argmax(without)):,} (counted from 0) is {mark}. Leave these pictures out with --skip-bad{known}."
        )


def numbered_classes(labels: NDArray[np.int64] | None) -> tuple[str, ...]:
    """Return the names "0", "1", … up to the largest label.

    >>> numbered_classes(np.array([2, 0]))
    ('0', '1', '2')
    """
    return () if labels is None else tuple(str(number) for number in range(int(labels.max(initial=-1)) + 1))


def to_class_names(value: Any, where: str) -> tuple[str, ...]:
    """Return the class names of a list of strings, of bytes, of an array of strings, or of a dict of names and numbers.

    Raises:
        DataError: they are something else, or a name occurs twice.
    """
    if isinstance(value, Mapping):
        value = _in_order(value)
    texts = value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value
    if not isinstance(texts, list | tuple) or not all(isinstance(name, str | bytes) for name in texts):
        raise DataError(f"{where} is not a list of strings. Expected the names of the classes.")
    names = tuple(as_text(name) for name in texts)
    if len(names) > MAX_CLASSES:
        raise DataError(
            f"{where} contains {len(names):,} class names, but at most {MAX_CLASSES:,} are allowed."
        )
    if len(set(names)) < len(names):
        twice = max(names, key=Counter(names).__getitem__)
        raise DataError(
            f"{where} contains the class name '{twice[:60]}' twice. Use a different name for each class."
        )
    return names


def are_numbers_in_order(value: Any) -> bool:
    """Return whether a list or an array of class "names" is 0, 1, 2, …: they are not real names."""
    if not isinstance(value, list | tuple | np.ndarray):
        return False
    values = np.asarray(value).reshape(-1)
    return values.dtype.kind in "iuf" and bool(np.array_equal(values, np.arange(len(values))))


def as_text(name: str | bytes) -> str:
    """Return a name that is safe to print; Python 2 wrote bytes."""
    return printable(name if isinstance(name, str) else name.decode("utf-8", "replace"))


def _in_order(names: Mapping[Any, Any]) -> Any:
    """Return the names of {0: name, …} or {name: 0, …} in the order of their numbers; else the dict itself."""
    for table in (names, {number: name for name, number in names.items() if type(number) is int}):
        if len(table) == len(names) and set(table) == set(range(len(table))):
            return [table[number] for number in range(len(table))]
    return names


def _marked(flat: NDArray[Any]) -> tuple[NDArray[np.bool_], str]:
    """Return which labels mean "no label", and the value that they have."""
    if flat.dtype.kind == "f" and np.isnan(flat).any():
        return np.isnan(flat) | (flat == UNLABELLED), "nan"
    if flat.dtype == np.uint8:
        marked = flat == _BYTE_MARK
        others = flat[~marked]
        if marked.any() and others.max(initial=0) < 100:
            return marked, f"{_BYTE_MARK} (-1 as a byte)"
        return np.zeros(len(flat), bool), "-1"
    return (flat == UNLABELLED) if flat.dtype.kind in "if" else np.zeros(len(flat), bool), "-1"


def _texts(values: NDArray[Any], where: str) -> GivenLabels:
    found, inverse = np.unique(values, return_inverse=True)
    texts = [as_text(text).strip() for text in found.tolist()]
    names = tuple(sorted({text for text in texts if text}, key=natural_order))
    if len(names) > MAX_CLASSES:
        raise DataError(
            f"{where} contains {len(names):,} different labels, but at most {MAX_CLASSES:,} are allowed. Check that "
            "they are class names, not free text."
        )
    places = {name: place for place, name in enumerate(names)} | {"": UNLABELLED}
    numbers = np.array([places[text] for text in texts], np.int64)[inverse.reshape(-1)]
    return GivenLabels(numbers, names, "empty")


def _listed(values: Sequence[Any], where: str, most: int) -> NDArray[Any]:
    """Return a list of labels as an array; None becomes the mark for a missing label."""
    flat = [value[0] if isinstance(value, list | tuple) and len(value) == 1 else value for value in values]
    if isinstance(next((value for value in flat if value is not None), 0), str | bytes):
        for at, value in enumerate(flat):
            if not isinstance(value, str | bytes | None):
                raise DataError(
                    f"{where}: label {at:,} (counted from 0) is {printable(repr(value)[:40])}, but the labels before "
                    "it are strings. Use strings for all labels."
                )
        return np.array(["" if value is None else as_text(value) for value in flat])
    if flat and isinstance(flat[0], list | tuple):
        return np.array([_row(value, len(flat[0]), at, where, most) for at, value in enumerate(flat)])
    for at, value in enumerate(flat):
        # Larger numbers would not fit, and are not class numbers either. NaN does not compare as larger.
        if value is not None and (type(value) not in {int, float, bool} or abs(value) >= 1 << 53):
            raise _no_class(where, at, printable(repr(value)[:40]), most)
    return np.array([math.nan if value is None else value for value in flat], np.float64)


def _row(value: Any, length: int, at: int, where: str, most: int) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != length or set(value) - {0, 1}:
        raise _no_class(where, at, printable(repr(value)[:40]), most)
    return [float(number) for number in value]


def _no_class(where: str, at: int, found: str, most: int) -> DataError:
    return DataError(f"{where}: label {at:,} (counted from 0) is {found}. Expected an integer in 0..{most}.")


def _from_one_hot(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    """(N, K) with a single 1 in each row → (N,)."""
    good = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
    if not good.all():
        raise DataError(
            f"{where} has shape {values.shape}, but row {int(np.argmin(good)):,} (counted from 0) is not one-hot. "
            "Pass one number for each picture, or one column per class with a single 1 in each row."
        )
    found: NDArray[np.int64] = values.argmax(axis=1)
    return found
