"""Small data in the forms that users have."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder per class with 12 pictures each: red ones that are dark, blue ones that are bright."""
    folder, random = tmp_path / "colours", np.random.default_rng(0)
    for name, channel, low in (("red", 0, 0), ("blue", 2, 120)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            picture = random.integers(low, low + 100, (16, 16, 3), np.uint8)
            picture[..., channel] += 30
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


def idx_bytes(values: np.ndarray) -> bytes:
    """Return uint8 values as the content of an IDX file."""
    return struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """IDX files of 60 train and 20 test pictures of 12x12, two classes."""
    folder, random = tmp_path / "bars", np.random.default_rng(0)
    folder.mkdir()
    for name, count in (("train", 60), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 2
        images = random.integers(0, 60, (count, 12, 12), np.uint8)
        images[labels == 0, 5] += 180  # a horizontal bar
        images[labels == 1, :, 5] += 180  # a vertical bar
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder
