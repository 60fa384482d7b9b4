"""Parquet files with pictures and labels, as the Hugging Face hub stores them: one, or a folder of shards.

Shards are named after their split, `train-00000-of-00002.parquet`, or are in a folder with its name. The files are
opened only in a child process, see `untrusted.confined` and `parquet_file`; this needs pyarrow, from the extra
`parquet`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import UNLABELLED
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints, does_not_apply
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import FolderEntry, Listing, is_folder, visible_entries
from picturewise.data.readers.listed_pictures import check_same_classes, read_listings
from picturewise.data.readers.split_column import SPLIT_COLUMNS
from picturewise.errors import DataError
from picturewise.names import listed, natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of
from picturewise.untrusted.confined.call import Answer, Budget, run_confined

IMAGE_COLUMNS = (
    *(
        "image",
        "img",
        "images",
        "picture",
        "image_bytes",
        "bytes",
        "content",
        "pixel_values",
        "pixels",
        "image_data",
    ),
    *("photo", "imgs", "pictures", "x"),
)
LABEL_COLUMNS = (
    *(
        "label",
        "labels",
        "fine_label",
        "class",
        "target",
        "category",
        "digit",
        "y",
        "class_name",
        "label_name",
    ),
    *("species", "breed", "coarse_label", "targets", "classes"),
)
OBEYED = ("label_column", "file_column", "split_column", "value_range")
_ENDING = ".parquet"
_MAX_FILE = 4 << 30
_BYTES_A_SECOND = 30 << 20
_CHILD = "picturewise.data.readers.parquet_file"


@dataclass(frozen=True)
class ParquetReader:
    """Parquet files, see `Reader`.

    Attributes:
        root: the folder, or the file.
        shards: the files of each split.
        values: of the column of splits: the values that mean each split; its rows are then in all files.
        notes: what to tell the user.
        hints: those that it obeys.
    """

    root: Path
    shards: Mapping[SplitName, tuple[Path, ...]]
    values: Mapping[SplitName, tuple[str, ...]] | None = None
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, or the file's without its ending."""
        return slug(self.root if self.root.is_dir() else self.root.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the files' names, or in a column."""
        return tuple(split for split in SPLITS if split in self.shards)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The shards of the split, and those of train."""
        return (*self.shards[split], *self.shards[self.splits[0]])

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`."""
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]
        needed = list(dict.fromkeys([first, *asked]))
        said: dict[str, Any] = {"range": self.hints.value_range, "learned": options.learned, "scale": None}
        if self.values is None:
            rows = {split: _rows(self.shards[split], self.hints, said) for split in needed}
        else:
            whole = _rows(self.shards[first], self.hints, said)
            rows = {split: whole.of_splits(self.values[split]) for split in needed}
        listings = {split: found.listing for split, found in rows.items()}
        if rows[first].labelled:
            check_same_classes(listings, self.root)
        shown = printable(self.root)
        places = {split: f"{shown} ({split})" for split in self.splits}
        reading = read_listings(
            listings, asked, places, shown, options, progress, allocate, said=self.hints.value_range
        )
        if not rows[first].labelled:
            parts = {split: _unlabelled(part) for split, part in reading.parts.items()}
            reading = replace(reading, parts=parts)
        scale = said["scale"]  # of lists of numbers, found from train
        if scale is None:
            return replace(reading, notes=(*self.notes, *reading.notes))
        notes = (*self.notes, *reading.notes, *([printable(scale["note"])] if scale["note"] else []))
        kept = scale["values"]
        return replace(
            reading, notes=notes, values=None if kept is None else (float(kept[0]), float(kept[1]))
        )


def _unlabelled(part: Part) -> Part:
    return replace(part, pictures=replace(part.pictures, labels=None, classes=()))


