"""A local copy of the files at an address, kept in the cache folder until they change there.

copies/
  <address>/                 named after the address, without credentials
    copy.json                the files with their sizes and versions
    files/<name>/...         the files, or the file
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path, PurePosixPath

import filelock

from picturewise import files, logs
from picturewise.bars import progress_bar
from picturewise.cache_folder import copies_folder, no_room
from picturewise.data.shards.storage import Found, Storage
from picturewise.errors import DataError
from picturewise.names import shown_bytes
from picturewise.printable import printable
from picturewise.standard_error import STANDARD_ERROR
from picturewise.workshop import locked_workshop

AT_ONCE = 8
"""Files that are copied at the same time: one connection rarely uses all of a network."""
_CHUNK = 1 << 20
_SECONDS = 0.2  # between two looks at the progress
_PATTERN = frozenset("*?[")


def local_copy(address: str) -> Path:
    """Return the path of a copy of the file, or of the folder of files, at an address.

    The files are copied if they are not in the cache folder, or have changed. Several processes may ask at once: one
    copies, the others wait.

    Args:
        address: of a file, of a folder, or a pattern of file names.

    Raises:
        UsageError: the package for the protocol is missing.
        DataError: there is nothing, or it cannot be read, or its names are not those of files.
        SaveError: there is no room.
    """
    storage = Storage(address)
    found = [item for item in storage.files() if isinstance(item, Found)]
    names = _names(storage, found)
    place = copies_folder() / hashlib.sha256(storage.shown.encode()).hexdigest()[:24]
    listing = json.dumps([[name, item.size, item.version] for name, item in zip(names, found, strict=True)])
    called = place / "files" / names[0].partition("/")[0]
    sizes = [(place / "files" / name, item.size) for name, item in zip(names, found, strict=True)]
    if _is_whole(place, listing, sizes):
        return called
    workshop = place.with_name(f"{files.TEMPORARY_PREFIX}{place.name}")
    try:
        with locked_workshop(workshop, filelock.FileLock(place.with_name(f".{place.name}.lock"))) as folder:
            if not _is_whole(place, listing, sizes):  # another process may have copied them
                whole = folder / "whole"
                _copy(storage, found, [whole / "files" / name for name in names])
                (whole / "copy.json").write_text(listing, encoding="utf-8")
                shutil.rmtree(place, ignore_errors=True)
                files.appear(whole, place)
    except OSError as error:
        raise no_room("Cannot copy pictures to", error) from error
    return called


def _names(storage: Storage, found: Sequence[Found]) -> list[str]:
    """Return the path of each file in the copy, whose first part is the name of the whole."""
    if not found:
        raise DataError(f"{storage.shown} does not contain any files. Check the address.")
    root = PurePosixPath(storage.root)
    while _PATTERN & set(str(root)):
        root = root.parent
    if len(found) == 1 and PurePosixPath(found[0].path) == root:
        names = [root.name]
    else:
        top = root.name or "pictures"
        names = [str(PurePosixPath(top) / PurePosixPath(item.path).relative_to(root)) for item in found]
    for name in names:
        parts = name.split("/")
        if ".." in parts or "\0" in name or "\\" in name or name.startswith("/"):
            raise DataError(f"{storage.shown} contains the name {printable(name)!r}, which no file may have.")
    return names


def _is_whole(place: Path, listing: str, sizes: Iterable[tuple[Path, int]]) -> bool:
    """Return whether a copy is that of the files as they are now."""
    try:
        if (place / "copy.json").read_text(encoding="utf-8") != listing:
            return False
        return all(size < 0 or path.stat().st_size == size for path, size in sizes)
    except (OSError, UnicodeError):
        return False


def _copy(storage: Storage, found: Sequence[Found], places: Sequence[Path]) -> None:
    """Copy files, several at once if the storage allows it.

    Raises:
        DataError: one cannot be read; no other file is begun then.
        OSError: one cannot be written.
    """
    total = sum(max(0, item.size) for item in found)
    logs.log("copying", source=storage.shown, files=len(found), bytes=total)
    show = not logs.writes_lines()
    if show:
        STANDARD_ERROR.write(
            f"Copying {len(found):,} file{'s' * (len(found) > 1)} ({shown_bytes(total)}) from {storage.shown} to the "
            "cache folder.\n"
        )
    copying = _Copying(storage, zip(found, places, strict=True))
    streams = min(len(found), AT_ONCE) if storage.is_concurrent else 1
    with ThreadPoolExecutor(streams) as pool:
        try:
            running = {pool.submit(copying.run) for _ in range(streams)}
            while running:
                ended, running = wait(running, timeout=_SECONDS, return_when=FIRST_EXCEPTION)
                for one in ended:
                    one.result()
                if show and STANDARD_ERROR.isatty():
                    STANDARD_ERROR.write(
                        f"\r{progress_bar(copying.written, total)}  {shown_bytes(copying.written)}"
                    )
        finally:
            copying.stop()  # the other threads, also if this process was told to stop
    if show and STANDARD_ERROR.isatty():
        STANDARD_ERROR.write("\r\033[K")


class _Copying:
    """Files that are copied by several threads, each of which takes the next one.

    Attributes:
        written: bytes so far.
    """

    def __init__(self, storage: Storage, pairs: Iterator[tuple[Found, Path]]) -> None:
        self.written = 0
        self._storage, self._pairs = storage, pairs
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def run(self) -> None:
        """Copy files until there are no more; see `_copy`."""
        while (pair := self._next()) is not None:
            self._copy(*pair)

    def stop(self) -> None:
        """Let all threads end after what they are reading now; files may be incomplete then."""
        self._stopped.set()

    def _next(self) -> tuple[Found, Path] | None:
        with self._lock:
            return None if self._stopped.is_set() else next(self._pairs, None)

    def _copy(self, item: Found, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with self._storage.opened(item.path) as file, place.open("xb") as copy:
            while not self._stopped.is_set() and (chunk := file.read(_CHUNK)):
                copy.write(chunk)
                with self._lock:
                    self.written += len(chunk)
            copy.flush()
            os.fsync(copy.fileno())
            size = copy.tell()
        if item.size >= 0 and size != item.size and not self._stopped.is_set():
            raise DataError(
                f"{self._storage.name(item.path)} changed while it was copied. Wait until the program that writes it "
                "has finished, and run again."
            )
