"""A Hugging Face data set (`datasets`) as one that returns (picture, label); the library itself is not imported."""

from __future__ import annotations

from typing import Any

from picturewise.errors import DataError
from picturewise.names import listed

_PICTURES = ("image", "img", "picture")
_LABELS = ("label", "labels", "target", "class", "fine_label")


def is_huggingface(value: Any) -> bool:
    """Return whether a value is a data set with named and typed columns."""
    return hasattr(value, "column_names") and hasattr(value, "features") and hasattr(value, "__getitem__")


class HuggingFacePairs:
    """The pictures and the labels of a data set with columns, see `Pairs`.

    The columns are found by their types, `Image` and `ClassLabel`, or else by their names; the column of labels can
    be named. `unused` are the names of the others.

    Raises:
        DataError: there is no column of pictures or of labels, or more than one.
    """

    def __init__(self, data: Any, where: str, label_column: str | None = None) -> None:
        self._data = data
        self._pictures = _column(data, "Image", _PICTURES, where, "pictures")
        if label_column is not None and label_column not in data.column_names:
            raise DataError(
                f"{where} does not have a column '{listed([label_column])}'. Its columns are "
                f"{listed(data.column_names)}."
            )
        self._labels = label_column or _column(data, "ClassLabel", _LABELS, where, "labels")
        self.unused = tuple(
            str(name) for name in data.column_names if name not in {self._pictures, self._labels}
        )
        names = getattr(data.features[self._labels], "names", None)
        if names is not None:
            self.classes = tuple(names)

    def labels(self) -> Any:
        """Return the column of labels without decoding a picture."""
        return self._data[self._labels]

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = self._data[index]
        return row[self._pictures], row[self._labels]


def _column(data: Any, kind: str, words: tuple[str, ...], where: str, what: str) -> str:
    typed = [name for name in data.column_names if type(data.features[name]).__name__ == kind]
    found = typed or [name for name in data.column_names if name.casefold() in words]
    if len(found) != 1:
        way_out = ", or pass label_column" if what == "labels" else ""
        if found:
            raise DataError(
                f"{where}: several columns could be the {what} ({listed(found)}). Keep only one with "
                f"select_columns{way_out}."
            )
        raise DataError(
            f"{where}: no column for {what} was found among {listed(data.column_names)}. Rename the right one to "
            f"'{words[0]}' with rename_column{way_out}."
        )
    return str(found[0])
