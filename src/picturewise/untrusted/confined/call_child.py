"""The child's side of `call`: set the limits, do the work, return numbers and JSON.

Nothing here imports more than NumPy before the limits are set; the work itself imports the other library.
"""

from __future__ import annotations

import errno
import importlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.untrusted.confined.limits import limit

_ALIGNMENT = 64
_CHUNK = 1 << 24  # bytes written at a time


class Output:
    """Arrays and facts for the parent: first the arrays in sequence, then the facts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0
        self._arrays: dict[str, tuple[str, list[int], int]] = {}

    def write(self, name: str, block: NDArray[Any]) -> None:
        """Append rows, uint8 or int64, to the array `name`; an array is closed when the next one begins."""
        if name not in self._arrays:
            self._put(bytes(-self._place % _ALIGNMENT))
            kind = np.dtype(block.dtype).newbyteorder("<").str
            self._arrays[name] = (kind, [0, *block.shape[1:]], self._place)
        kind, shape, offset = self._arrays[name]
        if offset + np.dtype(kind).itemsize * math.prod(shape) != self._place:
            raise ValueError("rows for an array that is closed")
        self._put(np.ascontiguousarray(block, kind).reshape(-1).view(np.uint8).data)
        shape[0] += len(block)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the facts and the positions of the arrays."""
        content = json.dumps({"facts": facts, "arrays": self._arrays}).encode()
        self._put(content + len(content).to_bytes(8, "little"))
        self._file.flush()

    def _put(self, content: bytes | memoryview) -> None:
        for start in range(0, len(content), _CHUNK):
            self._file.write(content[start : start + _CHUNK])
        self._place += len(content)


def main(message: Mapping[str, Any]) -> None:
    """Do the work that `confined.run_confined` asks for; the answer goes to the original standard output."""
    answer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # output of the library must not get into the answer
    limit(message["memory"], message["seconds"], message["output"] + (1 << 20))
    output = Output(answer)
    try:
        module, _, function = message["work"].partition(":")
        work = getattr(importlib.import_module(module), function)
        facts = work(Path(message["file"]), message["request"], output)
    except DataError as error:
        facts = {"trouble": "data", "said": str(error)}
    except MemoryError:
        facts = {"trouble": "memory"}
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
        facts = {"trouble": "output" if full else "damaged", "said": str(error)}
    # With hostile bytes, a library may raise nearly any error.
    except Exception as error:  # noqa: BLE001
        facts = {"trouble": "damaged", "said": f"{type(error).__name__}: {error}"}
    if "trouble" in facts:
        answer.seek(0)
        answer.truncate()
        output = Output(answer)
        facts["said"] = str(facts.get("said", ""))[:600].replace(message["file"], message["shown"])
    output.finish(facts)
    # The library's own cleanup could still crash on what it has read.
    os._exit(0)
