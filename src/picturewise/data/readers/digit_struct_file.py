"""Reads one `digitStruct.mat` of SVHN's format 1 in the child of `untrusted.confined.call`.

The file has MATLAB's version 7.3, which is HDF5. `digitStruct` is a group with two columns of references, one for each
picture: `name` to the codes of its letters, `bbox` to a group with the fields `left`, `top`, `width`, `height` and
`label`. A field is one number if the picture has one digit, and otherwise a column of references to numbers. Without
references, there is one picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.readers.hdf5_file import opened_file, refuse_storage
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.targets.sequences import MOST_PLACES
from picturewise.untrusted.confined.call_child import Output

if TYPE_CHECKING:
    import h5py

GROUP = "digitStruct"
MOST_PICTURES = 1 << 20
_FIELDS = ("left", "top", "width", "height", "label")
_MOST_LETTERS = 255
_ZERO = 10  # the label of the digit 0
_FARTHEST = 1 << 20  # pixels


def read(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write `boxes` (M, 4) int64, the left, top, right and bottom of each digit of all pictures, in whole pixels.

    Args:
        path: the file.
        request: nothing.
        output: receives the boxes.

    Returns:
        `names` of the N picture files; `numbers`, N strings of digits, M together.

    Raises:
        DataError: the file does not have this form, or a label is not a digit.
    """
    del request
    with opened_file(path) as file:
        reader = _Reader(file, printable(path))
        names, structs = reader.columns()
        numbers, boxes = [], []
        for place, struct in enumerate(structs):
            reader.place = place
            left, top, width, height, labels = struct()
            numbers.append(reader.number(labels))
            boxes.append(reader.boxes(left, top, width, height))
        output.write("boxes", np.concatenate(boxes))
    return {"names": names, "numbers": numbers}


