"""What transparent pictures are put on: white, or black if white would hide what they show.

White strokes on transparency would become blank pictures on white, all alike. The right background is found once for
a whole set, on its train split; if it were found picture by picture, classes could get different backgrounds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from picturewise.data.pictures.pixels import strips

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

Background = Literal["white", "black"]
Hidden = Literal["white", "black", "neither"]
"""The background that would hide a transparent picture."""

WHITE: Background = "white"

_NEAR = 32  # of 256: anything so near to a background's lightness can hardly be seen on it
_MOST = 0.9  # of what is visible
_CLEAR = 0.1  # of its area must be transparent, or the background hardly matters
_FEW = 0.05  # of the transparent pictures may be hidden without a note: an icon or two in another colour
_LIGHT = [255 * (value >= 256 - _NEAR) for value in range(256)]
_DARK = [255 * (value < _NEAR) for value in range(256)]


def hidden_by(image: Image.Image) -> Hidden | None:
    """Return the background that would hide what a decoded picture shows; None: little transparency, or no ink.

    Ink is weighted by its opacity.
    """
    from PIL import ImageChops  # noqa: PLC0415 (few pictures need it)

    if not image.has_transparency_data or image.mode.startswith("I"):
        return None
    ink = light = dark = 0
    for _, strip in strips(image):
        coloured = strip.convert("RGBA")
        alpha, grey = coloured.getchannel("A"), coloured.convert("L")
        ink += _total(alpha)
        light += _total(ImageChops.multiply(alpha, grey.point(_LIGHT)))
        dark += _total(ImageChops.multiply(alpha, grey.point(_DARK)))
    width, height = image.size
    if not 0 < ink <= (1 - _CLEAR) * 255 * width * height:
        return None
    if light > _MOST * ink:
        return "white"
    return "black" if dark > _MOST * ink else "neither"


def find_background(
    found: Iterable[Hidden | None], asked: Background | None
) -> tuple[Background, tuple[str, ...]]:
    """Return what all pictures of a set are put on, and the notes about it.

    Args:
        found: `hidden_by` of the training pictures.
        asked: what the options say; None: found here.

    >>> find_background(["white", "white", "neither", None], None)[0]
    'black'
    """
    if asked is not None:
        return asked, ()
    counts = Counter(found)
    transparent = sum(counts.values()) - counts[None]
    if 2 * counts["white"] > transparent:
        note = (
            f"{counts['white']:,} of {transparent:,} training pictures with transparency are so light that white "
            "would hide them, so all were placed on black. To change this, use --set data.background=white."
        )
        return "black", (note, *_hidden(counts["black"], transparent, "black"))
    return WHITE, _hidden(counts["white"], transparent, WHITE)


def _hidden(count: int, transparent: int, background: Background) -> tuple[str, ...]:
    if count <= _FEW * transparent:
        return ()
    other = "white" if background == "black" else "black"
    note = (
        f"All training pictures with transparency were placed on {background}, but {count:,} of {transparent:,} are "
        f"hardly visible on it. To change this, use --set data.background={other}."
    )
    return (note,)


def _total(image: Image.Image) -> int:
    """Return the sum of the values of a picture in mode L."""
    return sum(value * count for value, count in enumerate(image.histogram()))
