"""The workers of which this process is one; alone, PyTorch need not be loaded for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picturewise.training.group import Group

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def is_worker() -> bool:
    """Return whether this process was started as one of several workers, as by torchrun."""
    return _is_launched() and os.environ["WORLD_SIZE"] != "1"


def is_started_again() -> bool:
    """Return whether torchrun has started this process again, after a worker had died; it may be the only one now."""
    return _is_launched() and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def _is_launched() -> bool:
    return all(name in os.environ for name in _VARIABLES)


@contextlib.contextmanager
def group_of_workers() -> Iterator[Group]:
    """Within the block, this process is connected to the other workers, if there are any.

    Raises:
        WorkerLostError, UsageError: they cannot be reached.
    """
    from picturewise.training.group import ALONE  # noqa: PLC0415 (PyTorch)

    if not is_worker():
        yield ALONE
        return
    from picturewise.training.torch_group import joined_group  # noqa: PLC0415 (PyTorch)

    with joined_group() as group:
        yield group
