"""The only door to Pillow's decoder: any bytes go in; (H, W, C) uint8 or one clear error comes out.

What a picture becomes here is part of what a classifier learns, so training and prediction use the same functions:
they turn the picture upright, put transparency on one background, bring numbers of more than 8 bits to one range for a
whole set, make grey from the mean of the three channels, and resize by averaging over all pixels.
"""

from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from picturewise.data.pictures import file_kinds, png_checksums, quick_jpeg
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
    from picturewise.data.pictures.quick_jpeg import PlainJpeg
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
TOO_LARGE = "too large"
"""How the reason for a picture begins that has too many pixels or bytes."""
NOT_SUPPORTED = "not a supported picture"
"""How the reason for a file begins that is of another kind."""
MAX_BYTES = 1 << 30  # 100 million pixels with four 16-bit channels, not compressed, fit


class PictureHeader(NamedTuple):  # a dataclass would have each child import the module `inspect`
    """Facts about a picture from a first look.

    Attributes:
        height: of the upright picture.
        width: the same.
        colour: whether it has colour.
        hidden_by: for a picture with transparency, the background that would hide it.
        deep: for a picture of more than 8 bits, facts about its numbers, which were decoded for this.
    """

    height: int
    width: int
    colour: bool
    hidden_by: Hidden | None = None
    deep: Deep | None = None


class Form(NamedTuple):
    """The form that pictures are converted to: see `read_picture`."""

    height: int
    width: int
    channels: int
    mode: ResizeMode
    background: Background = WHITE
    values: tuple[float, float] | None = None


Box = tuple[int, int, int, int]
"""A part of a picture: left, top, right and bottom, in pixels; it may reach beyond the picture."""


