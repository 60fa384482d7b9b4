"""One imported split on disk: a folder of arrays that are mapped, not read.

images.npy    (N, H, W, C) uint8
labels.npy    (N,) int64, or (N, 1 + L) int64 for sequences, unless the source has none
digests.npy   (N, 16) uint8, of the pixels
sums.npy      (N, 2C or 2C + 1) int64, see `PictureStatistics`
sources.npy   (N, 16) uint8, digests of the pictures as they are in the source, if they were resized or decoded
names.txt     one name per line, unless the source has none
dataset.json  the rest, and the SHA-256 of the other files except images.npy
"""

from __future__ import annotations

import functools
import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from picturewise import files
from picturewise.cache_folder import no_room
from picturewise.data.arrays.allocate import allocate_in_memory
from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.arrays.picture_statistics import DIGEST_BYTES, PictureStatistics, digest_each, measure
from picturewise.data.arrays.value_range import Ends
from picturewise.data.contract import Part
from picturewise.data.dataset import Skipped
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.errors import DataError
from picturewise.targets.named import make_target
from picturewise.targets.one_class import OneClass
from picturewise.untrusted.npy import decode_npy

FORMAT = 3
"""Version 1 always put transparent pictures on white, read numbers such as 0..16 as nearly black pictures, and
converted deep pictures to bytes one by one. Version 2 left the order of resizing to Pillow, which changed it in 13."""
_SAMPLE = 64  # pictures that are checked whenever an import is opened
_CHUNK = 1 << 24
_NAMES = "names.txt"
_TABLES = ("labels", "digests", "sums", "sources")


