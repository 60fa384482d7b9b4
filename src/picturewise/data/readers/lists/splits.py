"""Which split each line of a list belongs to, if a column says it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from picturewise.data.readers.lists.table import Table, is_number
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.split_names import SplitName, split_of

# In addition to the words for folders: FER2013's, Kaggle's, and words for a whole training set.
_MORE_WORDS: Mapping[str, SplitName] = {
    "publictest": "valid", "privatetest": "test", "trainval": "train", "eval": "valid", "evaluation": "valid",
    "holdout": "test", "heldout": "test",
}  # fmt: skip
_AFTER = re.compile(r"(data|images?|part|set|split)$")
_PLAIN_WORDS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
_COLUMNS = frozenset(
    {
        "split",
        "splits",
        "set",
        "subset",
        "partition",
        "phase",
        "usage",
        "data_type",
        "datatype",
        "dataset",
        "fold",
    }
)
_FOLDS = frozenset(
    {"fold", "folds", "kfold", "cv", "cv_fold", "fold_id", "split", "set", "subset", "partition"}
)
_NUMBERED = frozenset({"split", "partition"})
_TRUTH: Mapping[str, bool] = {
    "1": True, "true": True, "yes": True, "y": True, "t": True,
    "0": False, "false": False, "no": False, "n": False, "f": False,
}  # fmt: skip


@dataclass(frozen=True)
class SplitColumn:
    """A column that says the split: the meaning of each value (in the form of `plain`), including rarer words."""

    column: int
    values: Mapping[str, SplitName]

    def of(self, row: Sequence[str]) -> SplitName | None:
        """Return a row's split; None: its value is unknown."""
        value = row[self.column]
        return self.values.get(plain(value)) or word(value)


@dataclass(frozen=True)
class FoundSplits:
    """The columns that say the split, and notes about them. If there are several, any of them may say test or valid."""

    columns: tuple[SplitColumn, ...] = ()
    notes: tuple[str, ...] = ()
    looked_at: tuple[int, ...] = ()  # columns about splits, used or not, which therefore cannot hold labels

    def of(self, row: Sequence[str]) -> SplitName | None:
        """Return a row's split, or None if it is unknown."""
        found = [column.of(row) for column in self.columns]
        return next((split for split in found if split not in {None, "train"}), found[0] if found else None)


def plain(value: str) -> str:
    """Return a value in the form in which values are compared.

    >>> plain(" Public-Test "), plain("1.0")
    ('publictest', '1')
    """
    text = re.sub(r"[-_ ]+", "", value.casefold())
    return text[:-2] if re.fullmatch(r"[0-9]+\.0", text) else text


def word(value: str) -> SplitName | None:
    """Return the split that a value means, or None.

    >>> word("Training"), word("test_set"), word("roses")
    ('train', 'test', None)
    """
    text = plain(value)
    return split_of(text) or _MORE_WORDS.get(text) or split_of(_AFTER.sub("", text))


def find_splits(table: Table, others: Sequence[int], chosen: int | None) -> FoundSplits:
    """Return which columns of a list say the split.

    Args:
        table: the list.
        others: its columns without the one that names the pictures.
        chosen: the column that the user names; None: it is found automatically.

    Raises:
        DataError: the column that the user names does not say the split.
    """
    if chosen is not None:
        found = _meaning(table, chosen, named=True)
        if found is None:
            raise DataError(
                f"{table.shown}: the column {table.called(chosen)} contains {listed(_values(table, chosen))}, which "
                "are not split names. Use train, valid and test."
            )
        return FoundSplits((found,), _explained(table, found), (chosen,))
    words = [found for column in others if (found := _by_words(table, column)) is not None]
    if words:
        words.sort(key=lambda found: (_name(table, found.column) not in _COLUMNS, found.column))
        more = [
            f"{table.shown}: the column {table.called(other.column)} also contains splits. To use it instead of "
            f"{table.called(words[0].column)}, pass --split-column."
            for other in words[1:]
            if any(other.of(row) != words[0].of(row) for row in table.sample)
        ]
        return FoundSplits(
            (words[0],), (*_explained(table, words[0]), *more), tuple(found.column for found in words)
        )
    truths = [found for column in others if (found := _by_truth(table, column)) is not None]
    if truths:
        notes = tuple(note for found in truths for note in _explained(table, found))
        return FoundSplits(tuple(truths), notes, tuple(found.column for found in truths))
    return _unclear(table, others)


