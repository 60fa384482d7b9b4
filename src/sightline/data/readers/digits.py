"""The catalogue's `digits`: 1,797 scans of handwritten digits, 8x8, that come with scikit-learn.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998 (its test part). Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from sightline.data import decode
from sightline.data.dataset import SplitName
from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions
from sightline.data.readers.contract import Part, Progress, Reading, digest_each


class DigitsSource:
    """The digits as a source; it has no splits of its own, all pictures are train."""

    name = "digits"
    splits: tuple[SplitName, ...] = ("train",)

    def read(
        self,
        splits: Collection[SplitName],
        options: DataOptions,
        progress: Progress | None = None,
    ) -> Reading:
        """Return the pictures (1797, 8, 8, 1), or of the size asked for; see `Source.read`."""
        if "train" not in splits:
            return Reading({})
        from sklearn.datasets import load_digits  # noqa: PLC0415 (takes a second, and few runs need it)

        bunch = load_digits()
        grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 0..16 → 0..255
        images = grey[:, :, :, np.newaxis]  # (N, H, W) → (N, H, W, 1)
        pictures = ImageSet(
            images=decode.resize_all(images, options.size, fit=options.fit),
            labels=bunch.target.astype(np.int64),
            classes=tuple(str(digit) for digit in range(10)),
            origin="the digits of scikit-learn",
        )
        return Reading({"train": Part(pictures, digest_each(images))})
