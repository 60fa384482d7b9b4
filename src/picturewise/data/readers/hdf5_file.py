"""What is read from one HDF5 file; it runs in the child of `untrusted.confined.call`, the only place that imports h5py.

A dataset is used only if its numbers lie in the file itself and there are as many as it promises: no soft or
external link, no external or virtual storage, no filter but the common ones, numbers only, every chunk there.
All of this is asked of its description, before a number is read.
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
from picturewise.data.arrays.labels import to_labels
from picturewise.data.arrays.layout import check_layout
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.confined.call_child import Output

if TYPE_CHECKING:
    import h5py

MAX_CHUNK = 16 << 20  # bytes; a chunk is unpacked whole
MAX_CHUNKS = 1 << 20
MAX_RATIO = 200  # times that numbers may grow when unpacked
_FREE = 1 << 20  # bytes that may grow as they like
_BLOCK = 4 << 20
_MAX_LABELS = 1 << 28  # numbers, one-hot
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}


def describe(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return the names in the file's root and, of those asked for in `request["words"]`, what they are.

    The facts are `names`, at most ten, and `shapes`: the shape of each dataset that has one of the words
    in its name.
    """
    with _opened(path) as file:
        names = [name for _, name in zip(range(1000), file, strict=False)]
        words = tuple(request["words"])
        shapes: dict[str, Any] = {}
        for name in names:
            if any(word in words for word in name.lower().replace("-", "_").split("_")):
                dataset = _dataset(file, name)
                shapes[name] = [*dataset.shape]
    return {"names": [printable(name)[:40] for name in names[:10]], "shapes": shapes}


