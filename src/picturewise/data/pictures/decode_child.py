"""What the children of `confined_pool` do with picture files: look at their headers, decode them, or both."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from picturewise.data.pictures import decode
from picturewise.data.pictures.pillow_silence import quiet_pillow
from picturewise.errors import DataError, PictureError

if TYPE_CHECKING:
    from picturewise.data.pictures.background import Hidden
    from picturewise.untrusted.confined.pool_child import Allow, Work
    from picturewise.untrusted.confined.protocol import Received

# Height, width, whether it has colour, place in HIDDEN; of a deep picture its kind (else 0), least and largest number,
# whether all are whole; the digest of the bytes.
LOOK = struct.Struct("<II?BBdd?16s")
HIDDEN: tuple[Hidden | None, ...] = (None, "neither", "white", "black")
KINDS = ("", "u2", "i4", "f4")
SECONDS = 2.0  # of processor time that even the smallest file may take

# The slowest of many kinds of large files took a fifth of this time on a machine of 2020.
_BYTES_A_SECOND = 10_000_000
_PIXELS_A_SECOND = 10_000_000
# A header can declare any number of pixels; lossless formats compress real pictures to no less than this.
_PIXELS_A_BYTE = 4000
# Larger files are read piece by piece, because their pixels need the memory.
_AT_ONCE = 1 << 24


def seconds_for(size: int, pixels: int = decode.MAX_PIXELS) -> float:
    """Return the processor time that a file of this many bytes and pixels may take.

    >>> seconds_for(1000, 100_000_000), seconds_for(40_000_000, 100_000_000)
    (2.4001, 16.0)
    """
    return SECONDS + size / _BYTES_A_SECOND + min(pixels, _PIXELS_A_BYTE * size) / _PIXELS_A_SECOND


def reading(
    *,
    look: bool,
    form: Sequence[Any] | None,
    boxes: Mapping[str, Sequence[int]] | None = None,
    quick: bool = False,
) -> Work:
    """Return the function that reads a file, and raises the errors of `decode`.

    Args:
        look: whether its answer begins with `LOOK`.
        form: the fields of a `decode.Form`, in which the pixels follow; none: no pixels follow.
        boxes: what to cut out of files, by their paths.
        quick: see `decode.read_bytes`.
    """
    quiet_pillow.__enter__()  # never left: once for all files is quicker
    goal = None if form is None else decode.Form(*form)
    described = _describing() if look else None
    parts = {path: (box[0], box[1], box[2], box[3]) for path, box in (boxes or {}).items()}

    def read(item: Received, allow: Allow) -> bytes:
        try:
            if isinstance(item, bytes):
                picture: Received = item
                size = len(item)
            else:
                with decode.open_file(item, name="") as file:  # the parent knows its name
                    size = os.fstat(file.fileno()).st_size
                    picture = file.read(size) if size < _AT_ONCE else item
            allow(seconds_for(size, 0))
            box = None if isinstance(item, bytes) else parts.get(str(item))

            def about_to_decode(pixels: int) -> None:
                allow(seconds_for(size, pixels))

            if described is None:
                assert goal is not None  # noqa: S101 (a child that neither looks nor decodes has nothing to do)
                return decode.read_pixels(picture, goal, about_to_decode, box=box, quick=quick)
            header, pixels = decode.read_bytes(picture, goal, about_to_decode, box=box, quick=quick)
            return described(header, picture) + pixels
        except PictureError as error:
            if isinstance(error.__cause__, MemoryError):
                raise error.__cause__ from None
            raise DataError(error.reason) from error

    return read


def _describing() -> Callable[[decode.PictureHeader, Received], bytes]:
    """Return the function that makes a `LOOK`."""
    from picturewise.data.arrays.digest import digest, digest_of_file  # noqa: PLC0415 (children that predict do not need it)

    def described(header: decode.PictureHeader, picture: Received) -> bytes:
        mark = digest(picture) if isinstance(picture, bytes) else digest_of_file(picture)
        kind, low, high, whole = header.deep or (KINDS[0], 0.0, 0.0, True)
        hidden = HIDDEN.index(header.hidden_by)
        shape = header.height, header.width, header.colour
        return LOOK.pack(*shape, hidden, KINDS.index(kind), low, high, whole, mark)

    return described
