"""`Figure`: a matplotlib figure that a notebook shows automatically."""

from __future__ import annotations

from matplotlib import figure

from picturewise.reporting.figures.png import to_png


class Figure(figure.Figure):
    """A figure that pyplot does not know of: nothing draws it a second time, and no backend is chosen for it.

    A notebook asks it for its PNG; if pyplot was imported, matplotlib's own display takes precedence.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the PNG file, and how large a notebook shows it: by its inches, at 96 pixels each."""
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return to_png(self), {"width": width, "height": height}
