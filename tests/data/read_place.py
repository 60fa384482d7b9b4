"""What most tests of readers do: read from the place that the options name."""

from __future__ import annotations

from collections.abc import Collection

from picturewise.data.contract import Progress
from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions
from picturewise.data.read import read
from picturewise.data.recognise import recognise
from picturewise.split_names import SPLITS, SplitName


def read_place(
    options: DataOptions, splits: Collection[SplitName] = SPLITS, *, progress: Progress | None = None
) -> Dataset:
    """Return what is read from `options.source`."""
    assert options.source is not None
    return read(recognise(options.source), options, splits, progress=progress)
