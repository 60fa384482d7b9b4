"""A folder of a few tiny pictures and lists of them, for the tests of lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.lists.reader import ListReader
from picturewise.data.readers.lists.recognise import recognise

CLASSES = ("cat", "dog", "owl")
LABELS = {f"{name}_{number}.png": name for name in CLASSES for number in range(4)}
ROWS = list(LABELS.items())


def draw(path: Path) -> Path:
    """Save a grey picture of 4x4, another one for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(ord(character) * (place + 1) for place, character in enumerate(str(path)))
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 4), np.uint8)).save(path)
    return path


def make_album(root: Path, lists: Mapping[str, str | bytes], folder: str = "images") -> Path:
    """Save the pictures of `LABELS` in a folder, and files by their paths below the root."""
    for name in LABELS:
        draw(root / folder / name)
    for path, text in lists.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def lines(*rows: object, header: str = "filename,label") -> str:
    """Return a CSV file of a header, if there is one, and rows."""
    return "".join(f"{row}\n" for row in ((header,) if header else ()) + rows)


def plain(change: Any = None, header: str = "filename,label") -> str:
    """Return a list of `LABELS`; `change` makes a line of a name and a label."""
    return lines(*(change(*row) if change else ",".join(row) for row in ROWS), header=header)


def recognised(path: Path, **hints: str) -> ListReader:
    """Return the reader of lists."""
    found = recognise(path, Hints(**hints))  # type: ignore[arg-type]
    assert found is not None
    return found


def read(
    path: Path, *, skip_bad: bool = False, **hints: str
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Return the class of each picture by its name, for each split, and the notes."""
    reader = recognised(path, **hints)
    reading = reader.read(reader.splits, DataOptions(source="", skip_bad=skip_bad))
    found = {}
    for split, part in reading.parts.items():
        pictures = part.pictures
        assert pictures.names is not None
        assert pictures.labels is not None
        classes = [pictures.classes[label] for label in pictures.labels]
        found[split] = {Path(name).name: label for name, label in zip(pictures.names, classes, strict=True)}
    return found, reading.notes
