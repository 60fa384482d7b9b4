"""Named presets: parts of a recipe, overridden by everything that the user specifies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picturewise.errors import UsageError, unknown

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Chosen on validation pictures of MNIST, SVHN and CIFAR-10 together (docs/results/defaults.md).
    "fast": {
        "model": {"name": "small-cnn"},
        "preparation": {"augmentation": []},
        "training": {
            "steps": 300,
            "optimizer": "muon",
            "learning_rate": 0.2,
            "momentum": 0.6,
            "label_smoothing": 0.1,
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
    # Minibatch gradient descent and nothing else, in float32. Clipping, averaging, class weights and early stopping are
    # off anyway.
    "plain": {
        "model": {"name": "cnn"},
        "preparation": {"augmentation": [], "views": []},
        "training": {
            "optimizer": "sgd",
            "schedule": "constant",
            "momentum": 0.0,
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
            "precision": "float32",
        },
    },
}

_OF_OPTIMIZER = ("learning_rate", "momentum", "beta2")
"""Options of the training that suit only the optimizer that they were chosen for."""


def preset(name: str) -> Mapping[str, Any]:
    """Return the part of a recipe that a name means, in the form that `make_recipe` accepts.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]


def chosen(name: str | None, *, plain: bool) -> str | None:
    """Return the name of the preset that was asked for; `plain` is short for the one of that name.

    Raises:
        UsageError: it was asked for beside another one.
    """
    if plain and name not in {None, "plain"}:
        raise UsageError(f"Both plain and the preset '{name}' were passed. Pass only one of them.")
    return "plain" if plain else name


def for_optimizer(part: Mapping[str, Any], optimizer: str | None) -> Mapping[str, Any]:
    """Return a preset for the optimizer that is used: without rate and momentum if they are those of another one."""
    training = part.get("training", {})
    if training.get("optimizer") in {None, optimizer}:
        return part
    return {**part, "training": {key: value for key, value in training.items() if key not in _OF_OPTIMIZER}}