def _values(table: Table, column: int) -> list[str]:
    """Return the different values of a column in natural order."""
    return sorted({row[column] for row in table.sample if row[column]})


def _name(table: Table, column: int) -> str:
    return "" if table.header is None else re.sub(r"[-_ ]+", "_", table.header[column].casefold())


def _meaning(table: Table, column: int, *, named: bool) -> SplitColumn | None:
    """Return the meaning of a column that the user names."""
    return (
        _by_words(table, column, named=named)
        or _by_truth(table, column)
        or (_three(column) if set(map(plain, _values(table, column))) == {"0", "1", "2"} else None)
    )


def _by_words(table: Table, column: int, *, named: bool = False) -> SplitColumn | None:
    values = _values(table, column)
    known = {plain(value): split for value in values if (split := word(value)) is not None}
    if not known or len(values) > 20:
        return None
    if named:
        return SplitColumn(column, known)
    called = _name(table, column) in _COLUMNS
    filled = [row[column] for row in table.sample if row[column]]
    share = sum(plain(value) in known for value in filled) / len(filled)
    if called:
        return SplitColumn(column, known)
    return SplitColumn(column, known) if share == 1 and len(set(known.values())) > 1 else None


def _by_truth(table: Table, column: int) -> SplitColumn | None:
    """Return the meaning of a column such as `is_test`."""
    split = _asked(_name(table, column))
    values = [plain(value) for value in _values(table, column)]
    if split is None or not values or any(value not in _TRUTH for value in values):
        return None
    other: SplitName = "test" if split == "train" else "train"
    return SplitColumn(column, {value: split if truth else other for value, truth in _TRUTH.items()})


def _asked(name: str) -> SplitName | None:
    """Return the split that a column of booleans is about.

    >>> _asked("is_test"), _asked("is_training_image"), _asked("is_large")
    ('test', 'train', None)
    """
    pieces = name.split("_")
    if pieces[0] not in {"is", "in"} and len(pieces) > 1:
        return None
    joined = "".join(pieces)
    for piece in (*pieces, joined.removeprefix("is"), joined.removeprefix("in")):
        if (split := word(piece)) is not None:
            return split
    return None


def _three(column: int) -> SplitColumn:
    return SplitColumn(column, {"0": "train", "1": "valid", "2": "test"})


def _unclear(table: Table, others: Sequence[int]) -> FoundSplits:
    """Return the meaning of a column with a usual name for splits, or a note that its values are not clear."""
    for column in others:
        name, values = _name(table, column), _values(table, column)
        numbers = all(map(is_number, values))
        if not values or len(values) > 20 or name not in (_FOLDS if numbers else _COLUMNS):
            continue
        if name in _NUMBERED and set(map(plain, values)) == {"0", "1", "2"}:
            found = _three(column)
            return FoundSplits((found,), _explained(table, found), (column,))
        if len(others) == 1:  # the only column that can say the class
            continue
        note = (
            f"{table.shown}: the column {table.called(column)} was not used, because its values ({listed(values)}) "
            "are not split names. To use it, replace them with train, valid and test."
        )
        return FoundSplits((), (note,), (column,))
    return FoundSplits()


def _explained(table: Table, found: SplitColumn) -> tuple[str, ...]:
    """Return a note if a column does not use the usual words for splits."""
    values = _values(table, found.column)
    read = [
        f"{value} as {split}" for value in values if (split := found.values.get(plain(value))) is not None
    ]
    if all(plain(value) in _PLAIN_WORDS for value in values if plain(value) in found.values):
        return ()
    return (
        f"{table.shown}: the column {table.called(found.column)} was read as the splits: {listed(read)}.",
    )
