"""The checksums of a PNG, because Pillow checks few of them and decodes damaged pixels.

A chunk that determines the pixels must be intact. A chunk that does not, such as a date, may be damaged: the picture is
read without it. The pixels are packed in a zlib stream, which has a checksum of its own and must hold exactly the bytes
that the picture's size requires; Pillow would fill missing pixels with black.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from picturewise.data.pictures.pixels import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import ImageFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_HEADER = struct.Struct(">II5B")  # width, height, bits, colour type, compression, filter, interlacing
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The passes of an interlaced picture: first column, first row, step between columns, step between rows."""

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_NEEDLESS = _TEXTS | {
    *(
        b"bKGD",
        b"cHRM",
        b"cICP",
        b"cLLI",
        b"gAMA",
        b"hIST",
        b"iCCP",
        b"mDCV",
        b"pHYs",
        b"sBIT",
        b"sPLT",
        b"sRGB",
    ),
    *(b"tIME", b"oFFs", b"pCAL", b"sCAL", b"sTER", b"gIFg", b"gIFt", b"gIFx", b"dSIG"),
}
"""Chunks that are not needed to read a picture. Animations (acTL, fcTL, fdAT) and eXIf, which may turn it, are."""
_NEEDED = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT", *sorted(_TEXTS))
_TURNING = (
    b"xmp",
    b"exif",
    b"rientation",
)  # words in lower case: such a chunk may say how the picture is turned

_LARGE = range(1 << 18, 1 << 25)
"""The most pixels for which `load` reads one extra row; for larger pictures, the copy would need too much memory."""
_MARKS: dict[str, int | tuple[int, ...]] = {
    "L": 137,
    "P": 137,
    "RGB": (137, 59, 211),
    "RGBA": (137, 59, 211, 83),
}
"""Values, by Pillow mode, that pictures rarely have at a given position."""
_PIECE = 1 << 20
_MOST_NEEDLESS = 1 << 24  # bytes of a damaged chunk that is searched
_SURPLUS = 1 << 16  # extra bytes after the pixels, which some programs write


class Png(NamedTuple):  # a dataclass would have each child import the module `inspect`
    """A PNG whose chunks are intact.

    Attributes:
        stream: its bytes, without damaged chunks that are not needed.
        header: the content of IHDR.
        pixels: where the packed pixels are in `stream`: position and length of each piece.
    """

    stream: BinaryIO
    header: bytes
    pixels: tuple[tuple[int, int], ...]


def checked(stream: BinaryIO) -> Png:
    """Return the content of a file that begins with `SIGNATURE`; the packed pixels are only compared with their CRC.

    Raises:
        RefusedError: a chunk that is needed to read the picture is damaged, or the file is truncated.
    """
    at, header, left_out = len(SIGNATURE), b"", []
    pixels: list[tuple[int, int]] = []
    previous = kind = b""
    stream.seek(at)
    while kind != b"IEND":
        start = stream.read(8)
        if len(start) < 8:
            raise RefusedError("damaged or truncated (a PNG without its last chunk, IEND)")
        length, previous, kind = int.from_bytes(start[:4], "big"), kind, start[4:]
        first, sum_found = _crc(stream, kind, length)
        sum_stored = stream.read(4)
        end = at + length + 12
        if len(sum_stored) < 4:
            raise RefusedError(f"damaged or truncated (its chunk {_shown(kind)} is longer than the file)")
        if sum_found.to_bytes(4, "big") != sum_stored:
            if not _is_needless(stream, kind, at, length, sum_stored):
                raise RefusedError(f"damaged (its chunk {_shown(kind)} does not match its checksum)")
            left_out.append((at, end))
            kind = previous
        elif kind == b"IHDR" and not header:
            header = first
        elif kind == b"IDAT" and (
            not pixels or previous == b"IDAT"
        ):  # Pillow reads the pieces that follow one another
            pixels.append((at + 8 - sum(end - start for start, end in left_out), length))
        at = end
        stream.seek(at)
    if left_out:
        stream = _without(stream, left_out)
    stream.seek(0)
    return Png(stream, header, tuple(pixels))


def load(image: ImageFile.ImageFile, png: Png) -> None:
    """Decode a PNG that Pillow has opened, whose size is known to be allowed; its packed pixels are checked.

    Pillow stops before the stream's checksum when it has all rows. If it is asked for one more row, it goes on to the
    end and checks it; and it leaves rows that the stream lacks unchanged, so a mark in the last row shows whether that
    row was written. For large pictures this saves most of the time of `check_pixels`, which unpacks the stream again.
    Where marks cannot show it, `check_pixels` does the work.

    Raises:
        RefusedError: the pixels do not match their checksum, or are too few or far too many for the size.
        OSError: the same, found by Pillow.
    """
    width, height = image.size
    mark = _MARKS.get(image.mode)
    if mark is None or width * height not in _LARGE or _HEADER.unpack(png.header)[-1]:
        check_pixels(png)
        image.load()
        return
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    start, taller = png.stream.tell(), (width, height + 1)
    last, more = (0, height - 1), (0, height)
    rows = Image.new(image.mode, taller)
    for place in (last, more):
        rows.im.putpixel(place, mark)
    image._size, image.im = taller, rows.im  # noqa: SLF001 (Pillow's plugins set the size this way)
    image.tile = [tile._replace(extents=(0, 0, *taller)) for tile in image.tile]
    try:
        image.load()
    except OSError:
        png.stream.seek(start)
        check_pixels(png)
        # The pixels are complete: the packed ones end exactly with the last row, and Pillow waits for more.
        _load_again(image, png)
        return
    whole = image.im.getpixel(last) != mark and image.im.getpixel(more) == mark
    image._size, image.im = (width, height), image.im.crop((0, 0, width, height))  # noqa: SLF001 (the same)
    if not whole:
        png.stream.seek(start)
        check_pixels(png)


