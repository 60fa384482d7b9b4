"""The labels of any pictures as a classifier numbers them: by its classes, or by its symbols and places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.targets.one_class import OneClass
from picturewise.targets.places import Places
from picturewise.targets.sequences import NOTHING
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
    if part.has_sequences != isinstance(target, Places) or not isinstance(target, OneClass | Places):
        kinds = ("classes", "sequences")
        raise DataError(
            f"{part.origin}: the labels are {kinds[part.has_sequences]}, but the classifier was trained on "
            f"{kinds[not part.has_sequences]}. Pass labels of the same kind."
        )
    places = {name: place for place, name in enumerate(target.classes)}
    unknown = [name for name, number in part.counts().items() if number and name not in places]
    # The last element is the one that NOTHING, -1, selects.
    numbers = np.array([*(places.get(name, NOTHING) for name in part.classes), NOTHING], np.int64)
    if isinstance(target, Places):
        if unknown:
            raise DataError(
                f"{part.origin} has symbols that the classifier was not trained on: "
                f"{printable(''.join(unknown[:10]))}. The classifier has the symbols "
                f"{printable(''.join(target.classes[:60]))}."
            )
        return _with_places(numbers[part.labels[:, 1:]], part.labels[:, 0], target.places, part.origin)
    if unknown:
        raise DataError(
            f"{part.origin} has classes that the classifier was not trained on: {listed(unknown)}. "
            f"The classifier has the classes {listed(target.classes)}."
        )
    return numbers[part.labels]


def _with_places(
    symbols: NDArray[np.int64], lengths: NDArray[np.int64], places: int, origin: str
) -> NDArray[np.int64]:
    """Return labels (N, 1 + places) from symbols (N, L) and lengths (N,) up to L + 1."""
    own = symbols.shape[1]
    if own < places and (lengths > own).any():
        raise DataError(
            f"{origin}: some sequences have more than {own} symbols, the most in its train split, so their other "
            "symbols are not known. Read these pictures without that train split."
        )
    labels = np.full((len(symbols), 1 + places), NOTHING, np.int64)
    labels[:, 0] = np.minimum(lengths, places + 1)
    kept = min(own, places)
    labels[:, 1 : 1 + kept] = symbols[:, :kept]
    return labels
