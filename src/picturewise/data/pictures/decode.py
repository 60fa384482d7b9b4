"""The only door to Pillow's decoder: any bytes go in, (H, W, C) uint8 or one clear error comes out.

What a picture becomes here is part of what a classifier learns, so training and prediction use these very
functions: the upright picture, transparency on white, numbers of more than 8 bits in one range for a whole set, grey
as the mean of the three channels, and resizing that averages over what it leaves out.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageFile

    from picturewise.data.pictures.resize_mode import ResizeMode

# Pillow reads more than forty formats. These are the ones that pictures to learn from come in; each further
# one, and above all EPS, which starts Ghostscript, would be one more parser open to hostile files.
FORMATS = {
    "PNG": "PngImagePlugin",
    "JPEG": "JpegImagePlugin",  # also opens MPO, the JPEGs of phones with a second picture inside
    "GIF": "GifImagePlugin",
    "WEBP": "WebPImagePlugin",
    "BMP": "BmpImagePlugin",
    "TIFF": "TiffImagePlugin",
    "PPM": "PpmImagePlugin",
}
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

_READABLE = {
    "a PNG": (0, b"\x89PNG"),
    "a JPEG": (0, b"\xff\xd8\xff"),
    "a GIF": (0, b"GIF8"),
    "a WebP": (8, b"WEBP"),
}
_OTHERS = {
    "an HEIC or AVIF picture or a video": (4, b"ftyp"),
    "a PDF": (0, b"%PDF"),
    "a zip archive": (0, b"PK\x03\x04"),
    "a gzip file": (0, b"\x1f\x8b"),
}


class PictureError(DataError):
    """One picture cannot be used; `reason` says why without naming it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}.")
        self.reason = reason


class PictureHeader(NamedTuple):  # a dataclass would have each child import the module `inspect`
    """What a picture says of itself.

    Attributes:
        height: when it is held upright.
        width: the same.
        colour: whether it has any.
        deep: of a picture of more than 8 bits, what its numbers are like; they were decoded for it.
    """

    height: int
    width: int
    colour: bool
    deep: Deep | None = None


class Form(NamedTuple):
    """What pictures are brought to: see `read_picture`."""

    height: int
    width: int
    channels: int
    mode: ResizeMode
    values: tuple[float, float] | None = None


def read_picture(
    picture: Path | bytes,
    size: tuple[int, int] | None,
    channels: int,
    mode: ResizeMode = "crop",
    *,
    values: tuple[float, float] | None = None,
    name: str | None = None,
) -> NDArray[np.uint8]:
    """Return one picture as (H, W, C) uint8, upright.

    Args:
        picture: a file, or its content.
        size: height and width to bring it to; none: its own.
        channels: 1 (colour becomes the mean of its channels) or 3 (grey is repeated).
        mode: how another shape is brought to the size, see `resize`.
        values: the numbers that are black and white in a picture of more than 8 bits.
        name: what to call it in an error; none: the path.

    Raises:
        PictureError: it is no picture that Picturewise reads, has several frames or too many pixels, or is truncated or
            damaged.
    """
    with _opened(picture, name) as image:
        return to_array(_upright(image, size, mode, values), channels)


def read_bytes(
    picture: Path | bytes, form: Form | None, about_to_decode: Callable[[int], None]
) -> tuple[PictureHeader, bytes]:
    """Return what is known of a picture beside its pixels, and the bytes of the array that `read_picture` returns.

    Args:
        picture: a file, or its content.
        form: of the array; none: it is not decoded, and there are no bytes.
        about_to_decode: called with the number of pixels once it is known, without a form too: a PNG's header lies on
            both sides of its pixels.

    Raises:
        PictureError: as for `read_picture`.
    """
    with _opened(picture, None) as image:
        about_to_decode(math.prod(image.size))
        header = _header(image)
        if form is None:
            return header, b""
        upright = _upright(image, (form.height, form.width), form.mode, form.values)
        return header, to_bytes(upright, form.channels)


def _header(image: ImageFile.ImageFile) -> PictureHeader:
    """Return the header of a picture that is open."""
    width, height = image.size
    if image.format == "PNG":
        image.load()  # for it may say behind its pixels how it is to be turned
    # Pillow turns TIFF upright itself, and gives the size that it will have then.
    if image.format != "TIFF" and image.getexif().get(0x0112) in {5, 6, 7, 8}:  # orientation: lying
        height, width = width, height
    deep = look_deep(image) if is_deep(image) else None
    return PictureHeader(height, width, not is_grey(image.mode), deep)


def _upright(
    image: ImageFile.ImageFile,
    size: tuple[int, int] | None,
    mode: ResizeMode,
    values: tuple[float, float] | None,
) -> Image.Image:
    """Decode a picture; return it in mode L or RGB, at the size asked for."""
    from PIL import ImageOps  # noqa: PLC0415 (Pillow is needed only where pictures are files)

    if size is not None:
        # A JPEG can be decoded at 1/2, 1/4 or 1/8: never below twice the size asked for, so that the
        # resizing still averages. Square, because the picture may yet be turned.
        image.draft(None, (2 * max(size), 2 * max(size)))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    plain = to_grey_or_rgb(image, values)
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
def _opened(picture: Path | bytes, name: str | None) -> Iterator[ImageFile.ImageFile]:
    """Yield the picture, checked but not decoded; whatever goes wrong inside becomes a PictureError.

    A file is read as the decoder goes on, so that the largest need not fit into memory beside their pixels.
    """
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    _load_plugins()
    opened = io.BytesIO(picture) if isinstance(picture, bytes) else open_file(picture, name=name)
    with opened as stream:
        start = stream.read(64)
        stream.seek(0)
        try:
            with quiet_pillow, Image.open(stream, formats=tuple(FORMATS)) as image:
                _check(image)
                yield image
        # Hostile bytes make Pillow raise nearly anything: OSError, SyntaxError, struct.error, IndexError, …
        except Exception as error:
            raise PictureError(_name(picture, name), _reason(error, start)) from error


def _reason(error: Exception, start: bytes) -> str:
    """Return why a picture that starts so cannot be used, from what was raised while it was read."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 (needed only where pictures are files)

    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        found = describe(start)
        if found in _READABLE:
            return f"damaged or truncated (it starts as {found} does)"
        return f"not a picture that Picturewise reads (found {found}, expected {', '.join(FORMATS)})"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large, more than {MAX_PIXELS:,} pixels"
    if isinstance(error, MemoryError):
        return "too large for the memory that is left"
    said = printable(str(error) or type(error).__name__).rstrip(".")
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
        raise RefusedError(f"too large, {height:,}x{width:,} pixels where {MAX_PIXELS:,} are allowed")
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # MPO: the first is the picture
    if frames != 1:
        raise RefusedError(f"{frames:,} frames or pages in one file, expected one picture")


def describe(content: bytes) -> str:
    """Return in a few words what the content is; its first 64 bytes are enough."""
    if not content:
        return "an empty file"
    for words, (offset, signature) in {**_READABLE, **_OTHERS}.items():
        if content.startswith(signature, offset):
            return words
    start = content[:64]
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
        return "text"
    return f"a file that starts with the bytes {start[:8].hex(' ')}"


@functools.cache
def _load_plugins() -> None:
    """Register the formats with Pillow; left to itself it does so on first use, and not safely in threads."""
    for module in FORMATS.values():
        importlib.import_module(f"PIL.{module}")