def recognise(path: Path, hints: Hints = NO_HINTS) -> ParquetReader | None:
    """Return the source for Parquet files at `path`, one or a folder of them; None if there are none.

    Raises:
        DataError: there are several sets in it, a file cannot be used, or does not have a column named in `hints`.
        UsageError: a column of splits is requested, but the files are splits.
        OSError: the folder or file cannot be read.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) != b"PAR1":
                return None
        return _described(path, {split_in_name(path.stem) or "train": (path,)}, hints)
    shards = _shards(path) if path.is_dir() else None
    return None if shards is None else _described(path, shards, hints)


def _shards(path: Path) -> dict[SplitName, tuple[Path, ...]] | None:
    """Return the files of each split: in a folder, in `data` below it, or in a folder per split."""
    own = _files(path)
    if own:
        return by_split({file: split_in_name(file.name) for file in own})
    inside = {entry.name: Path(entry.path) for entry in visible_entries(path) if is_folder(entry)}
    if _files(inside.get("data", path)):  # the hub keeps the shards there
        return _shards(inside["data"])
    found = {name: files for name, folder in inside.items() if (files := _files(folder))}
    if not found:
        return None
    splits = {name: split_of(name) for name in found}
    if None not in splits.values():
        return by_split({file: splits[name] for name, files in found.items() for file in files})
    if len(found) == 1:
        return _shards(inside[next(iter(found))])
    raise DataError(
        f"{printable(path)} contains several sets of Parquet files, in the folders {listed(list(found))}. Pass one "
        f"of them, such as {printable(inside[next(iter(found))])}."
    )


def _files(folder: Path) -> list[Path]:
    return [
        Path(entry.path)
        for entry in visible_entries(folder)
        if entry.name.lower().endswith(_ENDING) and not is_folder(entry)
    ]


def by_split(files: Mapping[Path, SplitName | None]) -> dict[SplitName, tuple[Path, ...]]:
    """Return the shards of each split; those whose split is not known are train."""
    shards: dict[SplitName, list[Path]] = defaultdict(list)
    for file, split in files.items():
        shards[split or "train"].append(file)
    return {split: tuple(found) for split, found in shards.items()}


def split_in_name(name: str) -> SplitName | None:
    """Return the split that a word in a shard's name says.

    >>> split_in_name("flowers-validation-0003")
    'valid'
    """
    words = re.split(r"[-_. ]+", name)
    return next((split for word in words if (split := split_of(word)) is not None), None)


def _described(path: Path, shards: Mapping[SplitName, tuple[Path, ...]], hints: Hints) -> ParquetReader:
    """Return the reader, with what the columns say: the rows of each split, and which do not have labels."""
    where = printable(path)
    facts = {split: _describe(files[0], hints) for split, files in shards.items()}
    first = next(split for split in SPLITS if split in shards)
    notes = list(_unused(facts[first], where))
    for split in [split for split in shards if split != first and "train" in shards]:
        if all(
            _describe(file, hints)["unlabelled"] or facts[split]["labels"] is None for file in shards[split]
        ):
            notes.append(
                f"{where}: the {split} pictures do not have labels, so they were not used as the {split} "
                f"split. To classify them, pass {printable(shards[split][0])} to predict."
            )
            shards = {other: files for other, files in shards.items() if other != split}
    values = None
    if len(shards) == 1 and facts[first]["split"] is not None:
        values = _values([_describe(file, hints) for file in shards[first]], hints, where)
    elif hints.split_column is not None:
        raise does_not_apply(where, ["split_column"], "Each split already has its own file.")
    if values is not None:
        shards = dict.fromkeys(values, shards[first])
    elif facts[first]["split"] is not None and len(shards) == 1:
        name = printable(facts[first]["split"])
        notes.append(
            f"{where}: the column '{name}' was not used, because it does not contain train, valid and test. To use "
            "another column for the splits, pass --split-column."
        )
    return ParquetReader(path, shards, values, tuple(notes), hints.only(*OBEYED))


def _values(
    facts: Sequence[Mapping[str, Any]], hints: Hints, where: str
) -> dict[SplitName, tuple[str, ...]] | None:
    """Return the values of the column of splits that mean each split; None: it does not say splits."""
    if any(found["splits"] is None for found in facts):
        if hints.split_column is not None:
            raise DataError(
                f"{where}: the column '{printable(hints.split_column)}' does not contain split names. Use train, "
                "valid and test."
            )
        return None
    together: dict[str, SplitName] = {}
    for found in facts:
        together |= found["splits"]
    return {
        split: tuple(value for value, one in together.items() if one == split)
        for split in SPLITS
        if split in together.values()
    }


def _unused(facts: Mapping[str, Any], where: str) -> list[str]:
    """Return notes for the columns that are not used."""
    notes = []
    for name, what in facts["others"][:3]:
        option = (
            f" If it contains the labels, pass --label-column {name}." if name in facts["labels_too"] else ""
        )
        notes.append(f"{where}: the column '{name}' ({what}) was not used.{option}")
    if len(facts["others"]) > 3:
        left = [name for name, _ in facts["others"][3:]]
        which = f"column {listed(left)} was" if len(left) == 1 else f"columns {listed(left)} were"
        notes.append(f"{where}: the {which} also not used.")
    return notes


def _describe(path: Path, hints: Hints) -> dict[str, Any]:
    return _answer(path, "describe", hints).facts


def _answer(path: Path, function: str, hints: Hints, said: Mapping[str, Any] | None = None) -> Answer:
    size = path.stat().st_size
    if size > _MAX_FILE:
        raise DataError(
            f"{printable(path)} has {size:,} bytes, but at most {_MAX_FILE:,} are allowed. Split it into shards."
        )
    limits = Budget(memory=2 << 30, seconds=3 + size / _BYTES_A_SECOND, output=20 * size + (1 << 26))
    if size < 16 << 20:
        limits = Budget(memory=600 << 20, seconds=limits.seconds, output=limits.output)
    request = {
        "images": [*IMAGE_COLUMNS],
        "labels": [*LABEL_COLUMNS],
        "splits": [*SPLIT_COLUMNS],
        **{name: getattr(hints, name) for name in OBEYED[:3]},
        **(said or {}),
    }
    return run_confined(f"{_CHILD}:{function}", path, request, limits)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of some files: encoded pictures with their classes.

    Attributes:
        entries: one for each row; its class name is empty without a label.
        splits: the value in the column of splits for each row, if there is one.
        named: names in the order of the label numbers, if a file says it.
        labelled: whether any row has a label.
    """

    entries: tuple[FolderEntry, ...]
    splits: tuple[str, ...]
    named: tuple[str, ...] | None
    labelled: bool

    def of_splits(self, values: Collection[str]) -> _Rows:
        """Return the rows whose split is one of `values`."""
        kept = [place for place, value in enumerate(self.splits) if value in values]
        return replace(self, entries=tuple(self.entries[place] for place in kept), splits=())

    @cached_property
    def listing(self) -> Listing:
        """The pictures of one split with their classes, those without a label among the bad files."""
        if not self.labelled:
            return Listing(("",), self.entries, ())
        good = tuple(entry for entry in self.entries if entry.class_name)
        bad = tuple(
            Skipped(entry.name, "it does not have a label (-1, null or empty)")
            for entry in self.entries
            if not entry.class_name
        )
        found = {entry.class_name for entry in good}
        # A name without pictures would be an empty class.
        classes = [name for name in self.named or () if name in found] or sorted(found, key=natural_order)
        missing = sorted(found - set(classes), key=natural_order)
        return Listing((*classes, *missing), good, bad)


