"""`draw_option_importance`: how much each option of a search matters for the accuracy."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.ticker import FuncFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.tables import percent

# Lengths in inches.
_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT = 0.32, 0.42, 0.62, 2.45, 0.7


@look.house_style()
def draw_option_importance(shares: Mapping[str, float]) -> Figure:
    """Return a bar for each option.

    Args:
        shares: name of an option → its share in the variance of the accuracy, at least one.
    """
    rows = sorted(shares.items(), key=lambda item: item[1])
    height = _TOP + _ROW * len(rows) + _BOTTOM
    figure = Figure(figsize=(look.WIDTH, height))
    width = look.WIDTH - _LEFT - _RIGHT
    axes = figure.add_axes(
        (_LEFT / look.WIDTH, _BOTTOM / height, width / look.WIDTH, 1 - (_TOP + _BOTTOM) / height)
    )
    axes.set_title("Importance of the options")
    axes.barh(range(len(rows)), [share for _, share in rows], color=look.BLUE, height=0.62)
    for row, (_, share) in enumerate(rows):
        axes.annotate(
            percent(share, digits=0), (share, row), xytext=(4, 0), textcoords="offset points",
            verticalalignment="center", fontsize=look.BODY,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], color=look.INK, fontsize=look.BODY)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, max(share for _, share in rows) * 1.05)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
    axes.set_xlabel("share in the variance of the validation accuracy")
    return figure
