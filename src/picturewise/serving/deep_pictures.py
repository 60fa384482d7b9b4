"""Grey pictures of more than 8 bits, for a classifier that was trained on 8: their numbers must be looked at first."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.pixels import DEEP
from picturewise.errors import DataError, PictureError
from picturewise.prediction.classifier import Classifier


class DeepPictures:
    """Reads such pictures as `Classifier.predict` does, one after the other: each starts a child of its own.

    Args:
        classifier: whose form they are brought to.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._alone = asyncio.Lock()

    async def decode(self, content: bytes, refusal: PictureError) -> NDArray[np.uint8]:
        """Return a picture (H, W, C) that the warm children have refused.

        Args:
            content: of the picture file.
            refusal: theirs.

        Raises:
            PictureError: `refusal`, if it has another reason, or black and white are not known.
        """
        if refusal.reason != DEEP:
            raise refusal
        async with self._alone:
            try:
                return await asyncio.to_thread(self._read, content)
            except DataError:
                raise refusal from None

    def _read(self, content: bytes) -> NDArray[np.uint8]:
        from picturewise.data.given_pictures import given_pictures  # noqa: PLC0415 (few services need it)
        from picturewise.data.read import read  # noqa: PLC0415 (the same)

        description = self._classifier.description
        source = given_pictures(content, description.shape, strict=True)
        images = read(source, description.read_options(), ["train"]).split("train").images
        pixels: NDArray[np.uint8] = self._classifier.fitted(np.asarray(images[:]))[0]
        return pixels