def _rows(shards: Sequence[Path], hints: Hints, said: dict[str, Any]) -> _Rows:
    """Return the rows of shards; the first one decides the range of values for all, which is stored in `said`."""
    entries: list[FolderEntry] = []
    splits: list[str] = []
    named: list[str] | None = None
    for path in shards:
        found = said["scale"]
        known = None if found is None else {name: value for name, value in found.items() if name != "values"}
        answer = _answer(path, "read", hints, {**said, "scale": known})
        said["scale"] = found or answer.facts["scale"]
        content, ends, labels = (answer.arrays.get(name) for name in ("content", "ends", "labels"))
        if ends is None or labels is None or len(ends) != len(labels):
            raise DataError(f"{printable(path)} does not contain any pictures.")
        names = answer.facts["classes"]
        named = names if answer.facts["ordered"] and names is not None else named
        splits += answer.facts["splits"] or []
        start = 0
        for row, (end, label) in enumerate(zip(ends.tolist(), labels.tolist(), strict=True)):
            picture = b"" if content is None else content.data[start:end]
            class_name = "" if label == UNLABELLED else str(label) if names is None else names[label]
            entries.append(FolderEntry(picture, f"{printable(path.name)}, row {row}", class_name))
            start = end
    labelled = any(entry.class_name for entry in entries)
    return _Rows(tuple(entries), tuple(splits), None if named is None else tuple(named), labelled)
