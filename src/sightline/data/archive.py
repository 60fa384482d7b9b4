"""The only door to archives: members of a tar, tar.gz or zip, one by one, in memory; nothing is unpacked to disk.

Regular files alone come out, and no archive gets more memory or time than the limits here allow. Members that
are not wanted are passed over; in a tar.gz they are unpacked on the way, and forgotten.
"""

from __future__ import annotations

import contextlib
import errno
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from sightline.data.names import printable
from sightline.errors import DataError

MAX_MEMBERS = 10_000
MAX_MEMBER = 2 << 30  # bytes
MAX_TOTAL = 4 << 30  # bytes, of all members together
MAX_STREAMED = 64 << 30  # bytes, of what goes through memory piece by piece
# Pictures that pack to less than a 200th are hardly pictures; small archives may do so.
MAX_RATIO = 200
RATIO_FROM = 16 << 20  # bytes
MAX_DIRECTORY = 2 << 20  # bytes of a zip's directory or a tar's header, read at once
MAX_GZIP_MEMBERS = 10_000  # pigz and bgzip write several

_CHUNK = 1 << 18
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def is_zip(path: Path) -> bool:
    """Return whether a file begins as a zip does.

    Raises:
        OSError: it cannot be read.
    """
    return _start(path).startswith(_ZIP)


def is_tar(path: Path) -> bool:
    """Return whether a file is a tar or a gzipped one, judged by its first header.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with _opened(path) as file:
            start = file.read(512)
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except (DataError, tarfile.HeaderError, zlib.error):
        return False
    return True


def first_name(path: Path) -> str:
    """Return the name of a tar's first regular file, "" where there is none; no more than that is unpacked.

    Raises:
        DataError: the archive is damaged or breaks a rule before that.
        OSError: it cannot be read.
    """
    with _translated(path), _opened(path) as file:
        return next((name for name, _ in _tar_entries(file, printable(str(path)))), "")


def zip_names(path: Path) -> tuple[str, ...]:
    """Return the names of a zip's files, in its order; nothing is unpacked.

    Raises:
        DataError: the archive is damaged or breaks a rule.
        OSError: it cannot be read.
    """
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        return tuple(info.filename for info in _zip_entries(archive, printable(str(path))))


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    """Yield name and content of each file of an archive whose name is wanted, in the order of the archive.

    A tar is followed to its end, so that a truncated or damaged one is noticed whatever is wanted of it.

    Raises:
        DataError: the archive is damaged, needs a password, is of no known form, breaks a limit, or holds
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
        DataError: as for `members`; or there is no file of that name.
        OSError: it cannot be read.
    """
    where = printable(str(path))
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        info = next((info for info in _zip_entries(archive, where) if info.filename == name), None)
        if info is None:
            raise DataError(f"{where} holds no {printable(name[:100])!r}, expected it among its files.")
        _check_packing(info, where)
        left = info.file_size
        with archive.open(info) as member:
            while piece := member.read(_CHUNK):
                left -= len(piece)
                yield piece
        if left:
            raise DataError(
                f"{where} is truncated: {info.file_size:,} bytes are promised where {info.file_size - left:,} are "
                "left; get it again from its source."
            )


def _check_packing(info: zipfile.ZipInfo, where: str) -> None:
    if info.flag_bits & 1:
        raise DataError(
            f"{where} is protected by a password, and Sightline has none; unpack it, and name the folder."
        )
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataError(f"{where} is packed in a rare way, expected stored or deflate; pack it again.")


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    where, total = printable(str(path)), 0
    with _translated(path), path.open("rb") as file, zipfile.ZipFile(_in_small_reads(file, path)) as archive:
        for info in _zip_entries(archive, where):
            if not wanted(info.filename):
                continue
            total += info.file_size
            _check_sizes(info.file_size, total, where)
            _check_packing(info, where)
            with archive.open(info) as member:
                content = _filled(member, info.file_size, where)
                if member.read(1):
                    raise DataError(f"{where} is damaged: {printable(info.filename)} is longer than it says.")
            yield info.filename, content


def _zip_entries(archive: zipfile.ZipFile, where: str) -> Iterator[zipfile.ZipInfo]:
    """Yield the regular files, after all entries have been looked at."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise DataError(
            f"{where} holds {len(infos):,} files, more than the {MAX_MEMBERS:,} that are allowed."
        )
    total = 0
    for info in infos:
        _check_name(info.orig_filename, where)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _not_regular(info.filename, where)
        total += info.file_size
        if total > MAX_STREAMED:
            raise DataError(f"{where} promises {total:,} bytes in all, and {MAX_STREAMED:,} are allowed.")
        if info.file_size > max(RATIO_FROM, MAX_RATIO * info.compress_size):
            raise _too_dense(where)
    yield from (info for info in infos if not info.is_dir())


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytearray]]:
    where = printable(str(path))
    with _translated(path), _opened(path) as file:
        for name, size in _tar_entries(file, where):
            if wanted(name):
                yield name, _filled(cast("IO[bytes]", _Whole(file)), size, where)
        file.skip_to_end()