def _load_again(image: ImageFile.ImageFile, png: Png) -> None:
    """Decode the pixels as Pillow does by itself, after `load` has asked for too much."""
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    png.stream.seek(0)
    with Image.open(png.stream, formats=["PNG"]) as again:
        again.load()
        image.info.update(again.info)  # such as a turn by EXIF, which may stand after the pixels
        image._size, image.im, image.tile = again.size, again.im.copy(), []  # noqa: SLF001 (see `load`)


def check_pixels(png: Png) -> None:
    """Unpack the pixels of a PNG and check their checksum.

    Raises:
        RefusedError: they do not match their checksum (Adler-32), or are too few or far too many for the size.
    """
    at = png.stream.tell()
    unpack, missing = zlib.decompressobj(), _bytes_of(png.header)
    try:
        for piece in _pieces(png):
            packed = piece
            # At most `limit` bytes are returned at a time; more may follow even if no packed bytes are left.
            while not unpack.eof and (plain := unpack.decompress(packed, _PIECE)):
                missing -= len(plain)
                if missing < -_SURPLUS:
                    raise RefusedError("damaged (a PNG with more pixel data than its size allows)")
                packed = unpack.unconsumed_tail
    except zlib.error as error:
        raise RefusedError(f"damaged (its pixels cannot be decompressed: {error})") from error
    if missing > 0 or not unpack.eof:
        raise RefusedError("damaged or truncated (a PNG with less pixel data than its size requires)")
    png.stream.seek(at)


def _crc(stream: BinaryIO, kind: bytes, length: int) -> tuple[bytes, int]:
    """Return the first bytes of a chunk's content and the CRC of it all, which is read piece by piece."""
    first = piece = stream.read(min(length, _PIECE))
    found = zlib.crc32(piece, zlib.crc32(kind))
    left = length - len(piece)
    while left and piece:
        piece = stream.read(min(left, _PIECE))
        found = zlib.crc32(piece, found)
        left -= len(piece)
    return first, found


def _is_needless(stream: BinaryIO, kind: bytes, at: int, length: int, stored: bytes) -> bool:
    """Return whether a chunk with a wrong checksum can be left out without changing the pixels.

    The damage may be in its type, or in its length, so that it covers chunks that are needed.
    """
    if kind not in _NEEDLESS or length > _MOST_NEEDLESS:
        return False
    stream.seek(at + 8)
    content = stream.read(length)
    stream.seek(4, io.SEEK_CUR)
    if any(other in content for other in _NEEDED):
        return False
    if any(
        zlib.crc32(content, zlib.crc32(other)).to_bytes(4, "big") == stored
        for other in _NEEDED
        if other != kind
    ):
        return False
    if kind not in _TEXTS:
        return True
    keyword = content.partition(b"\0")[0]
    plain = 1 <= len(keyword) <= 79 and all(32 <= byte < 127 for byte in keyword)
    return plain and not any(word in content.lower() for word in _TURNING)


def _without(stream: BinaryIO, left_out: list[tuple[int, int]]) -> BinaryIO:
    """Return a stream without some sections, in memory: damaged files are rare, and large ones rarer."""
    parts, at = [], 0
    for start, end in left_out:
        stream.seek(at)
        parts.append(stream.read(start - at))
        at = end
    stream.seek(at)
    return io.BytesIO(b"".join([*parts, stream.read()]))


def _pieces(png: Png) -> Iterator[bytes]:
    for place, length in png.pixels:
        png.stream.seek(place)
        for start in range(0, length, _PIECE):
            yield png.stream.read(min(_PIECE, length - start))


def _bytes_of(header: bytes) -> int:
    """Return the number of unpacked bytes of the pixels: rows of whole bytes, each after a byte for its filter."""
    width, height, bits, kind, _, _, interlacing = _HEADER.unpack(header)
    passes = _ADAM7 if interlacing else ((0, 0, 1, 1),)
    total = 0
    for column, row, across, down in passes:
        columns, rows = -((column - width) // across), -((row - height) // down)
        if columns > 0:
            total += max(0, rows) * (1 + (columns * bits * _CHANNELS[kind] + 7) // 8)
    return total


def _shown(kind: bytes) -> str:
    return kind.decode("ascii") if kind.isalpha() else f"of type {kind.hex(' ')}"
