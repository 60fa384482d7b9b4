"""What `predict_many` and `evaluate_many` check before they look at the source."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from picturewise.errors import MissingPackageError, UsageError
from picturewise.extras import install_command
from picturewise.file_names import is_address
from picturewise.prediction.classifier import Classifier
from picturewise.printable import printable
from picturewise.scaling.plan import TaskName

_MOST_PART_ROWS = 1_000_000
_SLICE = re.compile(r"([0-9]{1,7})/([0-9]{1,7})")


def check(task: TaskName, *, out: str | Path, part_rows: int, workers: int | None, on: str | None) -> None:
    """Check options that have to fit together, and that pyarrow is installed.

    Raises:
        UsageError: it is not so.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers is {workers}. Expected an integer of at least 1.")
    if not 1 <= part_rows <= _MOST_PART_ROWS:
        raise UsageError(f"--part-rows is {part_rows}. Expected an integer from 1 to {_MOST_PART_ROWS:,}.")
    if on is not None and workers is not None:
        raise UsageError("--workers is for this machine, and --on for a cluster. Pass only one of them.")
    if is_address(str(out)):
        raise UsageError(
            "--out is an address, where files cannot be replaced in one step. Pass a folder on a disk, and copy the "
            "parts when they are finished."
        )
    if find_spec("pyarrow") is None:
        raise MissingPackageError(
            f"{task}-many writes or reads Parquet files, which needs pyarrow. Install it with: "
            f"{install_command('parquet')}"
        )


def portable(classifier: Classifier) -> bytes:
    """Return the content of a classifier's file, which other processes can load.

    Raises:
        UsageError: its network is a Python class.
    """
    if classifier.description.layers is None:
        raise UsageError(
            f"The classifier's network is the Python class {classifier.description.module}, which other processes "
            "cannot load. Use predict, or a network of layer lines."
        )
    return classifier.to_bytes()


def parse_slice(text: str | None) -> tuple[int, int]:
    """Return the remainder of the numbers of a slice's parts, and the number of slices.

    Raises:
        UsageError: it is not a slice.
    """
    if text is None:
        return 0, 1
    found = _SLICE.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(
            f"--slice is '{printable(text)[:40]}'. Expected a number and how many there are, from 1/16 to 16/16."
        )
    return int(found[1]) - 1, int(found[2])
