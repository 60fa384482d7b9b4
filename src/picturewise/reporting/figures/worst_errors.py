"""`draw_worst_errors`: the pictures that a model got wrong with the most confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import percent

_COLUMNS = 5
_GAP = 0.2  # inches between pictures
_LINE = 0.17  # inches of one line of text


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One picture and a model's prediction.

    Attributes:
        image: (H, W, C) uint8.
        label: name of its class.
        prediction: name of the most probable class.
        probability: of the prediction, in [0, 1].
        loss: cross-entropy in nats.
        name: file name, or None.
    """

    image: NDArray[np.uint8]
    label: str
    prediction: str
    probability: float
    loss: float
    name: str | None = None


@look.house_style()
def draw_worst_errors(pictures: Sequence[Evaluated], *, verb: str = "predicted") -> Figure:
    """Return a sheet of `pictures` (at least one) in their order, each above its label and prediction.

    Args:
        pictures: with their predictions.
        verb: what stands before a prediction.
    """
    side = (look.WIDTH - 2 * look.MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    lines = 4 if any(picture.name for picture in pictures) else 3
    rows = -(-len(pictures) // _COLUMNS)
    high = side * min(1.0, max(one.image.shape[0] / one.image.shape[1] for one in pictures))
    pitch = high + 0.08 + lines * _LINE + _GAP
    page = Page(look.WIDTH, 2 * look.MARGIN + rows * pitch - _GAP)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, _COLUMNS)
        left, top = look.MARGIN + column * (side + _GAP), look.MARGIN + row * pitch
        page.picture(picture.image, left=left, top=top, width=side, height=high)
        _write_caption(page, picture, left=left, top=top + high + 0.08, room=side, verb=verb)
    return page.figure


def _write_caption(
    page: Page, picture: Evaluated, *, left: float, top: float, room: float, verb: str
) -> None:
    right = picture.prediction == picture.label
    sign = look.RIGHT_SIGN if right else look.WRONG_SIGN
    page.text(picture.label, left, top, room=room, weight="bold", prefix="label: ")
    page.text(
        picture.prediction, left, top + _LINE,
        prefix=f"{sign} {verb}: ", room=room, colour=look.RIGHT if right else look.WRONG, weight="bold",
    )  # fmt: skip
    certainty = f"probability {percent(picture.probability, digits=0)}, loss {picture.loss:.2f}"
    page.text(certainty, left, top + 2 * _LINE, size=look.SMALL, colour=look.MUTED)
    if picture.name:
        page.text(picture.name, left, top + 3 * _LINE, size=look.SMALL, colour=look.MUTED, room=room)
