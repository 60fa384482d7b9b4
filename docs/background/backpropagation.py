"""Draws the figures of backpropagation.md from what the code on that page computes.

python docs/background/backpropagation.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image

from picturewise.reporting.figures.look import BLUE, INK, MUTED, VERMILION, house_style

HERE = Path(__file__).parent
DPI = 100  # 800 pixels wide: the column of a page


def main() -> None:
    """Run the page's code and draw."""
    page = (HERE / "backpropagation.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(block, names)  # noqa: S102 (the page's own code)
    with house_style():
        _save(_draw_surface(names), "loss-surface.png")
        _save(_draw_norms(names), "gradient-norms.png")


def _save(figure: Figure, name: str) -> None:
    """Write a figure in 64 colours, which takes a third of the bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    with Image.open(content) as picture:
        picture.convert("RGB").quantize(64).save(HERE / name, optimize=True)


def _draw_surface(names: dict[str, Any]) -> Figure:
    """Return both maps of the loss, in one scale of colours."""
    places, maps = names["places"], {"At random weights": names["before"], "After training": names["after"]}
    figure = Figure(figsize=(8, 3.9), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    levels = np.geomspace(
        min(one.min() for one in maps.values()) * 0.95, max(one.max() for one in maps.values()) * 1.01, 16
    )
    for axis, (title, losses) in zip(axes, maps.items(), strict=True):
        filled = axis.contourf(places, places, np.log10(losses), np.log10(levels), cmap="cividis")
        axis.contour(
            places, places, np.log10(losses), np.log10(levels),
            colors="white", linestyles="solid", linewidths=0.5, alpha=0.6,
        )  # fmt: skip
        axis.plot(0, 0, marker="o", color="white", markeredgecolor=INK, markersize=7)
        axis.annotate(
            f"loss {losses[len(places) // 2, len(places) // 2]:.2g}", (0, 0), (0, 13), color="white",
            textcoords="offset points", ha="center", fontsize=9, fontweight="bold",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": "none", "alpha": 0.75},
        )  # fmt: skip
        axis.set_title(title)
        axis.set_xlabel("along one random direction")
        axis.set_aspect("equal")
        axis.grid(visible=False)
    axes[0].set_ylabel("along another")
    bar = figure.colorbar(filled, ax=axes, label="loss", shrink=0.9)
    shown = [value for value in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30) if levels[0] <= value <= levels[-1]]
    bar.ax.yaxis.set_major_locator(FixedLocator(list(np.log10(shown))))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.set_yticklabels([f"{value:g}" for value in shown])
    return figure


def _power(value: float) -> str:
    """Return 10⁻³ for 0.001; the house's style sets no mathematics."""
    return "10" + f"{round(np.log10(value))}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _draw_norms(names: dict[str, Any]) -> Figure:
    """Return the norms of the gradients, layer by layer."""
    figure = Figure(figsize=(8, 3.9), layout="constrained")
    axis = figure.subplots()
    for label, norms, colour, marker, shift in (
        ("with batch normalisation", names["normalised"], BLUE, "o", 9),
        ("without", names["plain"], VERMILION, "s", -16),
    ):
        numbers = np.arange(1, len(norms) + 1)
        axis.semilogy(numbers, norms, color=colour, marker=marker, linewidth=1.8)
        middle = len(norms) // 2
        axis.annotate(
            label, (numbers[middle], norms[middle]), (0 if shift > 0 else 12, shift), color=colour,
            textcoords="offset points", fontsize=10, fontweight="bold", ha="center" if shift > 0 else "left",
        )  # fmt: skip
    axis.set_title("How large the gradient of each layer's weights is, before the first step")
    axis.set_xlabel(
        "dense layer, from the input to the output: 12 of 64 units with sigmoids, then the output layer"
    )
    axis.set_ylabel("norm of ∂L/∂W")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
    axis.set_xticks(np.arange(1, len(names["plain"]) + 1))
    axis.tick_params(colors=MUTED)
    return figure


if __name__ == "__main__":
    main()
