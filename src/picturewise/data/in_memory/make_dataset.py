"""`make_dataset`: a `Dataset` of what Python code has in its hands, its missing splits held out as those of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.labels import MAX_CLASSES, to_labels
from picturewise.data.contract import Part, Progress
from picturewise.data.dataset import Dataset, check_shapes
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.arrays_and_pairs import ArraysOfSplit, from_arrays, from_pairs
from picturewise.data.options import DataOptions, data_options
from picturewise.data.splitting.hold_out import complete
from picturewise.errors import DataError, UsageError
from picturewise.names import listed, natural_order
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

NAME = "pictures"
_EXPECTED = (
    "expected a pair (pictures, labels) of arrays or tensors, a data set with a length that gives (picture, label) at "
    "each index, or a picturewise.ImageSet"
)


class Pairs(Protocol):
    """What PyTorch calls a map-style data set."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Return (picture, label)."""
        ...


SplitGiven: TypeAlias = ImageSet | tuple[Any, Any] | Pairs
DataGiven: TypeAlias = SplitGiven | Mapping[Any, SplitGiven]
"""One split, from which the others are held out, or several by name."""


def make_dataset(
    train: SplitGiven | None,
    *,
    valid: SplitGiven | None = None,
    test: SplitGiven | None = None,
    classes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    name: str = NAME,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    group_by: str | None = None,
) -> Dataset:
    """Return a data set of arrays, tensors, PyTorch data sets or image sets; splits that are left out are held out.

    A split is a pair (pictures, labels), a data set that gives (picture, label) at each index below its length, or
    an `ImageSet`. Pictures are (N, H, W), (N, H, W, C) or (N, C, H, W), whole numbers in 0..255 or floats in 0..1 or
    0..255, or come one by one, as (H, W), (H, W, C), (C, H, W) or Pillow's. Arrays (N, H, W, C) uint8 are not copied.
    Labels are whole numbers, one-hot rows, or class names. Leave normalisation and augmentation to Picturewise.

    Args:
        train: pictures to learn from; None: none, for a set to evaluate on.
        valid: pictures to choose with; None: held out from train.
        test: pictures to evaluate with; None: held out from train, before valid is.
        classes: the class names in the order of the label numbers; None: those that train brings, or sorted from its
            labels, or `0` to the largest of them.
        names: of the pictures of train, such as file names.
        name: of the data set, short, fit for a folder name.
        valid_fraction: share of train that is held out, where valid is.
        test_fraction: share of train that is held out, where test is.
        split_seed: another one gives other held out splits.
        group_by: what is not parted where a split is held out, as for `read_dataset`; looked for in `names`.

    Raises:
        UsageError: something of another kind was handed in.
        DataError: pictures or labels cannot be used.
    """
    options = data_options(
        source=name,
        valid_fraction=valid_fraction,
        test_fraction=test_fraction,
        split_seed=split_seed,
        group_by=group_by,
    )
    given: dict[str, SplitGiven | None] = {"train": train, "valid": valid, "test": test}
    splits = {split: part for split, part in given.items() if part is not None}
    parts = collect(splits, classes=classes, names=names, name=name)
    return with_all_splits(name, parts, options)


def collect(
    data: DataGiven,
    *,
    classes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    name: str = NAME,
    progress: Progress | None = None,
) -> dict[SplitName, ImageSet]:
    """Return what was handed in as image sets by split; a single one is train. Nothing is held out.

    Args:
        data: one split, or several by name.
        classes: as for `make_dataset`.
        names: as for `make_dataset`.
        name: of the data set, for messages.
        progress: called now and then with (done, total) while the pictures of one split are taken.

    Raises:
        UsageError: something of another kind was handed in.
        DataError: pictures or labels cannot be used.
    """
    known = None if classes is None else _checked_names(classes, name)
    factor, parts = None, {}
    for split, part in _by_split(data).items():
        origin = f"{name} ({split})"
        if isinstance(part, ImageSet):
            parts[split] = part
        else:
            given = _given(part, origin, factor, progress)
            factor = given.factor if factor is None else factor
            known = known or _own_classes(part, origin) or _classes_of(given.labels, origin)
            numbers = _numbers(given, known, origin)
            parts[split] = ImageSet(given.images, numbers, known, origin)
        known = known or parts[split].classes
        if parts[split].classes != known:
            raise DataError(
                f"{origin} has the classes {listed(parts[split].classes)}, expected {listed(known)}, in this order."
            )
    if names is not None:
        parts["train"] = _named(parts.get("train"), names, name)
    return parts


