"""`FilesIn`: the files in a folder that are taken for pictures without labels, found while they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.dataset import Skipped
from picturewise.data.readers.digit_struct import NAME as DIGIT_STRUCT
from picturewise.data.readers.folder_listing import is_folder, is_paper, is_visible
from picturewise.file_names import text_of
from picturewise.printable import printable


@dataclass(frozen=True)
class Paper:
    """A file whose name shows that it is not a picture: `README.txt`."""

    name: str


@dataclass(frozen=True)
class FilesIn:
    """The files in a folder by name, without hidden ones, read from the disk at each iteration.

    So a million files take the memory of the names in one folder.

    Attributes:
        folder: the folder.
        below: also the files in its subfolders, at any depth, without texts and tables. A link to a file is read like
            a file; links to folders are not followed, so that nothing is read twice.

    SVHN's table of numbers, which lies among its pictures, is never taken for a picture.
    """

    folder: Path
    below: bool = False

    def __iter__(self) -> Iterator[Path | Skipped | Paper]:
        """Yield each file, what is left out and why, and each text or table that is not used.

        Raises:
            OSError: the folder itself cannot be read.
        """
        waiting = [(self.folder, iter(_Listing(self.folder)))]
        while waiting:
            folder, entries = waiting[-1]
            found = next(entries, None)
            if found is None:
                waiting.pop()
                continue
            name, kind = found
            path = folder / name
            if kind == _FILE:
                is_unused = name == DIGIT_STRUCT or (self.below and is_paper(name))
                yield Paper(text_of(path)) if is_unused else path
            elif not self.below:
                yield Skipped(
                    printable(path),
                    "a folder next to the pictures; pass it separately, or use --recursive, to classify the pictures "
                    "in it",
                )
            elif kind == _LINK:
                yield Skipped(
                    printable(path), "a link to a folder; pass it separately to classify the pictures in it"
                )
            else:
                try:
                    waiting.append((path, iter(_Listing(path))))
                except OSError as error:
                    yield Skipped(
                        printable(path), f"a folder that cannot be read ({error.strerror or error})"
                    )


_FILE, _FOLDER, _LINK = range(3)


class _Listing:
    """The names in a folder, sorted, and what each is; strings alone, because there can be a million."""

    def __init__(self, folder: Path) -> None:
        self._names: list[str] = []
        self._folders: dict[str, int] = {}
        with os.scandir(folder) as entries:
            for entry in filter(is_visible, entries):
                self._names.append(entry.name)
                if is_folder(entry):
                    self._folders[entry.name] = _LINK if entry.is_symlink() else _FOLDER
        self._names.sort()

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((name, self._folders.get(name, _FILE)) for name in self._names)
