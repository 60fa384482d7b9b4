"""Checksums in the form that publishers give: whole ones, and the beginning of one in a file's name."""

from __future__ import annotations

import hashlib
from pathlib import Path

PREFIX = "sha256-prefix"


def matches(path: Path, checksum: str) -> bool:
    """Return whether a file has a published checksum.

    Args:
        path: the file.
        checksum: `md5:` or `sha256:` and all digits, or `sha256-prefix:` and the first 8 or more, as torchvision
            publishes them; eight digits find accidental damage, but a file can be forged to match with much work.

    Raises:
        OSError: it cannot be read.
    """
    algorithm, expected = checksum.split(":")
    with path.open("rb") as file:
        # Some publishers only give md5; it finds accidental damage, and there is nothing better to compare with.
        found = hashlib.file_digest(file, "sha256" if algorithm == PREFIX else algorithm).hexdigest()
    return found.startswith(expected) if algorithm == PREFIX else found == expected
