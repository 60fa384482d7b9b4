"""Which neighbouring folders are named like splits: `train` and `test`, `seg_train` and `seg_test`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from picturewise.printable import printable
from picturewise.split_names import SplitMark, SplitName, split_in


@dataclass(frozen=True)
class FolderMarks:
    """What the names of folders mean.

    Attributes:
        named: the split that a folder is named after.
        doubtful: the split in the name of a folder with other words that no neighbour shares.
        rests: the other words that the names in `named` have.
        notes: what was decided.
    """

    named: Mapping[str, SplitName] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)
    rests: frozenset[tuple[str, ...]] = frozenset({()})
    notes: tuple[str, ...] = ()


def marked(names: Collection[str]) -> FolderMarks:
    """Return the splits that neighbouring folders are named after.

    A name with other words counts only if a neighbour has the same words with another split, so `freight train` and
    `steam train` stay classes.
    """
    marks = {name: mark for name in names if (mark := split_in(name)) is not None}
    sure = {name: mark for name, mark in marks.items() if not mark.rest or _has_a_peer(mark, marks.values())}
    has_test = any(mark.split == "test" for mark in sure.values())
    named: dict[str, SplitName] = {}
    notes = []
    for name, mark in sure.items():
        if mark.split != "evaluation":
            named[name] = mark.split
            continue
        named[name] = "valid" if has_test else "test"
        word = "validation split, because there is also a test split" if has_test else "test split"
        notes.append(f"The folder {printable(name)} was used as the {word}.")
    return FolderMarks(
        named,
        {name: mark.split for name, mark in marks.items() if name not in sure},
        frozenset({(), *(mark.rest for mark in sure.values())}),
        tuple(notes),
    )


def _has_a_peer(mark: SplitMark, marks: Collection[SplitMark]) -> bool:
    return any(other.rest == mark.rest and other.split != mark.split for other in marks)


def rest_of(name: str) -> tuple[str, ...]:
    """Return the words of a folder's name without that of its split."""
    mark = split_in(name)
    return () if mark is None else mark.rest
