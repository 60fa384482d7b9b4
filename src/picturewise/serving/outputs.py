"""The output tensors of the Open Inference Protocol, by the target of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.prediction.description import Description
from picturewise.targets.sequences import is_sequences
from picturewise.targets.target import Target

PROBABILITIES: Final = "probabilities"
LABEL: Final = "label"
CONFIDENCE: Final = "confidence"
LENGTH: Final = "length"
DIGITS: Final = "digits"
OUTPUTS: Final = (PROBABILITIES, LABEL, CONFIDENCE, LENGTH, DIGITS)
"""All names of outputs."""

Values: TypeAlias = "NDArray[Any] | list[str]"
"""What an output holds: float32 or int64, or texts."""


def metadata_of(target: Target) -> list[dict[str, Any]]:
    """Return the outputs for a target as the metadata of a model describe them."""
    described: dict[str, tuple[str, list[int]]]
    if is_sequences(target):
        described = {
            LABEL: ("BYTES", [-1]),
            CONFIDENCE: ("FP32", [-1]),
            LENGTH: ("INT64", [-1]),
            DIGITS: ("INT64", [-1, target.places]),
        }
    else:
        described = {PROBABILITIES: ("FP32", [-1, len(target.classes)]), LABEL: ("BYTES", [-1])}
    return [{"name": name, "datatype": kind, "shape": shape} for name, (kind, shape) in described.items()]


def meaning_of(description: Description) -> dict[str, Any]:
    """Return what the outputs mean, for the metadata of a model: its classes, or its alphabet."""
    target = description.target
    if not is_sequences(target):
        return {"classes": list(target.classes)}
    thresholds = dict(sorted((description.thresholds or {}).items()))
    return {"alphabet": list(target.classes), "places": target.places, "thresholds": thresholds}


def names_of(target: Target) -> Sequence[str]:
    """Return the names of the outputs for a target."""
    return [output["name"] for output in metadata_of(target)]


def values_of(target: Target, table: NDArray[np.float32]) -> Mapping[str, Values]:
    """Return the outputs for probabilities (N, outputs).

    `digits` are positions in the alphabet, with -1 for each place behind the last symbol.
    """
    answers, confidence = target.decode(table)
    labels = [target.text(one) for one in answers]
    if is_sequences(target):
        return {
            LABEL: labels,
            CONFIDENCE: confidence.astype(np.float32),
            LENGTH: answers[:, 0],
            DIGITS: answers[:, 1:],
        }
    return {PROBABILITIES: table, LABEL: labels}
