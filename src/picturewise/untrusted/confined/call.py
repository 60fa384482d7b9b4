"""Parsers of other libraries, kept apart: a file is parsed in a child process with limits on memory, time and output.

Libraries such as HDF5 and Arrow were not written for hostile files. A file that makes one crash, loop or use up memory
only ends a child, and the caller gets an error message. The child's results come back through a file that is already
deleted and holds only raw numbers and JSON, nothing that could run; its pages are mapped, not read. Picture files,
which are many and small, have children that live longer: see `confined_pool`.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from picturewise.cache_folder import imports_folder
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.confined import process
from picturewise.untrusted.scratch import scratch_file

_MAIN = "picturewise.untrusted.confined.call_child"
_TYPES = frozenset({"|u1", "<i8"})
_MOST_FACTS = 1 << 24  # bytes of JSON
_SMALL = 1 << 25  # bytes of an answer


@dataclass(frozen=True)
class Budget:
    """What the child may use.

    Attributes:
        memory: bytes of address space, the interpreter's own 0.1 GB included.
        seconds: of processor time; in real time, three times as many and ten more are allowed.
        output: bytes that it may return.
    """

    memory: int = 256 << 20
    seconds: float = 2.0
    output: int = 1 << 24


@dataclass(frozen=True, eq=False)
class Answer:
    """What the child found: plain facts as JSON types, and arrays of uint8 or int64, mapped read-only."""

    facts: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def run_confined(work: str, path: Path, request: Mapping[str, Any], limits: Budget) -> Answer:
    """Return what `work` finds in the file at `path`.

    Args:
        work: `module:function`; it is called in the child as `function(path, request, output)`.
        path: the file, which errors name.
        request: anything else that it needs, as JSON types.
        limits: what it may use.

    Raises:
        DataError: the one that `work` raised, or one for a crash, an exceeded limit or a damaged file.
    """
    shown = printable(path)
    message = {
        "work": work,
        "file": str(path.absolute()),
        "shown": shown,
        "request": dict(request),
        "memory": limits.memory,
        "seconds": limits.seconds,
        "output": limits.output,
    }
    # An answer that may be a whole set is put in the store's folder, because the system's temporary folder may be in
    # memory.
    with scratch_file() if limits.output > _SMALL else tempfile.TemporaryFile() as answer:
        with process.start(answer) as child:
            try:
                child.communicate(process.first_line(_MAIN, message), timeout=10 + 3 * limits.seconds)
            except subprocess.TimeoutExpired as error:
                raise _too_long(shown, limits) from error
            finally:  # Ctrl-C too
                child.kill()
        if child.returncode != 0:
            raise _ended_early(child.returncode, shown, limits)
        return _translated(_parsed(answer, shown), shown, limits)


def _ended_early(code: int, shown: str, limits: Budget) -> DataError:
    killed = code == -getattr(signal, "SIGKILL", 0)  # by the hard limit on time
    if killed or process.ran_out_of_time(code):
        return _too_long(shown, limits)
    return DataError(
        f"{shown} made the library that reads it crash ({process.how_it_ended(code)}); nothing else was affected. "
        "The file is damaged or malicious: download it again."
    )


def _too_long(shown: str, limits: Budget) -> DataError:
    return DataError(
        f"{shown} takes longer to read than the {limits.seconds:.0f} seconds allowed for its size. It is damaged or "
        "malicious: download it again."
    )


def _parsed(answer: IO[bytes], shown: str) -> Answer:
    """Return the answer from its file: arrays, then JSON that describes them, then the JSON's length."""
    try:
        size = answer.seek(0, os.SEEK_END)
        answer.seek(size - 8)
        length = min(int.from_bytes(answer.read(8), "little"), _MOST_FACTS)
        end = answer.seek(size - 8 - length)
        content = json.loads(answer.read(length))
        arrays = {name: _mapped(answer, end, *place) for name, place in content["arrays"].items()}
        return Answer(dict(content["facts"]), arrays)
    except (ValueError, TypeError, KeyError, OSError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{shown} made the library that reads it return invalid data. It is damaged or malicious: download it "
            "again."
        ) from error


def _mapped(answer: IO[bytes], end: int, kind: str, shape: list[int], offset: int) -> NDArray[Any]:
    """Return one array of the answer, after checking that it lies within the file."""
    sizes = tuple(map(int, shape))
    if kind not in _TYPES or min((offset, *sizes)) < 0:
        raise ValueError("not one of our arrays")
    dtype = np.dtype(kind)
    if offset + math.prod(sizes) * dtype.itemsize > end:
        raise ValueError("an array longer than its file")
    if 0 in sizes:  # an empty array cannot be mapped
        return np.empty(sizes, dtype)
    return np.memmap(answer, dtype, mode="r", offset=offset, shape=sizes)


def _translated(answer: Answer, shown: str, limits: Budget) -> Answer:
    """Return the answer, or raise what the child reported."""
    trouble = answer.facts.get("trouble")
    if trouble is None:
        return answer
    said = printable(answer.facts.get("said", ""))[:600]
    if trouble == "data":
        raise DataError(said)
    if trouble == "memory":
        raise DataError(
            f"{shown} needs more than the {limits.memory >> 20:,} MB of memory allowed for reading it. It is "
            "damaged or malicious: download it again."
        )
    if trouble == "output":
        place = imports_folder() if limits.output > _SMALL else tempfile.gettempdir()
        raise DataError(f"Cannot write the content of {shown} to {place}: {said}.")
    raise DataError(f"{shown} is damaged or truncated ({said.rstrip('.')}). Download it again.")
