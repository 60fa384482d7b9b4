"""`release`: the pages of a memory map that were read are given back, so that a large file does not fill memory."""

from __future__ import annotations

import numpy as np

from picturewise.data.arrays.lazy_rows import Pictures


def release(images: Pictures) -> None:
    """Let the operating system take back the pages of a mapped array; they are read again when they are needed.

    An array in memory is left alone. Windows cannot do this, but takes pages back when memory is short.
    """
    import mmap  # noqa: PLC0415 (a single picture does not need it)

    base: object = images
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