class _Opened(NamedTuple):
    """An open picture, and what was found in it if it is a PNG."""

    image: ImageFile.ImageFile
    png: png_checksums.Png | None

    def load(self) -> None:
        """Decode it unless it is decoded already."""
        if self.png is not None and self.image.tile:
            png_checksums.load(self.image, self.png)
        self.image.load()
        if self.image.format == "TIFF":
            check_sign(self.image)  # type: ignore[arg-type]  # Pillow's format determines the class


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
        size: height and width to resize it to; none: its own.
        channels: 1 (colour becomes the mean of its channels) or 3 (grey is repeated).
        mode: how another shape is resized, see `resize`.
        background: what transparency is put on.
        values: the numbers of black and white in a picture of more than 8 bits.
        name: what to call it in an error; none: the path.

    Raises:
        PictureError: it is not a picture that Picturewise reads, has several frames or too many pixels, or is truncated
            or damaged.
    """
    with _opened(picture, name) as opened:
        return to_array(_upright(opened, size, mode, background, values), channels)


def read_bytes(
    picture: Path | bytes,
    form: Form | None,
    about_to_decode: Callable[[int], None],
    *,
    box: Box | None = None,
    quick: bool = False,
) -> tuple[PictureHeader, bytes]:
    """Return the facts about a picture, and the bytes of the array that `read_picture` returns.

    Args:
        picture: a file, or its content.
        form: of the array; none: it is not decoded, and there are no bytes.
        about_to_decode: called with the number of pixels once it is known, even without a form: a PNG has chunks on
            both sides of its pixels.
        box: what to cut out of the upright picture before it is resized; the facts are about the whole picture.
        quick: plain JPEG files may be decoded by `quick_jpeg`, whose library is installed; the result is the same.

    Raises:
        PictureError: as for `read_picture`; or the box is outside of the picture.
    """
    if quick and form is not None and (found := _plain(picture, form, about_to_decode, box)) is not None:
        plain, pixels = found
        return PictureHeader(plain.height, plain.width, plain.colour), pixels
    with _opened(picture, None) as opened:
        about_to_decode(math.prod(opened.image.size))
        header = _header(opened)
        return header, b"" if form is None else _pixels(opened, form, box)


def read_pixels(
    picture: Path | bytes,
    form: Form,
    about_to_decode: Callable[[int], None],
    *,
    box: Box | None = None,
    quick: bool = False,
) -> bytes:
    """Return the bytes of the array that `read_picture` returns, without the look of `read_bytes`, which takes time.

    Args:
        picture: a file, or its content.
        form: of the array.
        about_to_decode: as for `read_bytes`.
        box: the same.
        quick: the same.

    Raises:
        PictureError: as for `read_bytes`.
    """
    if quick and (found := _plain(picture, form, about_to_decode, box)) is not None:
        return found[1]
    with _opened(picture, None) as opened:
        about_to_decode(math.prod(opened.image.size))
        return _pixels(opened, form, box)


def _plain(
    picture: Path | bytes, form: Form, about_to_decode: Callable[[int], None], box: Box | None
) -> tuple[PlainJpeg, bytes] | None:
    """Return a plain JPEG, and its pixels in a form; None: it is not one, or Pillow would scale it, or refuse it."""
    found = quick_jpeg.plain_jpeg(picture) if isinstance(picture, bytes) else None
    if found is None or found.height * found.width > MAX_PIXELS:
        return None
    if box is None and min(found.height, found.width) // (2 * max(form.height, form.width)) >= 2:
        return None  # see `_upright`
    about_to_decode(found.height * found.width)
    assert isinstance(picture, bytes)  # noqa: S101 (for mypy)
    pixels = quick_jpeg.pixels_of(picture, found)
    try:
        return None if pixels is None else (found, _plain_pixels(found, pixels, form, box))
    except RefusedError:
        return None


def _plain_pixels(plain: PlainJpeg, pixels: bytes, form: Form, box: Box | None) -> bytes:
    """Return the pixels of a plain JPEG, or of what is in a box of it, in a form."""
    same = box is None and (plain.height, plain.width) == (form.height, form.width)
    if same and plain.colour == (form.channels == 3):
        return pixels
    from PIL import Image  # noqa: PLC0415 (as in _upright)

    image = Image.frombytes("RGB" if plain.colour else "L", (plain.width, plain.height), pixels)
    if box is not None:
        image = _cut_out(image, box)
    return to_bytes(fitted(image, (form.height, form.width), form.mode), form.channels)


def _pixels(opened: _Opened, form: Form, box: Box | None) -> bytes:
    """Return the bytes of an open picture, or of what is in a box of it, in a form."""
    upright = _upright(opened, (form.height, form.width), form.mode, form.background, form.values, box)
    return to_bytes(upright, form.channels)


def _header(opened: _Opened) -> PictureHeader:
    """Return the header of an open picture."""
    image = opened.image
    width, height = image.size
    if image.format == "PNG" or image.has_transparency_data:
        opened.load()  # because its orientation may be stored behind its pixels
    # Pillow turns TIFF upright itself, and returns the size after that.
    if image.format != "TIFF" and image.getexif().get(0x0112) in {5, 6, 7, 8}:  # orientation: on its side
        height, width = width, height
    hidden = hidden_by(image)
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
    box: Box | None = None,
) -> Image.Image:
    """Decode a picture; return it, or what is in a box of it, in mode L or RGB, at the requested size."""
    from PIL import ImageOps  # noqa: PLC0415 (Pillow is needed only where pictures are files)

    image = opened.image
    if size is not None and box is None:
        # A JPEG can be decoded at 1/2, 1/4 or 1/8: never below twice the requested size, so that the
        # resizing still averages. Square, because the picture may still be turned.
        image.draft(None, (2 * max(size), 2 * max(size)))
    opened.load()
    if image.info or image.format != "PNG":  # a PNG that says nothing does not say that it is turned
        ImageOps.exif_transpose(image, in_place=True)  # a tenth of the time of a small picture
    plain = to_grey_or_rgb(image, values, background=background)
    if box is not None:
        plain = _cut_out(plain, box)
    return plain if size is None else fitted(plain, size, mode)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[2], image.width), min(box[3], image.height)
    if left >= right or top >= bottom:
        raise RefusedError(f"the boxes of its symbols are outside of its {image.height}x{image.width} pixels")
    return image.crop((left, top, right, bottom))


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
            large = f"{TOO_LARGE} ({size:,} bytes; at most {MAX_BYTES:,} are allowed)"
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

    A file is read while it is decoded, so that the largest files need not fit into memory beside their pixels.
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
    """Return why a picture with this start cannot be used, given the error raised while reading it."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 (needed only where pictures are files)

    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        kind = file_kinds.kind_of(start)
        if kind is file_kinds.TIFF and (found := describe_tiff(stream)):
            return found
        if kind.readable:
            return f"damaged or truncated (it starts like {kind.words})"
        way_out = kind.way_out and f"; {kind.way_out}"
        return f"{NOT_SUPPORTED} (it is {kind.words}; supported are {NAMES}){way_out}"
    if isinstance(error, Image.DecompressionBombError):
        return f"{TOO_LARGE} (more than {MAX_PIXELS:,} pixels)"
    if isinstance(error, MemoryError):
        return f"{TOO_LARGE} for the available memory"
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
        raise RefusedError(f"it has no pixels ({height}x{width})")
    if width * height > MAX_PIXELS:
        raise RefusedError(
            f"{TOO_LARGE} ({height:,}x{width:,} pixels; at most {MAX_PIXELS:,} are allowed); scale it down"
        )
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: the first is the picture
    if image.format == "TIFF":
        check_preview(image)  # type: ignore[arg-type]  # the same
    if frames != 1:
        raise RefusedError(
            f"it contains {frames:,} frames or pages; save the ones that you need as separate files"
        )
