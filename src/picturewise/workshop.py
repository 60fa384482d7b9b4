"""A folder in which one process at a time assembles something; finished files are moved out, the rest is deleted."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def locked_workshop(folder: Path, lock: filelock.FileLock) -> Iterator[Path]:
    """Yield `folder`, new and empty, as soon as no other process holds the same lock; remove it at the end.

    Args:
        folder: created with its parents; files of a killed process are removed first.
        lock: its file is created with its parents, and is kept.

    Raises:
        OSError: one of them cannot be created.
    """
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    with lock:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
