"""The labels of any pictures as a classifier numbers them: by its classes, or by its symbols and places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.targets.sequences import fitted, is_sequences
from picturewise.targets.target import Target


def labels_for(part: ImageSet, target: Target) -> NDArray[np.int64]:
    """Return the labels of `part` in the form of `target`, matched by the names of the classes or the symbols.

    A sequence that is longer than the target's places gets the length L + 1, see `targets.sequences`, so that it is
    never read correctly.

    Raises:
        DataError: there are no labels, or they are of another kind; or one has a class or a symbol that the target does
            not have.
    """
    if part.labels is None:
        raise DataError(
            f"{part.origin} does not have labels, so predictions cannot be checked. Use 'picturewise predict' instead."
        )
    if part.target == target:
        return part.labels
    sequences = is_sequences(target)
    if part.has_sequences != sequences:
        kinds = ("classes", "sequences")
        raise DataError(
            f"{part.origin}: the labels are {kinds[part.has_sequences]}, but the classifier was trained on "
            f"{kinds[sequences]}. Pass labels of the same kind."
        )
    unknown = [name for name, number in part.counts().items() if number and name not in target.classes]
    if is_sequences(target):
        if unknown:
            raise DataError(
                f"{part.origin} has symbols that the classifier was not trained on: "
                f"{printable(''.join(unknown[:10]))}. The classifier has the symbols "
                f"{printable(''.join(target.classes[:60]))}."
            )
        return fitted(part.labels, part.classes, target.classes, target.places, part.origin)
    if unknown:
        raise DataError(
            f"{part.origin} has classes that the classifier was not trained on: {listed(unknown)}. "
            f"The classifier has the classes {listed(target.classes)}."
        )
    places = {name: place for place, name in enumerate(target.classes)}
    return np.array([places.get(name, -1) for name in part.classes], np.int64)[part.labels]
