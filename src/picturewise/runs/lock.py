"""The lock of a run's folder: one process at a time works in it, from its first look until it is done.

The operating system releases the lock when the process ends, for whatever reason.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import stat
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import filelock

from picturewise import files
from picturewise.errors import RunError, SaveError, UsageError
from picturewise.printable import printable
from picturewise.runs.places import inside, is_link

LOCK, HOLDER = ".lock", ".holder.json"
PATIENCE = 0.3
"""Seconds to wait for a process that only checks whether a folder is free."""
_TRIES = 20


class FolderLock:
    """The right to write into a folder. The thread that holds the lock may take it again; no other thread can.

    Args:
        folder: a run's folder, or another one that only one process at a time writes into.
        doing: what the process does there, for the message that other processes show.
        shown: the folder's name in messages, if it still has another name on disk.
        make: create the folder if it does not exist.
        patience: seconds to wait for another process.
        file: the name of the lock file in the folder; another name locks only a part of the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        doing: str = "training in",
        shown: Path | None = None,
        make: bool = False,
        patience: float = PATIENCE,
        file: str = LOCK,
    ) -> None:
        self.folder, self._doing, self._shown, self._make = folder, doing, shown or folder, make
        self._patience, self._file = patience, file
        self._lock: filelock.BaseFileLock | None = None
        self._thread, self._depth = 0, 0

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """In the block, no other process holds the lock; yield whether it was taken by this call.

        Raises:
            UsageError: another process holds it; the message says which one.
            RunError: Picturewise did not create the lock file.
            SaveError: the folder cannot be written.
        """
        with contextlib.ExitStack() as stack:
            first = self._lock is None or self._thread != threading.get_ident()
            if first:
                self._take()
            self._depth += 1
            stack.callback(self._leave)
            yield first

    @contextlib.contextmanager
    def moving(self, folder: Path) -> Iterator[None]:
        """In the block, the locked folder is renamed."""
        if (
            sys.platform == "win32" and self._lock is not None
        ):  # Windows does not rename a folder that contains an open file
            self._lock.release()
        yield
        self.folder = self._shown = folder
        self._doing, self._make = "training in", False
        if sys.platform == "win32":
            self._lock = filelock.FileLock(folder / LOCK, timeout=self._patience, thread_local=False)
            self._lock.acquire()

    def forget(self) -> None:
        """Remove the lock's own files from a folder that is abandoned; the folder is still locked."""
        with contextlib.suppress(OSError):
            (self.folder / HOLDER).unlink(missing_ok=True)
            if (self.folder / LOCK).stat().st_size == 0:  # ours never has content
                (self.folder / LOCK).unlink()

    def _take(self) -> None:
        with _saving(self._shown):
            for _ in range(_TRIES):
                if self._make:
                    self.folder.mkdir(parents=True, exist_ok=True)
                elif not self.folder.is_dir():  # filelock would create it
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                place = inside(self.folder, self._file)
                try:
                    before = _found(place)
                    lock = filelock.FileLock(place, timeout=self._patience, thread_local=False)
                    lock.acquire(poll_interval=0.02)
                except filelock.Timeout as error:
                    raise UsageError(self._busy()) from error
                except FileNotFoundError:
                    if not self._make:
                        raise
                    continue  # the previous process removed the folder in the meantime
                # A process that abandons a folder removes the lock file, which then no longer protects anything.
                if _is_still(place, before):
                    self._lock, self._thread, self._depth = lock, threading.get_ident(), 0
                    break
                lock.release()
            else:
                raise SaveError(
                    f"{printable(self._shown)} cannot be locked, because other processes keep using it. Try again."
                )
        if self._file != LOCK:
            return
        with contextlib.suppress(RunError, SaveError):  # it only informs other processes
            files.write_fleeting(inside(self.folder, HOLDER), _this_process())

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0 and self._lock is not None:
            if self._file == LOCK:
                with contextlib.suppress(OSError):
                    (self.folder / HOLDER).unlink(missing_ok=True)
            lock, self._lock = self._lock, None
            lock.release()

    def _busy(self) -> str:
        if self._file != LOCK:
            where = printable(self._shown)
            return f"Another process has been {self._doing} {where} for too long. Stop it and try again."
        return busy(self.folder, doing=self._doing, shown=self._shown)


def busy(folder: Path, *, doing: str = "training in", shown: Path | None = None) -> str:
    """Return the message for a locked folder: which process works in it."""
    pid, host, since = _holder(folder)
    where = printable(shown or folder)
    if pid == os.getpid() and host == platform.node():
        return f"This process is already {doing} {where}. Wait until it has finished."
    facts = [f"PID {pid}" + (f" on {printable(host)}" if host != platform.node() else "")] if pid else []
    facts += [f"since {printable(since)}"] if pid and since else []
    which = f" ({', '.join(facts)})" if facts else ""
    return f"Another process{which} is {doing} {where}. Wait until it has finished, or stop it."


def is_busy(folder: Path) -> bool:
    """Return whether a process works in a folder now; no file is created if the folder was never locked."""
    if not (folder / LOCK).is_file():
        return False
    try:
        with FolderLock(folder, patience=0).held():
            return False
    except UsageError:
        return True
    except (RunError, SaveError):
        return False


def is_trace(place: Path) -> bool:
    """Return whether a file in a folder is a trace: of the lock, or an unfinished file of a killed process.

    Our lock files are always empty.
    """
    if is_link(place) or not place.is_file():
        return False
    if files.TEMPORARY_NAME.fullmatch(place.name):
        return True
    return place.name == HOLDER or (place.name == LOCK and place.stat().st_size == 0)


def _this_process() -> dict[str, object]:
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return {"pid": os.getpid(), "host": platform.node(), "since": now}


def _holder(folder: Path) -> tuple[int, str, str]:
    """Return the PID, the host and the start time of the process that holds the lock; PID 0: not known."""
    try:
        content = files.read_json(inside(folder, HOLDER))
        pid, host, since = content["pid"], content["host"], content["since"]
    except (RunError, KeyError, TypeError):
        return 0, "", ""
    if (
        type(pid) is not int
        or not 0 < pid < 1 << 31
        or not isinstance(host, str)
        or not isinstance(since, str)
    ):
        return 0, "", ""
    # A killed process leaves this file behind until the next one writes its own.
    alive = host != platform.node() or _lives(pid)
    return (pid, host[:64], since[:32]) if alive else (0, "", "")


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # there, os.kill would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it belongs to another user
    return True


def _found(place: Path) -> os.stat_result | None:
    """Return the status of the lock file, or None if it does not exist yet.

    Raises:
        RunError: it is a link or not a regular file. Older versions of filelock would empty what it points to.
    """
    try:
        status = place.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise RunError(f"{printable(place)} is not a file that Picturewise created. Remove it and try again.")
    return status


def _is_still(place: Path, before: os.stat_result | None) -> bool:
    try:
        now = place.lstat()
    except FileNotFoundError:
        return False
    return before is None or (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino)


@contextlib.contextmanager
def _saving(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SaveError(
            f"Cannot write to {printable(folder)}: {error.strerror or error}. Check its permissions and the free disk "
            "space."
        ) from error
