"""What a seed is: a small set of files that can be read as it stands, and what may be changed in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Files = dict[str, bytes]


@dataclass(frozen=True)
class Seed:
    """Files that belong together.

    Attributes:
        name: says what is special about it.
        files: their paths below the case's folder, and their contents.
        kinds: those that may be changed, and what each is; see `containers.changed`.
        source: the path that is read, below the case's folder; "": the folder.
        sign: puts checksums right that stand in one file and speak of another.
        sealed: the stretches of a file that stand under its own checksums, by path; files of the kinds in
            `containers.SEALED` do so as a whole.
        holds: whether the checksums of a changed file hold all the same. A weak one lets a stretch of zeros pass, or
            a copy of another stretch with its checksum, which no reader can tell. None: no change gets past them.
    """

    name: str
    files: Mapping[str, bytes]
    kinds: Mapping[str, str]
    source: str = ""
    sign: Callable[[Files], None] | None = None
    sealed: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    holds: Callable[[bytes], bool] | None = None


def one_file(name: str, path: str, content: bytes, kind: str) -> Seed:
    """Return the seed of a single file that is read by its own path."""
    return Seed(name, {path: content}, {path: kind}, path)
