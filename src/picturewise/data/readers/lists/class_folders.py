"""Lists of pictures that are in class folders: which of the two says more, and whether they agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from picturewise.data.readers.lists.judge import Aside, PictureList
from picturewise.data.readers.lists.parts import said_by
from picturewise.data.readers.lists.pictures import Match, Pictures, split_of_folder
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import split_of

PICTURE_WORDS = frozenset(  # of folders that are not classes
    {"image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "data", "jpegimages"}
)
_COVERED = 0.98  # share of the pictures
_SHARED = 0.05  # share of a list's pictures that a list of splits names if it is about them


def saying_more(lists: Sequence[PictureList], pictures: Pictures) -> list[PictureList]:
    """Return the lists that say more than the folders of the pictures do.

    Raises:
        DataError: a list uses the same classes as the folders, but for other pictures.
    """
    kept = []
    folders = {path.split("/")[-2].casefold() for path in pictures.paths if "/" in path} - PICTURE_WORDS
    class_like = len({name for name in folders if split_of_folder(name) is None}) > 1
    for found in lists:
        kind = _against_folders(found)
        lines = _lines(found)
        if (
            kind is None
            and class_like
            and (found.doubtful or (_numbers(found) and lines < len(pictures.paths) / 2))
        ):
            continue  # a table of something else, whose numbers happen to be names of pictures
        alone = len(lists) == 1 and not found.says_splits
        if kind == "renamed" and alone:
            continue
        if kind == "same" and alone and lines < _COVERED * len(pictures.paths):
            continue
        if kind == "other":
            note = (
                f"{found.table.shown}: the classes were taken from this list, not from the folders of the pictures. "
                "To use the folders, move the list to another folder."
            )
            found = replace(found, notes=(*found.notes, note))  # noqa: PLW2901
        kept.append(found)
    return kept


def _numbers(found: PictureList) -> bool:
    """Return whether a list names pictures only by numbers."""
    return all(row[found.name].isdecimal() for row in found.table.sample)


def _lines(found: PictureList) -> int:
    """Return about how many lines a list has."""
    size = found.path.stat().st_size
    some = found.table.sample[:1000]
    text = sum(sum(map(len, row)) + len(row) for row in some) / len(some)
    return max(len(found.table.sample), round(size / max(1.0, text)))


def _against_folders(found: PictureList) -> str | None:
    """Return how the classes of a list relate to the folders of its pictures.

    `same`: the folders have their names; `renamed`: a folder for each class, under another name; `other`: one of them
    divides the other further; None: the folders have nothing to do with the classes.

    Raises:
        DataError: the folders have the names of the classes, but hold pictures of other classes.
    """
    if len(found.labels) != 1:
        return None
    pairs: dict[tuple[str, str], tuple[Match, str]] = {}
    for row in found.table.sample:
        match, label = found.finder.find_or_none(row[found.name]), row[found.labels[0]]
        if match is not None and label and "/" in match.path:
            pairs.setdefault((match.path.split("/")[-2].casefold(), label.casefold()), (match, label))
    folders, labels = {folder for folder, _ in pairs}, {label for _, label in pairs}
    if len(folders) < 2 or len(labels) < 2:
        return None
    if all(folder == label for folder, label in pairs):
        return "same"
    shared = folders & labels
    if len(shared) > 1 and len(shared) >= len(folders) / 2:
        match, label = next(said for (folder, name), said in pairs.items() if folder != name)
        raise DataError(
            f"{found.table.shown} gives the label '{printable(label)[:60]}' to {printable(match.path)}, but the class "
            f"folder of this picture has another name. Pass {found.table.shown} to use the list, or move it to another "
            "folder to use the class folders."
        )
    if len(pairs) == len(folders) == len(labels):
        return "renamed"
    named = {folder for folder in folders if split_of(folder) is None} - PICTURE_WORDS
    return "other" if len(named) > 1 and len(pairs) == max(len(folders), len(labels)) else None


def splits_of_folders(lists: Sequence[PictureList]) -> list[PictureList]:
    """Return lists that only name the pictures of each split, for pictures in class folders, such as Food-101's."""
    found = [one for one in lists if not one.labelled and one.split is not None and not one.says_splits]
    if len({one.split for one in found}) < 2 or all(one.split != "train" for one in found):
        return []
    for one in found:
        matches = [one.finder.find_or_none(row[one.name]) for row in one.table.sample]
        paths = {match.path.rpartition("/")[0] for match in matches if match is not None}
        folders = {path.rpartition("/")[2].casefold() for path in paths} - PICTURE_WORDS
        if len(folders) < 2 or any(split_of_folder(path) is not None for path in paths):
            return []
    return [replace(one, label_folder=True) for one in found]


def train_folder(root: Path, chosen: Collection[PictureList], pictures: Pictures) -> Path | None:
    """Return the folder that holds the class folders of train, where lists name the pictures of other splits alone.

    So it is in Tiny ImageNet: `train/CLASS/images/…` and `val/val_annotations.txt`. The lists must say classes that
    the folders are called by.
    """
    said = {row[found.labels[0]] for found in chosen if len(found.labels) == 1 for row in found.table.sample}
    inside: dict[str, set[str]] = {}
    for path in pictures.paths:
        folder, _, rest = path.partition("/")
        if split_of(folder) == "train" and "/" in rest:
            inside.setdefault(folder, set()).add(rest.partition("/")[0])
    found = [folder for folder, classes in inside.items() if len(classes) > 1 and said and said <= classes]
    return root / found[0] if len(found) == 1 else None


def any_list(asides: Sequence[Aside]) -> bool:
    """Return whether one of these files is a list that cannot be used."""
    return any(aside.is_list for aside in asides)


def parted(labelled: Sequence[PictureList], unlabelled: Sequence[PictureList]) -> list[PictureList]:
    """Return lists with labels; a single list without splits gets the lists that have them for its pictures.

    Raises:
        DataError: one of the lists cannot be read, or they contradict each other.
    """
    parting = tuple(found for found in unlabelled if found.split is not None or found.says_splits)
    if len(labelled) != 1 or not parting or labelled[0].split is not None or labelled[0].says_splits:
        return list(labelled)
    found, said = labelled[0], said_by(parting)
    matches = [found.finder.find_or_none(row[found.name]) for row in found.table.sample]
    shared = sum(match is not None and match.path in said for match in matches)
    return [replace(found, parted_by=parting)] if shared > _SHARED * len(matches) else [found]
