"""Objects of Python as a source: arrays, tensors, other libraries' data sets, lists of pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.find_layout import FoundLayout
from picturewise.data.arrays.labels import (
    MAX_CLASSES,
    UNLABELLED,
    GivenLabels,
    Numbering,
    check_labelled,
    given_labels,
    number_classes,
)
from picturewise.data.arrays.symbols import KEYWORDS, Symbols, find_symbols, lost_zeros, refuse_if_ambiguous
from picturewise.data.arrays.value_range import ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Dataset, Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.arrays_and_pairs import (
    ArraysOfSplit,
    Known,
    as_labels,
    from_arrays,
    from_pairs,
    from_pictures,
)
from picturewise.data.in_memory.huggingface import HuggingFacePairs, is_huggingface
from picturewise.data.in_memory.pillow_pictures import hidden_in, is_picture
from picturewise.data.pictures.background import WHITE, Background, find_background
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.splitting.hold_out import rejoined
from picturewise.errors import DataError, UsageError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

NAME = "pictures"
OBEYED: tuple[str, ...] = ("value_range", "layout", "target")
"""The hints that say something about arrays."""
_EXPECTED = (
    "Pass a pair (pictures, labels) of arrays or tensors, a data set that has a length and returns (picture, label) "
    "for each index, or a picturewise.ImageSet."
)


class Pairs(Protocol):
    """What PyTorch calls a map-style data set."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Return (picture, label)."""
        ...


SplitObject: TypeAlias = ImageSet | tuple[Any, Any] | Pairs | NDArray[Any] | Sequence[Any]
DataObject: TypeAlias = SplitObject | Mapping[Any, SplitObject]
"""One split, from which the others are held out, or a dict of several splits."""


@dataclass(eq=False)
class InMemorySource:
    """One split, or several by name, see `Source`; each is converted once, when it is asked for.

    The first split decides the classes and the range of the values, so it is always converted.

    Attributes:
        objects: of each split, in the order train, valid, test.
        name: a short name for folders and messages.
        classes: names in the order of the label numbers; None: those of the first split itself, or those found in its
            labels (sorted, or `0` to the largest number).
        names: of the pictures of train, such as file names.
        hints: about the layout and the range of values.
    """

    objects: Mapping[SplitName, SplitObject]
    name: str = NAME
    classes: tuple[str, ...] | None = None
    names: Sequence[str] | None = None
    hints: Hints = NO_HINTS
    place = None
    complete = False
    _converted: dict[SplitName, ImageSet] = field(default_factory=dict)
    _scale: ValueRange | None = None
    _order: FoundLayout | None = None
    _background: Background | None = None
    _first: int = 0  # number of the first class
    _symbols: Symbols | None = None
    _skipped: dict[SplitName, tuple[Skipped, ...]] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that were passed."""
        return tuple(self.objects)

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures of `splits`; see `Source.read`."""
        for split in self.splits[: 1 + max(self.splits.index(split) for split in splits)]:
            # An earlier split decides for later ones, so that a split is the same whichever others are asked for.
            if split not in self._converted and (
                split in splits or not isinstance(self.objects[split], ImageSet)
            ):
                part = self._convert(split, options, progress)
                self._converted[split] = replace(
                    part, known=part.statistics
                )  # so that nothing is searched for again
        parts = {
            split: Part(self._converted[split], skipped=self._skipped.get(split, ()))
            for split in self.splits
            if split in splits
        }
        decided = [part for part in (self._order, self._scale) if part is not None]
        notes = (*self._notes, *(note for part in decided for note in part.notes))
        values = None if self._scale is None else self._scale.kept
        return Reading(parts, notes, background=self._background or WHITE, values=values)

    def _convert(self, split: SplitName, options: ReadOptions, progress: Progress | None) -> ImageSet:
        given, origin = self.objects[split], f"{self.name} ({split})"
        if is_huggingface(given):
            given = HuggingFacePairs(given, origin, self.hints.label_column)
            if given.unused and split == self.splits[0]:
                self._notes.append(
                    f"{origin}: these columns were not used: {listed(given.unused)}. If one of them contains the "
                    "labels, pass its name as label_column."
                )
        if isinstance(given, ImageSet):
            part = given
        else:
            if self._background is None:
                self._background, said = find_background(hidden_in(given), options.background)
                self._notes += said
            known = Known(self.hints, options.learned, self._scale, self._order, self._background)
            arrays = _arrays(given, origin, known, options, progress)
            self._scale, self._order = self._scale or arrays.scale, self._order or arrays.order
            part = self._labelled(arrays, given, split, options)
        self.classes = self.classes or part.classes
        if part.classes != self.classes:
            raise DataError(
                f"{origin} has the classes {listed(part.classes)}. Expected {listed(self.classes)}, in this order: use "
                "the same classes for all splits."
            )
        return _named(part, self.names, self.name) if split == "train" and self.names is not None else part

    def _labelled(
        self, arrays: ArraysOfSplit, given: SplitObject, split: SplitName, options: ReadOptions
    ) -> ImageSet:
        """Return pictures with their labels as positions in the classes, which the first labels decide."""
        origin = f"{self.name} ({split})"
        if arrays.labels is None:
            return ImageSet(arrays.images, None, self.classes or (), origin)
        if self.hints.sequences:
            return self._read_by_symbol(arrays, arrays.labels, split, options)
        found = given_labels(arrays.labels, len(arrays.images), origin)
        if not found.are_there:
            if split != self.splits[0]:
                raise DataError(
                    f"{origin} does not have labels (all are {found.mark}). Omit this split to hold out a {split} "
                    "split from train, or pass its pictures to predict."
                )
            return ImageSet(arrays.images, None, self.classes or (), origin)
        known = self.classes or _own_classes(given, origin)
        if self.hints.target is None and known is None and found.names is not None:
            refuse_if_ambiguous(found.names, f"The labels of {origin}", options=KEYWORDS)
        if split == self.splits[0]:
            numbering = _numbering(found, known, arrays.labels, origin)
            self._first = numbering.first
            self._notes += numbering.notes
            known = numbering.classes
        # If the classes have names, one split may use the names and another the numbers.
        labels = Numbering(known or (), self._first, by_name=found.names is not None).of(found, origin)
        check_labelled(labels, origin, found.mark, skip_bad=options.skip_bad)
        keep = np.flatnonzero(labels != UNLABELLED)
        if len(keep) == len(labels):
            return ImageSet(arrays.images, labels, known or (), origin)
        self._skipped[split] = tuple(
            Skipped(f"{origin}, picture {row}", "it does not have a label")
            for row in np.flatnonzero(labels == UNLABELLED)
        )
        return ImageSet(arrays.images[keep], labels[keep], known or (), origin)

    def _read_by_symbol(
        self, arrays: ArraysOfSplit, labels: NDArray[Any], split: SplitName, options: ReadOptions
    ) -> ImageSet:
        """Return pictures with sequences as labels; the first labels decide the symbols, if no classifier does."""
        origin = f"{self.name} ({split})"
        if labels.dtype.kind != "U" or labels.ndim != 1:
            raise DataError(
                f"{origin}: the target is a sequence, but the labels are of type {labels.dtype}, which has no "
                "leading zeros. Pass a list of strings, such as ['07', '123']."
            )
        if len(labels) != len(arrays.images):
            raise DataError(
                f"{origin} contains {len(labels):,} labels for {len(arrays.images):,} pictures. Pass one label for "
                "each picture."
            )
        texts = [text.strip() for text in labels.tolist()]
        keep = [at for at, text in enumerate(texts) if text]
        images = arrays.images
        if len(keep) < len(texts) and options.skip_bad:
            self._skipped[split] = tuple(
                Skipped(f"{origin}, picture {at}", "it does not have a label")
                for at, text in enumerate(texts)
                if not text
            )
            images, texts = images[keep], [texts[at] for at in keep]
        where = f"The labels of {origin}"
        self._symbols = symbols = self._symbols or options.symbols or _symbols(texts, self.classes, where)
        found = symbols.labels(texts, where)
        self._notes += [*lost_zeros(texts, where), *symbols.notes(texts, where)]
        return ImageSet(images, found, symbols.alphabet, origin, make_target=symbols.make_target)


