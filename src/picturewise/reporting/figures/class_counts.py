"""`draw_class_counts`: how many pictures each class has in each split."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.lettering import shortened, text_width
from picturewise.reporting.tables import count

_NAMES = 2.2  # inches, at most, for class names
_GAP = 0.2  # inches between panels


@look.house_style()
def draw_class_counts(counts: Mapping[str, Mapping[str, int]], *, unit: str = "pictures") -> Figure:
    """Return horizontal bars of `counts`, split → class → number of pictures, one panel per split.

    Of sequences, the classes are their symbols, and `unit` says that these are counted.

    There is at least one split and one class; splits without labels are not passed. Every split has the same classes
    in the same order. Each panel has its own scale, from zero, so that a small test split is as readable as a large
    training split.
    """
    classes = list(next(iter(counts.values())))
    size = look.BODY if len(classes) <= 30 else look.SMALL
    names = [shortened(name, inches=_NAMES, size=size) for name in classes]
    left = look.MARGIN + max(text_width(name, size=size) for name in names) + 0.12
    top, bottom = 0.5, look.MARGIN
    height = top + bottom + len(classes) * size / 72 * 1.75
    figure = Figure(figsize=(look.WIDTH, height))
    width = (look.WIDTH - left - look.MARGIN - (len(counts) - 1) * _GAP) / len(counts)
    for number, (split, by_class) in enumerate(counts.items()):
        axes = figure.add_axes(
            (
                (left + number * (width + _GAP)) / look.WIDTH,
                bottom / height,
                width / look.WIDTH,
                1 - (top + bottom) / height,
            )
        )
        _draw_split(axes, list(by_class.values()), size=size)
        axes.set_title(f"{split}: {count(sum(by_class.values()))} {unit}", fontsize=look.BODY)
        axes.set_yticks(
            range(len(classes)), names if number == 0 else [""] * len(classes), fontsize=size, color=look.INK
        )
    return figure


def _draw_split(axes: Axes, numbers: list[int], *, size: float) -> None:
    bars = axes.barh(range(len(numbers)), numbers, height=0.7, color=look.BLUE)
    axes.bar_label(bars, [count(number) for number in numbers], padding=3, fontsize=size, color=look.INK)
    widest = max(text_width(count(number), size=size) for number in numbers) + 0.1
    inches = axes.get_position().width * look.WIDTH
    # Beside the longest bar there is room for its number.
    axes.set_xlim(0, max(*numbers, 1) / (1 - widest / inches))
    axes.set_ylim(len(numbers) - 0.4, -0.6)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
