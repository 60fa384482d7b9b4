"""Names and values of a recipe's options and a machine's facts, in words, for reports."""

from __future__ import annotations

from collections.abc import Mapping

OPTION_NAMES: Mapping[str, str] = {
    "seed": "Seed",
    "model.head": "Output layer",
    "model.initialisation": "Initialisation",
    "preparation.grey": "Pictures in grey",
    "preparation.augmentation": "Augmentation",
    "preparation.views": "Views averaged",
    "training.epochs": "Epochs planned",
    "training.steps": "Batches planned",
    "training.batch_size": "Batch size",
    "training.optimizer": "Optimizer",
    "training.learning_rate": "Learning rate",
    "training.schedule": "Learning rate schedule",
    "training.momentum": "Momentum",
    "training.beta2": "Beta 2",
    "training.weight_decay": "Weight decay",
    "training.clip_norm": "Gradient norm limit",
    "training.ema": "Decay of averaged weights",
    "training.freeze": "Frozen layers",
    "training.unfreeze_epoch": "Unfrozen from epoch",
    "training.unfreeze_gradually": "Unfrozen layer by layer",
    "training.backbone_rate": "Backbone learning rate multiplier",
    "training.freeze_statistics": "Backbone normalisation frozen",
    "training.head_fit": "Output layer first trained by",
    "training.label_smoothing": "Label smoothing",
    "training.class_weights": "Class weights",
    "training.folds": "Folds",
    "training.patience": "Patience in epochs",
    "training.keep": "Kept epoch",
    "training.shards": "Shards of a batch",
    "training.distributed": "Division among workers",
    "training.engine": "Engine",
}
"""The recipe's keys that a report shows, in their order. Device and number format are facts of the machine."""

_MACHINE_NAMES = {
    "precision": "Number format",
    "bfloat16_validation": "Validation in bfloat16 by",
    "torch": "PyTorch",
    "system": "Operating system",
}


def option_words(values: Mapping[str, object]) -> dict[str, str]:
    """Return name → value, both in words, of the options in `values` (by dotted keys) that a report shows.

    >>> option_words({"training.learning_rate": 0.1, "training.patience": None, "preparation.grey": True})
    {'Pictures in grey': 'yes', 'Learning rate': '0.1'}
    """
    return {
        name: _in_words(values[key])
        for key, name in OPTION_NAMES.items()
        if key in values and values[key] is not None and not _is_idle(key, values)
    }


def machine_words(facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts of a machine under names in words.

    >>> machine_words({"precision": "bfloat16", "threads": "2"})
    {'Number format': 'bfloat16', 'Threads': '2'}
    """
    return {_MACHINE_NAMES.get(name, name.capitalize()): value for name, value in facts.items()}


def _is_idle(key: str, values: Mapping[str, object]) -> bool:
    """Return whether an option has no effect, because nothing is ever unfrozen."""
    return key == "training.unfreeze_gradually" and values.get("training.unfreeze_epoch") is None


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
