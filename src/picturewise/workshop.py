"""A folder in which one process at a time puts something together; what is whole leaves it, the rest goes with it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def locked_workshop(folder: Path, lock: filelock.FileLock) -> Iterator[Path]:
    """Yield `folder`, new and empty, as soon as no other process is in one with the same lock; remove it at the end.

    Args:
        folder: made with its parents; what a process that was killed left in it is removed first.
        lock: its file is made with its parents, and stays.

    Raises:
        OSError: one of them cannot be made.
    """
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    with lock:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
