"""Which of Pillow's plugins may read a file: only those that are loaded here.

Pillow reads more than forty formats. These are the ones that training pictures come in; each further one, above all
EPS, which starts Ghostscript, would be one more parser exposed to hostile files.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from picturewise.data.pictures import file_kinds
from picturewise.data.pictures.pixels import RefusedError
from picturewise.extras import install_command

FORMATS = {
    "PNG": "PngImagePlugin",
    "JPEG": "JpegImagePlugin",  # also opens MPO, the JPEGs of phones with a second picture inside
    "GIF": "GifImagePlugin",
    "WEBP": "WebPImagePlugin",
    "BMP": "BmpImagePlugin",
    "TIFF": "TiffImagePlugin",
    "PPM": "PpmImagePlugin",
}
NAMES = ", ".join([*FORMATS, "AVIF"])
"""What is read without an extra, for messages."""


def formats_for(start: bytes) -> tuple[str, ...]:
    """Return the Pillow formats that a file with this start may have, after loading their plugins.

    AVIF and HEIF are loaded when a file needs them, because that takes longer than decoding most pictures.

    Raises:
        RefusedError: no installed plugin reads it.
    """
    kind = file_kinds.kind_of(start) if start.startswith(b"ftyp", 4) else None
    if kind is file_kinds.AVIF:
        return load_avif()
    if kind is file_kinds.HEIF:
        return load_heif()
    load_formats()
    return tuple(FORMATS)


@functools.cache
def load_formats() -> None:
    """Register the formats with Pillow, which would otherwise do it on first use, and not safely in threads."""
    for module in FORMATS.values():
        importlib.import_module(f"PIL.{module}")


@functools.cache
def load_avif() -> tuple[str, ...]:
    """Register AVIF with Pillow and return its name.

    Raises:
        RefusedError: Pillow was built without it.
    """
    plugin: Any = importlib.import_module("PIL.AvifImagePlugin")
    if not plugin.SUPPORTED:
        raise RefusedError(
            "an AVIF picture, which this build of Pillow cannot read; export it as JPEG or PNG, or install "
            "Pillow from PyPI"
        )
    # Several pictures are decoded at a time, and each thread uses some of the addresses that a child may have.
    plugin.DEFAULT_MAX_THREADS = 1
    return ("AVIF",)


@functools.cache
def load_heif() -> tuple[str, ...]:
    """Register HEIF with Pillow and return its name.

    Raises:
        RefusedError: the extra that reads it is not installed.
    """
    try:
        import pillow_heif  # noqa: PLC0415 (an extra, which few pictures need)
    except ImportError as error:
        raise RefusedError(
            "an HEIC or HEIF picture, which needs pillow-heif; install it with "
            f"{install_command('heif')}, or export the picture as JPEG"
        ) from error
    # Otherwise, a thumbnail inside would be decoded instead of the picture if a small size is requested.
    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    return ("HEIF",)
