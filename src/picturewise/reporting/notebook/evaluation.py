"""`evaluation_html`: the scores of an evaluation with their intervals, and those of each class or symbol."""

from __future__ import annotations

from picturewise.evaluation.evaluation import Evaluation, Interval, SequenceScores
from picturewise.reporting.notebook.markup import block, escaped, line, lines, table
from picturewise.reporting.scores import class_head, confusions, goal_of, overall, threshold_of
from picturewise.reporting.scores import lengths as of_lengths
from picturewise.reporting.tables import count, percent_with_interval


def evaluation_html(evaluation: Evaluation) -> str:
    """Return an evaluation as HTML."""
    return block(
        f"Evaluation of {evaluation.dataset}, {evaluation.split}: {count(evaluation.pictures)} pictures, "
        "95 % intervals in brackets",
        lines(evaluation.notes),
        scores(evaluation),
        "" if evaluation.sequences is None else _sequences(evaluation, evaluation.sequences),
        table(
            (*class_head(evaluation)[:2], "precision", "recall", "F1"),
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
    return table(("score", "of all pictures"), [*overall(evaluation).items()], left=1)


def _sequences(evaluation: Evaluation, found: SequenceScores) -> str:
    """Return how accurate answers of high confidence are, each length, each place, and the most frequent errors."""
    covered = [
        (goal_of(one), threshold_of(one), _cell(one.coverage), _cell(one.accuracy)) for one in found.coverage
    ]
    by_length = [
        (name, count(support), _cell(accuracy)) for name, support, accuracy in of_lengths(evaluation)
    ]
    by_place = [(str(one.place), count(one.support), _cell(one.accuracy)) for one in found.places]
    errors = "; ".join(map(str, confusions(evaluation)))
    return "".join(
        (
            table(("accuracy goal", "confidence from", "answered", "of these correct"), covered)
            if covered
            else "",
            table(("length", "pictures", "accuracy"), by_length),
            table(("place", "pictures", "accuracy"), by_place),
            line(f"most frequent errors: {errors}") if errors else "",
        )
    )


def _cell(score: Interval | None) -> str:
    return "–" if score is None else percent_with_interval(score, digits=1)
