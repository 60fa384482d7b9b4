"""What a file is, by its first bytes, and what to do with a file that is not a picture that Picturewise reads."""

from __future__ import annotations

from typing import NamedTuple

START = 512  # bytes that are enough to find out


class Kind(NamedTuple):  # a dataclass would have each child import the module `inspect`
    """A kind of file.

    Attributes:
        words: its name in a sentence: "it is …".
        way_out: what to do with it, as the end of that sentence; "": nothing is known.
        readable: whether it is a picture in a format that is read, so that one that cannot be opened is damaged.
    """

    words: str
    way_out: str = ""
    readable: bool = False


_AS_PNG = "export it as PNG"
_AS_JPEG = "export it as JPEG or PNG"
_UNPACK = "unpack it and pass the folder"
_AGAIN = "copy or download it again"

EMPTY = Kind("an empty file", _AGAIN)
AVIF = Kind("an AVIF picture", _AS_JPEG, readable=True)
HEIF = Kind("an HEIC or HEIF picture", _AS_JPEG, readable=True)
TIFF = Kind("a TIFF", readable=True)
_VIDEO = Kind("a video", "extract its frames as pictures")
_RAW = Kind("a camera raw file", _AS_JPEG)
_JPEG_2000 = Kind("a JPEG 2000 picture", _AS_PNG)
_JPEG_XL = Kind("a JPEG XL picture", _AS_PNG)
_POSTSCRIPT = Kind("a PostScript file", _AS_PNG)
_PAGE = Kind("a web page (HTML)", "download the picture itself")
_SVG = Kind("an SVG drawing", _AS_PNG)
_ZEROS = Kind("a file that contains only zero bytes", _AGAIN)

_SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x89PNG", Kind("a PNG", readable=True)),
    (0, b"\xff\xd8\xff", Kind("a JPEG", readable=True)),
    (0, b"GIF8", Kind("a GIF", readable=True)),
    (8, b"WEBP", Kind("a WebP", readable=True)),
    (8, b"CR\x02", _RAW),  # Canon's, which begins as a TIFF
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0", TIFF),
    (0, b"MM\0+", TIFF),
    (0, b"IIU\0", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (128, b"DICM", Kind("a DICOM file", _AS_PNG)),
    (0, b"\0\0\0\x0cjP  \r\n", _JPEG_2000),
    (0, b"\xff\x4f\xff\x51", _JPEG_2000),
    (0, b"\0\0\0\x0cJXL \r\n", _JPEG_XL),
    (0, b"\xff\x0a", _JPEG_XL),
    (0, b"8BPS", Kind("a Photoshop file", _AS_PNG)),
    (0, b"gimp xcf", Kind("a GIMP file", _AS_PNG)),
    (0, b"\0\0\1\0", Kind("a Windows icon (ICO)", _AS_PNG)),
    (0, b"\x76\x2f\x31\x01", Kind("an OpenEXR picture", _AS_PNG)),
    (0, b"#?RADIANCE", Kind("a Radiance HDR picture", _AS_PNG)),
    (0, b"SIMPLE  =", Kind("a FITS file", _AS_PNG)),
    (344, b"n+1\0", Kind("a NIfTI volume", "export its slices as PNG")),
    (344, b"ni1\0", Kind("a NIfTI volume", "export its slices as PNG")),
    (0, b"DDS ", Kind("a DDS texture", _AS_PNG)),
    (0, b"%PDF", Kind("a PDF", "export its pages as PNG")),
    (0, b"%!PS", _POSTSCRIPT),
    (0, b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (8, b"AVI ", _VIDEO),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),  # Matroska and WebM
    (0, b"\x93NUMPY", Kind("a NumPy array (.npy)", "save the arrays in one file with numpy.savez")),
    (0, b"\x89HDF\r\n", Kind("an HDF5 file", "pass it on its own, not among pictures")),
    (0, b"PAR1", Kind("a Parquet file", "pass it on its own, not among pictures")),
    (0, b"PK\x03\x04", Kind("a zip archive", _UNPACK)),
    (0, b"\x1f\x8b", Kind("a gzip file", _UNPACK)),
    (0, b"BZh", Kind("a bzip2 file", _UNPACK)),
    (0, b"\xfd7zXZ\0", Kind("an xz file", _UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("a 7-Zip archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (
        0,
        b"version https://git-lfs",
        Kind("a Git LFS pointer, not the file itself", "get the file with: git lfs pull"),
    ),
)

# The brands in the first box of files with MP4's structure; a picture may name its kind after a general brand.
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}
)


def kind_of(content: bytes) -> Kind:
    """Return the kind of a file that begins with `content`; `START` bytes are enough."""
    if not content:
        return EMPTY
    for offset, signature, kind in _SIGNATURES:
        if content.startswith(signature, offset):
            return kind
    if content.startswith(b"ftyp", 4):
        return _kind_of_boxes(content)
    start = content[:START]
    if not start.strip(b"\0"):
        return _ZEROS
    if (marked := _kind_of_markup(start)) is not None:
        return marked
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start[:64]):
        return Kind("text")
    return Kind(f"a file that starts with the bytes {start[:8].hex(' ')}")


def _kind_of_boxes(content: bytes) -> Kind:
    end = min(int.from_bytes(content[:4], "big"), len(content))
    major, others = content[8:12], {content[at : at + 4] for at in range(16, end - 3, 4)}
    if major in _AVIF_BRANDS or (
        major in _HEIF_BRANDS and others & _AVIF_BRANDS and not others & {b"heic", b"heix"}
    ):
        return AVIF
    if major in _HEIF_BRANDS:
        return HEIF
    return _RAW if major == b"crx " else _VIDEO


def _kind_of_markup(start: bytes) -> Kind | None:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not text.startswith(b"<"):
        return None
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return _PAGE
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in text):
        return _SVG
    return _PAGE if b"<html" in text else None
