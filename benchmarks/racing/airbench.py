"""Scripts of cifar10-airbench (Jordan, 2024) on pictures of one's own: https://github.com/KellerJordan/cifar10-airbench.

None of it stands here. A checkout is named, its loader finds the pictures where it would have put them itself, and what
a script prints is read as it comes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from picturewise import Dataset, ImageSet

SHAPE = (32, 32, 3)
"""Of the pictures; the scripts have it written into them."""
FOLDER = "cifar10"  # where their loader looks, below the working folder


@dataclass(frozen=True)
class Finished:
    """One training of a script: test accuracy with its views of a picture, in 0..1, and seconds by its own clock."""

    accuracy: float
    seconds: float


def write_pictures(dataset: Dataset, place: Path) -> None:
    """Write what the scripts' loader reads: all pictures that train and validation have between them, and test."""
    (place / FOLDER).mkdir(parents=True)
    learned = [part for name, part in dataset.splits().items() if name != "test"]
    for name, parts in (("train", learned), ("test", [dataset.split("test")])):
        torch.save(_content(parts), place / FOLDER / f"{name}.pt")


def trainings(script: Path, place: Path, count: int) -> list[Finished]:
    """Return the first `count` trainings of a script after one that is not counted, then end the script.

    Args:
        script: prints a row of its table for each epoch and one for the final accuracy.
        place: its working folder, with the pictures.
        count: a script may do hundreds; it compiles its network in the first.

    Raises:
        SystemExit: it ended before.
    """
    command = [sys.executable, str(script.resolve())]
    variables = os.environ | {"PYTHONUNBUFFERED": "1"}  # or rows come in heaps
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=place, env=variables, start_new_session=True
    )
    assert process.stdout is not None
    try:
        found = list(islice(finished(process.stdout), 1 + count))
        if len(found) <= count:  # there is no more to read, so it ends by itself
            raise SystemExit(
                f"{script.name} ended with status {process.wait()} after {len(found)} trainings; expected {1 + count}."
            )
    finally:
        with contextlib.suppress(ProcessLookupError):  # with the compilers that it has started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    return found[1:]


def finished(lines: Iterable[str]) -> Iterator[Finished]:
    """Yield the trainings that a table tells of, by its columns `epoch`, `tta_val_acc` and `…time_seconds`."""
    columns = list[str]()
    for line in lines:
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if "epoch" in cells:
            columns = cells
        elif len(cells) == len(columns):
            row = dict(zip(columns, cells, strict=True))
            (clock,) = (name for name in columns if name.endswith("time_seconds"))
            if row["epoch"] == "eval":
                yield Finished(float(row["tta_val_acc"]), float(row[clock]))


def _content(parts: list[ImageSet]) -> dict[str, object]:
    """Return pictures (N, H, W, C) uint8, labels (N,) int64, and the classes' names."""
    return {
        "images": torch.from_numpy(np.concatenate([np.asarray(part.images) for part in parts])),
        "labels": torch.from_numpy(np.concatenate([part.labels for part in parts])),
        "classes": list(parts[0].classes),
    }
