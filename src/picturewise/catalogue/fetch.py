"""Fetching and removing a set of the catalogue: whole files or none, and one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import filelock

from picturewise import files
from picturewise.catalogue import entries
from picturewise.catalogue.download import Advance, Patience, download
from picturewise.catalogue.entries import PublishedFile
from picturewise.catalogue.installed import RECEIPT, Installed, is_published
from picturewise.errors import DataError, DownloadError, SaveError
from picturewise.untrusted.archives import archive
from picturewise.workshop import locked_workshop

_WORKSHOP = f"{files.TEMPORARY_PREFIX}fetch"

Convert = Callable[[Path, Path], None]
"""Convert the first file to the second, which is kept."""


@dataclass(frozen=True)
class Fetched:
    """What `fetch` did, by file name."""

    fetched: tuple[str, ...]
    here_already: tuple[str, ...]


def fetch(
    place: Installed,
    *,
    patience: Patience | None = None,
    advance: Callable[[str], Advance] | None = None,
    convert: Convert | None = None,
) -> Fetched:
    """Fetch every file of a set that is not here yet, and return which.

    Several processes may ask at once: one fetches, the others wait and then find the files. Files arrive in a hidden
    folder and stay there until their checksum is verified, so a set's folder never holds an incomplete file, whatever
    happens; the files of a killed process in the hidden folder are removed the next time.

    Args:
        place: the set.
        patience: how long to wait for a server.
        advance: called with a file's name before it is fetched, returns the function to call with its progress.
        convert: converts a file to its kept form; required if a file is converted.

    Raises:
        DownloadError: a file cannot be fetched; those fetched before it stay.
        DataError: as for `convert`.
        SaveError: something could not be written.
    """
    if not place.entry.files:
        return Fetched((), ())
    brought, here = [], []
    with _alone(place) as workshop:
        for file in place.entry.files:
            if all((place.folder / name).is_file() for name in file.places()):
                _check_here(place, file)
                here.append(file.name)
            elif is_published(place.folder, file):  # to be unpacked or converted, put there by hand
                _keep(place, file, place.folder / file.name, "put there by hand", workshop, convert)
                here.append(file.name)
            elif (twin := _twin(place, file)) is not None:
                _link(place, file, twin, workshop)
                here.append(file.name)
            else:
                path, address = _bring(
                    place, file, workshop, patience, advance(file.name) if advance else None
                )
                _keep(place, file, path, address, workshop, convert)
                brought.append(file.name)
    return Fetched(tuple(brought), tuple(here))


def remove(place: Installed) -> tuple[int, tuple[str, ...]]:
    """Delete the files of a set that Picturewise fetched; return their bytes and the names of files that are left.

    A file that was put there by hand, or changed since it was fetched, is left.

    Raises:
        SaveError: something cannot be deleted.
    """
    if not place.folder.exists():
        return 0, ()
    freed = 0
    with _alone(place), _writing(place.folder):
        for path in place.paths():
            if place.was_fetched(path.name):
                freed += path.stat().st_size
                path.unlink()
        (place.folder / RECEIPT).unlink(missing_ok=True)
    with _writing(place.folder):
        left = tuple(sorted(path.name for path in place.folder.iterdir()))
    if not left:
        with suppress(OSError):  # another process begins to fetch it at this moment
            place.folder.rmdir()
    return freed, left


@contextmanager
def _alone(place: Installed) -> Iterator[Path]:
    """Yield a hidden, empty folder to work in, while no other process works on the set."""
    lock = filelock.FileLock(place.folder.with_name(f".{place.name}.lock"))
    with ExitStack() as stack:
        with _writing(place.folder):
            workshop = stack.enter_context(locked_workshop(place.folder / _WORKSHOP, lock))
        yield workshop


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SaveError(
            f"Cannot write to {folder}: {error.strerror or error}. Check its permissions and the free disk space."
        ) from error


def _check_here(place: Installed, file: PublishedFile) -> None:
    """Refuse another file in the place of the published one; it may be the user's own, so it is not replaced."""
    if file.members or file.converted or place.was_fetched(file.name) or is_published(place.folder, file):
        return
    raise DownloadError(
        f"{place.folder / file.name} is not the published file: its size or checksum differs. Move "
        f"it to another folder and run: picturewise data fetch {place.name}"
    )


def _twin(place: Installed, file: PublishedFile) -> Installed | None:
    """Return another set that fetched the same file: `svhn` and `svhn-extra` share one."""
    others = [Installed(name, entry) for name, entry in entries.entries().items() if name != place.name]
    return next((o for o in others if file in o.entry.files and o.was_fetched(file.name)), None)


def _link(place: Installed, file: PublishedFile, twin: Installed, workshop: Path) -> None:
    """Link the file of another set; on disks without links, copy it."""
    path = workshop / file.name
    with _writing(place.folder):
        try:
            path.hardlink_to(twin.folder / file.name)
        except OSError:
            shutil.copy2(twin.folder / file.name, path)
    _settle(place, path, file.name, f"{twin.name} of the catalogue")


def _bring(
    place: Installed, file: PublishedFile, workshop: Path, patience: Patience | None, advance: Advance | None
) -> tuple[Path, str]:
    try:
        return download(file, place.entry.addresses(file), workshop, patience=patience, advance=advance)
    except DownloadError as error:
        raise DownloadError(
            f"{place.name}: {file.name} could not be downloaded: {error}. Try again later, or download the file "
            f"yourself, put it in {place.folder} and run: picturewise data fetch {place.name}"
        ) from error


def _keep(
    place: Installed, file: PublishedFile, path: Path, address: str, workshop: Path, convert: Convert | None
) -> None:
    """Put the kept form of the file at `path`, whose checksum was verified, in the set's folder."""
    if file.members:
        _unpack(place, file, path, address, workshop)
    elif file.converted is not None:
        assert convert is not None  # noqa: S101 (callers that fetch such a file pass it)
        convert(path, workshop / file.converted)
        _settle(place, workshop / file.converted, file.converted, address)
    else:
        _settle(place, path, file.name, address)


def _settle(place: Installed, path: Path, name: str, address: str) -> None:
    # The receipt first: after a kill in between, it names a file that does not exist, which does no harm.
    place.record(path, name, address)
    files.adopt(path, place.folder / name)


def _unpack(place: Installed, file: PublishedFile, path: Path, address: str, workshop: Path) -> None:
    """Take a file's members out of the zip archive at `path`, whose checksum was verified."""
    try:
        for member in file.members:
            with (workshop / PurePosixPath(member).name).open("wb") as output:
                for piece in archive.pieces(path, member):
                    output.write(piece)
    except DataError as error:
        raise DownloadError(f"{file.name} of {place.name} cannot be unpacked: {error}") from error
    except OSError as error:
        raise SaveError(
            f"Cannot write to {workshop}: {error.strerror or error}. Check its permissions and the free disk space."
        ) from error
    for name in file.places():
        _settle(place, workshop / name, name, address)
