"""`evaluation_html`: the scores of an evaluation with their intervals, and those of each class."""

from __future__ import annotations

from picturewise.evaluation.evaluation import Evaluation, Interval
from picturewise.reporting.notebook.markup import block, escaped, lines, table
from picturewise.reporting.tables import count, number_with_interval, percent_with_interval


def evaluation_html(evaluation: Evaluation) -> str:
    """Return an evaluation as HTML."""
    return block(
        f"Evaluation of {evaluation.dataset}, {evaluation.split}: {count(evaluation.pictures)} pictures, "
        "95 % intervals in brackets",
        lines(evaluation.notes),
        scores(evaluation),
        table(
            ("class", "pictures", "precision", "recall", "F1"),
            [
                (
                    escaped(score.name),
                    count(score.support),
                    *(_cell(one) for one in (score.precision, score.recall, score.f1)),
                )
                for score in evaluation.per_class
            ],
        ),
    )


def scores(evaluation: Evaluation) -> str:
    """Return the scores of all classes together."""
    rows = [
        ("accuracy", percent_with_interval(evaluation.accuracy)),
        ("loss", number_with_interval(evaluation.loss)),
        ("calibration error", percent_with_interval(evaluation.calibration_error)),
    ]
    if evaluation.macro_recall is not None and evaluation.macro_f1 is not None:
        rows += [
            ("macro recall", percent_with_interval(evaluation.macro_recall)),
            ("macro F1", percent_with_interval(evaluation.macro_f1)),
        ]
    return table(("score", "of all pictures"), rows, left=1)


def _cell(score: Interval | None) -> str:
    return "–" if score is None else percent_with_interval(score, digits=1)
