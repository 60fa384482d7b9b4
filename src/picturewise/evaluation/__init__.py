"""Arrays in, numbers out: scores with their intervals, paired comparisons and calibration.

Every number that Picturewise reports is computed in this room, always with its 95 % interval. The room does not
know pictures or networks: it takes labels, logits and probabilities as NumPy arrays.
"""

from picturewise.evaluation.calibration import calibration_error, choose_temperature, fit_temperature, softmax
from picturewise.evaluation.comparing import Comparison, compare, compare_all
from picturewise.evaluation.evaluation import ClassScore, Evaluation, Interval
from picturewise.evaluation.intervals import mean_interval, wilson_interval
from picturewise.evaluation.metrics import confusion_matrix, evaluate

__all__ = [
    "ClassScore",
    "Comparison",
    "Evaluation",
    "Interval",
    "calibration_error",
    "choose_temperature",
    "compare",
    "compare_all",
    "confusion_matrix",
    "evaluate",
    "fit_temperature",
    "mean_interval",
    "softmax",
    "wilson_interval",
]
