"""A run's folder appears completely or not at all: it is claimed, filled under a hidden name, and then renamed.

So a folder holds a run that can be resumed, or no run, however the start ends. If the folder already exists and is
empty, it is not replaced: the files are moved into it one by one, run.json last, and `finish_start` moves the rest if
that is interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from picturewise import files
from picturewise.errors import PicturewiseError, SaveError, UsageError
from picturewise.printable import printable
from picturewise.runs.lock import LOCK, PATIENCE, FolderLock, busy, is_busy, is_trace
from picturewise.runs.places import is_folder, is_link

RECORD = "run.json"
START = ("splits.csv", "skipped.csv", "recipe.toml", RECORD)
"""The files that are written before the first batch, in this order: a folder with the last one is a run."""
_ASIDE = f"{files.TEMPORARY_PREFIX}run"
_LONGEST = 200  # bytes of a name that is used in a longer one: file systems allow 255


class NewRun:
    """A claimed folder for a run.

    Args:
        path: of the run, as the user wrote it.
        patience: seconds to wait for another process that uses the folder.

    Attributes:
        path: of the run, as the user wrote it.
        folder: where its first files are written.
        lock: keeps other processes away.
        begun: whether the run exists.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path, self.begun = path, False
        self._place = Path(os.path.realpath(path))
        self._stays = self._place.is_dir()
        if self._stays:
            self.folder = self._place / _ASIDE
            self.lock = FolderLock(self._place, shown=path, patience=patience)
        else:
            self.folder = self._place.with_name(f"{_ASIDE}-{_shortened(self._place.name)}")
            self.lock = FolderLock(
                self.folder, doing="starting a run in", shown=path, make=True, patience=patience
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[NewRun]:
        """In the block, no other process starts a run here; at its end, nothing is left of a run that did not start.

        Raises:
            UsageError: the folder is not empty, or another process uses it.
            SaveError: the folder cannot be written.
        """
        if others := _content(self._place):  # before anything is created in it
            raise UsageError(_taken(self.path, others))
        if is_link(self.folder):
            raise UsageError(f"{printable(self.folder)} is a symbolic link. Remove it and try again.")
        with _parents(self._place.parent), contextlib.ExitStack() as stack:
            if not self._stays:
                _sweep(self._place.parent, but=self.folder)
            stack.enter_context(self.lock.held())
            stack.callback(self._give_up)
            if others := _content(self._place):  # again, now that no other process can change it
                raise UsageError(_taken(self.path, others))
            with _saving(self.path):
                files.sweep(self._place)
                _clear(self.folder)
                self.folder.mkdir(exist_ok=True)
            yield self

    def appear(self) -> None:
        """Move the run, whose files are in `folder`, to its final place.

        Raises:
            UsageError: files appeared there in the meantime.
            SaveError: the place cannot be written.
        """
        if others := [name for name in _content(self._place) if name != _ASIDE]:
            raise UsageError(_taken(self.path, others))
        if self._stays:
            files.move_in(self.folder, self._place, START)
        else:
            with self.lock.moving(self.path):
                files.appear(self.folder, self._place)
        self.begun = True

    def _give_up(self) -> None:
        if self.begun:
            return
        with contextlib.suppress(OSError):
            if self._stays and (self.folder / RECORD).exists() and (self._place / START[0]).exists():
                return  # partly moved: the next process that opens it moves the rest
            _clear(self.folder)
            self.lock.forget()
            self.folder.rmdir()


@contextlib.contextmanager
def new_run(path: Path, *, patience: float = PATIENCE) -> Iterator[NewRun]:
    """Claim a folder for a new run until the end of the block; see `NewRun.claimed`."""
    with NewRun(path, patience=patience).claimed() as claimed:
        yield claimed


@contextlib.contextmanager
def numbered_run(parent: Path, stem: str) -> Iterator[NewRun]:
    """Claim `parent/stem-1` for a new run, or the first free one of -2, -3, …; see `NewRun.claimed`."""
    number = 1
    with contextlib.ExitStack() as stack:
        while True:
            path = parent / f"{stem}-{number}"
            if not path.exists() and not is_link(path):
                with contextlib.suppress(UsageError):  # another process uses it, or did a moment ago
                    claimed = stack.enter_context(new_run(path))
                    break
            number += 1
        yield claimed


def finish_start(path: Path) -> None:
    """Finish a start that was interrupted while its files were moved into an empty folder; otherwise do nothing.

    Raises:
        UsageError: the process that starts the run is still working.
        SaveError: the folder cannot be written.
    """
    aside = path / _ASIDE
    if not is_folder(aside) or not (aside / RECORD).is_file():
        return
    with FolderLock(path).held():
        if (aside / RECORD).is_file() and not (path / RECORD).exists():
            files.move_in(aside, path, START)


def _content(place: Path) -> list[str]:
    """Return the sorted names in a folder, without traces of a start; for a file, its own name."""
    if not place.is_dir():
        return [place.name] if place.exists() or is_link(place) else []
    aside = place / _ASIDE
    # A complete start only has to be moved, so it counts as a run.
    is_run = is_folder(aside) and (aside / RECORD).is_file() and not (place / RECORD).exists()
    passed = aside if is_folder(aside) and not is_run else None
    return sorted(found.name for found in place.iterdir() if found != passed and not is_trace(found))


def _taken(path: Path, others: list[str]) -> str:
    shown = printable(path)
    if not path.is_dir():
        return f"{shown} is a file, but a run needs a folder. Choose another --out."
    if is_busy(path):
        return busy(path)
    if RECORD in others or _ASIDE in others:
        return (
            f"{shown} already exists and is not empty. Choose another --out, or continue the run in it: "
            f"picturewise resume {shown}"
        )
    return f"{shown} already exists and is not empty ({printable(others[0])}). Choose another --out."


def _sweep(parent: Path, *, but: Path) -> None:
    """Remove unfinished starts of killed processes."""
    for aside in parent.glob(f"{_ASIDE}-*"):
        if aside != but and is_folder(aside):
            with contextlib.suppress(OSError, PicturewiseError):
                if not (aside / LOCK).is_file():
                    aside.rmdir()  # removes only empty folders
                    continue
                lock = FolderLock(aside, patience=0)
                with lock.held():
                    _clear(aside)
                    lock.forget()
                    aside.rmdir()


def _clear(aside: Path) -> None:
    """Remove only the files of an unfinished start."""
    files.sweep(aside)
    for name in START:
        (aside / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _parents(folder: Path) -> Iterator[None]:
    """Create the parent folders; if the block fails, those that are still empty are removed again."""
    made = [above for above in (folder, *folder.parents) if not above.exists()]
    with _saving(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for above in made:
                above.rmdir()
        raise


@contextlib.contextmanager
def _saving(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SaveError(
            f"Cannot write to {printable(path)}: {error.strerror or error}. Check its permissions and the free disk "
            "space."
        ) from error


def _shortened(name: str) -> str:
    """Return a name that is short enough to be extended, different for different names."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return hashlib.sha256(os.fsencode(name)).hexdigest()
