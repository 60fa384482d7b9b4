"""Which pictures are the worst errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.evaluation.answers import Answers
from picturewise.reporting.figures.worst_errors import Evaluated
from picturewise.reporting.samples import seen
from picturewise.targets.target import Target


def worst_errors(
    probabilities: NDArray[np.float32],
    test: ImageSet,
    labels: NDArray[np.int64],
    target: Target,
    wanted: int,
    *,
    in_grey: bool = False,
) -> list[Evaluated]:
    """Return up to `wanted` pictures that are classified wrongly, that with the least probability for its label first.

    Args:
        probabilities: (N, outputs).
        test: the N pictures.
        labels: of these, in the form that `target` checks.
        target: the meaning of both.
        wanted: 1 or more.
        in_grey: whether the network sees the pictures in grey.
    """
    found = Answers(target, probabilities, labels)
    wrong = np.flatnonzero(~found.right)
    worst = wrong[np.argsort(-found.losses[wrong], kind="stable")][:wanted]
    return [
        Evaluated(
            image=seen(test.images[index], in_grey=in_grey),
            label=target.text(labels[index]),
            prediction=target.text(found.answers[index]),
            probability=float(found.confidence[index]),
            loss=float(found.losses[index]),
            name=None if test.names is None else test.names[index],
        )
        for index in worst
    ]