def with_all_splits(name: str, parts: Mapping[SplitName, ImageSet], options: DataOptions) -> Dataset:
    """Return the data set, its missing splits held out from train as those of files are; see `split.complete`."""
    if not parts:
        raise UsageError(f"{name}: nothing was handed in, {_EXPECTED}.")
    check_shapes(name, parts)
    if "train" not in parts:
        return Dataset(name, valid=parts.get("valid"), test=parts.get("test"))
    train = parts["train"]
    train = replace(train, known=train.traits)  # so that what is held out needs no second look
    held_out, notes = complete(Part(train), parts, SPLITS, options)
    whole = {**parts, **held_out}
    return Dataset(
        name,
        train=whole["train"],
        valid=whole.get("valid"),  # none where there are no labels to hold out by
        test=whole.get("test"),
        notes=tuple(notes),
        reserved=held_out.get("test"),
    )


def _by_split(data: DataGiven) -> dict[SplitName, SplitGiven]:
    """Return the splits in their order; a single one is train."""
    if not isinstance(data, Mapping):
        return {"train": data}
    found: dict[SplitName, SplitGiven] = {}
    for key, part in data.items():
        split = split_of(key) if isinstance(key, str) else None
        if split is None or split in found:
            raise UsageError(
                f"The pictures were handed in under {', '.join(map(repr, data))}, expected any of train, valid and "
                "test, each once."
            )
        found[split] = part
    return {split: found[split] for split in SPLITS if split in found}


def _given(part: SplitGiven, origin: str, factor: float | None, progress: Progress | None) -> ArraysOfSplit:
    if isinstance(part, tuple) and len(part) == 2 and not isinstance(part[0], tuple):
        return from_arrays(*part, origin, factor=factor)
    kind = type(part).__name__
    if isinstance(part, tuple):
        raise UsageError(
            f"{origin} is a tuple of {len(part)}, {_EXPECTED}; several splits go into a dict: "
            "{'train': (pictures, labels), 'test': (pictures, labels)}."
        )
    if hasattr(part, "dtype") and hasattr(part, "shape"):
        raise UsageError(f"{origin} is of type {kind} and has no labels with it, {_EXPECTED}.")
    if isinstance(part, str | bytes | Path | Mapping | Dataset) or not hasattr(part, "__getitem__"):
        loader = " (hand in the dataset of the loader)" if hasattr(part, "dataset") else ""
        raise UsageError(f"{origin} is of type {kind}{loader}, {_EXPECTED}.")
    return from_pairs(part, origin, factor=factor, progress=progress)


def _own_classes(part: SplitGiven, origin: str) -> tuple[str, ...] | None:
    """Return the class names that a data set brings, itself or the one that it is a subset of."""
    place: Any = part
    for _ in range(8):  # a subset of a subset; nothing is nested deeper
        if (classes := getattr(place, "classes", None)) is not None:
            return _checked_names(classes, origin)
        place = getattr(place, "dataset", None)
    return None


def _checked_names(classes: Any, where: str) -> tuple[str, ...]:
    names = [classes] if isinstance(classes, str) else list(classes)
    if (
        not all(isinstance(name, str) for name in names)
        or not 1 < len(set(names)) == len(names) <= MAX_CLASSES
    ):
        raise DataError(
            f"{where}: the classes are {listed(names)}, expected 2 to {MAX_CLASSES:,} texts, each once, in the order "
            "of the label numbers."
        )
    return tuple(map(printable, names))


def _classes_of(labels: NDArray[Any], where: str) -> tuple[str, ...]:
    """Return the classes that the labels themselves tell: sorted texts, or `0` to the largest number."""
    if labels.dtype.kind == "U":
        return tuple(sorted({printable(name) for name in np.unique(labels).tolist()}, key=natural_order))
    if labels.ndim == 2 and labels.shape[1] > 1:
        return tuple(map(str, range(labels.shape[1])))
    return tuple(map(str, range(int(to_labels(labels, len(labels), where).max()) + 1)))


def _numbers(given: ArraysOfSplit, classes: tuple[str, ...], where: str) -> NDArray[np.int64]:
    """Return the labels (N,) as places in `classes`."""
    labels, count = given.labels, len(given.images)
    if labels.dtype.kind != "U":
        numbers = to_labels(labels, count, where)
        if numbers.max() >= len(classes):
            raise DataError(
                f"{where}: there is a label {numbers.max()}, expected one of the {len(classes)} classes "
                f"{listed(classes)}, 0..{len(classes) - 1}."
            )
        return numbers
    if labels.shape != (count,):
        raise DataError(
            f"{where}: labels of the shape {labels.shape} for {count:,} pictures, expected one each."
        )
    found, inverse = np.unique(labels, return_inverse=True)
    places = {name: place for place, name in enumerate(classes)}
    unknown = [name for name in map(printable, found.tolist()) if name not in places]
    if unknown:
        raise DataError(
            f"{where}: there are labels {listed(unknown)}, expected those of the classes {listed(classes)}."
        )
    return np.array([places[printable(name)] for name in found.tolist()], np.int64)[inverse]


def _named(train: ImageSet | None, names: Sequence[str], name: str) -> ImageSet:
    if train is None or len(names) != len(train):
        raise DataError(
            f"{name}: {len(names):,} names for {len(train or ()):,} pictures of train, expected one each."
        )
    return replace(train, names=list(map(str, names)))
