"""Which files of a set are on this disk, and which of them Picturewise put there.

A receipt in the set's folder names each file that Picturewise fetched, with its size and time. So a file that was put
there by hand is recognised: it is used, but never removed, and if it is not the published one, a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picturewise import files
from picturewise.cache_folder import catalogue_folder
from picturewise.catalogue import checksums
from picturewise.catalogue.entries import CatalogueEntry, PublishedFile
from picturewise.errors import RunError

RECEIPT = ".fetched.json"


@dataclass(frozen=True)
class Installed:
    """The folder of one set, or of one network's weights."""

    name: str
    entry: CatalogueEntry

    @property
    def folder(self) -> Path:
        """Where the set's files are, or would be."""
        return catalogue_folder(self.name)

    def paths(self) -> list[Path]:
        """Return the files that are read, whether they exist or not."""
        return [self.folder / place for file in self.entry.files for place in file.places()]

    def is_here(self) -> bool:
        """Return whether the set can be read without fetching anything."""
        return all(path.is_file() for path in self.paths())

    def bytes_here(self) -> int:
        """Return how much space the set's files take."""
        return sum(path.stat().st_size for path in self.paths() if path.is_file())

    def receipt(self) -> dict[str, Any]:
        """Return what Picturewise fetched, by name; a damaged receipt counts as missing, so nothing is removed."""
        try:
            content = files.read_json(self.folder / RECEIPT)
        except RunError:
            return {}
        return content if isinstance(content, dict) else {}

    def record(self, path: Path, name: str, address: str) -> None:
        """Record that the file at `path`, about to be renamed to `name`, was fetched."""
        line = {**_identity(path), "address": address}
        files.write_json(self.folder / RECEIPT, self.receipt() | {name: line})

    def was_fetched(self, name: str) -> bool:
        """Return whether a file is exactly the one that Picturewise fetched, unchanged since then."""
        path, line = self.folder / name, self.receipt().get(name)
        if not path.is_file() or not isinstance(line, dict):
            return False
        return all(line.get(key) == value for key, value in _identity(path).items())

    def strange(self) -> list[str]:
        """Return the names of files that are here but are not those published, as far as that can be known."""
        return [
            file.name
            for file in self.entry.files
            if not file.members
            and file.converted is None
            and not self.was_fetched(file.name)
            and not is_published(self.folder, file)
        ]


def is_published(folder: Path, file: PublishedFile) -> bool:
    """Return whether `folder` holds the file with the published size and checksum."""
    path = folder / file.name
    if not path.is_file() or (file.bytes is not None and path.stat().st_size != file.bytes):
        return False
    return checksums.matches(path, file.checksum)


def _identity(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
