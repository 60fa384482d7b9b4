"""Where the class folders of a source are, found from the names of folders and the kind of files in them.

Single folders are stepped through, folders of splits are recognised by the words in their names, and folders that only
look like class folders are refused: masks beside pictures, versions or parts of one set, pictures without classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

from picturewise.data.readers.folder_listing import identity
from picturewise.data.readers.folders import beside, refusals
from picturewise.data.readers.folders.contents import (
    Contents,
    Kind,
    folders_inside,
    holds_only_folders,
    innermost,
    kind_of,
    look,
)
from picturewise.data.readers.folders.split_folders import FolderMarks, marked, rest_of
from picturewise.data.readers.folders.words import (
    means_annotations,
    means_no_class,
    means_part,
    means_unlabelled,
    other_words,
)
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, word_set, words_of

_ALIKE = (
    0.5  # share of names that occur in several folders, from which on these are versions or parts of one set
)
_NO_CLASSES = word_set(
    "mask masks label labels annotation annotations groundtruth image images imgs pictures photos"
)


@dataclass(frozen=True)
class Layout:
    """Where the class folders are.

    Attributes:
        folders: for each existing split, the folder that holds its class folders; without splits, all is train.
        notes: what was decided, and what is beside them.
    """

    folders: Mapping[SplitName, Path]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """What was found in a folder.

    Attributes:
        kind: class folders, pictures without class folders, or folders of splits.
        folder: where that is, below single folders.
        splits: the folders that hold the class folders of each split.
        notes: on the way to them.
    """

    kind: Literal["classes", "pictures", "splits"]
    folder: Path
    splits: Mapping[SplitName, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def lay_out(root: Path) -> Layout | None:
    """Return where the class folders below `root` are, or None if there are no pictures in folders.

    Raises:
        DataError: there are pictures, but it cannot be known which folders are their classes.
        OSError: a folder cannot be read.
    """
    found = _explore(root, root)
    if found is None:
        return None
    if found.kind == "pictures":
        raise refusals.no_class_folders(found.folder, root)
    return Layout(found.splits or {"train": found.folder}, found.notes)


def _explore(
    folder: Path,
    root: Path,
    *,
    in_split: bool = False,
    known: Collection[str] = (),
    above: frozenset[tuple[int, int]] = frozenset(),
) -> _Found | None:
    """Return what a folder is; None: it does not hold anything like pictures.

    Args:
        folder: the folder.
        root: the source.
        in_split: it belongs to a split, so no folder in it is a split.
        known: the classes, if another split has determined them.
        above: the folders that contain it; a link back to one of them holds nothing new.
    """
    if (number := identity(str(folder))) in above:
        return None
    here = look(folder)
    kinds = {name: kind_of(folder / name) for name in here.folders}
    papers = [name for name, kind in kinds.items() if kind == "papers"]
    holding = [name for name, kind in kinds.items() if kind in {"pictures", "files"}]
    if _casefolded(known) & _casefolded(holding):
        return _Found("classes", folder, notes=(*beside.notes_on(here, root, papers, known),))
    notes = []
    if masks := _masks(folder, holding):
        holding = [name for name in holding if name not in masks]
        notes = [beside.aside(folder / name, root) for name in masks]
    if not holding:
        return _Found("pictures", folder) if here.pictures else None
    marks = FolderMarks() if in_split else marked(here.folders)
    if not any(name in holding for name in marks.named):
        marks = FolderMarks()
    inside: _Found | None
    if marks.named and (inside := _splits(here, holding, papers, marks, root)) is not None:
        pass
    elif len(holding) == 1:
        inside = _explore(folder / holding[0], root, in_split=in_split, known=known, above=above | {number})
        if (
            inside is not None
            and inside.kind == "pictures"
            and (here.pictures or not _wraps(holding[0], folder, known))
        ):
            return _Found("pictures" if here.pictures else "classes", folder)
    else:
        notes += _class_notes(here, holding, kinds, root)
        return _Found("classes", folder, notes=(*notes, *beside.notes_on(here, root, papers, holding)))
    if inside is None:
        return _Found("pictures", folder) if here.pictures else None
    classes = look(inside.splits.get("train", inside.folder)).folders
    notes += [*beside.notes_on(here, root, papers, classes), *beside.strays(here, root)]
    return _Found(inside.kind, inside.folder, inside.splits, (*inside.notes, *notes))


def _wraps(name: str, above: Path, known: Collection[str]) -> bool:
    """Return whether a single folder of pictures in a split's folder is a wrapper, not a class."""
    return (
        not known
        or means_no_class(name)
        or means_unlabelled(name)
        or words_of(name) == words_of(above.name)
        or name.casefold() in {"unknown", "all"}
    )


