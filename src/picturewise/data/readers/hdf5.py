"""HDF5 files with arrays named X_train, y_train, X_val, … or train_images, train_labels, or just images, labels.

Groups and several files, such as train.h5 and test.h5, are the parts of one set, according to the words in their names.
Files of MATLAB 7.3 are HDF5 with the axes reversed. A file is opened only in a child process, see `untrusted.confined`
and `hdf5_file`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import (
    GivenLabels,
    Numbering,
    are_numbers_in_order,
    check_labelled,
    number_classes,
    to_class_names,
)
from picturewise.data.arrays.value_range import Ends
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints, does_not_apply
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_names import (
    CLASS_NAMES,
    LABEL_WORDS,
    PICTURE_WORDS,
    ArrayForm,
    Keys,
    find_keys,
    unlike_any,
    words_of,
)
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.folder_listing import visible_entries
from picturewise.data.readers.split_column import SPLIT_COLUMNS
from picturewise.errors import DataError, UsageError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.untrusted.confined.call import Answer, Budget, run_confined

SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".he5"})
SIGNATURE = b"\x89HDF\r\n\x1a\n"
OBEYED = ("label_column", "split_column", "value_range", "layout")
_MATLAB = ".mat"
_MATLAB_HEADER = 512  # bytes
_CHILD = "picturewise.data.readers.hdf5_file"
_BYTES_A_SECOND = 30 << 20  # that a slow machine reads from gzip and floats


@dataclass(frozen=True)
class _Place:
    """One dataset: its file and its path in it."""

    file: Path
    name: str

    def __str__(self) -> str:
        return f"{printable(self.file)}, {printable(self.name)}"


@dataclass(frozen=True)
class _Arrays:
    """One split's datasets.

    Attributes:
        pictures: where they are.
        labels: where they are; None: there are none.
        count: how many pictures the dataset has.
        numbers: how many numbers these have.
        order: the order of the axes of pictures, with the one that counts them first; None: as they are.
        rows: which pictures belong to the split: a dataset, and its values for this split; None: all.
    """

    pictures: _Place
    labels: _Place | None
    count: int
    numbers: int
    order: tuple[int, ...] | None = None
    rows: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Hdf5Reader:
    """HDF5 files, see `Reader`.

    Attributes:
        path: the file, or the folder of several.
        arrays: of each split.
        classes: the names of the classes in the order of their numbers.
        notes: what to tell the user.
        hints: those that it obeys.
    """

    path: Path
    arrays: Mapping[SplitName, _Arrays]
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The file's name without its ending, or the folder's."""
        return slug(self.path if self.path.is_dir() else self.path.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the names of the arrays; an array without a split in its name is train."""
        return tuple(split for split in SPLITS if split in self.arrays)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The files of all splits: train decides the classes, and unused arrays are noted."""
        found = [place.file for one in self.arrays.values() for place in (one.pictures, one.labels) if place]
        return tuple(dict.fromkeys(found))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`. Train decides the scale and the classes."""
        first, asked = self.splits[0], [split for split in self.splits if split in splits]
        answers: dict[SplitName, Answer] = {}
        labels: dict[SplitName, GivenLabels | None] = {}
        said: dict[str, Any] = {
            "range": self.hints.value_range,
            "layout": self.hints.layout,
            "learned": options.learned,
            "found": None,
        }
        for split in asked:
            if said["found"] is None and self.arrays[split].pictures.file != self.arrays[first].pictures.file:
                said["found"] = self._answer(first, "find", said).facts
            answers[split] = self._answer(split, "read", said)
            labels[split] = self._labels(split, answers[split])
            said["found"] = answers[split].facts["found"]
            if progress is not None:
                progress(len(answers), len(asked))
        train = labels[first] if first in answers else self._labels(first, None)
        numbering = number_classes(train, self.classes, str(self.arrays[first].labels))
        parts = {
            split: self._part(split, answers[split], labels[split], numbering, options, allocate)
            for split in asked
        }
        found = said["found"] or {"notes": (), "values": None}
        notes = (*self.notes, *numbering.notes, *map(printable, found["notes"]))
        return Reading(parts, notes, values=_ends(found["values"]))

    def _part(
        self,
        split: SplitName,
        answer: Answer,
        given: GivenLabels | None,
        numbering: Numbering,
        options: ReadOptions,
        allocate: Allocate,
    ) -> Part:
        labels, where = None, str(self.arrays[split].labels)
        if given is not None and given.are_there:
            labels = numbering.of(given, where)
            check_labelled(labels, where, given.mark, skip_bad=options.skip_bad)
        origin = str(self.arrays[split].pictures)
        return array_part(answer.arrays["pictures"], labels, numbering.classes, origin, options, allocate)

    def _labels(self, split: SplitName, answer: Answer | None) -> GivenLabels | None:
        """Return the labels that came with the pictures, or read them alone."""
        if self.arrays[split].labels is None:
            return None
        if answer is None or "labels" not in answer.arrays:
            answer = self._answer(split, "read_labels")
        names = answer.facts["names"]
        return GivenLabels(
            answer.arrays["labels"], None if names is None else tuple(names), answer.facts["mark"]
        )

    def _answer(self, split: SplitName, function: str, more: Mapping[str, object] | None = None) -> Answer:
        arrays, like = self.arrays[split], self.arrays[self.splits[0]]
        seconds = 2 + 8 * (arrays.numbers + like.numbers) / _BYTES_A_SECOND
        alone = function == "read_labels" and arrays.labels is not None
        file = arrays.labels.file if alone and arrays.labels is not None else arrays.pictures.file
        together = arrays.labels is not None and arrays.labels.file == file
        request = {
            "pictures": arrays.pictures.name,
            "labels": arrays.labels.name if together and arrays.labels is not None else None,
            "count": arrays.count,
            "order": arrays.order,
            "matlab": file.suffix.lower() == _MATLAB,
            "rows": None if arrays.rows is None else {"array": arrays.rows[0], "of": arrays.rows[1]},
            "like": like.pictures.name if like.pictures.file == file else arrays.pictures.name,
            **(more or {}),
        }
        budget = Budget(seconds=seconds, output=arrays.numbers * 9 + (1 << 20))
        return run_confined(f"{_CHILD}:{function}", file, request, budget)


def _ends(values: list[float] | None) -> Ends | None:
    return None if values is None else (float(values[0]), float(values[1]))


def recognise(path: Path, hints: Hints = NO_HINTS) -> Hdf5Reader | None:
    """Return the source for HDF5 files at `path`, one or a folder of them; None for anything else.

    Raises:
        DataError: a file does not hold arrays with such names, or must not be read.
        UsageError: there is no array with the name in `hints`.
        OSError: the folder or a file cannot be read.
    """
    if path.is_dir():
        found = [Path(entry.path) for entry in visible_entries(path)]
        files = [file for file in found if file.suffix.lower() in SUFFIXES and _is_hdf5(file)]
        if not files:
            return None
        return _set(files, path if len(files) > 1 else files[0], hints)
    if not path.is_file() or not _is_hdf5(path):
        return None
    return _set([path, *_partner(path)], path, hints)


def _is_hdf5(path: Path) -> bool:
    """Return whether a file begins like HDF5, or like MATLAB's version of it."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(_MATLAB_HEADER + len(SIGNATURE))
    return start.startswith(SIGNATURE) or (
        path.suffix.lower() == _MATLAB and start[_MATLAB_HEADER:] == SIGNATURE
    )


def _partner(path: Path) -> list[Path]:
    """Return the file with the labels of a file's pictures, or the other way round, found by name."""
    words = words_of(path.stem)
    mine, rest = _role(words), [word for word in words if word not in PICTURE_WORDS | LABEL_WORDS]
    if mine is None:
        return []
    return [
        file
        for entry in visible_entries(path.parent)
        if (file := Path(entry.path)).suffix.lower() == path.suffix.lower() and file.name != path.name
        and _role(found := words_of(file.stem)) not in {None, mine}
        and [word for word in found if word not in PICTURE_WORDS | LABEL_WORDS] == rest
        and _is_hdf5(file)
    ]  # fmt: skip


def _role(words: Sequence[str]) -> bool | None:
    """Return whether a file's name means pictures (else labels); None: neither, or both."""
    pictures, labels = bool(PICTURE_WORDS & set(words)), bool(LABEL_WORDS & set(words))
    return None if pictures == labels else pictures


@dataclass(frozen=True)
class _Described:
    """The arrays in the files of one set, by names that are unique among them; see `hdf5_file.describe`."""

    forms: Mapping[str, ArrayForm | None]
    places: Mapping[str, _Place]
    texts: Mapping[str, list[Any]]
    splits: Mapping[str, Mapping[str, SplitName] | None]
    unlabelled: Collection[str]


def _described(files: Sequence[Path], hints: Hints) -> _Described:
    forms: dict[str, ArrayForm | None] = {}
    places: dict[str, _Place] = {}
    texts: dict[str, list[Any]] = {}
    splits: dict[str, Any] = {}
    unlabelled: list[str] = []
    labels = sorted(LABEL_WORDS | set(words_of(hints.label_column or "")))
    asked = [] if hints.split_column is None else [hints.split_column.casefold()]
    request = {
        "words": sorted(PICTURE_WORDS | LABEL_WORDS),
        "labels": labels,
        "splits": [*SPLIT_COLUMNS, *asked],
        "names": [*CLASS_NAMES],
    }
    for file in files:
        facts = run_confined(f"{_CHILD}:describe", file, request, Budget()).facts
        before = "" if len(files) == 1 else f"{file.stem}/"
        turned = file.suffix.lower() == _MATLAB
        for name, form in facts["forms"].items():
            shape = () if form is None else tuple(form[0][::-1] if turned else form[0])
            forms[before + name] = None if form is None else ArrayForm(shape, form[1])
            places[before + name] = _Place(file, name)
        texts |= {before + name: found for name, found in facts["texts"].items()}
        splits |= {before + name: found for name, found in facts["splits"].items()}
        unlabelled += [before + name for name in facts["unlabelled"]]
    return _Described(forms, places, texts, splits, unlabelled)


def _set(files: Sequence[Path], path: Path, hints: Hints) -> Hdf5Reader:
    found, where = _described(files, hints), printable(path)
    keys = find_keys(found.forms, where, hints.label_column)
    if keys is None:
        raise unlike_any(found.forms, where)
    keys = _labelled(keys, found.unlabelled, where)
    arrays = {split: _arrays_of(split, keys, found) for split in keys.pictures}
    rows = _rows(keys, found, hints.split_column, where)
    notes = keys.notes
    if rows is not None:
        name, values = rows
        if found.places[name].file != arrays["train"].pictures.file:
            raise DataError(
                f"{where}: the array '{printable(name)}' is not in the same file as the pictures. Store both in one "
                "file."
            )
        arrays = {
            split: replace(
                arrays["train"],
                rows=(found.places[name].name, tuple(v for v, one in values.items() if one == split)),
            )
            for split in SPLITS
            if split in values.values()
        }
        notes = tuple(note for note in notes if f"'{printable(name)}'" not in note)
    if any(file.suffix.lower() == _MATLAB for file in files):
        notes = (
            f"{where} was written by MATLAB 7.3, so its arrays were read with reversed axes.",
            *notes,
        )
    classes = _classes(keys, found, where)
    return Hdf5Reader(path, arrays, classes, notes, hints.only(*OBEYED))


def _labelled(keys: Keys, unlabelled: Collection[str], where: str) -> Keys:
    """Return the keys without splits, other than train, that do not have labels."""
    dropped = {
        split
        for split, name in keys.labels.items()
        if split != "train" and "train" in keys.pictures and name in unlabelled
    }
    notes = [
        f"{where}: '{printable(keys.labels[split])}' contains only -1, so the {split} pictures do not have labels and "
        f"were not used as the {split} split. To classify them, save '{printable(keys.pictures[split])}' in a "
        "separate file."
        for split in SPLITS
        if split in dropped
    ]
    return replace(
        keys,
        pictures={split: name for split, name in keys.pictures.items() if split not in dropped},
        labels={split: name for split, name in keys.labels.items() if split not in dropped},
        notes=(*keys.notes, *notes),
    )


def _arrays_of(split: SplitName, keys: Keys, found: _Described) -> _Arrays:
    name, labels = keys.pictures[split], keys.labels.get(split)
    form, place = found.forms[name], found.places[name]
    if form is None:
        raise DataError(f"{place} contains strings, objects or references instead of numbers.")
    axes = [*range(len(form.shape))]
    turned, last = place.file.suffix.lower() == _MATLAB, name in keys.pictures_last
    order = [axes[-1], *axes[:-1]] if last else axes
    order = [len(axes) - 1 - axis for axis in order] if turned else order
    return _Arrays(
        place,
        None if labels is None else found.places[labels],
        form.shape[-1] if last else form.shape[0],
        math.prod(form.shape),
        None if order == axes else tuple(order),
    )


def _rows(
    keys: Keys, found: _Described, asked: str | None, where: str
) -> tuple[str, Mapping[str, SplitName]] | None:
    """Return the array that says which split each picture belongs to, and the meaning of its values."""
    if asked is not None:
        if list(keys.pictures) != ["train"]:
            raise does_not_apply(where, ["split_column"], "Each split already has its own array of pictures.")
        if asked not in found.splits:
            raise UsageError(
                f"{where} does not have an array '{printable(asked)}' with a value for each picture."
            )
        if (values := found.splits[asked]) is None:
            raise DataError(
                f"{where}: the array '{printable(asked)}' does not contain split names. Use train, valid and test."
            )
        return asked, values
    if list(keys.pictures) != ["train"]:
        return None
    named = [
        (name, values) for name, values in found.splits.items() if values is not None and name in keys.others
    ]
    return named[0] if len(named) == 1 else None


def _classes(keys: Keys, found: _Described, where: str) -> tuple[str, ...] | None:
    """Return the class names in an array or an attribute."""
    key = keys.classes or next((name for name in found.texts if ":" in name), None)
    if key is None or key not in found.texts or are_numbers_in_order(found.texts[key]):
        return None
    return to_class_names(found.texts[key], f"{where}: '{printable(key)}'")
