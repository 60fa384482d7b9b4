"""The one door upward: how the objects of lower rooms are drawn by those above them.

`_repr_html_` and `plot_*` of an object call `display`; what draws is imported then, and loads matplotlib where it needs
it. Objects of the rooms above reporting call it directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from picturewise.extras import needed
from picturewise.reprs import PARTIAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure  # noqa: PLC0414 (handed on to those who annotate with it)

HOMES: Mapping[tuple[str, str], str] = {
    ("Classifier", "html"): "picturewise.reporting.notebook.classifier:classifier_html",
    ("Classifier", "plot_architecture"): "picturewise.reporting.plots:plot_architecture",
    ("Dataset", "html"): "picturewise.reporting.notebook.pictures:dataset_html",
    ("Dataset", "plot_classes"): "picturewise.reporting.plots:plot_classes",
    ("Dataset", "plot_counts"): "picturewise.reporting.plots:plot_counts",
    ("Dataset", "plot_samples"): "picturewise.reporting.plots:plot_samples",
    ("Evaluation", "html"): "picturewise.reporting.notebook.evaluation:evaluation_html",
    ("Evaluation", "plot_confusion"): "picturewise.reporting.plots:plot_confusion",
    ("ImageSet", "html"): "picturewise.reporting.notebook.pictures:imageset_html",
    ("ImageSet", "plot_classes"): "picturewise.reporting.plots:plot_classes_of",
    ("ImageSet", "plot_samples"): "picturewise.reporting.plots:plot_samples_of",
    ("Prediction", "html"): "picturewise.reporting.notebook.prediction:prediction_html",
    ("Prediction", "plot"): "picturewise.reporting.plots:plot_prediction",
    ("Reading", "html"): "picturewise.reporting.notebook.prediction:reading_html",
    ("Reading", "plot"): "picturewise.reporting.plots:plot_reading",
    ("Recipe", "html"): "picturewise.reporting.notebook.recipe:recipe_html",
    ("Run", "html"): "picturewise.reporting.notebook.run:run_html",
    ("Run", "plot_architecture"): "picturewise.reporting.plots:plot_architecture",
    ("Run", "plot_confusion"): "picturewise.reporting.plots:plot_confusion_of",
    ("Run", "plot_curves"): "picturewise.reporting.plots:plot_curves",
    ("Run", "plot_errors"): "picturewise.tasks.look:plot_errors",
    ("Run", "plot_predictions"): "picturewise.tasks.look:plot_predictions",
    ("Summary", "html"): "picturewise.reporting.notebook.layers:layers_html",
}
"""Type and figure → 'module:function', which takes the object first."""


def display(kind: str, figure: str, of: object, **options: Any) -> Any:
    """Return a figure of an object, drawn by the function that `HOMES` names.

    Raises:
        MissingPackageError: what draws it needs a package that is not installed.
    """
    module, _, function = HOMES[kind, figure].partition(":")
    with needed("This figure"):
        return getattr(import_module(module), function)(of, **options)


def html(kind: str, of: object) -> str | None:
    """Return the HTML of an object for a notebook; None if it is incomplete, so that its text is shown."""
    try:
        return str(display(kind, "html", of))
    except PARTIAL:
        return None
