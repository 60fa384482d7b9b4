"""Which pictures two figures show: some of each class, and the worst errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.evaluation.answers import Answers
from picturewise.reporting.figures.class_sheet import ClassRow
from picturewise.reporting.figures.worst_errors import Evaluated
from picturewise.reporting.samples import drawn_places, seen
from picturewise.targets.target import Target


def class_rows(
    part: ImageSet, labels: NDArray[np.int64], wanted: int, seed: int, *, in_grey: bool = False
) -> list[ClassRow]:
    """Return each class with its mean picture and up to `wanted` random ones, in colour or as a grey run sees them."""
    rows = []
    for index, name in enumerate(part.classes):
        members = np.flatnonzero(labels == index)
        chosen = members[drawn_places(len(members), wanted, seed, "classes")]
        # In chunks, because one picture at a time is slow and all pictures at once need much memory.
        chunks = (seen(part.images[chunk], in_grey=in_grey) for chunk in _chunks(members))
        total = sum((chunk.sum(axis=0, dtype=np.int64) for chunk in chunks), np.int64(0))
        mean = np.asarray(total) / len(members) if len(members) else None
        rows.append(ClassRow(name, len(members), seen(part.images[chosen], in_grey=in_grey), mean))
    return rows


def _chunks(indices: NDArray[np.int64], size: int = 1024) -> list[NDArray[np.int64]]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]


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
