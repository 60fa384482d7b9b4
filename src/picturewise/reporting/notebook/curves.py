"""`curves`: loss and accuracy against the epoch, small, as an SVG picture for light and dark pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from picturewise.reporting.notebook.markup import TRAIN, VALID
from picturewise.reporting.tables import percent
from picturewise.runs.history import Epoch, best_epoch

_WIDTH, _HEIGHT = 300, 130
_GREY = "#808890"
"""Of lines and letters: it stands out from white and from black."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 22, 20
_MOST = 300
"""Points of a line; there are no more pixels."""


def curves(history: Sequence[Epoch]) -> str:
    """Return two panels, for a history of at least one epoch: train dashed, validation solid, its best epoch marked."""
    best = best_epoch(history)
    step = -(-len(history) // _MOST)
    shown = [row for row in history if row.epoch == best.epoch or (row.epoch - history[-1].epoch) % step == 0]
    panels = (
        _panel("loss", shown, best, "{:.3g}".format, lowest=0.0),
        _panel("accuracy", shown, best, lambda share: percent(share, digits=1), highest=1.0),
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:16px;margin:4px 0">{"".join(panels)}</div>'


def _panel(
    measure: str,
    history: Sequence[Epoch],
    best: Epoch,
    text: Callable[[float], str],
    *,
    lowest: float | None = None,
    highest: float | None = None,
) -> str:
    lines = {
        kind: [float(getattr(row, f"{kind}_{measure}")) for row in history] for kind in ("train", "valid")
    }
    values = [*lines["train"], *lines["valid"]]
    low, high = min(values) if lowest is None else lowest, max(values) if highest is None else highest
    first, last = history[0].epoch, history[-1].epoch

    def x(epoch: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * ((epoch - first) / (last - first) if last > first else 0.5)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - ((value - low) / (high - low) if high > low else 0.5))

    def points(kind: str) -> str:
        pairs = zip(history, lines[kind], strict=True)
        return " ".join(f"{x(row.epoch):.1f},{y(value):.1f}" for row, value in pairs)

    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    words: list[tuple[float, float, str, str]] = [
        (_LEFT - 5, _TOP + 4, "end", text(high)),
        (_LEFT - 5, bottom + 4, "end", text(low)),
    ]
    words += [(x(last), bottom + 14, "end" if last > first else "middle", f"epoch {last}")]
    words += [(x(first), bottom + 14, "start", str(first))] if last > first else []
    written = "".join(
        f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}">{word}</text>'
        for across, down, anchor, word in words
    )
    marks = "".join(  # a line of one point has no length
        f'<circle cx="{x(last):.1f}" cy="{y(lines[kind][0]):.1f}" r="2.5" fill="{colour}"/>'
        for kind, colour in (("train", TRAIN), ("valid", VALID))
        if len(history) == 1
    )
    top = y(float(getattr(best, f"valid_{measure}")))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-size="10" fill="{_GREY}" '
        f'font-family="sans-serif">'
        f'<text x="{_LEFT}" y="12" font-weight="600" font-size="11">{measure}'
        f'<tspan font-weight="400">, train dashed</tspan></text>'
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="{_GREY}"/>'
        f'<polyline points="{points("train")}" fill="none" stroke="{TRAIN}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        f'<polyline points="{points("valid")}" fill="none" stroke="{VALID}" stroke-width="1.8"/>'
        f'{marks}<circle cx="{x(best.epoch):.1f}" cy="{top:.1f}" r="4" fill="{VALID}"/>{written}</svg>'
    )
    # A picture: notebooks that are not trusted drop the tags of SVG.
    data = base64.b64encode(drawn.encode()).decode("ascii")
    told = f"{measure} for epochs {first} to {last}; best epoch {best.epoch}"
    return f'<img src="data:image/svg+xml;base64,{data}" width="{_WIDTH}" height="{_HEIGHT}" alt="{told}">'
