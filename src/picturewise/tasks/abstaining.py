"""Below which confidence pictures are left to people, so that the other readings reach an accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picturewise.errors import UsageError
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.prediction.description import Description


def abstain_below(description: Description, goal: float | None) -> float:
    """Return the confidence from which on readings of validation pictures were as accurate as a goal.

    Args:
        description: of the classifier.
        goal: an accuracy, such as 0.98; None: no picture is left to people, so 0 is returned.

    Raises:
        UsageError: the classifier does not have a threshold for it.
    """
    if goal is None:
        return 0.0
    if not is_sequences(description.target):
        raise UsageError(
            "--abstain applies to classifiers that read sequences, but this one names classes. Use --min-confidence "
            "to mark pictures as unsure."
        )
    if not 0 < goal < 1:
        raise UsageError(f"--abstain is {goal:g}. Expected an accuracy between 0 and 1, such as 0.98.")
    known = description.thresholds or {}
    if (found := known.get(f"{goal:g}")) is not None:
        return found
    if known:
        raise UsageError(
            f"The classifier does not have a threshold for an accuracy of {goal:g}. Choose from "
            f"{', '.join(sorted(known))}, or pass a confidence with --min-confidence."
        )
    raise UsageError(
        f"The classifier does not have a threshold for an accuracy of {goal:g}, because no readings of its validation "
        "pictures were that accurate. Train it further, or pass a confidence with --min-confidence."
    )
