"""All lines of a list: the pictures of each split with their classes, and what is wrong with which line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from picturewise.data.readers.lists.judge import PictureList
from picturewise.data.readers.lists.labels import flag, is_missing
from picturewise.data.readers.lists.pictures import SeveralError, split_of_folder
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

_MOST_LABEL = 200  # characters
_WHOLE = re.compile(r"-?[0-9]+(\.0*)?")


@dataclass
class ListRows:
    """What the lines of a list say.

    Attributes:
        count: how many lines there are.
        labels: the class of each picture, by its path below the root, for each split.
        named: the pictures that some line names, whether or not it can be used.
        classes: of all lines, also of those that cannot be used.
        missing: lines that name no picture that is there: the number, the text and the split.
        unlabelled: lines without a label: the number, the text and the split.
        double: pictures of which two lines differ: the second line, the path, the split, and in what.
        notes: what is worth saying.
    """

    count: int = 0
    labels: dict[SplitName, dict[str, str]] = field(default_factory=dict)
    classes: dict[SplitName, set[str]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    missing: list[tuple[int, str, SplitName]] = field(default_factory=list)
    unlabelled: list[tuple[int, str, SplitName]] = field(default_factory=list)
    double: list[tuple[int, str, SplitName, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def splits_of(found: PictureList) -> tuple[SplitName, ...]:
    """Return the splits that a list brings; where its lines say them, each is looked at.

    Raises:
        DataError: a line cannot be read.
    """
    if not found.says_splits:
        return (found.split or "train",)
    seen: set[SplitName] = set()
    for _, cells in found.table.rows():
        if found.splits.columns:
            split = found.splits.of(cells)
        else:
            match = found.finder.find_or_none(cells[found.name])
            split = None if match is None else _split_of(match.path)
        if split is not None and split not in seen and _label(found, cells) not in {None, "-1", "-1.0"}:
            seen.add(split)
    return tuple(split for split in SPLITS if split in seen)


def read_rows(found: PictureList) -> ListRows:
    """Return what all lines of a list say.

    Raises:
        DataError: a line cannot be read, names no picture or several, or has a label that is too long.
    """
    rows = ListRows()
    first: dict[str, tuple[int, str | None, SplitName]] = {}
    shown, again, ways = found.table.shown, 0, dict[str, str]()
    no_split: tuple[int, int] = (0, 0)
    lost: set[tuple[SplitName, str | None]] = set()
    for line, cells in found.table.rows():
        rows.count += 1
        text = cells[found.name]
        split = found.splits.of(cells) if found.splits.columns else found.split or "train"
        if split is None:
            no_split = no_split[0] + 1, no_split[1] or line
        match = None
        try:
            match = found.finder.find(text, None if found.by_folder else split) if text else None
        except SeveralError as error:
            raise DataError(
                f"{shown}, line {line:,}: '{printable(text)[:80]}' can be {' or '.join(map(printable, error.paths))}. "
                "Write the folder into the list, or move one of the pictures away."
            ) from error
        label = _label(found, cells)
        if found.label_folder:
            label = None if match is None else match.path.split("/")[-2]
        if label is not None and len(label) > _MOST_LABEL:
            raise DataError(
                f"{shown}, line {line:,}: the label '{printable(label)[:80]}' has {len(label):,} characters, expected at "
                f"most {_MOST_LABEL}."
            )
        if match is None:
            if split is not None:
                rows.missing.append((line, text, split))
                lost.add((split, label))
            continue
        rows.named.add(match.path)
        if split is None:
            continue
        if match.how != "name" and match.how not in ways:
            ways[match.how] = f"'{printable(text)[:80]}' is {printable(match.path)}"
        if found.by_folder:
            split = _split_of(match.path)
        before = first.get(match.path)
        if before is not None:
            if before[1:] == (label, split):
                again += 1
            else:
                rows.double.append((line, match.path, split, _differing(before, line, label, split)))
            continue
        first[match.path] = (line, label, split)
    _sort_out(rows, first, lost)
    rows.notes += _notes(found, ways, again, no_split)
    return rows


def _split_of(path: str) -> SplitName:
    return split_of_folder(path.rpartition("/")[0]) or "train"


def _label(found: PictureList, cells: Sequence[str]) -> str | None:
    """Return the label of a line; None: it has none."""
    if len(found.labels) > 1:
        ones = [column for column in found.labels if flag(cells[column])]
        if len(ones) > 1:
            raise DataError(
                f"{found.table.shown} says several classes for '{printable(cells[found.name])[:80]}': "
                f"{found.table.called(ones[0])} and {found.table.called(ones[1])}. Picturewise learns one class per "
                "picture; choose a column with --label-column."
            )
        return (found.table.header or ())[ones[0]] if ones else None
    if not found.labels:
        return ""
    label = cells[found.labels[0]]
    return None if is_missing(label) else label


def _differing(
    before: tuple[int, str | None, SplitName], line: int, label: str | None, split: SplitName
) -> str:
    """Say in what two lines of one picture differ."""
    one, two = (before[1], label) if before[1] != label else (before[2], split)
    quoted = [f"'{printable(what)[:60]}'" if what else "no label" for what in (one, two)]
    return f"line {before[0]:,} says {quoted[0]}, line {line:,} {quoted[1]}"


def _sort_out(
    rows: ListRows,
    first: Mapping[str, tuple[int, str | None, SplitName]],
    lost: Collection[tuple[SplitName, str | None]],
) -> None:
    """Enter the classes; pictures without one, and those of which lines differ, go where they belong."""
    doubtful = {path for _, path, _, _ in rows.double}
    values = {label for _, label, _ in first.values()} | {label for _, label in lost}
    values.discard(None)
    whole = bool(values) and all(_WHOLE.fullmatch(value) for value in values)
    numbers = {value: str(int(float(value))) if whole and "." in value else value for value in values}
    others = {numbers[value] for value in values} - {"-1"}
    # Beside classes that are counted from 0, -1 is no class.
    negative = whole and bool(others) and not any(value.startswith("-") for value in others)
    names = {value: printable(numbers[value]) for value in values}
    for path, (line, label, split) in first.items():
        if path in doubtful:
            continue
        if label is None or (negative and numbers[label] == "-1"):
            rows.unlabelled.append((line, path, split))
        else:
            rows.labels.setdefault(split, {})[path] = names[label]
            rows.classes.setdefault(split, set()).add(names[label])
    for split, label in lost:
        if label is not None and not (negative and numbers[label] == "-1"):
            rows.classes.setdefault(split, set()).add(names[label])


def _notes(found: PictureList, ways: Mapping[str, str], again: int, no_split: tuple[int, int]) -> list[str]:
    shown, notes = found.table.shown, []
    if again:
        notes.append(
            f"{shown} names {again:,} pictures more than once, with the same class; each is used once."
        )
    if no_split[0]:
        columns = " and ".join(found.table.called(split.column) for split in found.splits.columns)
        notes.append(
            f"{shown}: {no_split[0]:,} lines were not used, because {columns} says neither train, valid nor test there; "
            f"the first is line {no_split[1]:,}."
        )
    said = {
        "ending": "names pictures under other endings",
        "number": "names pictures by their numbers without the zeros in front",
        "weak": "names folders that are not here, so pictures were found by their names alone",
    }
    notes += [f"{shown} {said[how]}: {example}." for how, example in sorted(ways.items())]
    return notes