class Facts(BaseModel):
    """The content of dataset.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    source: str
    shape: tuple[int, int, int, int]
    classes: tuple[str, ...]
    origin: str
    notes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    background: Background = WHITE
    sha256: dict[str, str]
    values: tuple[float, float] | None = None
    target: str = OneClass.name
    cut: Cut | None = None


class Workshop:
    """A folder in which a split is assembled; finished files are moved out, the rest is deleted with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._given: list[tuple[weakref.ref[NDArray[np.uint8]], Path]] = []

    def allocate(self, count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
        """Return an array (N, H, W, C) to be filled, in a file of this folder; see `allocate`.

        Files of arrays that are no longer used are deleted first.

        Raises:
            SaveError: there is not enough space on the disk.
        """
        if not count:  # an empty file cannot be mapped
            return allocate_in_memory(count, size, channels)
        for given, path in self._given:
            if given() is None:
                path.unlink(missing_ok=True)
        path = self.folder / f"images-{len(self._given)}.npy"
        array = _new_array(path, (count, *size, channels))
        self._given.append((weakref.ref(array), path))
        return array

    def write(
        self,
        name: str,
        part: Part,
        notes: tuple[str, ...],
        source: str,
        *,
        background: Background = WHITE,
        values: Ends | None = None,
        cut: Cut | None = None,
    ) -> Path:
        """Write a split into the folder `name` in this one and return the folder; it is not flushed to the disk yet.

        Args:
            name: of the folder.
            part: the split; an array from `allocate` is not copied.
            notes: from reading it.
            source: what it was read from, for people.
            background: from reading it.
            values: from reading it.
            cut: from reading it.

        Raises:
            SaveError: there is not enough space on the disk.
        """
        folder, pictures = self.folder / name, part.pictures
        try:
            folder.mkdir()
            self._place_images(part, folder / "images.npy")
            images = _mapped(folder / "images.npy", pictures.images.shape)
            statistics = measure(images)
            tables: dict[str, Any] = {"digests": statistics.digests, "sums": statistics.sums}
            if pictures.labels is not None:
                tables["labels"] = pictures.labels
            if part.digests is not None:
                tables["sources"] = part.digests
            for table, content in tables.items():
                np.save(folder / f"{table}.npy", np.asarray(content), allow_pickle=False)
            if pictures.names is not None:
                (folder / _NAMES).write_text("\n".join(pictures.names), encoding="utf-8", newline="")
            facts = Facts(
                source=source,
                shape=images.shape,
                classes=pictures.classes,
                origin=pictures.origin,
                notes=notes,
                skipped=tuple((item.path, item.reason) for item in part.skipped),
                background=background,
                sha256={
                    path.name: files.sha256(path) for path in folder.iterdir() if path.name != "images.npy"
                },
                values=values,
                target=pictures.target.name,
                cut=cut,
            )
            (folder / "dataset.json").write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise no_room("Cannot import pictures to", error) from error
        return folder

    def _place_images(self, part: Part, path: Path) -> None:
        images = part.pictures.images
        for given, place in self._given:
            if given() is images:
                place.rename(path)
                return
        copy = _new_array(path, images.shape)
        for rows in slices(images):
            copy[rows] = images[rows]


def read_facts(folder: Path) -> Facts | None:
    """Return the content of dataset.json, or None if it is missing, damaged or in another format."""
    try:
        return Facts.model_validate_json((folder / "dataset.json").read_bytes())
    except (OSError, ValidationError):
        return None


def read_part(folder: Path) -> tuple[Part, Facts] | None:
    """Return an imported split with its pictures mapped; None if it is missing or damaged.

    Everything but the pictures is compared with its SHA-256; for the pictures, their size and some digests are checked.
    """
    facts = read_facts(folder)
    if facts is None or facts.format != FORMAT:
        return None
    try:
        if not set(facts.sha256) <= {_NAMES, *(f"{table}.npy" for table in _TABLES)}:
            return None
        if any(files.sha256(folder / name) != digest for name, digest in facts.sha256.items()):
            return None
        found = [table for table in _TABLES if f"{table}.npy" in facts.sha256]
        tables = {table: _array(folder / f"{table}.npy") for table in found}
        pictures = ImageSet(
            images=_mapped(folder / "images.npy", facts.shape),
            labels=tables.get("labels"),
            classes=facts.classes,
            origin=facts.origin,
            names=(folder / _NAMES).read_text(encoding="utf-8").split("\n")
            if _NAMES in facts.sha256
            else None,
            known=_known(tables, facts.shape),
            make_target=OneClass
            if facts.target == OneClass.name
            else functools.partial(make_target, facts.target),
        )
    # ImageSet's own errors are DataErrors; here, any error means that the source is imported again.
    except (OSError, ValueError, DataError):
        return None
    if pictures.names is not None and len(pictures.names) != len(pictures):
        return None
    sample = np.linspace(0, len(pictures) - 1, _SAMPLE).astype(np.int64)
    if not np.array_equal(digest_each(pictures.images[sample]), pictures.statistics.digests[sample]):
        return None
    skipped = tuple(Skipped(path, reason) for path, reason in facts.skipped)
    return Part(pictures, tables.get("sources"), skipped), facts


def _known(tables: dict[str, NDArray[Any]], shape: tuple[int, ...]) -> PictureStatistics:
    """Return the stored statistics.

    Raises:
        ValueError: a table is missing, or does not fit the number of pictures.
    """
    count, _, _, channels = shape
    widths = {"digests": DIGEST_BYTES, "sources": DIGEST_BYTES, "sums": 2 * channels + (channels > 1)}
    for table, width in widths.items():
        array = tables.get(table)
        if array is None and table == "sources":
            continue
        kind = np.int64 if table == "sums" else np.uint8
        if array is None or array.shape != (count, width) or array.dtype != kind:
            raise ValueError("another table")
    return PictureStatistics(tables["digests"], tables["sums"])


def _new_array(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the array of a new file, with its disk space allocated: a map without space would kill the process."""
    header = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
    try:
        with path.open("xb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            offset, count = file.tell(), int(np.prod(shape, dtype=np.int64))
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), offset, count)
            else:
                for start in range(0, count, _CHUNK):
                    file.write(bytes(min(_CHUNK, count - start)))
    except OSError as error:
        raise no_room("Cannot import pictures to", error) from error
    return np.asarray(np.memmap(path, np.uint8, "r+", offset, tuple(shape)))


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the array of a file, read-only.

    Raises:
        ValueError: the file holds another array.
        DataError: it does not hold an array.
        OSError: it cannot be read.
    """
    array = _array(path)
    if array.shape != tuple(shape) or array.dtype != np.uint8:
        raise ValueError("another array")
    return array


def _array(path: Path) -> NDArray[Any]:
    """Return the array in a file, mapped and read-only. NumPy's own map would accept a file that is too long.

    Raises:
        DataError: it does not hold an array.
        ValueError: it is empty.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return decode_npy(content, str(path))
