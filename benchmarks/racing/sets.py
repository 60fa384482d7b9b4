"""Pictures to measure with, half or wholly noise: as arrays, as JPEG files in class folders, and as one PNG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from racing.workloads import CLASSES

JPEG_SIDE = 32


def write_arrays(path: Path, images: int, shape: tuple[int, int, int]) -> None:
    """Write an .npz file with `images` pictures, (N, H, W, C) uint8, each half noise and half its class, and labels."""
    random = np.random.default_rng(0)
    labels = np.arange(images) % CLASSES  # every class is there, however few pictures there are
    classes = random.integers(0, 128, (CLASSES, *shape), np.uint8)
    pictures = random.integers(0, 128, (images, *shape), np.uint8)
    for number, label in enumerate(labels):  # all at once would take three times the memory
        pictures[number] += classes[label]
    np.savez(path, images=pictures, labels=labels)


def write_png(path: Path, shape: tuple[int, int, int]) -> None:
    """Write one picture of noise in grey, (H, W)."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape[:2], np.uint8)).save(path)


def write_jpeg_folders(folder: Path, images: int) -> None:
    """Write JPEG files of 32x32 in colour in a folder per class: coarse noise, so that files are of a usual size."""
    random = np.random.default_rng(0)
    for number in range(images):
        path = folder / f"class-{number % CLASSES}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (JPEG_SIDE // 4, JPEG_SIDE // 4, 3), np.uint8)
        Image.fromarray(coarse).resize((JPEG_SIDE, JPEG_SIDE), Image.Resampling.BILINEAR).save(path)


def count_files(folder: Path) -> int:
    """Return how many files lie in the folders of `folder`."""
    return sum(1 for path in folder.glob("*/*") if path.is_file())
