"""Whether mirrored pictures still belong to their class: asked of the pictures, because names tell only a part.

A quick classifier, logistic regression on histograms of edge directions and mean colours, learns two thirds of some
training pictures. The rest is shown to it as it is and mirrored. Letters, digits and arrows are recognised far less
often when they are mirrored; animals, plants and vehicles are not.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from picturewise.data.imageset import ImageSet
from picturewise.seeds import stream
from picturewise.targets.sequences import is_sequences
from picturewise.training.head_fit import regression

MOST_PICTURES, FEWEST_PICTURES = 2_400, 200
SIDE, CELL, DIRECTIONS = 24, 4, 8
"""Pictures are resized to SIDE; directions of edges are counted in cells of CELL pixels."""
STRENGTH = 0.01
LOST, LOST_IN_CLASS = 0.25, 0.5
"""The share of what is recognised, beyond guessing, that mirroring may cost: of all pictures, and of one class."""
SURE = 4.0
"""Standard deviations by which a loss, or what is recognised at all, has to differ from chance."""


_SIDES = {"left", "right", "clockwise", "anticlockwise", "counterclockwise"}
_NUMBERS = {
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *(
        "null",
        "eins",
        "zwei",
        "drei",
        "vier",
        "funf",
        "sechs",
        "sieben",
        "acht",
        "neun",
        "zehn",
        "elf",
        "zwolf",
    ),
    *("un", "deux", "trois", "quatre", "cinq", "sept", "huit", "neuf", "dix", "onze", "douze"),
    *("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "doce"),
    *("due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici"),
    *("um", "dois", "quatro", "sete", "oito", "dez", "doze"),
    *("nul", "een", "twee", "drie", "zes", "zeven", "negen", "tien", "twaalf"),
}
"""Zero to twelve in English, German, French, Spanish, Italian, Portuguese and Dutch, without accents."""


class Mirroring(NamedTuple):
    """What was decided about mirrored pictures.

    Attributes:
        matters: they may belong to another class.
        notes: sentences that say so and why, if it is not obvious.
    """

    matters: bool
    notes: tuple[str, ...]


class Mirrored(NamedTuple):
    """How a quick classifier recognised pictures that it was not trained on.

    Attributes:
        matters: mirrored pictures may belong to another class.
        pictures: number of them.
        before: share of them that were recognised.
        after: share of them that were recognised when mirrored.
    """

    matters: bool
    pictures: int
    before: float
    after: float


def decide(train: ImageSet, *, seed: int = 0) -> Mirroring:
    """Return whether mirrored pictures may belong to another class.

    Names with left or right say so. Otherwise, the pictures are asked; and if these are too few or too hard, names
    that are letters, numbers or words for numbers say so.

    Args:
        train: with labels.
        seed: decides which pictures are used.
    """
    if is_sequences(train.target):
        return Mirroring(True, ("Pictures are not mirrored, because they show sequences of symbols.",))
    words = {word for name in train.classes for word in re.findall(r"[a-z]+", name.lower())}
    if not words.isdisjoint(_SIDES):
        return Mirroring(
            True, ("Pictures are not mirrored, because the class names distinguish left and right.",)
        )
    found = ask(train, seed=seed)
    if found is None:
        return Mirroring(are_characters(train.classes), ())
    share = f"{100 * found.before:.0f} % of {found.pictures:,} pictures, and {100 * found.after:.0f} % of them mirrored"
    if found.matters:
        return Mirroring(True, (f"Pictures are not mirrored: a quick classifier recognised {share}.",))
    if are_characters(train.classes):
        note = f"Pictures are mirrored in spite of the class names: a quick classifier recognised {share}."
        return Mirroring(False, (note,))
    return Mirroring(False, ())


def are_characters(classes: Sequence[str]) -> bool:
    """Return whether all class names are letters, numbers, or words for small numbers.

    >>> are_characters(["0", "7"]), are_characters(["six", "Fünf"]), are_characters(["cat", "7"])
    (True, True, False)
    """
    plain = (unicodedata.normalize("NFKD", name.strip()).casefold() for name in classes)
    names = ["".join(sign for sign in name if not unicodedata.combining(sign)) for name in plain]
    return all(len(name) == 1 or name.isdecimal() or name in _NUMBERS for name in names)


def ask(train: ImageSet, *, seed: int = 0) -> Mirrored | None:
    """Return whether mirroring matters for some pictures; None: they are too few or too hard to say.

    Args:
        train: with labels.
        seed: decides which pictures are used.
    """
    labels = train.required_labels
    if len(train) < FEWEST_PICTURES or labels.ndim > 1:
        return None
    rows = np.sort(stream(seed, "mirrors").permutation(len(train))[:MOST_PICTURES])
    found, where = np.unique(labels[rows], return_inverse=True)
    if len(found) < 2:
        return None
    step = max(1, min(train.shape[:2]) // (2 * SIDE))  # of large pictures, every few pixels are enough
    pictures = torch.from_numpy(np.ascontiguousarray(train.images[rows][:, ::step, ::step]))
    features, mirrored = described(pictures), described(pictures.flip(2))
    order = stream(seed, "mirrors, held out").permutation(len(rows))
    held, learned = order[: len(rows) // 3], order[len(rows) // 3 :]
    targets = torch.from_numpy(where)
    mean, scale = features[learned].mean(dim=0), features[learned].std(dim=0).clamp_min(1e-6)
    weight, bias = regression(
        (features[learned] - mean) / scale, targets[learned], len(found), STRENGTH, tolerance=1e-4
    )
    right, still = (
        ((((seen[held] - mean) / scale) @ weight.T + bias).argmax(dim=1) == targets[held]).numpy()
        for seen in (features, mirrored)
    )
    before, after = float(right.mean()), float(still.mean())
    guessed = float(np.bincount(where[held]).max() / len(held))
    if before - guessed < SURE * math.sqrt(guessed * (1 - guessed) / len(held)):
        return None
    matters = _lost(right, still, guessed) > LOST or any(
        _lost(right[where[held] == label], still[where[held] == label], 0.0) > LOST_IN_CLASS
        for label in range(len(found))
    )
    return Mirrored(matters, len(held), before, after)


def _lost(right: NDArray[np.bool_], still: NDArray[np.bool_], guessed: float) -> float:
    """Return the share of what is recognised beyond guessing that mirroring costs; 0 if that may be chance."""
    worse, better = int((right & ~still).sum()), int((still & ~right).sum())
    if worse - better <= SURE * math.sqrt(worse + better):  # McNemar, 1947
        return 0.0
    return (worse - better) / max(float(right.sum()) - len(right) * guessed, 1e-9)


def described(pictures: Tensor) -> Tensor:
    """Return histograms of edge directions (Dalal and Triggs, 2005) and mean colours of pictures, (B, D) float64.

    Args:
        pictures: (B, H, W, C) uint8.
    """
    floats = pictures.permute(0, 3, 1, 2).float() / 255
    small = functional.interpolate(floats, (SIDE, SIDE), mode="area")
    grey = small.mean(dim=1, keepdim=True)
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    strength = (across.square() + down.square()).sqrt()
    # An edge has the same direction from dark to light as from light to dark.
    bins = (torch.atan2(down, across) / math.pi % 1 * DIRECTIONS).long().clamp(max=DIRECTIONS - 1)
    votes = torch.zeros(len(pictures), DIRECTIONS, SIDE, SIDE).scatter_(1, bins, strength)
    cells = functional.avg_pool2d(votes, CELL).flatten(1)
    cells = cells / cells.norm(dim=1, keepdim=True).clamp_min(1e-6)
    colours = functional.avg_pool2d(small, 2 * CELL).flatten(1)
    return torch.cat([cells, colours], dim=1).double()
