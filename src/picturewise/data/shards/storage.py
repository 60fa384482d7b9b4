"""Files in a local folder or at an fsspec address (s3://, gs://, file://, memory://, …), in the same way for both.

Credentials in an address are used, but never stored or printed: `without_credentials` is what may be shown.
fsspec is in the extra `remote`; the packages of single protocols, such as s3fs, are the user's.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from picturewise.cache_folder import imports_folder, no_room
from picturewise.data.dataset import Skipped
from picturewise.data.readers.files_in import FilesIn
from picturewise.errors import DataError, UsageError
from picturewise.extras import install_command
from picturewise.file_names import is_address, path_of, text_of, without_credentials
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

_GLOB = re.compile(r"[*?\[]")
_CHUNK = 1 << 20
# What storages call that which changes with a file's content, best first.
_VERSIONS = (
    "ETag",
    "etag",
    "md5Hash",
    "md5",
    "checksum",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)


class Found(NamedTuple):
    """A file.

    Attributes:
        path: within its storage; never with credentials.
        size: in bytes; -1: not known.
        version: something that changes with its content: the time of the last change, or an ETag.
    """

    path: str
    size: int
    version: str


class Storage:
    """Where a source is: a local path, or an address.

    Args:
        source: a path or an address, with * and ? for several files.

    Attributes:
        shown: the source, as it may be printed and stored; a path is absolute.
        in_this_process: whether other processes see other files there.
        is_concurrent: whether several threads may read files at once.

    Raises:
        UsageError: fsspec or the package for the protocol is not installed, or the protocol is unknown.
    """

    def __init__(self, source: str) -> None:
        self._fs: Any = None
        self.in_this_process = self.is_concurrent = False
        if not is_address(source):
            self.root = text_of(path_of(os.path.expanduser(source)).absolute())  # noqa: PTH111 (see `recognise`)
            self.shown = printable(self.root)
            return
        self.shown = printable(without_credentials(source))
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 (an extra)
        except ImportError as error:
            raise UsageError(
                f"{self.shown} is an address, which needs fsspec. Install it with: {install_command('remote')}"
            ) from error
        with _translated(self.shown):
            self._fs, self.root = url_to_fs(source)
        protocol = self._fs.protocol
        self.in_this_process = "memory" in ([protocol] if isinstance(protocol, str) else protocol)
        # Only these are meant for threads; others, such as FTP's, share one connection.
        self.is_concurrent = bool(getattr(self._fs, "async_impl", False))

    @property
    def is_local(self) -> bool:
        """Whether files are opened by their paths."""
        return self._fs is None

    def name(self, path: str) -> str:
        """Return what to call a file, with the protocol of an address."""
        if self._fs is None:
            return printable(path)
        return printable(without_credentials(str(self._fs.unstrip_protocol(path))))

    def files(self) -> Iterator[Found | Skipped]:
        """Yield the files at the source: itself, those below a folder, or those that a pattern matches.

        They are in the order of their paths, folder by folder. Hidden files are left out, and so are links to folders,
        each with the reason.

        Raises:
            DataError: there is nothing, or it cannot be read.
        """
        return self._local_files() if self._fs is None else self._remote_files()

    def stat(self, path: str) -> Found:
        """Return what is known about a file now.

        Raises:
            DataError: it does not exist, or cannot be read.
        """
        if self._fs is None:
            try:
                status = path_of(path).stat()
            except OSError as error:
                raise DataError(f"{printable(path)} cannot be read: {error.strerror or error}.") from error
            return Found(path, status.st_size, str(status.st_mtime_ns))
        with _translated(self.name(path)):
            self._fs.invalidate_cache()
            return _found(self._fs.info(path))

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """Yield a file, open to be read from its beginning.

        Raises:
            DataError: it cannot be read, also in the block.
        """
        if self._fs is None:
            place = path_of(path)
            try:
                if regular_size(place) is None:
                    raise DataError(f"{printable(path)} is not a regular file. Pass a file.")
                with place.open("rb") as file:
                    yield file
            except OSError as error:
                raise DataError(f"{printable(path)} cannot be read: {error.strerror or error}.") from error
            return
        with _translated(self.name(path)), self._fs.open(path, "rb") as file:
            yield cast(BinaryIO, file)

    def tail(self, path: str, size: int, count: int) -> bytes:
        """Return the last bytes of a file of a known size.

        Raises:
            DataError: it cannot be read.
        """
        with self.opened(path) as file:
            file.seek(max(0, size - count))
            return file.read(count)

    def _local_files(self) -> Iterator[Found | Skipped]:
        place = path_of(self.root)
        try:
            if place.is_dir():
                for item in FilesIn(place, below=True):
                    if isinstance(item, Skipped):
                        yield item
                    else:
                        yield self._file(text_of(item) if isinstance(item, Path) else item.name)
                return
            if place.exists():
                yield self.stat(self.root)
                return
            found = sorted(text_of(item) for item in _matching(place) if item.is_file())
        except OSError as error:
            raise DataError(f"{self.shown} cannot be read: {error.strerror or error}.") from error
        if not found:
            raise _nothing(self.shown)
        for path in found:
            yield self._file(path)

    def _file(self, path: str) -> Found:
        try:
            return self.stat(path)
        except DataError:  # such as a broken link, which is read in vain later
            return Found(path, -1, "")

    def _remote_files(self) -> Iterator[Found]:
        with _translated(self.shown):
            self._fs.invalidate_cache()
            if _GLOB.search(self.root):
                matches = self._fs.glob(self.root, detail=True)
                entries = [matches[path] for path in sorted(matches)]
            else:
                entries = [self._fs.info(self.root)]
        if not entries:
            raise _nothing(self.shown)
        for entry in entries:
            if entry["type"] == "directory":
                yield from self._below(entry["name"])
            else:
                yield _found(entry)

    def _below(self, folder: str) -> Iterator[Found]:
        """Yield the files below a folder; only the names in the folders above a file are in memory."""
        with _translated(self.name(folder)):
            entries = sorted(self._fs.ls(folder, detail=True), key=lambda entry: str(entry["name"]))
            self._fs.invalidate_cache(folder)
        for entry in entries:
            name = str(entry["name"]).rstrip("/")
            if name == folder.rstrip("/") or name.rpartition("/")[2].startswith("."):
                continue
            if entry["type"] == "directory":
                yield from self._below(name)
            else:
                yield _found(entry)


class LocalCopies:
    """Local paths of a storage's files: a file at an address is copied, and replaced by the next one.

    Args:
        storage: the storage.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._path = ""
        self._copy: Any = None  # a named temporary file, whose type is private

    def path(self, path: str) -> Path:
        """Return the path of a file, or of a copy of it that exists until the next call.

        Raises:
            DataError: it cannot be read.
            SaveError: there is no room for the copy.
        """
        if self._storage.is_local:
            return path_of(path)
        if self._copy is None or self._path != path:
            self.close()
            try:
                imports_folder().mkdir(parents=True, exist_ok=True)
                copy = tempfile.NamedTemporaryFile(dir=imports_folder(), prefix="shard-")  # noqa: SIM115 (kept)
            except OSError as error:
                raise no_room("Cannot create a temporary file in", error) from error
            with self._storage.opened(path) as file:
                try:
                    shutil.copyfileobj(file, copy, _CHUNK)
                    copy.flush()
                except OSError as error:
                    if error.errno is None:  # of the storage
                        raise
                    raise no_room("Cannot write a temporary file in", error) from error
            self._path, self._copy = path, copy
        return Path(self._copy.name)

    def close(self) -> None:
        """Remove the copy."""
        if self._copy is not None:
            self._copy.close()
            self._path, self._copy = "", None