def _tar_entries(file: _Stream, where: str) -> Iterator[tuple[str, int]]:
    """Yield name and size of each regular file; its content is then the next in `file`."""
    total = count = 0
    # The mode without `|` goes from header to header by `seek`, so that what is not wanted is not kept.
    with tarfile.open(fileobj=cast("Any", file), mode="r:") as archive:
        while (info := archive.next()) is not None:
            cast("Any", archive).members.clear()  # it keeps all that it has seen
            count += 1
            if count > MAX_MEMBERS:
                raise DataError(f"{where} holds more than the {MAX_MEMBERS:,} files that are allowed.")
            _check_name(info.name, where)
            if info.isdir():
                continue
            if info.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or info.issparse():
                raise _not_regular(info.name, where)
            total += info.size
            _check_sizes(info.size, total, where)
            yield info.name, info.size


def _check_name(name: str, where: str) -> None:
    parts = re.split(r"[/\\]", name)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise DataError(
            f"{where} holds a file under the name {printable(name[:100])!r}, which leads out of the archive, "
            "expected a plain relative name; do not trust it."
        )


def _check_sizes(size: int, total: int, where: str) -> None:
    if not 0 <= size <= MAX_MEMBER or total > MAX_TOTAL:
        raise DataError(
            f"{where} holds a file of {size:,} bytes, {total:,} in all, and {MAX_MEMBER:,} and {MAX_TOTAL:,} are "
            "allowed; unpack it, and name the folder."
        )


def _not_regular(name: str, where: str) -> DataError:
    return DataError(
        f"{where} holds {printable(name[:100])!r}, a link, a device or the like, expected regular files alone; "
        "do not trust it."
    )


def _too_dense(where: str) -> DataError:
    return DataError(
        f"{where} unpacks to more than {MAX_RATIO} times its size, as no pictures do; do not trust it."
    )


def _filled(file: IO[bytes], size: int, where: str) -> bytearray:
    """Return the next `size` bytes; memory is taken as they come, not as they are promised."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(_CHUNK, size - len(content)))):
        content += chunk
    if len(content) < size:
        raise DataError(
            f"{where} is truncated: {size:,} bytes are promised where {len(content):,} are left; "
            "get it again from its source."
        )
    return content


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn whatever the libraries raise for a damaged archive into one sentence."""
    try:
        yield
    except (DataError, MemoryError, GeneratorExit):
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A zip's directory leads to before the file's first byte.
        raise DataError(f"{printable(str(path))} is a truncated or damaged archive; get it again.") from error
    # Hostile headers make them raise nearly anything: BadZipFile, ReadError, ValueError, struct.error, …
    except Exception as error:
        said = printable(str(error) or type(error).__name__).rstrip(".")[:200]
        raise DataError(
            f"{printable(str(path))} is a truncated or damaged archive ({said}); get it again from its source."
        ) from error


