"""Many picture files to one array: looked at and decoded in confined children, in order, an error for each bad one.

This process does not touch any byte of an encoded picture, so that none can harm it; see `confined_pool`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.pictures import decode, quick_jpeg
from picturewise.data.pictures.decode_child import HIDDEN, KINDS, LOOK, SECONDS, seconds_for
from picturewise.data.pictures.pixels import Deep
from picturewise.errors import PictureError
from picturewise.printable import printable
from picturewise.untrusted.confined.pool import KeptChildren, Tick, work_through
from picturewise.untrusted.confined.pool_thread import Task
from picturewise.untrusted.confined.protocol import Item

# Bytes of addresses for each child: 100 million pixels with transparency, and what an interpreter needs.
_MEMORY = 1 << 30
_MANY = 2000  # files; loading NumPy and simplejpeg in each child takes as long as they save for a thousand
_AT_ONCE = 1 << 14  # files with several boxes: their pixels are held twice


Boxes = Sequence[decode.Box | None] | None
"""What to cut out of each picture, nothing from those with None; None: nothing from any."""


@dataclass(frozen=True)
class Look:
    """A file before it is decoded: its header, and a digest of its bytes."""

    header: decode.PictureHeader
    digest: bytes


def look_at_each(paths: Sequence[Item], tick: Tick) -> list[Look | PictureError]:
    """Return, for each file, its header and digest, or why it cannot be used.

    Args:
        paths: the files, or what is in them.
        tick: called with the number of files finished since the last call, from the calling thread.
    """
    return _look_at_each(paths, None, [], tick)


def look_and_decode_each(
    paths: Sequence[Item],
    form: decode.Form,
    tick: Tick,
    *,
    allocate: Allocate = allocate_in_memory,
    boxes: Boxes = None,
) -> tuple[list[Look | PictureError], NDArray[np.uint8]]:
    """Return what `look_at_each` and `decode_each` return, with each file opened once.

    Args:
        paths: the files, or what is in them, N of them.
        form: as for `decode_each`.
        tick: as for `look_at_each`.
        allocate: as for `decode_each`.
        boxes: the same, but no file may occur twice.

    Raises:
        DataError: there is not enough memory for all pictures.
    """
    images, rows = _place(len(paths), form, allocate)
    return _look_at_each(paths, form, [rows], tick, boxes), images


def decode_each(
    paths: Sequence[Item],
    form: decode.Form,
    tick: Tick,
    *,
    allocate: Allocate = allocate_in_memory,
    boxes: Boxes = None,
    kept: KeptChildren | None = None,
) -> tuple[NDArray[np.uint8], dict[int, PictureError]]:
    """Return the pictures (N, H, W, C) uint8, and by index why a picture could not be decoded (its pixels are noise).

    Args:
        paths: the files, or what is in them, N of them.
        form: what each is converted to.
        tick: as for `look_at_each`.
        allocate: returns the contiguous array to be filled, from N, the size and the channels.
        boxes: what to cut out of each picture; all must be files. A file may occur several times, with other boxes.
        kept: children of earlier calls with the same form, without boxes.

    Raises:
        DataError: there is not enough memory for all pictures.
    """
    images, rows = _place(len(paths), form, allocate)
    task = decoding(form, look=False, files=len(paths))
    if boxes is not None:
        reasons = _cut_out_each(paths, form, rows, tick, boxes)
    elif kept is None:
        reasons = work_through(task, paths, [rows], tick)
    else:
        reasons = work_through(task, paths, [rows], tick, kept=kept)
    return images, {index: _error(paths[index], reason) for index, reason in reasons.items()}


def _cut_out_each(
    paths: Sequence[Item],
    form: decode.Form,
    rows: NDArray[np.uint8],
    tick: Tick,
    boxes: Sequence[decode.Box | None],
) -> dict[int, str]:
    """Fill the rows (N, length) with what is in each box, and return by index why there is nothing."""
    reasons = dict[int, str]()
    for turn in _turns(paths):
        some, cut = [paths[index] for index in turn], [boxes[index] for index in turn]
        whole = len(turn) == len(paths)
        answers = rows if whole else np.empty((len(turn), rows.shape[1]), np.uint8)
        task = decoding(form, look=False, boxes=_by_path(some, cut), files=len(some))
        found = work_through(task, some, [answers], tick)
        if not whole:
            rows[turn] = answers
        reasons |= {turn[place]: reason for place, reason in found.items()}
    return dict(sorted(reasons.items()))


def _look_at_each(
    paths: Sequence[Item],
    form: decode.Form | None,
    answers: list[NDArray[np.uint8]],
    tick: Tick,
    boxes: Boxes = None,
) -> list[Look | PictureError]:
    """Return what `look_at_each` returns, and fill the rest of the answers."""
    looks = np.empty((len(paths), LOOK.size), np.uint8)
    task = decoding(form, look=True, boxes=_by_path(paths, boxes), files=len(paths))
    reasons = work_through(task, paths, [looks, *answers], tick)
    return [
        _error(path, reasons[index]) if index in reasons else _look(path, row)
        for index, (path, row) in enumerate(zip(paths, LOOK.iter_unpack(looks.data), strict=True))
    ]


def _place(count: int, form: decode.Form, allocate: Allocate) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an array to be filled (N, H, W, C), and the same as (N, H·W·C)."""
    images = allocate(count, (form.height, form.width), form.channels)
    return images, images.reshape(count, form.height * form.width * form.channels)


