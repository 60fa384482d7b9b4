"""Checksums as their publishers give them: whole ones, and the beginning of one that a file's name carries."""

from __future__ import annotations

import hashlib
from pathlib import Path

PREFIX = "sha256-prefix"


def matches(path: Path, checksum: str) -> bool:
    """Return whether a file has a published checksum.

    Args:
        path: the file.
        checksum: `md5:` or `sha256:` and all digits, or `sha256-prefix:` and the first 8 or more, as torchvision
            gives them; eight find an accident, and a file that was exchanged on purpose only with much work.

    Raises:
        OSError: it cannot be read.
    """
    algorithm, expected = checksum.split(":")
    with path.open("rb") as file:
        # md5 is what some publishers give; it finds accidents, and there is nothing better to compare with.
        found = hashlib.file_digest(file, "sha256" if algorithm == PREFIX else algorithm).hexdigest()
    return found.startswith(expected) if algorithm == PREFIX else found == expected
