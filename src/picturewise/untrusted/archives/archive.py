"""The only door to archives: members of a tar, tar.gz or zip, one by one, in memory; nothing is unpacked to disk.

Only regular files come out, and no archive gets more memory or time than the limits here allow. Members that are
not needed are skipped; in a tar.gz they are unpacked on the way and dropped.
"""

from __future__ import annotations

import contextlib
import errno
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.archives import tar_headers
from picturewise.untrusted.archives.gzip_stream import CHUNK, MAX_RATIO, RATIO_FROM, UnpackedStream, too_dense
from picturewise.untrusted.archives.zip_directory import check_names
from picturewise.untrusted.regular_file import regular_size

MAX_MEMBERS = 10_000
MAX_MEMBER = 2 << 30  # bytes
MAX_TOTAL = 4 << 30  # bytes, of all members together
MAX_STREAMED = 64 << 30  # bytes, of what goes through memory piece by piece
MAX_DIRECTORY = 1 << 20  # bytes of a zip's directory, which is read at once: about a hundred for each member

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def is_zip(path: Path) -> bool:
    """Return whether a file begins like a zip.

    Raises:
        OSError: it cannot be read.
    """
    return _start(path).startswith(_ZIP)


def is_tar(path: Path) -> bool:
    """Return whether a file is a tar or a gzipped tar, according to its first header.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with _opened(path) as stream:
            return tar_headers.is_header(bytes(stream.read(tar_headers.BLOCK)))
    except (DataError, zlib.error):
        return False


def first_name(path: Path) -> str:
    """Return the name of a tar's first regular file, "" if there is none; nothing after that is unpacked.

    Raises:
        DataError: the archive is damaged or breaks a rule before that.
        OSError: it cannot be read.
    """
    with _translated(path), _opened(path) as stream:
        return next((name for name, _ in _tar_entries(stream, printable(path))), "")


def zip_names(path: Path) -> tuple[str, ...]:
    """Return the names of a zip's files, in order, without unpacking anything.

    Raises:
        DataError: the archive is damaged or breaks a rule.
        OSError: it cannot be read.
    """
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        return tuple(info.filename for info in _zip_entries(archive, path.stat().st_size, printable(path)))


def check_stored(path: Path) -> None:
    """Refuse a zip that is compressed, or whose files would be larger than the zip itself.

    Raises:
        DataError: it is such a zip; or the archive is damaged or breaks a rule.
        OSError: it cannot be read.
    """
    where, size = printable(path), path.stat().st_size
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        total = 0
        for info in _zip_entries(archive, size, where, in_memory=True):
            total += info.file_size
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise DataError(f"{where} is compressed or password-protected. Save it again without either.")
        if total > size:
            raise DataError(
                f"{where} declares {total:,} bytes in total, but the file has only {size:,}. It is "
                "damaged or malicious: download it again."
            )


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    """Yield name and content of each file in an archive whose name is `wanted`, in the order of the archive.

    A tar is read to its end, so that a truncated or damaged one is always noticed.

    Raises:
        DataError: the archive is damaged, needs a password, has an unknown form, breaks a limit, or contains
            anything but regular files and folders under plain relative names.
        OSError: it cannot be read.
    """
    if is_zip(path):
        yield from _zip_members(path, wanted)
    else:
        yield from _tar_members(path, wanted)


def pieces(path: Path, name: str) -> Iterator[bytes]:
    """Yield the content of one file of a zip piece by piece, so that it may be larger than memory.

    Raises:
        DataError: as for `members`; or there is no file with that name.
        OSError: it cannot be read.
    """
    where = printable(path)
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        info = next(
            (info for info in _zip_entries(archive, path.stat().st_size, where) if info.filename == name),
            None,
        )
        if info is None:
            raise DataError(
                f"{where} does not contain {printable(name[:100])!r}. Check that it is the right archive."
            )
        _check_packing(info, where)
        left = info.file_size
        with archive.open(info) as member:
            while piece := member.read(CHUNK):
                left -= len(piece)
                yield piece
        if left:
            raise DataError(
                f"{where} is truncated: {info.file_size:,} bytes are declared, but it contains only "
                f"{info.file_size - left:,}. Download it again."
            )


def _check_packing(info: zipfile.ZipInfo, where: str) -> None:
    if info.flag_bits & 1:
        raise DataError(f"{where} is password-protected. Unpack it and pass the folder.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataError(f"{where} uses an unsupported compression method. Pack it again, stored or deflated.")


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    where = printable(path)
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        for info in _zip_entries(archive, path.stat().st_size, where, in_memory=True):
            if not wanted(info.filename):
                continue
            _check_packing(info, where)
            with archive.open(info) as member:
                content = _whole(member.read, info.file_size, where)
                if member.read(1):
                    raise DataError(
                        f"{where} is damaged: {printable(info.filename)} is longer than declared. Download it "
                        "again."
                    )
            yield info.filename, content


def _zip_entries(
    archive: zipfile.ZipFile, size: int, where: str, *, in_memory: bool = False
) -> Iterator[zipfile.ZipInfo]:
    """Yield the regular files, after all entries have been checked; `size` is that of the whole archive."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise DataError(
            f"{where} contains {len(infos):,} files, but at most {MAX_MEMBERS:,} are allowed. Unpack it and pass the "
            "folder."
        )
    total = 0
    for info in infos:
        _check_name(info.orig_filename, where)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _not_regular(info.filename, where)
        total += info.file_size
        if in_memory:
            _check_sizes(info.file_size, total, where)
        elif total > MAX_STREAMED:
            raise DataError(
                f"{where} declares {total:,} bytes in total, but at most {MAX_STREAMED:,} are allowed. Split it into "
                "smaller files."
            )
        # Many small bombs add up to a large one, and entries may even share their packed bytes.
        if info.file_size > max(RATIO_FROM, MAX_RATIO * info.compress_size) or total > max(
            RATIO_FROM, MAX_RATIO * size
        ):
            raise too_dense(where)
    found = [info for info in infos if not info.is_dir()]
    check_names(archive, found, where)
    yield from found


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    where = printable(path)
    with _translated(path), _opened(path) as stream:
        for name, size in _tar_entries(stream, where):
            if wanted(name):
                yield name, _whole(stream.read, size, where)
        stream.skip_to_end()


