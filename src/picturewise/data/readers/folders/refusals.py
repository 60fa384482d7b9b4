"""The errors for folders of pictures that are not folders of classes, or that are ambiguous."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from picturewise.data.readers.folders.beside import tables_in
from picturewise.data.readers.folders.contents import look, pictures_below
from picturewise.data.readers.folders.labels_in_names import offer
from picturewise.data.readers.folders.words import means_annotations
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import split_in

_FIRST_FOLDER = "--label-from '^([^/]+)/'"  # the class is the first folder below the source
_LAST_FOLDER = "--label-from '([^/]+)/[^/]+$'"


def no_class_folders(folder: Path, root: Path) -> DataError:
    """Return the error for pictures in one folder, without class folders."""
    shown, offered = printable(folder), _offered(folder, root)
    if folder == root or split_in(folder.name) is not None:
        text = f"{shown} contains pictures, but no class folders. Arrange the pictures as {shown}/<class>/<picture>"
    else:
        text = (
            f"{printable(root)} contains only one folder of pictures, {_below(folder, root)}. Use one folder for each "
            "of two or more classes"
        )
    if not offered and (masks := _annotations_beside(folder, root)):
        return DataError(
            f"{printable(masks)} seems to contain masks, boxes or labels for the pictures in {_below(folder, root)}, "
            f"but Picturewise needs one class per picture. Arrange the pictures as {printable(root)}/<class>/<picture>."
        )
    way = offered or _listed_in(folder, root)
    return DataError(f"{text}, or, {way}." if way else f"{text}.")


def class_and_split(folder: Path, names: Sequence[str], words: Sequence[str], root: Path) -> DataError | None:
    """Return the error for folders that are each named after a split and a class; None: they are not."""
    found = {name: [word for word in words if word in name.lower()] for name in names}
    if any(len(inside) != 1 for inside in found.values()) or min(map(len, words)) < 2:
        return None
    written = dict.fromkeys(
        name[(start := name.lower().index(word)) : start + len(word)] for name, (word,) in found.items()
    )
    above = "^" if folder == root else re.escape(folder.relative_to(root).as_posix() + "/")
    return DataError(
        f"The folders {listed(names)} in {printable(folder)} seem to be named after both a split and a class. If they "
        f"are, use --label-from '{above}[^/]*?({'|'.join(map(re.escape, written))})'."
    )


def no_classes_at_all(folder: Path, names: Sequence[str], root: Path) -> DataError:
    """Return the error for folders that are all named after masks, annotations, pictures or splits."""
    return DataError(
        f"{printable(folder)} contains the folders {listed(names)}, but their names do not look like classes. "
        f"{_otherwise(folder, root)}"
    )


def parts(folder: Path, names: Sequence[str], inside: Collection[str], root: Path) -> DataError:
    """Return the error for folds and other numbered parts of one set."""
    first = printable(folder / names[0])
    if inside:
        way = f"Pass one of them, such as {first}, or read them all as one data set with {_LAST_FOLDER}."
    else:
        way = _otherwise(folder, root)
    return DataError(
        f"{printable(folder)} contains {listed(names)}, which look like parts of one data set, not classes. {way}"
    )


def same_names(folder: Path, names: Sequence[str], inside: Sequence[str], root: Path) -> DataError:
    """Return the error for folders that all hold folders with the same names."""
    text = (
        f"The folders {listed(names)} in {printable(folder)} contain folders with the same names ({listed(inside)}), "
        "so they look like versions of one data set, not classes."
    )
    if all(split_in(name) is not None for name in inside):
        way = "If they are the classes, move the pictures to train/<class> and test/<class>, or read them together with"
        return DataError(f"{text} {way} {_deciding(folder, root)}.")
    if any(means_annotations(name) for name in inside):
        return DataError(f"{text} If they are the classes, use {_deciding(folder, root)}.")
    return DataError(
        f"{text} Pass one of them, such as {printable(folder / names[0])}, or, if they are the classes, use "
        f"{_deciding(folder, root)}."
    )


def a_copy(folder: Path, name: str, names: Sequence[str]) -> DataError:
    """Return the error for a folder that holds folders with the names of its neighbours."""
    shown = printable(folder / name)
    others = [other for other in names if other != name]
    return DataError(
        f"{shown} contains folders with the same names as its neighbours ({listed(others)}), so it looks like a copy "
        f"of the data set, not a class. Move it out of {printable(folder)}, or pass {shown}."
    )


def classes_or_not(folder: Path, names: Sequence[str], others: Sequence[str], root: Path) -> DataError:
    """Return the error for folders of pictures beside classes that may or may not be classes."""
    one = len(names) == 1
    return DataError(
        f"{printable(folder)} contains {listed(names)}, which may or may not be {'a class' if one else 'classes'} "
        f"like {listed(others)}. If {'it is' if one else 'they are'}, use {_deciding(folder, root)}; otherwise, move "
        f"{'it' if one else 'them'} out of the folder."
    )


def beside_splits(folder: Path, names: Sequence[str]) -> DataError:
    """Return the error for other folders beside folders of splits, and for several folders of one split."""
    return DataError(
        f"{printable(folder)} contains both split folders and other folders: {', '.join(map(printable, names))}. Keep "
        "either one folder per class, or one folder for each of train, valid and test, and move or rename the others."
    )


def _offered(folder: Path, root: Path) -> str:
    """Return the clause that suggests a pattern for labels in the file names; "": there is none."""
    found = offer(names_below(folder, root))
    if found is None:
        return ""
    return (
        f"if the file names contain the class ({listed(found.classes)}), use --label-from '{found.pattern}'"
    )


def names_below(folder: Path, root: Path) -> list[str]:
    """Return the names of the pictures in and below a folder, as a pattern sees them: paths below the source."""
    above = "" if folder == root else folder.relative_to(root).as_posix() + "/"
    return [printable(above + name) for name in pictures_below(folder)]


def _annotations_beside(folder: Path, root: Path) -> Path | None:
    """Return the folder of masks or labels in a folder or beside it."""
    while True:
        found = [name for name in look(folder).folders if means_annotations(name)]
        if found or folder == root:
            return folder / found[0] if found else None
        folder = folder.parent


def _listed_in(folder: Path, root: Path) -> str:
    """Return the clause that suggests a list with the classes; "": there is none."""
    while True:
        here = look(folder)
        if found := tables_in(here):
            return (
                f"if {printable(found[0])} lists the class of each picture, pass {printable(folder / found[0])} "
                "with --file-column and --label-column"
            )
        if folder == root:
            return ""
        folder = folder.parent


def _otherwise(folder: Path, root: Path) -> str:
    """Return the sentence about what else to do with folders that do not look like classes."""
    really = f"if they are the classes, use {_deciding(folder, root)}"
    way = _offered(folder, root) or _listed_in(folder, root) or really
    return f"I{way[1:]}."


def _deciding(folder: Path, root: Path) -> str:
    """Return the option that makes the folders in `folder` the classes."""
    depth = 0 if folder == root else len(folder.relative_to(root).parts)
    return _FIRST_FOLDER if depth == 0 else f"--label-from '^{'[^/]+/' * depth}([^/]+)/'"


def _below(folder: Path, root: Path) -> str:
    return printable(folder.name if folder == root else folder.relative_to(root).as_posix())
