"""Reads one HDF5 file in the child of `untrusted.confined.call`, the only place that imports h5py.

A dataset is used only if its numbers are in the file itself and there are as many as declared: no soft or external
link, no external or virtual storage, only the common filters, only numbers, and every chunk present. All of this is
checked on its description, before a number is read.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from picturewise.data.arrays.find_layout import find_layout
from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import MAX_CLASSES, GivenLabels, as_text, given_labels
from picturewise.data.arrays.layout import check_layout
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.data.readers.array_names import words_of
from picturewise.data.readers.split_column import splits_by_value
from picturewise.errors import DataError
from picturewise.extras import install_command
from picturewise.printable import printable
from picturewise.untrusted.confined.call_child import Output

if TYPE_CHECKING:
    import h5py

MAX_CHUNK = 16 << 20  # bytes; a chunk is unpacked as a whole
MAX_CHUNKS = 1 << 20
MAX_RATIO = 200  # how many times larger unpacked numbers may be
_FREE = 1 << 20  # bytes that may unpack to any size
_BLOCK = 4 << 20
_MAX_LABELS = 1 << 28  # numbers, one-hot
_MAX_TEXTS = 1 << 22
_REFERENCE = 16  # bytes
_MOST_ARRAYS = 1000
_DEPTH = 3  # of groups
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}


def describe(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return the arrays in a file and its groups, and the values of the small ones.

    Args:
        path: the file.
        request: `words`: an array with one of these in its name must be harmless, or the file is refused; `labels` and
            `splits`: words in names of arrays whose values are looked at; `names`: names of lists of class names.
        output: receives nothing.

    Returns:
        `forms`: shape and kind of each array by its path, or null if it cannot be used; `texts`: short lists by the
        path of the array or attribute that holds them; `splits`: for arrays of splits, the meaning of each different
        value; `unlabelled`: the labels that all mean "no label".
    """
    with opened_file(path) as file:
        forms: dict[str, Any] = {}
        found: dict[str, Any] = {"texts": {}, "splits": {}, "unlabelled": []}
        for name in _arrays(file):
            words = set(words_of(name))
            dataset = (
                _dataset(file, name, texts=True) if words & set(request["words"]) else _lenient(file, name)
            )
            forms[name] = None if dataset is None else [[*dataset.shape], _kind(dataset)]
            if dataset is not None:
                _look_into(dataset, name, words, request, found)
        for place in ["", *forms]:
            for key, texts in _attributes(file, place, request["names"]):
                found["texts"][f"{place}:{key}" if place else f":{key}"] = texts
        return {"forms": forms, **found}


def _arrays(file: h5py.File) -> list[str]:
    """Return the paths of everything but groups, and of empty groups, in the root and three levels of groups below."""
    import h5py  # noqa: PLC0415 (only after the limits are set)

    found: list[str] = []
    waiting = [("", 0)]
    while waiting and len(found) < _MOST_ARRAYS:
        above, depth = waiting.pop(0)
        group = file[above] if above else file
        if above and not len(group):  # callers that need an array refuse it
            found.append(above)
        for _, name in zip(range(_MOST_ARRAYS), group, strict=False):
            path = f"{above}/{name}" if above else name
            try:
                hard = isinstance(file.get(path, getlink=True), h5py.HardLink)
            except TypeError:  # a kind of link that h5py does not know
                hard = False
            # MATLAB keeps the targets of references in #refs#.
            if hard and not name.startswith("#") and file.get(path, getclass=True) is h5py.Group:
                if depth < _DEPTH:
                    waiting.append((path, depth + 1))
            elif not name.startswith("#"):
                found.append(path)
    return found


def _lenient(file: h5py.File, name: str) -> h5py.Dataset | None:
    """Return a dataset, or None if it cannot be used."""
    try:
        return _dataset(file, name, texts=True)
    except DataError:
        return None


def _kind(dataset: h5py.Dataset) -> str:
    return "S" if dataset.dtype.kind in "OS" else str(dataset.dtype.kind)


