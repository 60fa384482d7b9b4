"""`prediction_html` and `predictions_html`: pictures with their predicted probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from picturewise.prediction.predict import Prediction, Reading
from picturewise.reporting.notebook.markup import block, escaped, line, lines, share_bar, table
from picturewise.reporting.notebook.picture_data import picture
from picturewise.reporting.tables import count, percent

_ALL, _BEST = 10, 5
"""Classes up to which all are shown, and how many otherwise."""
_PICTURES = 10
_LARGE, _SMALL = 96, 32
"""Sides of pictures in pixels."""


def prediction_html(prediction: Prediction) -> str:
    """Return a prediction as HTML: the picture, if it is available, and a bar for each class."""
    shares = list(prediction.probabilities.items())
    if len(shares) > _ALL:
        shares = sorted(shares, key=lambda pair: -pair[1])[:_BEST]
    return _with_bars(prediction, prediction.label, "class", shares)


def reading_html(reading: Reading) -> str:
    """Return a reading as HTML: the picture, if it is available, and a bar for the length and for each symbol."""
    return _with_bars(reading, reading.label or "left to people", "part", reading.parts)


def _with_bars(prediction: Prediction, label: str, head: str, shares: Sequence[tuple[str, float]]) -> str:
    bars = table(
        (head, "", "probability"),
        [(escaped(name, longest=60), share_bar(share), _shown(share)) for name, share in shares],
        left=2,
    )
    return block(
        f"{prediction.name}: {label} ({percent(prediction.probability, digits=1)})",
        '<div style="display:flex;gap:16px;align-items:flex-start">'
        f"<div>{_picture(prediction, _LARGE)}</div><div>{bars}</div></div>",
    )


def predictions_html(predictions: Sequence[Prediction], *, left_out: int, notes: Sequence[str]) -> str:
    """Return the first of many predictions as HTML, and the notes about all of them."""
    rows = [
        (
            _picture(one, _SMALL),
            escaped(one.name, longest=60),
            escaped(one.label or "left to people", longest=60),
            share_bar(one.probability, width=80),
            _shown(one.probability),
        )
        for one in predictions[:_PICTURES]
    ]
    more = len(predictions) - len(rows)
    answer = "reading" if any(isinstance(one, Reading) for one in predictions[:1]) else "class"
    return block(
        f"{count(len(predictions))} predictions",
        table(("", "picture", answer, "", "probability"), rows, left=4),
        line(f"… and {count(more)} more", faint=True) if more else "",
        line(f"{count(left_out)} {'files were' if left_out > 1 else 'file was'} left out", faint=True)
        if left_out
        else "",
        lines(notes),
    )


def _shown(share: float) -> str:
    return percent(share, digits=1) if share >= 0.0005 else "< 0.1 %"


def _picture(prediction: Prediction, side: int) -> str:
    image = prediction.picture
    return "" if image is None else picture(image, side=side, title=prediction.name)
