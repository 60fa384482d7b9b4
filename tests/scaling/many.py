"""A classifier and shards of pictures for tests of many pictures, and what parts contain."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from picturewise.architectures.lines import parse
from picturewise.onnx_models.model import weight_shapes
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation

CLASSES = ("ant", "bee", "cat", "dog")
LINES = ("conv 4 3x3 relu", "maxpool 2", "flatten", "dense 8 relu")
SHAPE = (8, 8, 1)


def classifier(seed: int = 0, **options: Any) -> Classifier:
    """Return a classifier with weights drawn at random, with options of its description."""
    return _drawn(seed, LINES, classes=CLASSES, **options)


def sequence_classifier() -> Classifier:
    """Return a classifier that reads up to three digits, with weights drawn at random."""
    return _drawn(0, LINES, classes=tuple("0123456789"), answer="numbers 3")


def _drawn(seed: int, lines: Sequence[str], **options: Any) -> Classifier:
    preparation = Preparation(mean=(127.5,), std=(64.0,))
    description = Description(
        layers=tuple(lines), shape=SHAPE, resize="crop", preparation=preparation, **options
    )
    random = np.random.default_rng(seed)
    shapes = weight_shapes(parse(list(lines)), SHAPE, description.target.output_line)
    arrays = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Classifier(arrays, description)


def picture(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a picture (8, 8); each number has another one."""
    return np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)


def png(number: int) -> bytes:
    """Return a picture as the content of a file."""
    buffer = io.BytesIO()
    Image.fromarray(picture(number)).save(buffer, "PNG")
    return buffer.getvalue()


def label(number: int) -> int:
    """Return the class of a picture."""
    return number * 7 % 5 % 4


def write_parquet(path: Path, numbers: Sequence[int], *, group: int = 16, bad: Sequence[int] = ()) -> Path:
    """Write pictures with their labels as Parquet; bad ones are truncated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(n)[:40] if n in bad else png(n), "path": None} for n in numbers]
    table = pa.table({"image": images, "label": [CLASSES[label(number)] for number in numbers]})
    pq.write_table(table, path, row_group_size=group)
    return path


def write_tar(path: Path, members: Sequence[tuple[str, bytes]], *, mode: str = "w") -> Path:
    """Write files as a tar, with a time in a header of its own as WebDataset's writer does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5
            tar.addfile(info, io.BytesIO(content))
    return path


def samples(numbers: Sequence[int]) -> list[tuple[str, bytes]]:
    """Return the members of a tar with pictures and labels."""
    return [
        member
        for number in numbers
        for member in ((f"{number:04}.png", png(number)), (f"{number:04}.cls", str(label(number)).encode()))
    ]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all parts, in their order."""
    return [row for part in sorted(folder.glob("part-*.parquet")) for row in pq.read_table(part).to_pylist()]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each part."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("part-*")}
