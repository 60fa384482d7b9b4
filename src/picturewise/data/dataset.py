"""`Dataset`: up to three image sets with one name and one list of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picturewise.data.arrays.value_range import Ends
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError
from picturewise.split_names import SPLITS, SplitName

if TYPE_CHECKING:  # it loads pydantic
    from picturewise.data.options import DataOptions


@dataclass(frozen=True)
class Skipped:
    """One file that was left out on request (`skip_bad`), and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Train, validation and test pictures of one kind; a split that was not asked for is None.

    Attributes:
        name: short, fit for a folder name: `mnist`, `flowers`.
        train: pictures to learn from.
        valid: pictures to choose with (the best epoch, the options).
        test: pictures to evaluate with, once everything is chosen.
        notes: what was decided while reading, in sentences ("The test split was held out …").
        skipped: files left out because they could not be read.
        reserved: test pictures that were held out from the same pictures as train, whether or not `test` was asked for:
            nobody may learn from them.
        whole_train: the fingerprint of the source's train split before anything was held out from it; None: it was
            not read.
        background: what transparent pictures were put on.
        read_with: the options that give the same splits again when the source that they name is read with them; None:
            the pictures are in memory alone.
        values: the stored values of black and white where the type of the pictures does not say them; None: it does.
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

    def __post_init__(self) -> None:
        if not self.splits():
            raise DataError(f"{self.name}: no pictures in any split.")
        for name, part in self.splits().items():
            if not isinstance(part, ImageSet):
                raise DataError(
                    f"{self.name}: {name} is of type {type(part).__name__}, expected an ImageSet; make_dataset takes "
                    "arrays."
                )
            if part.classes != self.classes:
                raise DataError(f"{self.name}: the classes of {name} differ from those of the other splits.")

    def splits(self) -> dict[SplitName, ImageSet]:
        """Return the splits that there are, by name, in the order train, valid, test."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name in SPLITS if (part := parts[name]) is not None}

    def split(self, name: SplitName) -> ImageSet:
        """Return one split.

        Raises:
            DataError: the data set has no such split.
        """
        splits = self.splits()
        if name not in splits:
            raise DataError(f"{self.name} has no {name} split; it has {', '.join(splits)}.")
        return splits[name]

    def with_classes(self, classes: tuple[str, ...]) -> Dataset:
        """Return the same pictures, numbered by `classes`, among which their own are.

        Raises:
            DataError: one of their own is not.
        """
        train, valid, test, reserved = (
            None if part is None else part.with_classes(classes)
            for part in (self.train, self.valid, self.test, self.reserved)
        )
        return replace(self, train=train, valid=valid, test=test, reserved=reserved)

    def resized(self, size: tuple[int, int], mode: ResizeMode) -> Dataset:
        """Return the same pictures, those of another size brought to `size` (height, width); see `resize`."""
        train, valid, test, reserved = (
            None if part is None else part.resized(size, mode)
            for part in (self.train, self.valid, self.test, self.reserved)
        )
        return replace(self, train=train, valid=valid, test=test, reserved=reserved)

    @property
    def place(self) -> str | None:
        """The catalogue name or the path that the pictures were read from; None: they are in memory alone."""
        return None if self.read_with is None else self.read_with.source

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the label numbers."""
        return next(iter(self.splits().values())).classes


def check_shapes(name: str, parts: Mapping[SplitName, ImageSet]) -> None:
    """Check that the pictures of all splits have one shape.

    Raises:
        DataError: they have not.
    """
    shapes = {split: "x".join(map(str, pictures.shape)) for split, pictures in parts.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
        raise DataError(
            f"{name}: the splits differ in height, width or channels ({found}), expected one shape; bring them to "
            "one size with --size, and to the same colours."
        )
