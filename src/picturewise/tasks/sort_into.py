"""Picture files sorted into one folder for each predicted class. The files themselves are not changed or moved."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from picturewise import files
from picturewise.data.contract import Source
from picturewise.data.dataset import Skipped
from picturewise.data.pictures.decode import open_file
from picturewise.data.readers.files_in import FilesIn
from picturewise.data.readers.loose_pictures import LoosePictures
from picturewise.errors import DataError, PictureError, UsageError
from picturewise.file_names import path_of
from picturewise.names import pictures
from picturewise.prediction.predict import PredictedBlock
from picturewise.printable import printable

UNSURE = "unsure"
_LONGEST = 100  # bytes of a folder's name; file systems allow 255, and a whole path often fewer
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)  # on Windows
_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


class SortedFolders:
    """A folder with a copy of each picture, or a link to it, in a folder of its predicted class.

    Args:
        folder: it must not exist, or be empty.
        classes: of the classifier.
        sources: of the pictures.
        link: make symbolic links instead of copies.
        min_confidence: pictures with a lower probability go into the folder `unsure`.

    Raises:
        UsageError: the folder is not empty, is in a folder of the pictures, or the pictures are not files.
        SaveError: it cannot be made.
    """

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str],
        sources: Sequence[Source],
        *,
        link: bool = False,
        min_confidence: float | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._names = folder_names(classes)
        self._link, self._least = link, min_confidence
        self._next: dict[tuple[str, str], int] = {}  # of names that occur twice: the next number
        self._made = set[str]()
        self.count = 0
        self.left_out: list[Skipped] = []
        """Pictures that could not be read a second time, to be copied."""
        _check_place(self.folder, sources)
        files.make_folder(self.folder)

    @property
    def notes(self) -> tuple[str, ...]:
        """Which classes have folders with other names."""
        changed = [(name, folder) for name, folder in self._names.items() if name != folder]
        if not changed:
            return ()
        said = ", ".join(f"'{printable(name)}' in {folder}" for name, folder in changed[:5])
        more = ", …" if len(changed) > 5 else ""
        return (f"Some classes have names that a folder cannot have. Their pictures are: {said}{more}.",)

    def add(self, block: PredictedBlock) -> None:
        """Copy or link the pictures of a block.

        Raises:
            DataError: a picture is not a file.
            SaveError: the disk is full, or it cannot be written.
        """
        for row in block.rows:
            if row.probabilities is None:
                continue
            source = path_of(row.path)
            if row.number is not None or not source.is_file():
                raise DataError(
                    f"{printable(row.name)} is not a file of its own, so it cannot be sorted. Pass picture "
                    "files or folders of them."
                )
            unsure = self._least is not None and row.probability < self._least
            self._place(source, UNSURE if unsure else self._names[row.label])

    def finish(self) -> None:
        """Do nothing: each picture is complete as soon as it is there."""

    def abandon(self) -> str:
        """Return how many pictures were sorted."""
        if not self.count:
            return ""
        there = "is" if self.count == 1 else "are"
        return f"The first {pictures(self.count)} {there} sorted into {printable(self.folder)}."

    def _place(self, source: Path, name: str) -> None:
        folder = self.folder / name
        if name not in self._made:
            files.make_folder(folder)
            self._made.add(name)
        target = self._free(folder, source)
        if self._link:
            files.write_link(target, source.absolute())
        else:
            try:
                with open_file(source) as opened:
                    modified = os.fstat(opened.fileno()).st_mtime_ns
                    files.write_copy(target, _chunks(opened), modified_ns=modified)
            except PictureError as error:
                self.left_out.append(Skipped(printable(source), f"{error.reason}, so it was not copied"))
                return
        self.count += 1

    def _free(self, folder: Path, source: Path) -> Path:
        """Return a path in a folder that does not exist: the file's own name, or with a number behind it."""
        target = folder / source.name
        while os.path.lexists(target):
            key = (folder.name, source.name)
            self._next[key] = number = self._next.get(key, 1) + 1
            target = folder / f"{source.stem}-{number}{source.suffix}"
        return target


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """Return a name for the folder of each class: allowed on every system, different also where case does not matter.

    >>> folder_names(["cat", "a/b", "a:b", "..", "CON", "unsure"])
    {'cat': 'cat', 'a/b': 'a-b', 'a:b': 'a-b-2', '..': '_', 'CON': '_CON', 'unsure': 'unsure-2'}
    """
    found: dict[str, str] = {}
    taken = {UNSURE}
    for name in classes:
        plain = _safe(name)
        unique, number = plain, 1
        while _key(unique) in taken:
            number += 1
            unique = f"{plain}-{number}"
        taken.add(_key(unique))
        found[name] = unique
    return found


def _safe(name: str) -> str:
    text = _REFUSED.sub("-", printable(name).replace("\\", "-"))
    text = text.encode()[:_LONGEST].decode("utf-8", "ignore").strip(" .")  # Windows drops them at the end
    return f"_{text}" if not text or _RESERVED.fullmatch(text) else text


def _key(name: str) -> str:
    """Return what is equal for names that a file system may take for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def _check_place(folder: Path, sources: Sequence[Source]) -> None:
    shown = printable(folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{shown} is not a folder. Choose another --sort-into.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{shown} already exists and is not empty. Choose another --sort-into.")
    reached = Path(os.path.realpath(folder))
    for source in sources:
        for above in _folders_of(source):
            if reached.is_relative_to(os.path.realpath(above)):
                raise UsageError(
                    f"{shown} is in {printable(above)}, whose pictures are to be sorted. Choose another --sort-into."
                )


def _folders_of(source: Source) -> list[Path]:
    """Return the folders that are read as a whole."""
    if isinstance(source, LoosePictures):
        return [part.folder for part in source.parts if isinstance(part, FilesIn)]
    if source.place is None:
        return []
    place = path_of(source.place)
    return [place] if place.is_dir() else []


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk
