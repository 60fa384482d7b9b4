"""Pickles read by a closed grammar: plain values and NumPy arrays come out, and nothing is imported or called.

A pickle is a program for a small stack machine, and Python's own module runs everything in it. The machine here
(`machine.py`) has fewer instructions (`opcodes.py`): numbers, texts, bytes, lists, dicts, tuples, and a handful of
names for NumPy's arrays, looked up in a table (`allowed_names.py`). All protocols, 0 to 5, are read, and pickles of
Python 2; its `str` comes out as bytes. This file is the door.

Python's `Unpickler`, restricted to NumPy's names, takes 2 GB and 1.7 s for 10 bytes that number their memo from 2^27,
and 256 MB for an array of that size; the machine here takes 1 ms for the first, and no memory for the second.

Large byte strings are views into the content, so an array of a gigabyte costs no memory until it is used.
The instructions are described in CPython's Lib/pickletools.py.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.pickles import opcodes
from picturewise.untrusted.pickles.machine import MAX_DEPTH, NO_CODE, PickleMachine, kind_of
from picturewise.untrusted.pickles.outline import NotEnoughError, Outline
from picturewise.untrusted.scratch import Content, private_copy

_LEAVES = frozenset({str, bytes, memoryview, int, float, bool, type(None), np.ndarray})

_SMALL = 16 << 20  # bytes


def read(path: Path) -> Any:
    """Return the value in a pickle; see `decode`. Its large arrays are in a private copy of the file.

    Raises:
        DataError: as for `decode`, or it is not a regular file.
        SaveError: there is not enough space for the copy.
        OSError: it cannot be read.
    """
    return decode(private_copy(path), printable(path))


def read_table(path: Path) -> dict[str, Any]:
    """Return the dict in a pickle, as `read` does; see `decode_table`."""
    return decode_table(private_copy(path), printable(path))


def read_outline(path: Path) -> dict[str, Any]:
    """Return the dict in a pickle, quickly even if its arrays are large: these are replaced by zeros.

    Raises:
        DataError: as for `decode_table`, or it is not a regular file.
        OSError: it cannot be read.
    """
    if path.stat().st_size <= _SMALL:  # reading all of it is faster than its outline
        return read_table(path)
    try:
        with Outline.opened(path) as outline:
            return decode_table(outline, printable(path))
    except NotEnoughError:
        return read_table(path)


def decode(content: Content | Outline, where: str) -> Any:
    """Return the value: None, bool, int, float, str, bytes, list, dict, tuple or a NumPy array, nested.

    Bytes longer than `SHORT` are memoryviews, arrays are read-only; both are views into `content`. NumPy's scalars come
    out as int, float and bool. The keys of dicts are str, bytes or int.

    Args:
        content: the whole pickle.
        where: what to call it in an error.

    Raises:
        DataError: it asks for anything else, is damaged, or unpacks to more than a file of pictures can hold.
    """
    machine = PickleMachine(content, where)
    try:
        value = opcodes.run(machine)
    except (IndexError, struct.error) as error:  # a missing value or mark
        raise machine.damaged("an instruction lacks its operands") from error
    _check(value, machine)
    return value


def decode_table(content: Content | Outline, where: str) -> dict[str, Any]:
    """Return the dict in a pickle, with strings as keys; see `decode`. Python 2's bytes become strings.

    Raises:
        DataError: as for `decode`; or it does not hold a dict, or one with other keys.
    """
    value = decode(content, where)
    if type(value) is not dict:
        raise DataError(f"{where} contains an object of type {kind_of(value)}. Expected a dict of arrays.")
    table = {key.decode("latin-1") if type(key) is bytes else key: item for key, item in value.items()}
    if len(table) < len(value) or not all(type(key) is str for key in table):
        raise DataError(f"{where} contains a dict with duplicate keys, or with keys that are not strings.")
    return table


def _check(value: Any, machine: PickleMachine) -> None:
    """Refuse a value that is incomplete, nested too deep, or expands to much more than the file holds.

    A list that contains another one twenty times, and so on, is small in memory but endless to walk through. A normal
    file has about as many values as instructions.
    """
    visits, most = 0, 4 * machine.steps + 100
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        if type(value) is dict or type(value) is list or type(value) is tuple:
            visits += len(value) + 1
            if depth >= MAX_DEPTH:
                raise machine.refused(f"is nested more than {MAX_DEPTH} levels deep")
            if visits > most:
                raise machine.refused("repeats its own values so often that it expands without end")
            inner = value.values() if type(value) is dict else value
            waiting += [(item, depth + 1) for item in inner if type(item) not in _LEAVES]
        elif type(value) not in _LEAVES:
            raise machine.refused(
                f"contains an object of type {kind_of(value)}, but only plain values and arrays are allowed. {NO_CODE}"
            )
