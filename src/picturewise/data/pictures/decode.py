"""The only door to Pillow's decoder: any bytes go in, (H, W, C) uint8 or one clear error comes out.

What a picture becomes here is part of what a classifier learns, so training and prediction use these very
functions: the upright picture, transparency on one background, numbers of more than 8 bits in one range for a whole
set, grey as the mean of the three channels, and resizing that averages over what it leaves out.
"""

from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from picturewise.data.pictures import file_kinds, png_checksums
from picturewise.data.pictures.background import WHITE, hidden_by
from picturewise.data.pictures.pillow_silence import quiet_pillow
from picturewise.data.pictures.pixels import (
    Deep,
    RefusedError,
    fitted,
    is_deep,
    is_grey,
    look_deep,
    to_array,
    to_bytes,
    to_grey_or_rgb,
)
from picturewise.data.pictures.plugins import NAMES, formats_for
from picturewise.data.pictures.tiff_kinds import check_preview, check_sign, describe_tiff
from picturewise.errors import PictureError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageFile

    from picturewise.data.pictures.background import Background, Hidden
    from picturewise.data.pictures.resize_mode import ResizeMode

SUFFIXES = frozenset(  # lower case
    f".{ending}"
    for ending in [
        "png",
        "jpg",
        "jpeg",
        "jfif",
        "mpo",
        "gif",
        "webp",
        "avif",
        "heic",
        "heif",
        "hif",
        "bmp",
        "tif",
        "tiff",
        "ppm",
        "pgm",
        "pbm",
        "pnm",
    ]
)
MAX_PIXELS = 100_000_000  # a phone's largest pictures have 50 to 100 million
MAX_BYTES = 1 << 30  # 100 million pixels with four 16-bit channels, not compressed, fit


class PictureHeader(NamedTuple):  # a dataclass would have each child import the module `inspect`
    """What a look at a picture says of it.

    Attributes:
        height: when it is held upright.
        width: the same.
        colour: whether it has any.
        hidden_by: of a picture with transparency, the background that would hide it.
        deep: of a picture of more than 8 bits, what its numbers are like; they were decoded for it.
    """

    height: int
    width: int
    colour: bool
    hidden_by: Hidden | None = None
    deep: Deep | None = None


class Form(NamedTuple):
    """What pictures are brought to: see `read_picture`."""

    height: int
    width: int
    channels: int
    mode: ResizeMode
    background: Background = WHITE
    values: tuple[float, float] | None = None


class _Opened(NamedTuple):
    """A picture that is open, and what was found in it where it is a PNG."""

    image: ImageFile.ImageFile
    png: png_checksums.Png | None

    def load(self) -> None:
        """Decode it, unless that is done."""
        if self.png is not None and self.image.tile:
            png_checksums.load(self.image, self.png)
        self.image.load()
        if self.image.format == "TIFF":
            check_sign(self.image)  # type: ignore[arg-type]  # Pillow's format says which class it is


def read_picture(
    picture: Path | bytes,
    size: tuple[int, int] | None,
    channels: int,
    mode: ResizeMode = "crop",
    *,
    background: Background = WHITE,
    values: tuple[float, float] | None = None,
    name: str | None = None,
) -> NDArray[np.uint8]:
    """Return one picture as (H, W, C) uint8, upright.

    Args:
        picture: a file, or its content.
        size: height and width to bring it to; none: its own.
        channels: 1 (colour becomes the mean of its channels) or 3 (grey is repeated).
        mode: how another shape is brought to the size, see `resize`.
        background: what transparency lies on.
        values: the numbers that are black and white in a picture of more than 8 bits.
        name: what to call it in an error; none: the path.

    Raises:
        PictureError: it is no picture that Picturewise reads, has several frames or too many pixels, or is truncated or
            damaged.
    """
    with _opened(picture, name) as opened:
        return to_array(_upright(opened, size, mode, background, values), channels)


def read_bytes(
    picture: Path | bytes,
    form: Form | None,
    about_to_decode: Callable[[int], None],
    *,
    judge_background: bool = True,
) -> tuple[PictureHeader, bytes]:
    """Return what is known of a picture beside its pixels, and the bytes of the array that `read_picture` returns.

    Args:
        picture: a file, or its content.
        form: of the array; none: it is not decoded, and there are no bytes.
        about_to_decode: called with the number of pixels once it is known, without a form too: a PNG's header lies on
            both sides of its pixels.
        judge_background: whether to say of transparent pictures which background would hide them, which takes a while.

    Raises:
        PictureError: as for `read_picture`.
    """
    with _opened(picture, None) as opened:
        about_to_decode(math.prod(opened.image.size))
        header = _header(opened, judge_background=judge_background)
        if form is None:
            return header, b""
        upright = _upright(opened, (form.height, form.width), form.mode, form.background, form.values)
        return header, to_bytes(upright, form.channels)


