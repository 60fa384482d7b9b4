"""Which split each line of a list belongs to: from its own columns, other lists, folders, or the list's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from picturewise.data.readers.lists.judge import PictureList
from picturewise.data.readers.lists.pictures import Match, split_of_folder
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SplitName

PartOf = Callable[[Sequence[str], Match | None], SplitName | None]


def part_of(found: PictureList) -> PartOf:
    """Return a function from a line's cells and picture to its split; None: the line does not belong to a split.

    Raises:
        DataError: the lists of splits cannot be read, or contradict each other.
    """
    if found.parted_by:
        return _by_lists(found.parted_by)
    if found.splits.columns:
        return lambda cells, _: found.splits.of(cells)
    if found.by_folder:
        return lambda _, match: "train" if match is None else _of_folders(match.path)
    split = found.split or "train"
    return lambda *_: split


def said_by(lists: Sequence[PictureList]) -> dict[str, SplitName]:
    """Return the split of each picture that is named in the lists.

    Raises:
        DataError: a list cannot be read, or two of them contradict each other.
    """
    said: dict[str, SplitName] = {}
    for found in lists:
        part = part_of(found)
        for line, cells in found.table.rows():
            match = found.finder.find_or_none(cells[found.name])
            split = None if match is None else part(cells, match)
            if match is not None and split is not None and said.setdefault(match.path, split) != split:
                raise DataError(
                    f"{found.table.shown}, line {line:,}: {printable(match.path)} is already in the "
                    f"{said[match.path]} split. List each picture in only one split."
                )
    return said


def _by_lists(lists: Sequence[PictureList]) -> PartOf:
    said = said_by(lists)
    rest: SplitName | None = None if "train" in said.values() else "train"
    return lambda _, match: said.get(match.path, rest) if match is not None else "train"


def _of_folders(path: str) -> SplitName:
    return split_of_folder(path.rpartition("/")[0]) or "train"
