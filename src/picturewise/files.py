"""The only door through which files are written: completely or not at all.

A file or folder is written under a temporary name, flushed to the disk, renamed into place, and the rename is flushed
too. A crash at any moment leaves either the old content or the new, never a part.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from picturewise.errors import RunError, SaveError
from picturewise.printable import printable

TEMPORARY_PREFIX = ".unfinished-"
TEMPORARY_NAME = re.compile(r"\.unfinished-[0-9a-f]{8}-(?P<name>.+)", re.DOTALL)
"""Names made by `_beside`; only files with such names count as leftovers."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing an existing file in one step.

    Raises:
        SaveError: the disk is full, or the place is not writable; an older file is unchanged.
    """
    _write_whole(path, [content], len(content))


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8; otherwise like `write_bytes`."""
    write_bytes(path, content.encode())


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """Write `chunks` one after the other as one file, for content that may be large; otherwise like `write_bytes`."""
    _write_whole(path, chunks)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; otherwise like `write_bytes`. NaN and infinity are refused."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_fleeting(path: Path, content: Any) -> None:
    """Write JSON that is not needed after a crash: also completely, but without waiting for the disk.

    Raises:
        SaveError: as for `write_bytes`.
    """
    temporary = _beside(path)
    with _saving(path):
        try:
            with temporary.open("xb") as file:
                file.write(json.dumps(content).encode())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    """Make the folder `path` with the files `contents` (name → content), in this order, in one step.

    An existing folder is replaced if it holds only files with these names.

    Raises:
        SaveError: as for `write_bytes`, or something else is in the folder; then nothing is left behind.
    """
    temporary = _beside(path)
    with _saving(path, sum(map(len, contents.values()))):
        try:
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
                _flush_folder(path.parent.parent)
            temporary.mkdir()
            for name, content in contents.items():
                _write_and_flush(temporary / name, [content])
            _flush_folder(temporary)
            remove_folder(path, contents)
            temporary.replace(path)
        except BaseException:
            _remove_made(temporary)
            raise
        _flush_folder(path.parent)


def write_tree(path: Path, contents: Mapping[str, bytes]) -> None:
    """Make the folder `path`, which must not exist, with the files `contents`, in one step.

    Args:
        path: the folder.
        contents: path within the folder, with slashes → content.

    Raises:
        SaveError: as for `write_bytes`, or `path` exists; then nothing is left behind.
    """
    temporary = _beside(path)
    with _saving(path, sum(map(len, contents.values()))):
        try:
            temporary.mkdir()
            for name, content in contents.items():
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                _write_and_flush(temporary / name, [content])
            for folder in sorted({(temporary / name).parent for name in contents}, reverse=True):
                _flush_folder(folder)
            _flush_folder(temporary)
            temporary.rename(path)  # over an empty folder, too, but not over one with files
        except BaseException:
            _remove_made(temporary)
            raise
        _flush_folder(path.parent)


def remove_folder(path: Path, names: Collection[str]) -> None:
    """Remove a folder that holds only files with these names, in reverse order; the targets of links stay.

    Raises:
        OSError: something else is in it, or it is not a folder; nothing was removed.
    """
    if not path.is_symlink() and not path.exists():
        return
    if path.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a symbolic link")
    others = set(os.listdir(path)) - set(names)  # noqa: PTH208 (names, not paths)
    if others:
        raise OSError(errno.ENOTEMPTY, f"it contains other files, such as {min(others)}")
    for name in reversed([*names]):
        (path / name).unlink(missing_ok=True)
    path.rmdir()


def adopt(temporary: Path, path: Path) -> None:
    """Rename a finished file to `path`, replacing an existing file in one step.

    Args:
        temporary: the file; it is flushed to the disk first.
        path: its place, on the same disk.

    Raises:
        SaveError: as for `write_bytes`.
    """
    with _saving(path, temporary.stat().st_size):
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)


def adopt_folder(temporary: Path, path: Path) -> None:
    """Rename a finished folder of files to `path`, which must not exist, in one step.

    Args:
        temporary: the folder; its files are flushed to the disk first.
        path: its place, on the same disk.

    Raises:
        SaveError: as for `write_bytes`.
    """
    with _saving(path):
        for file in sorted(temporary.iterdir()):
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        _flush_folder(temporary)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
        _flush_folder(path.parent)


def appear(temporary: Path, path: Path) -> None:
    """Rename a finished folder, whose files are already flushed, to `path`, which may only be an empty folder.

    Raises:
        SaveError: as for `write_bytes`, or `path` exists.
    """
    with _saving(path):
        _flush_folder(temporary)
        temporary.rename(path)
        _flush_folder(path.parent)


