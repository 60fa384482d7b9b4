"""Which pictures below a folder belong to which split, if their classes are in their paths instead of folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.readers.folder_listing import is_paper
from picturewise.data.readers.folders import beside
from picturewise.data.readers.folders.contents import holds_only_folders, kind_of, look, walk
from picturewise.data.readers.folders.refusals import beside_splits
from picturewise.data.readers.folders.split_folders import marked
from picturewise.data.readers.folders.words import means_annotations, means_pictures, means_unlabelled
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import SplitName


@dataclass(frozen=True)
class Spread:
    """Where the pictures are.

    Attributes:
        folders: for each split, the folders that hold its pictures; without such folders, all is train.
        notes: what was left out.
    """

    folders: Mapping[SplitName, tuple[Path, ...]]
    notes: tuple[str, ...] = ()


def spread(root: Path) -> Spread:
    """Return which folders below `root` belong to which split.

    Raises:
        DataError: there are other folders or pictures beside the folders of splits.
        OSError: a folder cannot be read.
    """
    folder = root
    while True:
        here = look(folder)
        holding = [name for name in here.folders if kind_of(folder / name) in {"pictures", "files"}]
        masks = _masks(holding, annotated=bool(here.pictures or marked(here.folders).named))
        rest = [name for name in holding if name not in masks]
        named = {name: split for name, split in marked(here.folders).named.items() if name in rest}
        others = [name for name in rest if name not in named and not means_unlabelled(name)]
        if named and here.pictures:
            raise DataError(
                f"{printable(folder)} contains pictures alongside the folders {listed(list(named))}. Move each "
                "picture into the folder of its split."
            )
        if named and others and any(holds_only_folders(folder / name) for name in named):
            raise beside_splits(folder, here.folders)
        if named and not others:
            folders: dict[SplitName, tuple[Path, ...]] = {}
            for name, split in named.items():
                folders[split] = (*folders.get(split, ()), folder / name)
            left = [name for name in rest if name not in named]
            notes = [
                *marked(here.folders).notes,
                *(beside.unlabelled(folder / name, root, "test") for name in left),
            ]
            notes += [beside.aside(folder / name, root) for name in masks]
            return Spread(folders, tuple(notes))
        if len(rest) != 1 or masks or here.pictures:
            return Spread({"train": (root,)})
        folder /= rest[0]


def candidates(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files in and below a folder that may be pictures of a class, and the folders of masks there.

    Both are sorted paths below it with `/` as separator. Files whose names are not those of pictures are left out.

    Raises:
        OSError: a folder cannot be read.
    """
    masks: list[str] = []

    def enters(names: list[str], above: str, pictures: bool) -> list[str]:
        found = _masks(names, annotated=pictures)
        masks.extend(above + name for name in found)
        return [name for name in names if name not in found]

    files = [name for name, _ in walk(folder, enters) if not is_paper(name)]
    return sorted(files), sorted(masks)


def _masks(names: list[str], *, annotated: bool) -> list[str]:
    """Return the folders that annotate pictures; names count only beside pictures or folders named so."""
    masks = [name for name in names if means_annotations(name)]
    return masks if annotated or any(means_pictures(name) for name in names if name not in masks) else []
