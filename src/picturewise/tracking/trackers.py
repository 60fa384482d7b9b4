"""Trackers by name, and what each needs installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from picturewise.errors import UsageError, unknown
from picturewise.extras import install_command
from picturewise.tracking.mlflow import MLflow
from picturewise.tracking.tensorboard import TensorBoard
from picturewise.tracking.tracker import Tracker

TRACKERS: dict[str, type[Tracker]] = {tracker.name: tracker for tracker in (TensorBoard, MLflow)}


def make_trackers(names: str | Sequence[str]) -> list[Tracker]:
    """Return a new tracker for each name; repeated names give only one.

    Raises:
        UsageError: a tracker is unknown, or a package that it needs is not installed.
    """
    wanted = dict.fromkeys([names] if isinstance(names, str) else names)
    for name in wanted:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
        for package in TRACKERS[name].packages:
            if importlib.util.find_spec(package) is None:
                raise UsageError(
                    f"--track {name} needs the package {package}, which is not installed. Install it with: "
                    f"{install_command('track')}"
                )
    return [TRACKERS[name]() for name in wanted]
