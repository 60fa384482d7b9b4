"""What every family is a list of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """One hostile file.

    Attributes:
        name: what is hostile about it.
        write: puts it, and what must lie beside it, into an empty folder; returns what a user would name.
        said: a regular expression that its refusal must match.
    """

    name: str
    write: Callable[[Path], Path]
    said: str


def holding(name: str, file_name: str, content: Callable[[], bytes], said: str) -> Hostile:
    """Return a hostile file that is made of nothing but bytes; they are made when it is written."""

    def write(folder: Path) -> Path:
        path = folder / file_name
        path.write_bytes(content())
        return path

    return Hostile(name, write, said)
