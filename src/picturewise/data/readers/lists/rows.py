"""All lines of a list: the pictures of each split with their classes, and the lines that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from picturewise.data.readers.lists.judge import PictureList
from picturewise.data.readers.lists.labels import DOUBTFUL, flag, is_missing
from picturewise.data.readers.lists.parts import part_of
from picturewise.data.readers.lists.pictures import Match, SeveralError
from picturewise.errors import DataError
from picturewise.names import pictures
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

_MOST_LABEL = 200  # characters
_WHOLE = re.compile(r"-?[0-9]+(\.0*)?")
_WAYS = {
    "ending": "lists pictures with different file extensions",
    "number": "lists pictures by their numbers without leading zeros",
    "weak": "lists folders that do not exist, so pictures were found by their names only",
}


class _Said(NamedTuple):
    """What a line says about its picture."""

    line: int
    label: str | None
    split: SplitName


class Trouble(NamedTuple):
    """A line that cannot be used: its number, the text or the path in it, its split, and sometimes why."""

    line: int
    text: str
    split: SplitName
    why: str = ""


@dataclass
class ListRows:
    """What the lines of a list say.

    Attributes:
        count: the number of lines.
        labels: the class of each picture, by its path below the root, for each split.
        classes: of each split, including those in lines that cannot be used.
        named: the pictures named in any line, whether or not it can be used.
        missing: lines that do not name an existing picture.
        unlabelled: lines without a label.
        double: pictures in two lines that differ.
        notes: what to tell the user.
    """

    count: int = 0
    labels: dict[SplitName, dict[str, str]] = field(default_factory=dict)
    classes: dict[SplitName, set[str]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    missing: list[Trouble] = field(default_factory=list)
    unlabelled: list[Trouble] = field(default_factory=list)
    double: list[Trouble] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def splits_of(found: PictureList) -> tuple[SplitName, ...]:
    """Return the splits of a list; if its lines say them, all lines are looked at.

    Raises:
        DataError: a line cannot be read.
    """
    if not found.says_splits:
        return (found.split or "train",)
    seen: set[SplitName] = set()
    part = part_of(found)
    for _, cells in found.table.rows():
        match = None if found.splits.columns else found.finder.find_or_none(cells[found.name])
        if match is None and not found.splits.columns:
            continue
        split = part(cells, match)
        if (
            split is not None
            and split not in seen
            and _label(found, cells, match) not in {None, "-1", "-1.0"}
        ):
            seen.add(split)
    return tuple(split for split in SPLITS if split in seen)


def read_rows(found: PictureList, *, as_texts: bool = False) -> ListRows:
    """Return what all lines of a list say.

    Args:
        found: the list.
        as_texts: labels are texts to be read symbol by symbol, so that each is used exactly as it is.

    Raises:
        DataError: a line cannot be read, names several pictures, or has several labels or one that is too long.
    """
    rows, said, lost = ListRows(), dict[str, _Said](), set[tuple[SplitName, str | None]]()
    ways, no_split, again = dict[str, str](), list[int](), 0
    part = part_of(found)
    for line, cells in found.table.rows():
        rows.count += 1
        text = cells[found.name]
        match = _match(found, text, line, part(cells, None) if found.splits.columns else None)
        split = part(cells, match)
        if match is not None:
            rows.named.add(match.path)
        if split is None:
            no_split.append(line)
            continue
        label = _label(found, cells, match)
        if match is None:
            rows.missing.append(Trouble(line, text, split))
            lost.add((split, label))
            continue
        if match.how != "name":
            ways.setdefault(match.how, f"'{printable(text)[:80]}' was read as {printable(match.path)}")
        before = said.setdefault(match.path, now := _Said(line, label, split))
        if before is not now:
            again += before[1:] == now[1:]
            if before[1:] != now[1:]:
                rows.double.append(Trouble(line, match.path, before.split, _difference(before, now)))
    _sort_out(rows, said, lost, as_texts=as_texts)
    rows.notes += [*_notes(found, ways, again, no_split), *_on_doubtful(found, rows)]
    return rows


def _match(found: PictureList, text: str, line: int, split: SplitName | None) -> Match | None:
    try:
        return found.finder.find(text, split) if text else None
    except SeveralError as error:
        raise DataError(
            f"{found.table.shown}, line {line:,}: '{printable(text)[:80]}' could be "
            f"{' or '.join(map(printable, error.paths))}. Include the folder in the path, "
            "or rename one of the pictures."
        ) from error


def _label(found: PictureList, cells: Sequence[str], match: Match | None) -> str | None:
    """Return the label of a line; None: it does not have one."""
    if found.label_folder:
        return None if match is None else match.path.split("/")[-2]
    if not found.labels:
        return ""
    if len(found.labels) == 1:
        label = cells[found.labels[0]]
        if len(label) > _MOST_LABEL:
            raise DataError(
                f"{found.table.shown}: the label '{printable(label)[:80]}' has {len(label):,} characters, but at most "
                f"{_MOST_LABEL} are allowed. Check that the labels are class names, not free text."
            )
        return None if is_missing(label) else label
    ones = [column for column in found.labels if flag(cells[column])]
    if len(ones) > 1:
        raise DataError(
            f"{found.table.shown} assigns two classes to '{printable(cells[found.name])[:80]}': "
            f"{found.table.called(ones[0])} and {found.table.called(ones[1])}. Choose one column with --label-column."
        )
    return found.table.header[ones[0]] if ones and found.table.header else str(ones[0]) if ones else None


def _difference(before: _Said, now: _Said) -> str:
    """Return how two lines about one picture differ."""
    one, two = (before.label, now.label) if before.label != now.label else (before.split, now.split)
    quoted = [f"'{printable(what)[:60]}'" if what else "no label" for what in (one, two)]
    return f"line {before.line:,} has {quoted[0]}, but line {now.line:,} has {quoted[1]}"


def _sort_out(
    rows: ListRows,
    said: Mapping[str, _Said],
    lost: Collection[tuple[SplitName, str | None]],
    *,
    as_texts: bool,
) -> None:
    """Add the classes; pictures without a class are sorted out, and so are those whose lines differ."""
    values = {one.label for one in said.values() if one.label is not None}
    values |= {label for _, label in lost if label is not None}
    names = {value: value if value != "-1" else None for value in values} if as_texts else _names(values)
    doubtful = {trouble.text for trouble in rows.double}
    for path, (line, label, split) in said.items():
        if path in doubtful:
            continue
        name = None if label is None else names[label]
        if name is None:
            rows.unlabelled.append(Trouble(line, path, split))
        else:
            rows.labels.setdefault(split, {})[path] = name
            rows.classes.setdefault(split, set()).add(name)
    for split, label in lost:
        if label is not None and (name := names[label]) is not None:
            rows.classes.setdefault(split, set()).add(name)


def _names(values: Collection[str]) -> dict[str, str | None]:
    """Return the class for each label; None: the label means "no label"."""
    if not all(_WHOLE.fullmatch(value) for value in values):
        return {value: printable(value) for value in values}
    numbers: dict[str, str | None] = {
        value: str(int(float(value))) if "." in value else value for value in values
    }
    others = set(numbers.values()) - {"-1", None}
    # Beside classes numbered from 0, -1 is not a class. With only two labels, it can be one.
    if len(others) > 1 and all(other is not None and not other.startswith("-") for other in others):
        numbers = {value: None if number == "-1" else number for value, number in numbers.items()}
    return numbers


def _notes(found: PictureList, ways: Mapping[str, str], again: int, no_split: Sequence[int]) -> list[str]:
    shown, notes = found.table.shown, []
    if again:
        notes.append(
            f"{shown} lists {again:,} picture{'s' * (again > 1)} more than once with the same class; duplicates were "
            "ignored."
        )
    if no_split:
        who = "the column " + " and ".join(found.table.called(one.column) for one in found.splits.columns)
        if found.parted_by:
            who = " and ".join(printable(other.path.name) for other in found.parted_by)
        lines = f"{len(no_split):,} lines are" if len(no_split) > 1 else "1 line is"
        were = "they were" if len(no_split) > 1 else "it was"
        notes.append(
            f"{shown}: {lines} not assigned to train, valid or test by {who}, so {were} not used; the first is line "
            f"{no_split[0]:,}."
        )
    return [*notes, *(f"{shown} {_WAYS[how]}: {example}." for how, example in sorted(ways.items()))]


def _on_doubtful(found: PictureList, rows: ListRows) -> list[str]:
    """Return notes about classes that may mean "no label"."""
    labels = [label for part in rows.labels.values() for label in part.values()]
    return [
        f"{found.table.shown}: '{name}' was used as a class ({pictures(labels.count(name))}). If it means "
        '"no label", remove these lines.'
        for name in sorted(set(labels))
        if name.casefold() in DOUBTFUL
    ]
