"""Arrays in, matplotlib figures out: pictures, classes, curves, rates, networks, confusions, predictions, errors.

Every name below is imported when it is first used, and matplotlib with it: training begins without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.reporting.figures.architecture import draw_architecture as draw_architecture
    from sightline.reporting.figures.class_counts import draw_class_counts as draw_class_counts
    from sightline.reporting.figures.class_sheet import ClassRow as ClassRow
    from sightline.reporting.figures.class_sheet import draw_class_sheet as draw_class_sheet
    from sightline.reporting.figures.confusion_matrix import draw_confusion_matrix as draw_confusion_matrix
    from sightline.reporting.figures.learning_curves import draw_learning_curves as draw_learning_curves
    from sightline.reporting.figures.learning_rates import draw_learning_rates as draw_learning_rates
    from sightline.reporting.figures.png import save_png as save_png
    from sightline.reporting.figures.png import to_pixels as to_pixels
    from sightline.reporting.figures.png import to_png as to_png
    from sightline.reporting.figures.prediction_sheet import draw_prediction_sheet as draw_prediction_sheet
    from sightline.reporting.figures.sample_sheet import draw_sample_sheet as draw_sample_sheet
    from sightline.reporting.figures.worst_errors import Judged as Judged
    from sightline.reporting.figures.worst_errors import draw_worst_errors as draw_worst_errors

_HOMES = {
    "ClassRow": "class_sheet",
    "Judged": "worst_errors",
    "draw_architecture": "architecture",
    "draw_class_counts": "class_counts",
    "draw_class_sheet": "class_sheet",
    "draw_confusion_matrix": "confusion_matrix",
    "draw_learning_curves": "learning_curves",
    "draw_learning_rates": "learning_rates",
    "draw_prediction_sheet": "prediction_sheet",
    "draw_sample_sheet": "sample_sheet",
    "draw_worst_errors": "worst_errors",
    "save_png": "png",
    "to_pixels": "png",
    "to_png": "png",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 (one list, kept in one place)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
