"""A part of an evaluation: what is counted of its labelled pictures, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.picture_statistics import digest_each, found_in
from picturewise.errors import DataError
from picturewise.evaluation.counts import Counts
from picturewise.names import listed
from picturewise.prediction.classifier import Classifier
from picturewise.printable import printable
from picturewise.scaling.compute import ComputedRows
from picturewise.scaling.part_facts import PartFacts
from picturewise.scaling.plan import Part, Plan
from picturewise.scaling.rows import InputRow

_NO_LABEL = "it does not have a label (-1, null or empty)"


def write_counts(
    computed: Iterator[ComputedRows],
    classifier: Classifier,
    plan: Plan,
    part: Part,
    learned: NDArray[np.uint8] | None,
    ignored: Callable[[], int],
) -> tuple[PartFacts, dict[str, Any]]:
    """Return the facts about a part, and the content of its file: the facts, and the counts.

    Args:
        computed: the rows of the part.
        classifier: that is evaluated.
        plan: the plan.
        part: the part.
        learned: (M, 16) digests of the pictures that it was trained on; None: unknown.
        ignored: returns how many members of a tar were not read.

    Raises:
        DataError: a label is not one of the classifier's classes.
    """
    classes = _Classes(classifier.classes)
    counts = Counts.none(len(classifier.classes))
    rows = unreadable = overlap = 0
    first: tuple[str, int, str] | None = None
    for block in computed:
        labels = [classes.number(block.rows[index]) for index in block.good.tolist()]
        labelled = np.array([label is not None for label in labels], bool)
        errors = list(block.errors)
        for index in block.good[~labelled].tolist():
            errors[index] = _NO_LABEL
        bad = next((index for index, error in enumerate(errors) if error), None)
        if first is None and bad is not None:
            first = (printable(block.rows[bad].path), block.rows[bad].number, errors[bad])
        rows += len(errors)
        unreadable += sum(map(bool, errors))
        if labelled.any():
            known = np.array([label for label in labels if label is not None], np.int64)
            counts += Counts.count(block.probabilities[labelled], known)
            if learned is not None:
                overlap += int(found_in(digest_each(block.images[labelled]), learned).sum())
    facts = PartFacts(rows, unreadable, first, ignored())
    content = {
        **facts.content(plan, part.number),
        "counts": counts.content(),
        "learned_from": None if learned is None else overlap,
        "positions": classes.positions,
    }
    return facts, content


class _Classes:
    """The numbers of classes by their names, or by their positions for the numbers in .cls files.

    Attributes:
        positions: how many labels were positions.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes
        self._numbers = {name: number for number, name in enumerate(classes)}
        self._by_position = not any(name.isdigit() for name in classes)
        self.positions = 0

    def number(self, row: InputRow) -> int | None:
        """Return the class of a row; None: it does not have a label."""
        if not row.label or row.label == "-1":
            return None
        found = self._numbers.get(row.label)
        if found is None and row.is_number and self._by_position and int(row.label) < len(self._classes):
            self.positions += 1
            return int(row.label)
        if found is None:
            raise DataError(
                f"{row.path} (row {row.number:,}) has a class that the classifier was not trained on: "
                f"{printable(row.label)[:60]}. The classifier has the classes {listed(self._classes)}."
            )
        return found