def _header(opened: _Opened, *, judge_background: bool) -> PictureHeader:
    """Return the header of a picture that is open."""
    image = opened.image
    width, height = image.size
    if image.format == "PNG" or (judge_background and image.has_transparency_data):
        opened.load()  # for it may say behind its pixels how it is to be turned
    # Pillow turns TIFF upright itself, and gives the size that it will have then.
    if image.format != "TIFF" and image.getexif().get(0x0112) in {5, 6, 7, 8}:  # orientation: lying
        height, width = width, height
    hidden = hidden_by(image) if judge_background else None
    deep = None
    if is_deep(image):
        opened.load()
        deep = look_deep(image)
    return PictureHeader(height, width, not is_grey(image.mode), hidden, deep)


def _upright(
    opened: _Opened,
    size: tuple[int, int] | None,
    mode: ResizeMode,
    background: Background,
    values: tuple[float, float] | None,
) -> Image.Image:
    """Decode a picture; return it in mode L or RGB, at the size asked for."""
    from PIL import ImageOps  # noqa: PLC0415 (Pillow is needed only where pictures are files)

    image = opened.image
    if size is not None:
        # A JPEG can be decoded at 1/2, 1/4 or 1/8: never below twice the size asked for, so that the
        # resizing still averages. Square, because the picture may yet be turned.
        image.draft(None, (2 * max(size), 2 * max(size)))
    opened.load()
    ImageOps.exif_transpose(image, in_place=True)
    plain = to_grey_or_rgb(image, values, background=background)
    return plain if size is None else fitted(plain, size, mode)


def read_content(path: Path, *, name: str | None = None) -> bytes:
    """Return the bytes of a regular file of at most `MAX_BYTES`.

    Raises:
        PictureError: it is something else, too large, or cannot be read.
    """
    with open_file(path, name=name) as file:
        return file.read()


@contextlib.contextmanager
def open_file(path: Path, *, name: str | None = None) -> Iterator[BinaryIO]:
    """Yield a regular file of at most `MAX_BYTES`, open to be read.

    Raises:
        PictureError: as for `read_content`; an OSError in the body becomes one too.
    """
    try:
        size = regular_size(path)
        if size is None:
            raise PictureError(_name(path, name), "not a regular file")
        if size > MAX_BYTES:
            large = f"too large, {size:,} bytes where {MAX_BYTES:,} are allowed"
            raise PictureError(_name(path, name), large)
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise PictureError(_name(path, name), f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # a zero byte in the path
        raise PictureError(_name(path, name), f"cannot be read ({error})") from error


@contextlib.contextmanager
def _opened(picture: Path | bytes, name: str | None) -> Iterator[_Opened]:
    """Yield the picture, checked but not decoded; whatever goes wrong inside becomes a PictureError.

    A file is read as the decoder goes on, so that the largest need not fit into memory beside their pixels.
    """
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    opened = io.BytesIO(picture) if isinstance(picture, bytes) else open_file(picture, name=name)
    with opened as stream:
        start = stream.read(file_kinds.START)
        stream.seek(0)
        try:
            formats = formats_for(start)
            png = png_checksums.checked(stream) if start.startswith(png_checksums.SIGNATURE) else None
            with quiet_pillow, Image.open(stream if png is None else png.stream, formats=formats) as image:
                _check(image)
                yield _Opened(image, png)
        # Hostile bytes make Pillow raise nearly anything: OSError, SyntaxError, struct.error, IndexError, …
        except Exception as error:
            stream.seek(0)
            raise PictureError(_name(picture, name), _reason(error, start, stream)) from error


def _reason(error: Exception, start: bytes, stream: BinaryIO) -> str:
    """Return why a picture that starts so cannot be used, from what was raised while it was read."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 (needed only where pictures are files)

    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        kind = file_kinds.kind_of(start)
        if kind is file_kinds.TIFF and (found := describe_tiff(stream)):
            return found
        if kind.readable:
            return f"damaged or truncated (it starts as {kind.words} does)"
        way_out = kind.way_out and f"; {kind.way_out}"
        return f"not a picture that Picturewise reads (found {kind.words}, expected {NAMES}){way_out}"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large, more than {MAX_PIXELS:,} pixels"
    if isinstance(error, MemoryError):
        return "too large for the memory that is left"
    said = printable(str(error).strip() or type(error).__name__).rstrip(".")
    return f"damaged or truncated ({said})"


def _name(picture: Path | bytes, name: str | None) -> str:
    if name is not None:
        return name
    return printable(picture) if isinstance(picture, Path) else "The picture"


def _check(image: ImageFile.ImageFile) -> None:
    """Refuse what must not be decoded: too many pixels, or more than one frame."""
    width, height = image.size
    if width < 1 or height < 1:
        raise RefusedError(f"no pixels ({height}x{width})")
    if width * height > MAX_PIXELS:
        raise RefusedError(
            f"too large, {height:,}x{width:,} pixels where {MAX_PIXELS:,} are allowed; scale it down"
        )
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: the first is the picture
    if image.format == "TIFF":
        check_preview(image)  # type: ignore[arg-type]  # the same
    if frames != 1:
        raise RefusedError(
            f"{frames:,} frames or pages in one file, expected one picture; save those to use as files of their own"
        )