def move_in(temporary: Path, folder: Path, names: Iterable[str]) -> None:
    """Move files with these names, already flushed, from a folder to another on the same disk, one by one.

    Missing ones are skipped. The folder that they were in is removed.

    Raises:
        SaveError: as for `write_bytes`.
    """
    with _saving(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (temporary / name).replace(folder / name)
                _flush_folder(folder)
        temporary.rmdir()


def check_renames(folder: Path) -> None:
    """Check that a file in a folder can be replaced by another one in one step, which some storages cannot do.

    Raises:
        SaveError: it cannot, or the folder cannot be written.
    """
    old, new = _beside(folder / "probe"), _beside(folder / "probe")
    with _saving(folder):
        for place, content in ((old, b"old"), (new, b"new")):
            place.write_bytes(content)
    why = "the new file is not there"
    try:
        new.replace(old)
        replaced = old.read_bytes() == b"new" and not new.exists()
    except OSError as error:
        replaced, why = False, error.strerror or str(error)
    finally:
        for place in (old, new):
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
    if not replaced:
        raise SaveError(
            f"{printable(folder)} is on a storage that cannot replace a file in one step ({why}). Use a folder on a "
            "disk or a network file system that can."
        )


def new_folder(parent: Path, stem: str) -> Path:
    """Make and return `parent/stem-1`, or the first of -2, -3, … that does not exist; safe between processes."""
    number = 1
    with _saving(parent):
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            path = parent / f"{stem}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path


class GrowingFile:
    """A text file that is written over a long time; it gets its name when it is finished.

    Until then it is beside that place under a name that says so, such as `table.unfinished.csv`, and holds whole lines
    as far as they were flushed, however the process ends. An existing file stays until the new one is finished.

    Args:
        path: of the finished file.

    Raises:
        SaveError: it is a folder, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise SaveError(f"{printable(path)} is a folder. Pass the path of a file.")
        if not path.name or "\0" in str(path):
            raise SaveError(f"'{printable(path)}' does not end in a file name. Pass the path of a file.")
        self.path = path
        self.unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
        self._flushed = 0
        with _saving(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.unfinished.unlink(missing_ok=True)  # of an interrupted process
            self._file = self.unfinished.open("xb", buffering=0)

    def write(self, text: str) -> None:
        """Add whole lines and pass them to the operating system.

        Raises:
            SaveError: the disk is full or the file cannot be written; then it ends with the last whole lines.
        """
        encoded = text.encode(
            "utf-8", "backslashreplace"
        )  # a class may have half a surrogate pair in its name
        content = memoryview(encoded)
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._flushed)
                self._file.close()
            with _saving(self.path):
                raise
        self._flushed += len(encoded)

    def finish(self) -> None:
        """Give the file its name, in one step.

        Raises:
            SaveError: it cannot be written, or another process has begun to write the same file.
        """
        with _saving(self.path, self._flushed):
            os.fsync(self._file.fileno())
            ours = os.path.samestat(os.fstat(self._file.fileno()), self.unfinished.stat())
            self._file.close()
            if not ours:
                raise SaveError(
                    f"{printable(self.path)} is also being written by another process. Pass another path."
                )
            self.unfinished.replace(self.path)
            _flush_folder(self.path.parent)

    def abandon(self, *, keep: bool) -> None:
        """Stop writing. The file keeps its unfinished name, or is removed if it is not worth keeping."""
        self._file.close()
        if not keep:
            with contextlib.suppress(OSError):
                self.unfinished.unlink(missing_ok=True)


def write_copy(path: Path, chunks: Iterable[bytes], *, modified_ns: int) -> None:
    """Write a copy of a file that must not exist yet: completely, but without waiting for the disk.

    Args:
        path: its place.
        chunks: the content.
        modified_ns: when the original was last modified.

    Raises:
        SaveError: as for `write_bytes`; then nothing is left behind.
    """
    temporary = _beside(path)
    with _saving(path):
        try:
            with temporary.open("xb") as file:
                file.writelines(chunks)
            os.utime(temporary, ns=(modified_ns, modified_ns))
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_link(path: Path, target: Path) -> None:
    """Make a symbolic link at `path`, which must not exist yet.

    Raises:
        SaveError: the operating system or the disk does not allow it.
    """
    with _saving(path):
        path.symlink_to(target)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless they exist.

    Raises:
        SaveError: as for `write_bytes`.
    """
    with _saving(path):
        path.mkdir(parents=True, exist_ok=True)


def sweep(folder: Path, *, older_than: float = 0) -> None:
    """Remove the files that an interrupted write left in `folder`.

    Args:
        folder: the caller holds its lock.
        older_than: seconds; without a lock, no process may still be writing files that old.
    """
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        if not TEMPORARY_NAME.fullmatch(leftover.name) or leftover.is_symlink() or not leftover.is_file():
            continue
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime >= older_than:
                leftover.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        RunError: the file is missing or is not JSON.
    """
    if path.exists() and not path.is_file():  # a pipe would block, and a device would never end
        raise RunError(f"{path} cannot be read: it is not a regular file.")
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: it is not valid JSON ({error}).") from error


def _remove_made(folder: Path) -> None:
    """Remove a folder that this process made a moment ago."""
    import shutil  # noqa: PLC0415 (it loads five compressors, and predictions do not write anything)

    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _saving(path: Path, size: int | None = None) -> Iterator[None]:
    """Translate the operating system's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            bytes_wanted = "" if size is None else f" ({size:,} bytes)"
            raise SaveError(
                f"No space left while saving {path}{bytes_wanted}; files saved earlier are unchanged. "
                "Free some space and continue."
            ) from error
        raise SaveError(f"{path} cannot be written: {error.strerror or error}.") from error


def _beside(path: Path) -> Path:
    """Return a temporary name in the folder of `path` that no other write uses.

    Raises:
        SaveError: the path has no name for a file.
    """
    if not path.name or "\0" in str(path):
        raise SaveError(f"'{printable(path)}' does not end in a file name. Pass the path of a file.")
    return path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{path.name}")


def _write_whole(path: Path, chunks: Iterable[bytes], size: int | None = None) -> None:
    temporary = _beside(path)
    with _saving(path, size):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_and_flush(temporary, chunks)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)


def _write_and_flush(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Flush a rename to the disk. Windows neither needs nor allows it."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
