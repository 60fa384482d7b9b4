"""Named presets: parts of a recipe, overridden by everything that the user specifies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picturewise.errors import unknown

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Many small steps of nearly no memory: low betas, because the weights move fast, and the rate decreases all the
    # time.
    "fast": {
        "model": {"name": "small-cnn"},
        "preparation": {"augmentation": []},
        "training": {
            "steps": 300,
            "optimizer": "adam",
            "learning_rate": 0.015,
            "momentum": 0.7,
            "beta2": 0.9,
            "label_smoothing": 0.05,
        },
    },
    # After airbench94 (Jordan, 2024). Unlike there, the weights are not scaled back after each step, so the rate is
    # lower.
    "best": {
        "model": {"name": "airbench94", "initialisation": "dirac"},
        "preparation": {"augmentation": ["flip alternate", "shift 2"], "views": ["mirror", "shift 1"]},
        "training": {
            "steps": 2800,
            "optimizer": "muon",
            "learning_rate": 0.1,
            "momentum": 0.6,
            "label_smoothing": 0.2,
        },
    },
}


def preset(name: str) -> Mapping[str, Any]:
    """Return the part of a recipe that a name means, in the form that `make_recipe` accepts.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]