class _Reader:
    """The parts of an open file; `place` is the picture that an error is about."""

    def __init__(self, file: h5py.File, shown: str) -> None:
        self._file = file
        self._shown = shown
        self.place = 0

    def columns(self) -> tuple[list[str], list[Callable[[], tuple[NDArray[np.float64], ...]]]]:
        """Return the names of the pictures, and for each a function that reads its fields."""
        import h5py  # noqa: PLC0415 (only after the limits are set)

        group = self._file.get(GROUP)
        if not isinstance(group, h5py.Group):
            raise self._strange(f"it does not have a group '{GROUP}'")
        name, bbox = (self._member(group.id, field) for field in ("name", "bbox"))
        if isinstance(bbox, h5py.h5g.GroupID):  # one picture
            return [self._text(name)], [lambda: self._fields(bbox)]
        names, structs = self._references(name), self._references(bbox)
        if len(names) != len(structs) or not 1 <= len(names) <= MOST_PICTURES:
            raise self._strange(f"it has {len(names):,} names and {len(structs):,} bbox")
        texts = []
        for self.place, reference in enumerate(names):
            texts.append(self._text(self._target(reference)))

        def fields(reference: h5py.Reference) -> tuple[NDArray[np.float64], ...]:
            return self._fields(self._target(reference))

        return texts, [lambda reference=reference: fields(reference) for reference in structs]  # type: ignore[misc]

    def number(self, labels: NDArray[np.float64]) -> str:
        """Return the digits of a picture; the label of zero is 10."""
        strange = labels[(labels < 1) | (labels > _ZERO) | (labels != np.floor(labels))]
        if len(strange):
            raise DataError(
                f"{self._shown}: a label of picture {self.place + 1:,} is {strange[0]:g}. Expected 1 to 9, or "
                f"{_ZERO} for zero."
            )
        return "".join(str(int(label) % _ZERO) for label in labels)

    def boxes(self, *sides: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the left, top, right and bottom (K, 4) of the K boxes of a picture, in whole pixels."""
        left, top, width, height = sides
        if (
            not all((np.abs(side) <= _FARTHEST).all() for side in sides)
            or (width < 0).any()
            or (height < 0).any()
        ):
            raise self._strange(f"a box of picture {self.place + 1:,} is not valid")
        right, bottom = left + np.maximum(width, 1), top + np.maximum(height, 1)
        outwards = [np.floor(left), np.floor(top), np.ceil(right), np.ceil(bottom)]
        return np.stack(outwards, axis=1).astype(np.int64)

    def _fields(self, struct: Any) -> tuple[NDArray[np.float64], ...]:
        import h5py  # noqa: PLC0415 (only after the limits are set)

        if not isinstance(struct, h5py.h5g.GroupID):
            raise self._strange(f"the bbox of picture {self.place + 1:,} does not have fields")
        values = [self._values(self._member(struct, field)) for field in _FIELDS]
        if len({len(value) for value in values}) > 1 or not 1 <= len(values[0]) <= MOST_PLACES:
            counts = ", ".join(f"{len(value)} {field}" for field, value in zip(_FIELDS, values, strict=True))
            raise self._strange(
                f"the bbox of picture {self.place + 1:,} has {counts}, but needs 1 to {MOST_PLACES} of each"
            )
        return tuple(values)

    def _values(self, dataset: Any) -> NDArray[np.float64]:
        """Return the numbers of a field: its own, or those that it refers to."""
        import h5py  # noqa: PLC0415 (only after the limits are set)

        if isinstance(dataset, h5py.h5d.DatasetID) and dataset.get_type().get_class() == h5py.h5t.REFERENCE:
            targets = [self._target(reference) for reference in self._references(dataset, MOST_PLACES + 1)]
            return np.concatenate([self._numbers(target, 1) for target in targets])
        return self._numbers(dataset, 1)

    def _text(self, dataset: Any) -> str:
        codes = self._numbers(dataset, _MOST_LETTERS)
        if not len(codes) or (codes < 1).any() or (codes > 0xFFFF).any():
            raise self._strange(f"the name of picture {self.place + 1:,} is not a text")
        return "".join(chr(int(code)) for code in codes)

    def _numbers(self, dataset: Any, most: int) -> NDArray[np.float64]:
        import h5py  # noqa: PLC0415 (only after the limits are set)

        numbers = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
        if not isinstance(dataset, h5py.h5d.DatasetID) or dataset.get_type().get_class() not in numbers:
            raise self._strange(f"a part of picture {self.place + 1:,} is not a number")
        values = np.empty(self._shape(dataset, most), np.float64)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
        if not np.isfinite(values).all():
            raise self._strange(f"a number of picture {self.place + 1:,} is not finite")
        return values.reshape(-1)

    def _references(self, dataset: Any, most: int = MOST_PICTURES) -> list[h5py.Reference]:
        import h5py  # noqa: PLC0415 (only after the limits are set)

        if (
            not isinstance(dataset, h5py.h5d.DatasetID)
            or dataset.get_type().get_class() != h5py.h5t.REFERENCE
            or dataset.get_type().get_size() != h5py.h5t.STD_REF_OBJ.get_size()
        ):
            raise self._strange("its columns do not contain references")
        values = np.empty(self._shape(dataset, most), h5py.ref_dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
        return list(values.reshape(-1))

    def _shape(self, dataset: h5py.h5d.DatasetID, most: int) -> tuple[int, ...]:
        """Return the shape of a small dataset whose numbers are in the file."""
        import h5py  # noqa: PLC0415 (only after the limits are set)

        shape = tuple(dataset.shape)
        if len(shape) > 2 or not 1 <= math.prod(shape) <= most:
            raise self._strange(f"a part of picture {self.place + 1:,} has shape {shape}")
        plan = dataset.get_create_plist()
        kind = plan.get_layout()
        if kind == h5py.h5d.COMPACT or (
            kind == h5py.h5d.CONTIGUOUS
            and not plan.get_external_count()
            and dataset.get_storage_size() == math.prod(shape) * dataset.get_type().get_size()
        ):
            return shape
        refuse_storage(dataset, f"{self._shown}, {GROUP}")  # anything else, checked in full
        return shape

    def _member(self, group: h5py.h5g.GroupID, name: str) -> Any:
        """Return the object of a group with this name, which must be in the file itself."""
        import h5py  # noqa: PLC0415 (only after the limits are set)

        key = name.encode()
        if not group.links.exists(key) or group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
            raise self._strange(f"picture {self.place + 1:,} does not have the field '{name}'")
        return h5py.h5o.open(group, key)

    def _target(self, reference: h5py.Reference) -> Any:
        import h5py  # noqa: PLC0415 (only after the limits are set)

        target = h5py.h5r.dereference(reference, self._file.id) if reference else None
        if target is None:
            raise self._strange(f"picture {self.place + 1:,} refers to nothing")
        return target

    def _strange(self, what: str) -> DataError:
        return DataError(f"{self._shown} is not a digitStruct.mat as SVHN has it: {what}. Download it again.")
