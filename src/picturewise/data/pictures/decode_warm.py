"""Single pictures, decoded in confined children that wait for them: for a program that is asked at any time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.cores import available_cores
from picturewise.data.pictures import decode
from picturewise.data.pictures.decode_files import decoding
from picturewise.errors import DataError, PictureError
from picturewise.untrusted.confined.warm_pool import WarmPool

_MOST_CHILDREN = 16
_HOLD = 0.0003
"""Seconds in which the loop may wait for a picture that is alone: enough for 64x64 pixels."""


class WarmDecoder:
    """Children that decode pictures to one form; see `WarmPool`.

    Args:
        form: what each picture is converted to.
        children: how many; None: one for each core, at most 16.
    """

    def __init__(self, form: decode.Form, children: int | None = None) -> None:
        cores = available_cores()
        self._shape = (form.height, form.width, form.channels)
        self._hold = (
            _HOLD if cores > 1 else 0.0
        )  # on a single core, waiting would keep the child from decoding
        self.pool = WarmPool(
            decoding(form, look=False),
            children or min(cores, _MOST_CHILDREN),
            form.height * form.width * form.channels,
        )

    async def start(self) -> None:
        """Start the children.

        Raises:
            PicturewiseError: one cannot be started.
        """
        await self.pool.start()

    async def close(self) -> None:
        """End the children."""
        await self.pool.close()

    async def decode(self, content: bytes, *, alone: bool = False) -> NDArray[np.uint8]:
        """Return a picture (H, W, C), exactly as `decode_each` does.

        Args:
            content: of a picture file.
            alone: the event loop has nothing else to do, so it may wait for a small picture.

        Raises:
            PictureError: it cannot be decoded.
        """
        try:
            pixels = await self.pool.answer(content, hold=self._hold if alone else 0.0)
        except DataError as error:
            raise PictureError("The picture", str(error)) from error
        return np.frombuffer(pixels, np.uint8).reshape(self._shape)