def _masks(folder: Path, holding: Sequence[str]) -> list[str]:
    """Return the folders that annotate the pictures of the others, if the others are named so or hold the classes."""
    masks = [name for name in holding if means_annotations(name)]
    rest = [name for name in holding if name not in masks]
    annotated = all(means_no_class(name) for name in rest) or (
        len(rest) == 1 and holds_only_folders(folder / rest[0])
    )
    return masks if rest and annotated else []


def _splits(
    here: Contents, holding: Sequence[str], papers: Sequence[str], marks: FolderMarks, root: Path
) -> _Found | None:
    """Return the folders of splits; None: the folder named like a split is a class.

    Raises:
        DataError: other folders are beside them, a split has several, or none of them holds class folders.
    """
    folder = here.folder
    named = [name for name in holding if name in marks.named]
    apart = [
        name
        for name in holding
        if name not in marks.named
        and ((means_unlabelled(name) and other_words(name) in marks.rests) or name in marks.doubtful)
        and not holds_only_folders(innermost(folder / name))
    ]
    if others := [name for name in holding if name not in named and name not in apart]:
        if any(holds_only_folders(folder / name) for name in named):
            raise refusals.beside_splits(folder, here.folders)
        if {marks.named[name] for name in named} != {"train"} or len(named) > 1:
            raise refusals.classes_or_not(folder, named, others, root)
        return None
    splits: dict[SplitName, Path] = {}
    notes = [*marks.notes]
    classes: Collection[str] = ()
    for split in SPLITS:
        names = [name for name in named if marks.named[name] == split]
        found = {name: _explore(folder / name, root, in_split=True, known=classes) for name in names}
        labelled = [inside for inside in found.values() if inside is not None and inside.kind == "classes"]
        if len(labelled) > 1:
            raise refusals.beside_splits(folder, here.folders)
        if not labelled and len(names) > 1:
            words = sorted({word for name in named for word in rest_of(name)})
            if error := refusals.class_and_split(folder, named, words, root):
                raise error
        if not labelled and split == "train" and names:
            raise refusals.no_class_folders(innermost(folder / names[0]), root)
        if labelled:
            splits[split] = labelled[0].folder
            notes += labelled[0].notes
            classes = classes or look(labelled[0].folder).folders
        notes += [
            beside.unlabelled(folder / name, root, split)
            for name, inside in found.items()
            if inside is None or inside.kind != "classes"
        ]
    if not splits:
        raise refusals.no_class_folders(innermost(folder / named[0]), root)
    notes += [beside.unlabelled(folder / name, root, marks.doubtful.get(name, "test")) for name in apart]
    notes += [
        f"The folder {beside.below(folder / name, root)} does not contain pictures, so it was not used as the "
        f"{split} split."
        for name, split in marks.named.items()
        if name not in holding and name not in papers
    ]
    return _Found("splits", folder, splits, tuple(notes))


def _class_notes(here: Contents, holding: Sequence[str], kinds: Mapping[str, Kind], root: Path) -> list[str]:
    """Return the notes about folders that are used as classes.

    Raises:
        DataError: they are not classes, or some may not be.
    """
    folder = here.folder
    deep = {name: folders_inside(folder / name) for name in holding if holds_only_folders(folder / name)}
    if all(means_part(name) for name in holding):
        raise refusals.parts(folder, holding, [*chain(*deep.values())], root)
    for name, inside in deep.items():
        if len(inside) > 1 and len(_casefolded(inside) & _casefolded(holding)) >= _ALIKE * len(inside):
            raise refusals.a_copy(folder, name, holding)
    if len(deep) == len(holding) and all(deep.values()):
        counts = Counter(chain.from_iterable(map(_casefolded, deep.values())))
        shared = [name for name in dict.fromkeys(chain(*deep.values())) if counts[name.casefold()] > 1]
        if len({name.casefold() for name in shared}) >= _ALIKE * len(counts):
            raise refusals.same_names(folder, holding, shared, root)
    if all(means_no_class(name) for name in holding):
        raise refusals.no_classes_at_all(folder, holding, root)
    if doubtful := [name for name in holding if means_unlabelled(name) and not other_words(name)]:
        others = [name for name in holding if name not in doubtful]
        raise refusals.classes_or_not(folder, doubtful, others, root)
    notes = [
        f"The folder {beside.below(folder / name, root)} was used as a class, although its name is unusual for one. "
        "If it is not a class, move it elsewhere."
        for name in holding
        if _sounds_like_no_class(name, holding)
    ]
    empty = [name for name in here.folders if kinds[name] == "empty"]
    return notes + [
        f"The folder {beside.below(folder / name, root)} does not contain pictures, so it was not used as a class."
        for name in empty
    ]


def _sounds_like_no_class(name: str, names: Sequence[str]) -> bool:
    word = name.casefold()
    if word in _NO_CLASSES:  # beside `no_mask`, it is a class
        return not any(word.rstrip("s") in other.casefold() for other in names if other != name)
    return name in marked(names).named


def _casefolded(names: Collection[str]) -> set[str]:
    return {printable(name).casefold() for name in names}