def _matching(place: Path) -> Iterator[Path]:
    """Yield the paths that match a pattern of file names in a folder."""
    return place.parent.glob(place.name) if _GLOB.search(place.name) else iter(())


def _nothing(shown: str) -> DataError:
    return DataError(f"{shown} does not exist, and no file matches it. Check the path.")


def _found(info: dict[str, Any]) -> Found:
    size = info.get("size")
    version = next((info[name] for name in _VERSIONS if info.get(name) is not None), "")
    if isinstance(version, datetime):  # one storage tells the same time in two ways
        version = version.timestamp()
    return Found(str(info["name"]), size if isinstance(size, int) else -1, printable(version))


@contextlib.contextmanager
def _translated(shown: str) -> Iterator[None]:
    """Translate what a storage raises; its messages may hold addresses with credentials."""
    try:
        yield
    except (DataError, UsageError, MemoryError, GeneratorExit):
        raise
    except ImportError as error:
        said = printable(without_credentials(str(error))).rstrip(".")[:300]
        raise UsageError(f"{shown} needs a package that is not installed: {said}.") from None
    except FileNotFoundError:
        raise DataError(f"{shown} does not exist. Check the address.") from None
    # Each storage has exceptions of its own.
    except Exception as error:  # noqa: BLE001 (and are not chained, because they may hold the credentials)
        said = printable(without_credentials(str(error) or type(error).__name__)).rstrip(".")[:300]
        raise DataError(f"{shown} cannot be read: {said}.") from None