def read(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Hand back `pictures` (N, H, W, C) uint8 and `labels` (N,) int64; block by block, never all at once.

    Args:
        path: the file.
        request: `pictures` and `labels` (or null) are names of datasets; `like` is that of train's pictures, which
            decide the layout and what values stand for, `range`, `layout` and `learned` what is known of both (or
            null), and `found` the facts of an earlier answer, or null.
        output: where the numbers go.

    Returns:
        `scale`: the facts of the `ValueRange`; `channels_first`: see `FoundLayout`; `notes`; `values`: what a
        classifier keeps.
    """
    with _opened(path) as file:
        pictures = _dataset(file, request["pictures"])
        where = _where(path, request["pictures"])
        check_layout(pictures.shape, pictures.dtype, where)
        _write_labels(file, path, request, output)
        facts = request["found"] or _facts(file, path, request)
        scale = ValueRange.of(facts["scale"])
        layout = check_layout(pictures.shape, pictures.dtype, where, channels_first=facts["channels_first"])
        conversion = Conversion(scale, where)
        for first, block in _blocks(pictures):
            output.write("pictures", conversion.to_bytes(layout.arrange(block), first))
        conversion.finish()
    return dict(facts)


def read_labels(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Hand back `labels` as `read` does, and no pictures."""
    with _opened(path) as file:
        _write_labels(file, path, request, output)
    return {}


def _write_labels(file: h5py.File, path: Path, request: Mapping[str, Any], output: Output) -> None:
    if request["labels"] is None:
        return
    count = len(_dataset(file, request["pictures"]))
    labels, where = _dataset(file, request["labels"]), _where(path, request["labels"])
    # Looked at before they are read: (N, …) of pictures under the name of labels would be many.
    if labels.ndim not in {1, 2} or math.prod(labels.shape) > _MAX_LABELS:
        raise DataError(
            f"{where} has the shape {labels.shape}, expected ({count},): one label for each picture of "
            f"{request['pictures']}."
        )
    output.write("labels", to_labels(labels[...], count, where))


def _facts(file: h5py.File, path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what train's pictures decide; of bytes, no more are read than tell the range."""
    pictures, where = _dataset(file, request["like"]), _where(path, request["like"])
    order = find_layout(
        pictures.shape,
        pictures.dtype,
        lambda rows: np.stack([pictures[int(row)] for row in rows]),
        where,
        request["layout"],
    )

    def blocks() -> Iterator[tuple[int, Any]]:
        if pictures.dtype == np.uint8:
            yield 0, pictures[:1]  # which mostly tells
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
def _opened(path: Path) -> Iterator[h5py.File]:
    import h5py  # noqa: PLC0415 (only after the limits are set)

    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            yield file
    except OSError as error:
        if "unable to lock file" not in str(error):
            raise
        raise DataError(
            f"{printable(path)} is being written by another process; wait until it is done."
        ) from error


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Return a dataset whose description is harmless.

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
        raise DataError(f"{where} is a link to somewhere else, expected the numbers in the file itself.")
    if file.get(name, getclass=True) is not h5py.Dataset:
        raise DataError(f"{where} is a group, expected an array.")
    opened = h5py.h5d.open(file.id, name.encode())
    plan = opened.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise DataError(
            f"{where} keeps its numbers in other files (virtual or external storage), expected them in this one."
        )
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    strange = [number for number in filters if number not in _FILTERS]
    if strange or len(filters) > 4:
        raise DataError(
            f"{where} is packed with the filter number {(strange or filters)[0]}, expected "
            f"{', '.join(_FILTERS.values())}; pack it anew with: h5repack -f GZIP=4."
        )
    kind = opened.get_type().get_class()
    if kind not in {h5py.h5t.INTEGER, h5py.h5t.FLOAT}:
        raise DataError(f"{where} holds text, objects or references, expected numbers.")
    dataset = h5py.Dataset(opened)
    _check_storage(dataset, plan, where)
    return dataset


def _check_storage(dataset: h5py.Dataset, plan: h5py.h5p.PropDCID, where: str) -> None:
    """Refuse a dataset that promises more than the file holds for it."""
    import h5py  # noqa: PLC0415 (only after the limits are set)

    if dataset.shape is None or dataset.ndim == 0 or dataset.ndim > 4 or 0 in dataset.shape:
        raise DataError(f"{where} has the shape {dataset.shape}, expected at least one picture or label.")
    promised = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    size = Path(dataset.file.filename).stat().st_size
    if stored > size:
        raise DataError(
            f"{where} promises {stored:,} bytes in a file of {size:,}; it is damaged or truncated."
        )
    complete = stored == promised
    if plan.get_layout() == h5py.h5d.CHUNKED:
        chunk = plan.get_chunk()
        expected = math.prod(-(-whole // part) for whole, part in zip(dataset.shape, chunk, strict=True))
        chunk_bytes = math.prod(chunk) * dataset.dtype.itemsize
        if chunk_bytes > MAX_CHUNK or expected > MAX_CHUNKS:
            raise DataError(
                f"{where} lies in {expected:,} chunks of {chunk_bytes:,} bytes, expected at most {MAX_CHUNKS:,} of "
                f"{MAX_CHUNK:,}; lay it out anew with h5repack."
            )
        packed = bool(plan.get_nfilters())
        # Without a filter each chunk is stored whole, those at the edge too.
        complete = stored > 0 if packed else stored == expected * chunk_bytes
        complete = complete and dataset.id.get_num_chunks() == expected
        if packed and max(promised, expected * chunk_bytes) > _FREE + MAX_RATIO * stored:
            raise DataError(
                f"{where} promises {promised:,} bytes and holds {stored:,} for them, expected at most "
                f"{MAX_RATIO} times as many; it was made to do harm."
            )
    if not complete:
        raise DataError(
            f"{where} promises {promised:,} bytes of numbers and holds {stored:,}; its writing was not finished, or "
            "it was made to do harm."
        )


def _blocks(dataset: h5py.Dataset) -> Iterator[tuple[int, Any]]:
    """Yield the number of the first row, and rows; whole chunks, so that none is unpacked twice."""
    row = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    step = max(1, _BLOCK // row)
    if dataset.chunks is not None:
        length = dataset.chunks[0]
        step = length * max(1, step // length)
        if step * row > 2 * MAX_CHUNK:  # chunks of few columns and many rows
            step = max(1, 2 * MAX_CHUNK // row)
    for first in range(0, len(dataset), step):
        yield first, dataset[first : first + step]
