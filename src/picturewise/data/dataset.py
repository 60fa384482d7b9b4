"""`Dataset`: up to three image sets with one name and one list of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picturewise import displays
from picturewise.arguments import checked
from picturewise.data.arrays.value_range import Ends
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError, UsageError
from picturewise.names import listed
from picturewise.reprs import never_raises, offered
from picturewise.split_names import SPLITS, SplitName

if TYPE_CHECKING:  # it loads pydantic
    from picturewise.data.options import DataOptions
    from picturewise.displays import Figure

_INTERNAL = ("cut", "held_out", "open_valid", "read_with", "reserved", "values", "whole_train")


@dataclass(frozen=True)
class Skipped:
    """One file that was left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Train, validation and test pictures with the same classes; a split that was not requested is None.

    Attributes:
        name: short, fit for a folder name: `mnist`, `flowers`.
        train: pictures to train on.
        valid: pictures for choosing the best epoch and the options.
        test: pictures to evaluate with, once everything is chosen.
        notes: what was decided while reading, in sentences ("The test split was held out …").
        skipped: files left out because they could not be read.
        reserved: test pictures that were held out from the same pictures as train, whether or not `test` was asked for:
            never train on them.
        whole_train: the fingerprint of the source's train split before anything was held out from it; None: it was
            not read.
        background: what transparent pictures were put on.
        read_with: the options that give the same splits again when their source is read with them; None: the pictures
            are only in memory.
        held_out: train and valid if valid was held out from train without a word from the user.
        values: the stored values of black and white if the type of the pictures does not determine them; None: it does.
        cut: what was cut out of the pictures by their boxes; None: they are whole.
    """

    name: str
    train: ImageSet | None = None
    valid: ImageSet | None = None
    test: ImageSet | None = None
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    reserved: ImageSet | None = None
    whole_train: str | None = None
    background: Background = WHITE
    read_with: DataOptions | None = None
    values: Ends | None = None
    cut: Cut | None = None
    held_out: tuple[ImageSet, ImageSet] | None = None

    def __post_init__(self) -> None:
        if not self.splits():
            raise DataError(f"{self.name} does not have pictures in any split. Pass at least one split.")
        for name, part in self.splits().items():
            if not isinstance(part, ImageSet):
                raise DataError(
                    f"{self.name}: {name} is of type {type(part).__name__}. Pass an ImageSet, or use make_dataset, "
                    "which accepts arrays."
                )
            if part.classes != self.classes:
                raise DataError(
                    f"{self.name}: the classes of {name} differ from those of the other splits. Use the same classes, "
                    "in the same order, for all splits."
                )
        first = self._labelled
        for part in self.splits().values():
            if part.labels is not None and part.target != first.target:
                kinds = " and ".join(_kind(one) for one in (first, part))
                raise DataError(
                    f"{self.name}: the labels of its splits differ in kind ({kinds}). Use classes for all splits, or "
                    "sequences with the same number of places."
                )

    @property
    def _labelled(self) -> ImageSet:
        """The first split that has labels, or else the first."""
        parts = [*self.splits().values()]
        return next((part for part in parts if part.labels is not None), parts[0])

    @property
    def open_valid(self) -> bool:
        """Whether valid is still the split that was held out from train, so that folds of train may replace it."""
        return self.held_out is not None and (self.train, self.valid) == self.held_out

    def splits(self) -> dict[SplitName, ImageSet]:
        """Return the existing splits by name, in the order train, valid, test."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name in SPLITS if (part := parts[name]) is not None}

    def split(self, name: SplitName) -> ImageSet:
        """Return one split.

        Raises:
            DataError: the data set does not have this split.
        """
        splits = self.splits()
        if name not in splits:
            raise DataError(f"{self.name} does not have a {name} split. Its splits are {', '.join(splits)}.")
        return splits[name]

    @checked
    def with_classes(self, classes: Sequence[str]) -> Dataset:
        """Return the same pictures, numbered by `classes`, which must include their own.

        Raises:
            UsageError: `classes` is not a list of different strings.
            DataError: one of their own is missing there.
        """
        if len(set(classes)) < len(classes):
            raise UsageError(f"The classes contain duplicates ({listed(classes)}). Pass each class once.")
        train, valid, test, reserved = (
            None if part is None else part.with_classes(tuple(classes))
            for part in (self.train, self.valid, self.test, self.reserved)
        )
        return self._with(train, valid, test, reserved)

    def resized(self, size: tuple[int, int], mode: ResizeMode) -> Dataset:
        """Return the same pictures, resized to `size` (height, width) if they have another size; see `resize`."""
        train, valid, test, reserved = (
            None if part is None else part.resized(size, mode)
            for part in (self.train, self.valid, self.test, self.reserved)
        )
        return self._with(train, valid, test, reserved)

    def _with(
        self,
        train: ImageSet | None,
        valid: ImageSet | None,
        test: ImageSet | None,
        reserved: ImageSet | None,
    ) -> Dataset:
        """Return the same data set with its splits in another form."""
        held_out = None if train is None or valid is None or not self.open_valid else (train, valid)
        return replace(self, train=train, valid=valid, test=test, reserved=reserved, held_out=held_out)

    @property
    def place(self) -> str | None:
        """The catalogue name or the path that the pictures were read from; None: they are only in memory."""
        return None if self.read_with is None else self.read_with.source

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the label numbers."""
        return next(iter(self.splits().values())).classes

    def plot_samples(
        self, count: int = 24, *, split: SplitName | None = None, seed: int = 0, grey: bool = False
    ) -> Figure:
        """Return random pictures with their labels as a matplotlib figure.

        Args:
            count: of the pictures, 1 or more.
            split: where they are drawn from; None: train, or the first split that exists.
            seed: which ones are drawn.
            grey: with the colour channels averaged, as a network with `grey` sees them.

        Raises:
            UsageError: the count is below 1.
            DataError: the data set does not have this split.
        """
        return self._plotted("plot_samples", count=count, split=split, seed=seed, grey=grey)

    def plot_classes(self, *, split: SplitName | None = None, seed: int = 0) -> Figure:
        """Return a row for each class as a matplotlib figure: its mean picture, and samples of it.

        Args:
            split: as for `plot_samples`.
            seed: as for `plot_samples`.

        Raises:
            DataError: the data set does not have this split, or the split does not have labels.
        """
        return self._plotted("plot_classes", split=split, seed=seed)

    def plot_counts(self) -> Figure:
        """Return how many pictures of each class every split has, as a matplotlib figure.

        Raises:
            DataError: no split has labels.
        """
        return self._plotted("plot_counts")

    def _plotted(self, figure: str, **options: object) -> Figure:
        drawn: Figure = displays.display("Dataset", figure, self, **options)
        return drawn

    @never_raises
    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {len(part):,}" for name, part in self.splits().items())
        form = "x".join(map(str, next(iter(self.splits().values())).shape))
        names = "symbols" if self._labelled.has_sequences else "classes"
        return f"<Dataset {self.name}: {splits}; {form}, {len(self.classes)} {names}>"

    def _repr_html_(self) -> str | None:
        return displays.html("Dataset", self)

    def __dir__(self) -> list[str]:
        return offered(self, internal=_INTERNAL)


def _kind(part: ImageSet) -> str:
    """Return what the labels of a split are."""
    return f"sequences, {part.target.name}" if part.has_sequences else "classes"


def check_shapes(name: str, parts: Mapping[SplitName, ImageSet]) -> None:
    """Check that the pictures of all splits have one shape.

    Raises:
        DataError: they do not.
    """
    shapes = {split: "x".join(map(str, pictures.shape)) for split, pictures in parts.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
        raise DataError(
            f"{name}: the splits differ in height, width or channels ({found}). Resize them with --size, "
            "or convert them all to grey or to colour."
        )
