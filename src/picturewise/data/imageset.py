"""`ImageSet`: pictures of one size, their labels, and where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise import displays
from picturewise.data.arrays.lazy_rows import Pictures, chosen
from picturewise.data.arrays.picture_statistics import PictureStatistics, have_digests, measure
from picturewise.data.pictures.resize import resize_all
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.reprs import never_raises, offered
from picturewise.targets import make_target
from picturewise.targets.one_class import OneClass
from picturewise.targets.sequences import NOTHING, fitted, is_sequences, places_of
from picturewise.targets.target import Target

if TYPE_CHECKING:
    from picturewise.displays import Figure

_INTERNAL = (
    "check_pixels", "has_sequences", "known", "length_counts", "make_target", "places", "statistics", "strata",
    "target", "unlabelled",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Pictures (N, H, W, C) uint8 with C = 1 or 3, in memory or memory-mapped, and what is known about them.

    Attributes:
        images: the pictures, (N, H, W, C) uint8.
        labels: (N,) int64 in [0, len(classes)); or rows for sequences, see `targets.sequences`; None: there are none.
        classes: the class names, in the order of the label numbers; for sequences, the symbols.
        origin: where the pictures came from, for messages and reports.
        names: one name per picture where the source has them (file names), else None.
        places: for pictures that were held out from the source's train split: the position of each in it. None: they
            are one of the source's own splits, or not a split at all.
        known: the statistics of the pictures if they were computed before; None: they are computed when needed.
        make_target: returns the meaning of a label, from the names of the classes.

    Raises:
        DataError: shapes, types or labels are inconsistent.
    """

    images: Pictures
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    origin: str
    names: Sequence[str] | None = None
    places: NDArray[np.int64] | None = None
    known: PictureStatistics | None = None
    make_target: Callable[[tuple[str, ...]], Target] = OneClass

    def __post_init__(self) -> None:
        if not hasattr(self.images, "ndim"):
            raise DataError(
                f"{self.origin}: the pictures are of type {type(self.images).__name__}. Pass a uint8 array of shape "
                "(N, H, W, 1 or 3)."
            )
        if not isinstance(self.classes, tuple):
            raise DataError(
                f"{self.origin}: the classes are of type {type(self.classes).__name__}. Pass a tuple of names."
            )
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or self.images.shape[3] not in {1, 3}:
            raise DataError(
                f"{self.origin}: the pictures have shape {self.images.shape} and dtype {self.images.dtype}. Pass a "
                "uint8 array of shape (N, H, W, 1 or 3)."
            )
        if self.labels is not None:
            self.target.check(self.labels, len(self.images), self.origin)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every picture."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @cached_property
    def target(self) -> Target:
        """The meaning of the labels."""
        return self.make_target(self.classes)

    @property
    def required_labels(self) -> NDArray[np.int64]:
        """The labels, for callers that need them.

        Raises:
            DataError: the set does not have labels.
        """
        if self.labels is None:
            raise DataError(f"{self.origin} does not have labels. Pass one label for each picture.")
        return self.labels

    @property
    def has_sequences(self) -> bool:
        """Whether the labels are sequences of symbols, or would be if there were labels."""
        return is_sequences(self.target)

    @property
    def strata(self) -> NDArray[np.int64]:
        """What every split should have its share of, (N,) int64: the classes; of sequences, the lengths.

        Raises:
            DataError: the set does not have labels.
        """
        labels = self.required_labels
        return labels[:, 0] if self.has_sequences else labels

    def counts(self) -> dict[str, int]:
        """Return the number of pictures of each class, in the order of the classes (empty without labels).

        Of sequences, return how often each symbol occurs.
        """
        if self.labels is None:
            return {}
        numbers = self.labels[:, 1:] if self.has_sequences else self.labels
        found = np.bincount(numbers[numbers != NOTHING], minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, found, strict=True)}

    def length_counts(self) -> dict[str, int]:
        """Return the number of pictures whose sequence has 1, 2, …, L symbols, and more than L, if there are any.

        It is empty without labels or if the labels are classes.
        """
        if self.labels is None or not self.has_sequences:
            return {}
        places = self.labels.shape[1] - 1
        found = np.bincount(self.labels[:, 0], minlength=places + 2).tolist()
        counts = {str(length): found[length] for length in range(1, places + 1)}
        return counts | ({f"over {places}": found[places + 1]} if found[places + 1] else {})

    def with_classes(self, classes: tuple[str, ...]) -> ImageSet:
        """Return the same pictures, numbered by `classes`, which must include their own.

        Raises:
            DataError: one of their own is missing there.
        """
        if strange := [name for name in self.classes if name not in classes]:
            one, are, their = ("classes", "are", "their") if len(strange) > 1 else ("class", "is", "its")
            raise DataError(
                f"{self.origin} has the {one} {listed(strange)}, which {are} not among the requested classes "
                f"({listed(classes)}). Remove {their} pictures, or add the {one} to data.classes."
            )
        labels = None if self.labels is None else self._renumbered(self.labels, classes)
        return replace(self, labels=labels, classes=classes)

    def _renumbered(self, labels: NDArray[np.int64], classes: tuple[str, ...]) -> NDArray[np.int64]:
        # The last element is the one that NOTHING, -1, selects.
        numbers = np.array([*(classes.index(name) for name in self.classes), NOTHING], np.int64)
        if not self.has_sequences:
            return numbers[labels]
        return np.concatenate([labels[:, :1], numbers[labels[:, 1:]]], axis=1)

    def with_target(self, name: str) -> ImageSet:
        """Return the same pictures with sequences in the form of another target, such as 'numbers 5'.

        Args:
            name: of a target for sequences.

        Raises:
            DataError: the labels are not sequences.
        """
        if not self.has_sequences:
            raise DataError(f"{self.origin} has classes as labels, not sequences of symbols.")
        make = partial(make_target, name)
        places = places_of(make(self.classes))
        assert places is not None  # noqa: S101 (the caller names a target for sequences)
        own = self.classes
        labels = None if self.labels is None else fitted(self.labels, own, own, places, self.origin)
        return replace(self, labels=labels, make_target=make)

    def select(self, indices: NDArray[np.int64]) -> ImageSet:
        """Return the pictures at `indices` in that order; they are copied only when they are read."""
        return replace(
            self,
            images=chosen(self.images, indices),
            labels=None if self.labels is None else self.labels[indices],
            names=None if self.names is None else [self.names[i] for i in indices],
            places=None if self.places is None else self.places[indices],
            known=None if self.known is None else self.known.chosen(indices),
        )

    def unlabelled(self, rows: slice) -> ImageSet:
        """Return consecutive pictures without their labels; those in arrays and maps are not copied."""
        known = self.known and PictureStatistics(self.known.digests[rows], self.known.sums[rows])
        return replace(
            self,
            images=self.images[rows],
            labels=None,
            classes=(),
            names=None if self.names is None else self.names[rows],
            places=None,
            known=known,
        )

    def resized(self, size: tuple[int, int], mode: ResizeMode) -> ImageSet:
        """Return the same pictures resized to `size` (height, width), or this set if they already have this size."""
        if self.shape[:2] == size:
            return self
        images = resize_all(np.asarray(self.images[:]), size, mode=mode)
        return replace(self, images=images, known=None)

    @cached_property
    def statistics(self) -> PictureStatistics:
        """What is computed once for every picture."""
        return self.known or measure(self.images)

    def check_pixels(self) -> None:
        """Read every picture and check that it has not changed since it was first measured.

        Raises:
            DataError: one has changed.
        """
        if self.known is not None and not have_digests(self.images, self.known.digests):
            raise DataError(
                f"{self.origin}: the pictures have changed since they were imported (their digests differ), so results "
                "based on them are invalid. Delete the import and run again: picturewise data imports --remove"
            )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of pictures, labels and class names: equal exactly when the content is.

        File names and the location on disk do not matter, so a copied or moved set keeps its fingerprint.
        """
        whole = hashlib.sha256(repr((self.images.shape, self.classes, self.labels is None)).encode())
        whole.update(self.statistics.fingerprint())
        if self.labels is not None:
            whole.update(self.labels.astype("<i8").tobytes())
        return whole.hexdigest()

    def plot_samples(self, count: int = 24, *, seed: int = 0, grey: bool = False) -> Figure:
        """Return random pictures as a matplotlib figure, see `Dataset.plot_samples`."""
        figure: Figure = displays.display("ImageSet", "plot_samples", self, count=count, seed=seed, grey=grey)
        return figure

    def plot_classes(self, *, seed: int = 0) -> Figure:
        """Return a row for each class as a matplotlib figure, see `Dataset.plot_classes`."""
        figure: Figure = displays.display("ImageSet", "plot_classes", self, seed=seed)
        return figure

    @never_raises
    def __repr__(self) -> str:
        names = "symbols" if self.has_sequences else "classes"
        labels = "no labels" if self.labels is None else f"{len(self.classes)} {names}"
        return f"<ImageSet of {len(self):,} pictures {'x'.join(map(str, self.shape))}, {labels}, from {self.origin}>"

    def _repr_html_(self) -> str | None:
        return displays.html("ImageSet", self)

    def __dir__(self) -> list[str]:
        return offered(self, internal=_INTERNAL)
