"""The checks of this room's input; each raises a DataError that says what was found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

# A softmax in float32 is exact to 1e-6 and one in float16 to about 5e-4, whatever the number of classes.
SUM_TOLERANCE = 1e-3


def check_labels(labels: NDArray[np.int64], *, pictures: int, classes: int, name: str = "Labels") -> None:
    """Check for (pictures,) integers in [0, classes), at least one; `name` is used in messages.

    Raises:
        DataError: another shape or type, no pictures, or a label out of range.
    """
    if pictures == 0:
        raise DataError("There are no pictures to evaluate. Pass at least one.")
    if labels.shape != (pictures,) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{name} have shape {labels.shape} and dtype {labels.dtype}. "
            f"Pass integers of shape ({pictures},), one per picture."
        )
    if not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(
            f"{name} range from {labels.min()} to {labels.max()}, but there are {classes} classes (0..{classes - 1})."
        )


def check_scores(scores: NDArray[np.floating], *, name: str) -> None:
    """Check for (N, K) finite floating-point numbers; `name` is used in messages.

    Raises:
        DataError: another shape or type, NaN or infinity.
    """
    if scores.ndim != 2 or scores.shape[1] == 0 or not np.issubdtype(scores.dtype, np.floating):
        raise DataError(
            f"{name} have shape {scores.shape} and dtype {scores.dtype}. "
            "Pass floats of shape (N, K), with a row per picture and a column per class."
        )
    broken = ~np.isfinite(scores).all(axis=1)
    if broken.any():
        raise DataError(
            f"{name} must be finite, but {broken.sum()} of {len(scores)} rows contain NaN or infinity. "
            f"The first is row {broken.argmax()}."
        )


def check_probabilities(probabilities: NDArray[np.floating]) -> None:
    """Check for (N, K) floats that are not negative and sum to one in each row, within `SUM_TOLERANCE`.

    Raises:
        DataError: another shape or type, NaN, infinity, a negative number, or a row with another sum.
    """
    check_scores(probabilities, name="Probabilities")
    if len(probabilities) and probabilities.min() < 0:
        row = (probabilities < 0).any(axis=1).argmax()
        raise DataError(
            f"Probabilities must not be negative, but row {row} has {probabilities[row].min():g}."
        )
    sums = probabilities.sum(axis=1, dtype=np.float64)
    wrong = np.abs(sums - 1) > SUM_TOLERANCE
    if wrong.any():
        row = wrong.argmax()
        raise DataError(
            f"Probabilities must sum to one in each row, but row {row} sums to {sums[row]:g}. "
            "Turn logits into probabilities with a softmax."
        )
