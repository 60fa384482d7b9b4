"""What is in a TIFF that Pillow cannot decode: scientific files have channels and numbers that pictures do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from picturewise.data.pictures.pixels import RefusedError

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

_BITS, _CHANNELS, _NUMBERS = 258, 277, 339  # tags
_REDUCED, _FURTHER = 254, 330
_SIGNED = 2
_NAMES = {
    1: "unsigned integers",
    _SIGNED: "signed integers",
    3: "floats",
    5: "complex numbers",
    6: "complex numbers",
}
_BIG = 43


def describe_tiff(stream: BinaryIO) -> str:
    """Return why Pillow cannot decode a TIFF, as the end of a sentence; "": its form is common, so it is damaged."""
    try:
        tags = _first_tags(stream)
        bits, channels, number = max(tags.get(_BITS, (1,))), tags.get(_CHANNELS, 1), _number(tags)
    except Exception:  # noqa: BLE001 (damaged files make Pillow raise nearly anything)
        return ""
    whole = number in {1, _SIGNED, 4} and channels in {1, 3, 4} and bits <= (32 if channels == 1 else 16)
    if whole or (number == 3 and channels == 1 and bits <= 32):
        return ""
    plural = "" if channels == 1 else "s"
    return (
        f"a TIFF with {channels} channel{plural} of {bits}-bit {_NAMES.get(number, 'values')}, which is not "
        "supported; save it as 8-bit grey or RGB, or as 32-bit grey"
    )


def check_preview(image: TiffImageFile) -> None:
    """Refuse a camera's raw file (DNG, NEF, ARW and others), whose first picture is a small preview.

    Raises:
        RefusedError: it is such a file.
    """
    if image.tag_v2.get(_REDUCED) == 1 and _FURTHER in image.tag_v2:
        raise RefusedError(
            "a camera raw file, of which only the small preview can be read; export it as JPEG or PNG"
        )


def check_sign(image: TiffImageFile) -> None:
    """Refuse 8-bit numbers below 0, which Pillow reads as numbers above 127; the picture is already decoded.

    Raises:
        RefusedError: there are some.
    """
    if image.mode == "L" and _number(image.tag_v2) == _SIGNED and any(image.histogram()[128:]):
        raise RefusedError("it contains signed 8-bit values below 0; save it as 8-bit grey")


def _number(tags: Any) -> int:
    found: int = tags.get(_NUMBERS, (1,))[0]
    return found


def _first_tags(stream: BinaryIO) -> Any:
    from PIL import TiffImagePlugin  # noqa: PLC0415 (few files need it)

    stream.seek(0)
    header = stream.read(8)
    if _BIG in (header[2], header[3]):
        header += stream.read(8)
    tags = TiffImagePlugin.ImageFileDirectory_v2(header)
    stream.seek(tags.next)
    tags.load(stream)
    return tags
