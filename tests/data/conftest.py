"""Small pictures and files that the tests of the data room share."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SavePicture = Callable[..., Path]
MakeClasses = Callable[..., Path]
WriteIdx = Callable[..., Path]


@pytest.fixture
def save_picture() -> SavePicture:
    """Save a picture of random pixels, different for each seed, in the format that the name ends with."""

    def save(path: Path, height: int = 8, width: int = 8, mode: str = "RGB", seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (height, width, 3) if mode == "RGB" else (height, width)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(path)
        return path

    return save


@pytest.fixture
def make_classes(save_picture: SavePicture) -> MakeClasses:
    """Fill one folder per class with `count` different pictures each."""

    def make(root: Path, classes: Sequence[str] = ("cat", "dog"), count: int = 10, **picture: object) -> Path:
        for number, name in enumerate(classes):
            for index in range(count):
                save_picture(root / name / f"{index}.png", seed=1000 * number + index, **picture)
        return root

    return make


@pytest.fixture
def write_idx() -> WriteIdx:
    """Write an IDX file from its parts; gzipped where the name says so."""

    def write(path: Path, values: Sequence[int] | bytes, shape: Sequence[int], kind: int = 8) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", size) for size in shape)
        content = header + bytes(values)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write