def _tar_entries(stream: UnpackedStream, where: str) -> Iterator[tuple[str, int]]:
    """Yield name and size of each regular file; its content is then the next in `stream`."""
    total = 0
    for count, entry in enumerate(tar_headers.entries(stream, where), start=1):
        if count > MAX_MEMBERS:
            raise DataError(
                f"{where} contains more than the allowed {MAX_MEMBERS:,} files. Unpack it and pass the folder."
            )
        _check_name(entry.name, where)
        if entry.kind == "other":
            raise _not_regular(entry.name, where)
        total += entry.size
        _check_sizes(entry.size, total, where)
        if entry.kind == "file":
            yield entry.name, entry.size


def _check_name(name: str, where: str) -> None:
    parts = re.split(r"[/\\]", name)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise DataError(
            f"{where} contains a file with the name {printable(name[:100])!r}, which points outside the archive. It is "
            "probably malicious; do not use it."
        )


def _check_sizes(size: int, total: int, where: str) -> None:
    if not 0 <= size <= MAX_MEMBER or total > MAX_TOTAL:
        raise DataError(
            f"{where} contains a file of {size:,} bytes, {total:,} in total, but at most {MAX_MEMBER:,} per file and "
            f"{MAX_TOTAL:,} in total are allowed. Unpack it and pass the folder."
        )


def _not_regular(name: str, where: str) -> DataError:
    return DataError(
        f"{where} contains {printable(name[:100])!r}, which is a link, a device or similar. Only regular files are "
        "allowed; do not use this archive."
    )


def _whole(read: Callable[[int], bytes | bytearray], size: int, where: str) -> bytearray:
    """Return the next `size` bytes; memory is allocated as they arrive, not as declared."""
    content = bytearray()
    while len(content) < size and (chunk := read(min(CHUNK, size - len(content)))):
        content += chunk
    if len(content) < size:
        raise DataError(
            f"{where} is truncated: {size:,} bytes are declared, but only {len(content):,} are left. Download it again."
        )
    return content


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn any error that the libraries raise for a damaged archive into a DataError."""
    try:
        yield
    except (DataError, MemoryError, GeneratorExit):
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A zip's directory points to before the file's first byte.
        raise DataError(f"{printable(path)} is a truncated or damaged archive. Download it again.") from error
    # Hostile headers make them raise nearly anything: BadZipFile, ReadError, ValueError, struct.error, …
    except Exception as error:
        said = printable(str(error) or type(error).__name__).rstrip(".")[:200]
        raise DataError(
            f"{printable(path)} is a truncated or damaged archive ({said}). Download it again."
        ) from error


def _start(path: Path) -> bytes:
    if regular_size(path) is None:
        return b""
    with path.open("rb") as file:
        return file.read(4)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[UnpackedStream]:
    """Yield a tar's bytes, gunzipped on the way."""
    if not _start(path):
        raise DataError(f"{printable(path)} is empty or not a regular file. Pass an archive.")
    with path.open("rb") as file:
        yield UnpackedStream(file, printable(path))


def _in_small_reads(file: BinaryIO, path: Path) -> Any:
    """Return the file with limited reads, so that a huge directory is refused instead of loaded."""
    return _SmallReads(file, printable(path))


class _SmallReads:
    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file = file
        self._where = where
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        if count > MAX_DIRECTORY:
            raise DataError(
                f"{self._where} has a directory of {count:,} bytes, but at most {MAX_DIRECTORY:,} are allowed. "
                "Unpack it and pass the folder."
            )
        return self._file.read(MAX_DIRECTORY + 1 if count < 0 else count)
