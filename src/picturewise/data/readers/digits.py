"""The catalogue's `digits`: 1,797 scans of handwritten digits, 8x8, that come with scikit-learn.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998 (its test part). Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import version

import numpy as np

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.extras import require
from picturewise.split_names import SplitName


class DigitsReader:
    """The digits as a source; it has no splits of its own, all pictures are train."""

    name = "digits"
    splits: tuple[SplitName, ...] = ("train",)
    hints = NO_HINTS

    def inputs(self, split: SplitName) -> tuple[str, ...]:
        """The installed scikit-learn.

        Raises:
            MissingPackageError: it is not installed.
        """
        require("The data set digits", "sklearn")
        return (f"scikit-learn {version('scikit-learn')}",)

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures (1797, 8, 8, 1), or resized as asked; see `Reader.read`."""
        if "train" not in splits:
            return Reading({})
        require("The data set digits", "sklearn")
        from sklearn.datasets import load_digits  # noqa: PLC0415 (it takes a second, and few runs need it)

        bunch = load_digits()
        grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 0..16 → 0..255
        images = grey[:, :, :, np.newaxis]  # (N, H, W) → (N, H, W, 1)
        classes = tuple(str(digit) for digit in range(10))
        labels = bunch.target.astype(np.int64)
        part = array_part(images, labels, classes, "the digits of scikit-learn", options, allocate)
        return Reading({"train": part})
