"""A column or an array that says which split each picture belongs to: `split`, `Usage`, `is_test`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import SplitName, split_of

SPLIT_COLUMNS = ("split", "set", "subset", "usage", "partition", "phase", "is_test", "is_train", "fold")
_PUBLIC, _PRIVATE = (
    "publictest",
    "privatetest",
)  # of Kaggle's competitions: for choosing, and for the final score
_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


def splits_by_value(name: str, values: Iterable[str]) -> Mapping[str, SplitName] | None:
    """Return the split for each different value of a column, or None if a value does not mean a split.

    >>> splits_by_value("Usage", ["Training", "PublicTest", "PrivateTest"])
    {'Training': 'train', 'PublicTest': 'valid', 'PrivateTest': 'test'}
    >>> splits_by_value("fold", ["0", "1"]) is None
    True
    """
    plain = {value: value.strip().casefold() for value in values}
    found: dict[str, SplitName] = {}
    for value, text in plain.items():
        split = _of_flag(name, text) or split_of(text)
        if split is None and text in {_PUBLIC, _PRIVATE}:
            split = "valid" if text == _PUBLIC and _PRIVATE in plain.values() else "test"
        if split is None:
            return None
        found[value] = split
    return found


def check_splits(name: str, values: Sequence[str], where: str) -> Mapping[str, SplitName]:
    """Return `splits_by_value` of a requested column.

    Raises:
        DataError: a value does not mean a split.
    """
    found = splits_by_value(name, values)
    if found is None:
        raise DataError(
            f"{where}: the column '{printable(name)}' contains {listed(sorted(values))}, which are not split names. "
            "Use train, valid and test."
        )
    return found


def _of_flag(name: str, text: str) -> SplitName | None:
    """Return the split for yes or no in a column such as `is_test`."""
    asked = split_of(name.casefold().removeprefix("is").lstrip("_- "))
    if asked is None or text not in _YES | _NO:
        return None
    if text in _YES:
        return asked
    return "train" if asked != "train" else "test"
