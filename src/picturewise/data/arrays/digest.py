"""Fingerprints of pictures, used to find equal ones."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(content: bytes | memoryview) -> bytes:
    """Return 16 bytes that are equal exactly when the content is."""
    return hashlib.blake2b(content, digest_size=16).digest()


def digest_of_file(path: Path) -> bytes:
    """Return the digest of a file's content, which may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