def _look_into(
    dataset: h5py.Dataset, name: str, words: set[str], request: Mapping[str, Any], found: dict[str, Any]
) -> None:
    """Add the meaning of the values of a small array."""
    count, end = math.prod(dataset.shape), name.rsplit("/", 1)[-1].casefold()
    single = math.prod(dataset.shape[1:]) == 1 or dataset.shape[0] == 1
    if count <= MAX_CLASSES and dataset.ndim == 1 and (_kind(dataset) == "S" or end in request["names"]):
        found["texts"][name] = _plain(_values(dataset))
    if count > _MAX_TEXTS or not single:
        return
    if end in request["splits"]:
        texts = {str(value) for value in _plain(_values(dataset))}
        found["splits"][name] = splits_by_value(end, texts)
    if words & set(request["labels"]) and _kind(dataset) in "if":
        values = _values(dataset).reshape(-1)
        if not given_labels(np.where(values < 0, values, 0), len(values), name).are_there:
            found["unlabelled"].append(name)


def _attributes(file: h5py.File, place: str, names: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the attributes of a group or a dataset that name classes."""
    item = file[place] if place else file
    for _, key in zip(range(_MOST_ARRAYS), item.attrs, strict=False):
        if key.casefold() not in names:
            continue
        value = item.attrs.get_id(key)
        if value.shape is not None and math.prod(value.shape) <= MAX_CLASSES and len(value.shape) == 1:
            yield key, _plain(np.asarray(item.attrs[key]))


def _plain(values: Any) -> list[Any]:
    """Return strings and numbers as JSON types."""
    return [
        as_text(bytes(value) if isinstance(value, bytes) else value)
        if isinstance(value, bytes | str)
        else value.item() if hasattr(value, "item") else value
        for value in np.ravel(values)
    ]  # fmt: skip


def _values(dataset: h5py.Dataset) -> Any:
    """Return all of a small array; strings as bytes."""
    values = dataset[...]
    return values if values.dtype.kind != "O" else np.array([bytes(value) for value in values.ravel()])


def read(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write `pictures` (N, H, W, C) uint8 and `labels` (N,) int64 to `output`, block by block, never all at once.

    Args:
        path: the file.
        request: `pictures` and `labels` (or null) are names of datasets; `order` is the order of the axes of pictures,
            see `_View`; `rows` says which of them to take: `array`, a dataset of splits, and `of`, its values that
            count; or null. `like` is the dataset of train's pictures, which decide the layout and the range; `range`,
            `layout` and `learned` are what is known of both (or null), and `found` is that of an earlier answer, or
            null.
        output: receives the numbers.

    Returns:
        `found`, see `find`; and what `read_labels` returns.
    """
    with opened_file(path) as file:
        pictures = _View(_dataset(file, request["pictures"]), request["order"])
        where = _where(path, request["pictures"])
        check_layout(pictures.shape, pictures.dtype, where)
        rows = _rows(file, request)
        facts = _write_labels(file, path, request, output, rows)
        found = request["found"] or _find(file, path, request)
        layout = check_layout(pictures.shape, pictures.dtype, where, channels_first=found["channels_first"])
        conversion = Conversion(ValueRange.of(found["scale"]), where)
        for first, block in _blocks(pictures):
            chosen = block if rows is None else block[rows[first : first + len(block)]]
            if len(chosen):
                output.write("pictures", conversion.to_bytes(layout.arrange(chosen), first))
        conversion.finish()
    return {"found": found, **facts}


def find(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return what the pictures of train, in the dataset `like`, decide.

    Returns:
        `scale`: the facts of the `ValueRange`; `channels_first`: see `FoundLayout`; `notes`; `values`: what a
        classifier keeps.
    """
    with opened_file(path) as file:
        return _find(file, path, request)


def read_labels(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write `labels` as `read` does, without the pictures, of which there are `request["count"]`.

    `request["matlab"]` says that the axes of labels are reversed.

    Returns:
        `names`: the names that the labels are positions in, or null; `mark`: the value for a missing label.
    """
    with opened_file(path) as file:
        return _write_labels(file, path, request, output, _rows(file, request))


def _rows(file: h5py.File, request: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Return which pictures belong to the split."""
    if request["rows"] is None:
        return None
    values = _plain(_values(_dataset(file, request["rows"]["array"], texts=True)))
    return np.array([str(value) in request["rows"]["of"] for value in values])


def _write_labels(
    file: h5py.File,
    path: Path,
    request: Mapping[str, Any],
    output: Output,
    rows: np.ndarray[Any, np.dtype[np.bool_]] | None,
) -> dict[str, Any]:
    if request["labels"] is None:
        return {"names": None, "mark": ""}
    count = request["count"]
    labels, where = _dataset(file, request["labels"], texts=True), _where(path, request["labels"])
    # Checked before they are read: pictures (N, …) under the name of labels would be many numbers.
    flat = labels.ndim <= 2 or math.prod(labels.shape[1:]) == 1
    if not flat or math.prod(labels.shape) > (_MAX_TEXTS if _kind(labels) == "S" else _MAX_LABELS):
        raise DataError(
            f"{where} has shape {labels.shape}. Expected ({count},), one label for each picture of "
            f"{request['pictures']}."
        )
    values = _values(labels)
    given = given_labels(values.T if request["matlab"] else values, count, where)
    given = given if rows is None else GivenLabels(given.numbers[rows], given.names, given.mark)
    output.write("labels", given.numbers)
    return {"names": given.names, "mark": given.mark}


class _View:
    """A dataset of pictures with its axes in another order: the first in `order` counts the pictures."""

    def __init__(self, dataset: h5py.Dataset, order: list[int] | None) -> None:
        self._dataset = dataset
        self._order = order or [*range(dataset.ndim)]
        self.shape = tuple(dataset.shape[axis] for axis in self._order)
        self.dtype = dataset.dtype
        self.chunks = None if dataset.chunks is None else (dataset.chunks[self._order[0]],)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice | int) -> Any:
        if isinstance(rows, int):
            return self[rows : rows + 1][0]
        place = tuple(rows if axis == self._order[0] else slice(None) for axis in range(len(self.shape)))
        return self._dataset[place].transpose(self._order)


def _find(file: h5py.File, path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what train's pictures decide; of bytes, no more are read than necessary for the range."""
    pictures, where = _View(_dataset(file, request["like"]), request["order"]), _where(path, request["like"])
    order = find_layout(
        pictures.shape,
        pictures.dtype,
        lambda rows: np.stack([pictures[int(row)] for row in rows]),
        where,
        request["layout"],
    )

    def blocks() -> Iterator[tuple[int, Any]]:
        if pictures.dtype == np.uint8:
            yield 0, pictures[:1]  # usually enough
        for first, block in _blocks(pictures):
            yield first, order.layout.arrange(block)

    learned = request["learned"]
    scale = find_value_range(
        pictures.dtype,
        blocks,
        where,
        said=request["range"],
        learned=None if learned is None else tuple(learned),
    )
    return {
        "scale": scale.facts(),
        "channels_first": order.channels_first,
        "notes": [*order.notes, *scale.notes],
        "values": scale.kept,
    }


def _where(path: Path, name: str) -> str:
    return f"{printable(path)}, {printable(name)}"


@contextlib.contextmanager
def opened_file(path: Path) -> Iterator[h5py.File]:
    """Yield an HDF5 file, open to be read.

    Raises:
        DataError: h5py is not installed, or another process is writing the file.
        OSError: it is damaged.
    """
    try:
        import h5py  # noqa: PLC0415 (only after the limits are set)
    except ModuleNotFoundError as error:
        raise DataError(
            f"{printable(path)} is an HDF5 file, which needs h5py. Install it with: {install_command('train')}"
        ) from error
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            yield file
    except OSError as error:
        if "unable to lock file" not in str(error):
            raise
        raise DataError(
            f"{printable(path)} is being written by another process. Wait until that process has finished."
        ) from error


def _dataset(file: h5py.File, name: str, *, texts: bool = False) -> h5py.Dataset:
    """Return a dataset whose description is harmless: of numbers, or of strings too.

    Raises:
        DataError: it is not.
    """
    import h5py  # noqa: PLC0415 (only after the limits are set)

    where = f"{printable(file.filename)}, {printable(name)}"
    try:
        link = file.get(name, getlink=True)
    except TypeError:  # a kind of link that h5py does not know
        link = None
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{where} is a link to other data. Store the array itself in this file.")
    if file.get(name, getclass=True) is not h5py.Dataset:
        raise DataError(f"{where} is a group. Expected an array.")
    opened = h5py.h5d.open(file.id, name.encode())
    kind = opened.get_type().get_class()
    dataset = h5py.Dataset(opened)
    numbers = kind in {h5py.h5t.INTEGER, h5py.h5t.FLOAT} or (kind == h5py.h5t.ENUM and dataset.dtype == bool)
    if not numbers and not (texts and kind == h5py.h5t.STRING):
        raise DataError(f"{where} contains strings, objects or references instead of numbers.")
    refuse_storage(opened, where)
    return dataset


def refuse_storage(dataset: h5py.h5d.DatasetID, where: str) -> None:
    """Refuse a dataset whose numbers are not in the file, are packed in an unknown way, or are fewer than declared.

    Raises:
        DataError: it is such a dataset.
    """
    import h5py  # noqa: PLC0415 (only after the limits are set)

    plan = dataset.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise DataError(
            f"{where} stores its data in other files (virtual or external storage). Store the data in this file."
        )
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    strange = [number for number in filters if number not in _FILTERS]
    if strange or len(filters) > 4:
        trouble = f"{len(filters)} filters, but at most 4 are allowed"
        if strange:
            trouble = f"the filter number {strange[0]}, but only {', '.join(_FILTERS.values())} are supported"
        raise DataError(f"{where} is compressed with {trouble}. Compress it again with: h5repack -f GZIP=4.")
    _check_storage(h5py.Dataset(dataset), plan, where)


def _check_storage(dataset: h5py.Dataset, plan: h5py.h5p.PropDCID, where: str) -> None:
    """Refuse a dataset that declares more than the file holds for it."""
    import h5py  # noqa: PLC0415 (only after the limits are set)

    if dataset.shape is None or dataset.ndim == 0 or dataset.ndim > 4 or 0 in dataset.shape:
        raise DataError(
            f"{where} has shape {dataset.shape}. Expected 1 to 4 axes, and at least one picture or label."
        )
    # A text of variable length is elsewhere in the file; the dataset holds 16 bytes that say where.
    width = _REFERENCE if dataset.dtype.kind == "O" else dataset.dtype.itemsize
    promised = math.prod(dataset.shape) * width
    stored = dataset.id.get_storage_size()
    size = Path(dataset.file.filename).stat().st_size
    if stored > size:
        raise DataError(
            f"{where} declares {stored:,} bytes, but the file has only {size:,}. It is damaged or truncated: download "
            "it again."
        )
    complete = stored == promised
    if plan.get_layout() == h5py.h5d.CHUNKED:
        chunk = plan.get_chunk()
        expected = math.prod(-(-whole // part) for whole, part in zip(dataset.shape, chunk, strict=True))
        chunk_bytes = math.prod(chunk) * width
        if chunk_bytes > MAX_CHUNK or expected > MAX_CHUNKS:
            raise DataError(
                f"{where} is stored in {expected:,} chunks of {chunk_bytes:,} bytes, but at most {MAX_CHUNKS:,} chunks "
                f"of {MAX_CHUNK:,} bytes are allowed. Change the chunks with h5repack."
            )
        packed = bool(plan.get_nfilters())
        # Without a filter, each chunk is stored whole, even at the edge.
        complete = stored > 0 if packed else stored == expected * chunk_bytes
        complete = complete and dataset.id.get_num_chunks() == expected
        if packed and max(promised, expected * chunk_bytes) > _FREE + MAX_RATIO * stored:
            raise DataError(
                f"{where} declares {promised:,} bytes but stores only {stored:,}; at most {MAX_RATIO} bytes may be "
                "declared for each stored byte. The file is probably malicious; do not use it."
            )
    if not complete:
        raise DataError(
            f"{where} declares {promised:,} bytes of data but stores {stored:,}. The file is incomplete or malicious: "
            "download it again."
        )


def _blocks(dataset: _View) -> Iterator[tuple[int, Any]]:
    """Yield the number of the first row, and rows; whole chunks, so that none is unpacked twice."""
    row = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    step = max(1, _BLOCK // row)
    if dataset.chunks is not None:
        length = dataset.chunks[0]
        step = length * max(1, step // length)
        if step * row > 2 * MAX_CHUNK:  # chunks with few columns and many rows
            step = max(1, 2 * MAX_CHUNK // row)
    for first in range(0, len(dataset), step):
        yield first, dataset[first : first + step]
