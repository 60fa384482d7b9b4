"""What a name or a path stands for: the first reader that recognises it, by looking at it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from picturewise.catalogue import entries
from picturewise.data.catalogue_source import open_installed
from picturewise.data.contract import Source
from picturewise.data.pictures.decode import describe
from picturewise.data.readers import (
    cifar,
    folders,
    hdf5,
    idx,
    labels_csv,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)
from picturewise.errors import DataError, nearest
from picturewise.printable import printable

READERS: tuple[Callable[[Path], Source | None], ...] = (
    svhn.recognise,
    hdf5.recognise,
    parquet.recognise,
    pixel_csv.recognise,
    labels_csv.recognise,
    idx.recognise,
    usps.recognise,
    cifar.recognise,
    npz.recognise,
    pickled_arrays.recognise,
    folders.recognise,
)


def find(data: str) -> tuple[Source, list[str]]:
    """Return the source that a catalogue name or a path stands for, and what is worth saying about that.

    Raises:
        DataError: it is neither, is not fetched yet, or nothing at the path is of a form that Picturewise reads.
        OSError: the path cannot be read.
    """
    if (entry := entries.entries().get(data)) is not None:
        notes = [f"'{data}' is the one of the catalogue; './{data}' is the folder of that name."]
        return open_installed(data, entry, recognise), notes if Path(data).exists() else []
    path = Path(os.path.expanduser(data))  # noqa: PTH111 (Path's own raises where there is no home)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte
        raise _not_found(data) from error
    if not data.strip():
        raise _not_found(data)
    return recognise(path), []


def recognise(path: Path) -> Source:
    """Return the source for what lies at `path`.

    Raises:
        DataError: it is of no form that Picturewise reads.
        OSError: it cannot be read.
    """
    inside = _files_in(path)
    # A folder that holds nothing but one data file stands for it; of several, each must be named.
    for place in [path, *(inside if len(inside) == 1 else [])]:
        for reader in READERS:
            source = reader(place)
            if source is not None:
                return source
    raise DataError(
        f"{printable(path)} is of no form that Picturewise reads: found {_contents(path)}, expected a folder with "
        "one folder of pictures per class (with or without train, valid and test above them), or files of a form that "
        "docs/data.md lists, such as MNIST's."
    )


def _files_in(path: Path) -> list[Path]:
    """Return what is in a folder and not hidden, or nothing if `path` is no folder."""
    return sorted(item for item in path.iterdir() if not item.name.startswith(".")) if path.is_dir() else []


def _not_found(data: str) -> DataError:
    names = entries.entries()
    return DataError(
        f"'{printable(data)}' is neither a path that exists nor a name of the catalogue ({', '.join(names)})."
        f"{nearest(data, names)}"
    )


def _contents(path: Path) -> str:
    """Say in a few words what is at `path`."""
    if path.is_file():
        with path.open("rb") as file:
            return describe(file.read(64))
    if not path.is_dir():
        return "neither a file nor a folder"
    names = sorted(os.listdir(path))  # noqa: PTH208 (names, not paths)
    shown = ", ".join(printable(name) for name in names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names):,} file{'s' * (len(names) > 1)} ({shown})" if names else "an empty folder"