def _symbols(texts: Sequence[str], alphabet: tuple[str, ...] | None, where: str) -> Symbols:
    """Return what the texts of train decide; the alphabet may be known."""
    found = find_symbols(texts, where)
    if alphabet is None:
        return found
    if any(len(symbol) != 1 for symbol in alphabet):
        raise DataError(f"{where}: the classes are {listed(alphabet)}. Sequences need single characters.")
    return Symbols(alphabet, found.places)


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """A `Dataset` as a source, see `Source`; its splits are final.

    Attributes:
        dataset: the data set.
        place: where it was read from, if reading it again in the same way gives the same pictures.
    """

    dataset: Dataset
    place: str | None = None
    complete = True
    hints = NO_HINTS

    @property
    def name(self) -> str:
        """The data set's name."""
        return self.dataset.name

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The data set's splits."""
        return tuple(self.dataset.splits())

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return `splits` as they are, but an open validation split in train if its share is 0; see `Source.read`."""
        del progress
        dataset = self.dataset
        if dataset.open_valid and options.valid_fraction == 0:
            dataset = rejoined(dataset)
        parts = {split: Part(part) for split, part in dataset.splits().items() if split in splits}
        first = next(iter(parts))
        parts[first] = replace(parts[first], skipped=dataset.skipped)
        train = dataset.train
        whole_train = dataset.whole_train or (None if train is None else train.fingerprint)
        return Reading(
            parts,
            dataset.notes,
            dataset.reserved,
            whole_train,
            background=dataset.background,
            values=dataset.values,
            cut=dataset.cut,
        )


def in_memory_source(
    data: DataObject,
    *,
    name: str = NAME,
    classes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    hints: Hints = NO_HINTS,
) -> InMemorySource:
    """Return the source of one split or of several by name; nothing is converted yet.

    Raises:
        UsageError: an object of another kind was passed.
        DataError: the classes are not different names.
    """
    objects = _by_split(data)
    if not objects:
        raise UsageError(f"{name}: no pictures were passed. {_EXPECTED}")
    for split, given in objects.items():
        _check_kind(given, f"{name} ({split})")
    known = None if classes is None else _checked_names(classes, name)
    objects, notes = _without_unlabelled(objects, name, hints)
    columns = ("label_column",) if any(map(is_huggingface, objects.values())) else ()
    return InMemorySource(objects, name, known, names, hints.only(*OBEYED, *columns), _notes=notes)


def _by_split(data: DataObject) -> dict[SplitName, SplitObject]:
    """Return the splits in order; a single one is train."""
    if not isinstance(data, Mapping):
        return {"train": data}
    found: dict[SplitName, SplitObject] = {}
    for key, part in data.items():
        split = split_of(key) if isinstance(key, str) else None
        if split is None or split in found:
            raise UsageError(
                f"The splits were passed as {', '.join(map(repr, data))}. Use the names train, valid and test, each at "
                "most once."
            )
        found[split] = part
    return {split: found[split] for split in SPLITS if split in found}


def _check_kind(given: SplitObject, origin: str) -> None:
    """Refuse objects that cannot contain pictures, before anything is read."""
    kind = type(given).__name__
    if isinstance(given, tuple) and (len(given) != 2 or isinstance(given[0], tuple)):
        raise UsageError(
            f"{origin} is a tuple of length {len(given)}. Pass one split as a pair (pictures, labels), or several as a "
            "dict: {'train': (pictures, labels), 'test': (pictures, labels)}."
        )
    if isinstance(given, str | bytes | Path | Mapping | Dataset) or not (
        isinstance(given, ImageSet) or is_picture(given) or hasattr(given, "__getitem__")
    ):
        way_out = "Pass the loader's data set instead." if hasattr(given, "dataset") else _EXPECTED
        raise UsageError(f"{origin} is of type {kind}. {way_out}")


def _arrays(
    given: Any, origin: str, known: Known, options: ReadOptions, progress: Progress | None
) -> ArraysOfSplit:
    if isinstance(given, tuple):
        pictures, labels = given
        return from_arrays(pictures, labels, origin, known)
    if hasattr(given, "dtype") and hasattr(given, "shape"):  # an array or a tensor alone
        return from_arrays(given, None, origin, known)
    if is_picture(given):
        given = [given]
    if isinstance(given, list) and given and not isinstance(given[0], tuple | list):
        return from_pictures(
            given,
            origin,
            known,
            size=options.size,
            mode=mode_for(options.resize, sequences=known.hints.sequences),
        )
    return from_pairs(given, origin, known, progress=progress)


def _own_classes(part: SplitObject, origin: str) -> tuple[str, ...] | None:
    """Return the class names of a data set, or of the data set that it is a subset of."""
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
            f"{where}: the classes are {listed(names)}. Pass 2 to {MAX_CLASSES:,} different strings, in the order of "
            "the label numbers."
        )
    return tuple(map(printable, names))


def _numbering(
    labels: GivenLabels, known: tuple[str, ...] | None, values: NDArray[Any], where: str
) -> Numbering:
    """Return the classes: the known ones, sorted strings, `0` to the largest number, or one for each column."""
    if known is None and values.ndim == 2 and values.shape[1] > 1:
        known = tuple(map(str, range(values.shape[1])))
    return number_classes(labels, known, where)


def _without_unlabelled(
    objects: dict[SplitName, SplitObject], name: str, hints: Hints
) -> tuple[dict[SplitName, SplitObject], list[str]]:
    """Return the splits without those whose labels all mean "no label", and a note for each of those."""
    kept, notes = {}, []
    for split, given in objects.items():
        if split != "train" and "train" in objects and _has_no_labels(given, hints):
            notes.append(
                f"{name}: the {split} pictures do not have labels, so they were not used. Pass them to predict instead."
            )
        else:
            kept[split] = given
    return kept, notes


def _has_no_labels(given: SplitObject, hints: Hints) -> bool:
    """Return whether the labels can be read without the pictures, and all mean "no label"."""
    try:
        if is_huggingface(given):
            labels: Any = list(HuggingFacePairs(given, "", hints.label_column).labels())
        elif isinstance(given, tuple) and given[1] is not None:
            labels = given[1]
        else:
            return False
        array = as_labels(labels, "")
        return len(array) > 0 and not given_labels(array, len(array), "").are_there
    except Exception:  # noqa: BLE001 (the caller's code may raise anything; it is reported when the split is read)
        return False


def _named(train: ImageSet, names: Sequence[str], name: str) -> ImageSet:
    if len(names) != len(train):
        raise DataError(
            f"{name}: found {len(names):,} names for {len(train):,} training pictures. Pass one name for each picture."
        )
    return replace(train, names=list(map(str, names)))
