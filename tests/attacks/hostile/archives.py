"""Hostile tars and zips: names that lead out, links and devices, bombs, and headers that lie."""

from __future__ import annotations

import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping

from hostile.file import Hostile, holding

# A batch of CIFAR-10 with one picture, which is read before the rest is come to.
WANTED = "cifar-10-batches-bin/data_batch_1.bin"
BATCH = bytes(3073)


def tar(*infos: tarfile.TarInfo, content: bytes = b"", form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as packed:
        for info in infos:
            packed.addfile(info, io.BytesIO(content) if info.size else None)
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def behind_a_batch(*infos: tarfile.TarInfo) -> bytes:
    """Return a tar that begins as CIFAR's does."""
    return tar(entry(WANTED, size=len(BATCH)), *infos, content=BATCH)


def pax(records: bytes) -> bytes:
    """Return an extended header, and one file behind it."""
    header = entry("pax", tarfile.XHDTYPE, size=len(records)).tobuf(tarfile.USTAR_FORMAT)
    return header + records + bytes(-len(records) % 512) + tar(entry("file"))


def zipped(*names: str, content: bytes = b"a", mode: int = 0, packed_by: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed_by) as packed:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            packed.writestr(info, content, packed_by)
    return buffer.getvalue()


def promising(size: int) -> bytes:
    """Return a tar whose only file declares more than there is."""
    return entry(WANTED, size=size).tobuf(tarfile.GNU_FORMAT) + bytes(512)


def longer_than_one_read() -> bytes:
    """Return a gzipped tar whose end is not unpacked together with its first header."""
    noise = random.Random(0).randbytes(600_000)
    return gzip.compress(behind_a_batch()[:4096] + tar(entry("noise", size=len(noise)), content=noise))


def damaged_behind_a_batch() -> bytes:
    content = bytearray(behind_a_batch(entry("readme.txt")))
    content[content.index(b"readme")] ^= 1
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(zipped(WANTED))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


def damaged_zip() -> bytes:
    content = bytearray(zipped(WANTED, content=b"abcdefgh"))
    content[30 + len(WANTED)] ^= 255
    return bytes(content)


def bomb() -> bytes:
    return gzip.compress(bytes(100 << 20), 9)


_OUT = "which points outside the archive"
_NOT_REGULAR = "a link, a device or similar. Only regular files are allowed"
_DENSE = "unpacks to more than 200 times its size"

_TARS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "tar ..": (lambda: tar(entry("../evil")), _OUT),
    "tar .. inside": (lambda: tar(entry("a/../../evil")), _OUT),
    "tar .. behind a batch": (lambda: behind_a_batch(entry("../evil")), _OUT),
    "tar a folder ..": (lambda: tar(entry("a/..", tarfile.DIRTYPE)), _OUT),
    "tar absolute": (lambda: tar(entry("/etc/evil")), _OUT),
    "tar backslashes": (lambda: tar(entry("..\\evil")), _OUT),
    "tar a drive": (lambda: tar(entry("C:\\evil")), _OUT),
    "tar symbolic link": (lambda: tar(entry("a", tarfile.SYMTYPE, "/etc/passwd")), _NOT_REGULAR),
    "tar hard link": (lambda: tar(entry("a", tarfile.LNKTYPE, "/etc/passwd")), _NOT_REGULAR),
    "tar link behind a batch": (
        lambda: behind_a_batch(entry("a", tarfile.SYMTYPE, "/etc/passwd")),
        _NOT_REGULAR,
    ),
    "tar character device": (lambda: tar(entry("a", tarfile.CHRTYPE)), _NOT_REGULAR),
    "tar block device": (lambda: tar(entry("a", tarfile.BLKTYPE)), _NOT_REGULAR),
    "tar FIFO": (lambda: tar(entry("a", tarfile.FIFOTYPE)), _NOT_REGULAR),
    "tar sparse": (lambda: tar(entry("a", tarfile.GNUTYPE_SPARSE)), _NOT_REGULAR),
    "tar sparse by pax": (lambda: pax(b"22 GNU.sparse.major=1\n"), _NOT_REGULAR),
    "tar of an unknown kind": (lambda: tar(entry("a", b"Z")), _NOT_REGULAR),
    "tar long name": (lambda: tar(entry("../" * 100 + "evil")), _OUT),
    "tar pax name": (lambda: tar(entry("../" * 100 + "ä"), form=tarfile.PAX_FORMAT), _OUT),
    "tar of a terabyte": (lambda: promising(1 << 40), "contains a file of 1,099,511,627,776 bytes"),
    "tar of 2**80 bytes": (
        lambda: promising(1 << 80),
        "contains a file of 1,208,925,819,614,629,174,706,176 bytes",
    ),
    "tar of 10**18 bytes by pax": (
        lambda: pax(b"27 size=999999999999999999\n"),
        "contains a file of 999,999,",
    ),
    "tar of minus one byte by pax": (lambda: pax(b"11 size=-1\n"), "a size is not a number"),
    "tar of a gigabyte": (
        lambda: promising(1 << 30),
        "1,073,741,824 bytes are declared, but only 512 are left",
    ),
    "tar header of a gigabyte": (
        lambda: entry("a", tarfile.XHDTYPE, size=1 << 30).tobuf() + bytes(512),
        "has a header of 1,073,741,824 bytes",
    ),
    "tar.gz header of a gigabyte": (
        lambda: gzip.compress(entry("a", tarfile.GNUTYPE_LONGNAME, size=1 << 30).tobuf()),
        "has a header of 1,073,741,824 bytes",
    ),
    "tar of many": (
        lambda: behind_a_batch(*(entry(str(number)) for number in range(10_001))),
        "contains more than the allowed 10,000 files",
    ),
    "tar of many folders": (
        lambda: behind_a_batch(*(entry(str(number), tarfile.DIRTYPE) for number in range(10_001))),
        "contains more than the allowed 10,000 files",
    ),
    "tar of pax headers": (
        lambda: entry("a", tarfile.XHDTYPE).tobuf() * 5000,
        "one file has more than 4 extra headers",
    ),
    "tar of large pax headers": (
        lambda: b"".join([behind_a_batch()[:4096], *[pax(b"6 a=b\n" * 10_000)[:-9728] for _ in range(100)]]),
        "has more than 1,048,576 bytes of long names",
    ),
    "tar of pax records of no length": (lambda: pax(b"0 a=b\n" * 1000), "is not a valid list of records"),
    "tar of pax records that run on": (lambda: pax(b"9999 a=b\n"), "is not a valid list of records"),
    "tar damaged behind a batch": (damaged_behind_a_batch, "the checksum of a header is wrong"),
    "tar without an end": (lambda: behind_a_batch()[:4096], "it ends before its end marker"),
    "gzip bomb": (lambda: gzip.compress(entry(WANTED, size=100 << 20).tobuf()) + bomb(), _DENSE),
    "gzip bomb passed over": (
        lambda: gzip.compress(behind_a_batch()[:4096] + entry("unwanted", size=100 << 20).tobuf()) + bomb(),
        _DENSE,
    ),
    "gzip bomb behind the end": (lambda: gzip.compress(behind_a_batch()) + bomb(), _DENSE),
    "gzip of gzips": (
        lambda: gzip.compress(entry(WANTED, size=9).tobuf()) + gzip.compress(b"") * 20_000,
        "consists of more than 2,000 gzip files",
    ),
    "gzip cut off": (lambda: longer_than_one_read()[:-4000], "is a truncated gzip file"),
    "gzip damaged": (lambda: longer_than_one_read()[:-8] + bytes(8), "incorrect data check"),
    "nothing": (lambda: b"", "is damaged or not a CIFAR archive"),
    "neither": (lambda: b"hello" * 1000, "is damaged or not a CIFAR archive"),
}
_ZIPS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "zip ..": (lambda: zipped("../evil"), _OUT),
    "zip .. inside": (lambda: zipped("a/../../evil"), _OUT),
    "zip .. behind a batch": (lambda: zipped(WANTED, "../evil"), _OUT),
    "zip absolute": (lambda: zipped("/etc/evil"), _OUT),
    "zip backslashes": (lambda: zipped("..\\evil"), _OUT),
    "zip a drive": (lambda: zipped("C:/evil"), _OUT),
    "zip symbolic link": (
        lambda: zipped("a", content=b"/etc/passwd", mode=stat.S_IFLNK | 0o777),
        _NOT_REGULAR,
    ),
    "zip FIFO": (lambda: zipped("a", content=b"", mode=stat.S_IFIFO), _NOT_REGULAR),
    "zip device": (lambda: zipped("a", content=b"", mode=stat.S_IFCHR), _NOT_REGULAR),
    "zip bomb": (lambda: zipped(WANTED, content=bytes(100 << 20)), _DENSE),
    "zip of small bombs": (
        lambda: zipped(
            *(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 100)),
            content=bytes(3073 * 1000),
        ),
        _DENSE,
    ),
    "zip bomb that lies": (
        lambda: zipped(WANTED, content=bytes(100 << 20)).replace(
            struct.pack("<I", 100 << 20), struct.pack("<I", 1 << 20)
        ),
        r"Bad CRC-32|is longer than declared",
    ),
    "zip of many": (lambda: zipped(*map(str, range(10_001)), content=b""), "contains 10,001 files"),
    "zip of very many": (
        lambda: zipped(*map(str, range(40_000)), content=b""),
        "has a directory of 2,0.* bytes, but at most 1,048,576 are allowed",
    ),
    "zip with a password": (encrypted, "is password-protected. Unpack it"),
    "zip packed with LZMA": (
        lambda: zipped(WANTED, packed_by=zipfile.ZIP_LZMA),
        "uses an unsupported compression method",
    ),
    "zip cut off": (lambda: zipped(WANTED, content=bytes(5000))[:-10], "File is not a zip file"),
    "zip damaged": (damaged_zip, "is a truncated or damaged archive"),
    "zip directory of gigabytes": (
        lambda: b"PK\3\4" + zipped(WANTED)[:-10] + struct.pack("<IIH", 1 << 31, 0, 0),
        "Bad offset for central directory",
    ),
}


def _named(files: Mapping[str, tuple[Callable[[], bytes], str]], file_name: str) -> list[Hostile]:
    return [holding(name, file_name, content, said) for name, (content, said) in files.items()]


FILES = _named(_TARS, "cifar-10-binary.tar.gz") + _named(_ZIPS, "cifar-10-binary.zip")