def _turns(paths: Sequence[Item]) -> list[Sequence[int]]:
    """Return the numbers of all files in parts, so that no file occurs twice in a part: it has one box there."""
    if len(set(paths)) == len(paths):
        return [range(len(paths))]
    seen = Counter[Item]()
    turns: list[list[int]] = []
    for index, path in enumerate(paths):
        if seen[path] == len(turns):
            turns.append([])
        turns[seen[path]].append(index)
        seen[path] += 1
    return [turn[start : start + _AT_ONCE] for turn in turns for start in range(0, len(turn), _AT_ONCE)]


def _by_path(paths: Sequence[Item], boxes: Boxes) -> dict[str, decode.Box]:
    """Return the boxes by the paths that children see."""
    places = zip(paths, boxes or [], strict=True) if boxes is not None else ()
    return {str(path.absolute()): box for path, box in places if isinstance(path, Path) and box is not None}


def decoding(
    form: decode.Form | None,
    *,
    look: bool,
    boxes: Mapping[str, decode.Box] | None = None,
    files: int = 1,
) -> Task:
    """Return what children do with each picture, see `decode_child.reading`.

    Args:
        form: the same.
        look: the same.
        boxes: the same.
        files: how many there are; of many, plain JPEG files are decoded by `quick_jpeg`, if its library is installed.
    """
    quick = files >= _MANY and form is not None and quick_jpeg.is_installed()
    return Task(
        work="picturewise.data.pictures.decode_child:reading",
        request={"look": look, "form": form, "boxes": boxes or {}, "quick": quick},
        memory=_MEMORY,
        seconds=SECONDS,
        patience=_patience,
    )


def _patience(item: Item) -> float:
    """Return the seconds of real time that a file may take: the disk may be slow, and the machine busy."""
    try:
        size = item.stat().st_size if isinstance(item, Path) else len(item)
    except (OSError, ValueError):
        size = 0
    return 10 + 3 * seconds_for(min(size, decode.MAX_BYTES))


def _look(
    path: Item, answer: tuple[int, int, bool, int, int, float, float, bool, bytes]
) -> Look | PictureError:
    height, width, colour, hidden, kind, low, high, whole, digest = answer
    known = hidden < len(HIDDEN) and kind < len(KINDS)
    if not (known and 1 <= height * width <= decode.MAX_PIXELS and -math.inf < low <= high < math.inf):
        return _error(path, "the decoder returned an invalid result")  # our own child never does
    deep = Deep(KINDS[kind], low, high, whole) if kind else None
    return Look(decode.PictureHeader(height, width, colour, HIDDEN[hidden], deep), digest)


def _error(path: Item, reason: str) -> PictureError:
    return PictureError(printable(path) if isinstance(path, Path) else "The picture", reason)