def _start(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block, a device never end
        return b""
    with path.open("rb") as file:
        return file.read(4)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    """Yield a tar's bytes, gunzipped on the way."""
    if not (start := _start(path)):
        raise DataError(f"{printable(str(path))} is empty or not a regular file, expected an archive.")
    with path.open("rb") as file:
        yield _Stream(file, zipped=start.startswith(_GZIP), where=printable(str(path)))


class _Stream:
    """A tar's bytes from front to back: what `tarfile` needs of a file, within the limits."""

    def __init__(self, file: BinaryIO, *, zipped: bool, where: str) -> None:
        self._file = file
        self._unzip = zlib.decompressobj(31) if zipped else None  # 31: a gzip header, the largest window
        self._left = b""  # packed bytes that are read but not unpacked yet
        self._ready = memoryview(b"")  # unpacked bytes that are not handed out yet
        self._members = 1
        self._at = 0
        self._where = where

    def tell(self) -> int:
        """Return how many bytes were handed out."""
        return self._at

    def seek(self, to: int) -> None:
        """Pass over bytes; there is no way back."""
        if to < self._at:
            raise DataError(f"{self._where} is a damaged archive: its headers lead backwards.")
        while self._at < to and self.take(min(_CHUNK, to - self._at)):
            pass

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, or fewer at the end; `tarfile` reads headers by this."""
        if not 0 <= count <= MAX_DIRECTORY:
            raise DataError(f"{self._where} is a damaged archive: a header of {count:,} bytes.")
        parts = []
        while count and (part := self.take(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def take(self, most: int) -> bytes:
        """Return the next bytes, at least one and at most `most`; none at the end."""
        if self._unzip is None:
            part = self._file.read(most)
        else:
            if not self._ready:
                self._ready = memoryview(self._unpacked(self._unzip))
            part, self._ready = bytes(self._ready[:most]), self._ready[most:]
        self._at += len(part)
        if self._unzip is not None and self._at > max(RATIO_FROM, MAX_RATIO * self._file.tell()):
            raise _too_dense(self._where)
        if self._at > MAX_TOTAL + RATIO_FROM:
            _check_sizes(0, self._at, self._where)
        return part

    def skip_to_end(self) -> None:
        """Pass over the rest, so that its checksum is compared."""
        while self.take(_CHUNK):
            pass

    def _unpacked(self, unzip: Any) -> bytes:
        """Return the next unpacked bytes, none at the end."""
        while True:
            if not self._left:
                self._left = self._file.read(_CHUNK // 4)
            if unzip.eof:
                self._left = unzip.unused_data + self._left
                self._left = self._left.lstrip(b"\0")  # padding, as tapes have it
                if not self._left:
                    return b""
                self._members += 1
                if self._members > MAX_GZIP_MEMBERS:
                    raise DataError(f"{self._where} is made of more than {MAX_GZIP_MEMBERS:,} gzip files.")
                self._unzip = unzip = zlib.decompressobj(31)
            if not self._left:
                raise DataError(f"{self._where} is a truncated gzip file; get it again from its source.")
            content: bytes = unzip.decompress(self._left, _CHUNK)
            self._left = b"" if unzip.eof else unzip.unconsumed_tail
            if content:
                return content


class _Whole:
    """A stream under the name that `_filled` reads by."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def read(self, most: int) -> bytes:
        """Return the next bytes, at most `most`."""
        return self._stream.take(most)


def _in_small_reads(file: BinaryIO, path: Path) -> Any:
    """Return the file with reads limited, so that a huge directory is refused rather than loaded."""
    return _SmallReads(file, printable(str(path)))


class _SmallReads:
    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file = file
        self._where = where
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        if count > MAX_DIRECTORY:
            raise DataError(f"{self._where} has a directory of {count:,} bytes, more than {MAX_DIRECTORY:,}.")
        return self._file.read(MAX_DIRECTORY + 1 if count < 0 else count)
