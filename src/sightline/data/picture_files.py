"""Many picture files to one array: looked at and decoded in threads, in order, the bad ones told apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sightline.data import decode
from sightline.data.options import Fit
from sightline.data.pixels import Room, room_for
from sightline.data.quiet import quiet_pillow
from sightline.data.traits import digest

Item = TypeVar("Item")
Result = TypeVar("Result")
Tick = Callable[[int], None]

# Files that a thread takes at a time: enough to hide the hand-over, few enough for a bar that moves.
_CHUNK = 64
# What Pillow does in Python rather than in C is done by one thread at a time, so more threads bring nothing.
_MOST_THREADS = 16


@dataclass(frozen=True)
class Look:
    """A file before it is decoded: its header, and a digest of its bytes."""

    header: decode.Header
    digest: bytes


def look_at_each(paths: Sequence[Path | bytes], tick: Tick) -> list[Look | decode.PictureError]:
    """Return, for each file, its header and digest, or why it cannot be used.

    Args:
        paths: the files, or what is in them.
        tick: called with the number of files that were done since the last call, from the calling thread.
    """
    return [result for chunk in _in_threads(_look, paths, tick) for result in chunk]


def decode_each(
    paths: Sequence[Path | bytes],
    size: tuple[int, int],
    channels: int,
    fit: Fit,
    tick: Tick,
    room: Room = room_for,
) -> tuple[NDArray[np.uint8], dict[int, decode.PictureError]]:
    """Return the pictures (N, H, W, C) uint8, and by index why one could not be decoded (its pixels are noise).

    Args:
        paths: the files, or what is in them, N of them.
        size: height and width that each is brought to.
        channels: 1 or 3.
        fit: how another shape is brought to the size, see `decode.resize`.
        tick: as for `look_at_each`.
        room: gives the array.

    Raises:
        DataError: there is not enough memory for all pictures.
    """
    images = room(len(paths), size, channels)

    def decode_into(index: int) -> decode.PictureError | None:
        try:
            images[index] = decode.read_picture(paths[index], size, channels, fit)
        except decode.PictureError as error:
            return error
        return None

    results = [result for chunk in _in_threads(decode_into, range(len(paths)), tick) for result in chunk]
    return images, {index: error for index, error in enumerate(results) if error is not None}


def _look(path: Path | bytes) -> Look | decode.PictureError:
    try:
        content = path if isinstance(path, bytes) else decode.read_content(path)
        return Look(decode.read_header(content), digest(content))
    except decode.PictureError as error:
        return error


def _in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], tick: Tick
) -> Iterator[list[Result]]:
    """Yield the results of the items chunk by chunk, in order."""

    def work(chunk: Sequence[Item]) -> list[Result]:
        return [function(item) for item in chunk]

    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    threads = max(1, min(_processors(), _MOST_THREADS, len(chunks)))
    with quiet_pillow, ThreadPoolExecutor(threads) as pool:  # quiet once, not anew for each file
        futures = [pool.submit(work, chunk) for chunk in chunks]
        try:
            for future in futures:
                results = future.result()
                tick(len(results))
                yield results
        finally:  # Ctrl-C, or an error: what waits is not begun
            for future in futures:
                future.cancel()


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
