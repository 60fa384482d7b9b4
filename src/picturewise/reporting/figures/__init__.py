"""Functions that draw arrays as matplotlib figures: pictures, classes, curves, networks, predictions, errors."""

from picturewise.reporting.figures.architecture import draw_architecture
from picturewise.reporting.figures.augmented_sheet import draw_augmented_sheet
from picturewise.reporting.figures.class_counts import draw_class_counts
from picturewise.reporting.figures.class_sheet import draw_class_sheet
from picturewise.reporting.figures.confusion_matrix import draw_confusion_matrix
from picturewise.reporting.figures.learning_curves import draw_learning_curves
from picturewise.reporting.figures.learning_rates import draw_learning_rates
from picturewise.reporting.figures.length_accuracy import Point, draw_length_accuracy
from picturewise.reporting.figures.png import save_png, to_both_papers, to_pixels, to_png
from picturewise.reporting.figures.prediction_sheet import draw_prediction_sheet
from picturewise.reporting.figures.reading_sheet import draw_reading_sheet
from picturewise.reporting.figures.sample_sheet import draw_sample_sheet
from picturewise.reporting.figures.worst_errors import Evaluated, draw_worst_errors

__all__ = [
    "Evaluated",
    "Point",
    "draw_architecture",
    "draw_augmented_sheet",
    "draw_class_counts",
    "draw_class_sheet",
    "draw_confusion_matrix",
    "draw_learning_curves",
    "draw_learning_rates",
    "draw_length_accuracy",
    "draw_prediction_sheet",
    "draw_reading_sheet",
    "draw_sample_sheet",
    "draw_worst_errors",
    "save_png",
    "to_both_papers",
    "to_pixels",
    "to_png",
]
