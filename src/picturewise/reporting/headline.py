"""`headline`: the main result of a report in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from picturewise.evaluation.evaluation import Evaluation
from picturewise.reporting.contents import ComparisonTable, ModelFacts, Report
from picturewise.reporting.scores import coverage_sentence, nouns_of
from picturewise.reporting.tables import count, p_value, percent, points_with_interval


@dataclass(frozen=True)
class Headline:
    """The top of a report.

    Attributes:
        number: the most important number, such as "98.31 %", or "" if there is none.
        sentence: what the number means, or why there is none.
        remarks: what a reader must know before quoting the number.
        model: the model that the number belongs to, or None.
    """

    number: str
    sentence: str
    remarks: tuple[str, ...]
    model: ModelFacts | None


def headline(report: Report) -> Headline:
    """Return what to say first; a best model is named only if all were evaluated on the same pictures."""
    if report.answer:
        return Headline("", report.answer, (), None)
    evaluated = [(model, model.evaluation) for model in report.models if model.evaluation is not None]
    if not evaluated:
        return Headline("", "Not evaluated on the test split yet.", (), None)
    others: tuple[ModelFacts, ...] = ()
    if len({evaluation.sequences is None for _, evaluation in evaluated}) > 1:
        others = tuple(model for model, evaluation in evaluated if evaluation.sequences is None)
        evaluated = [pair for pair in evaluated if pair[1].sequences is not None]
    if len({evaluation.fingerprint for _, evaluation in evaluated}) > 1:
        return Headline(
            "",
            "The models were evaluated on different pictures, so their scores are not comparable.",
            (),
            None,
        )
    model, evaluation = max(evaluated, key=lambda pair: pair[1].accuracy.value)
    whose = "" if len(report.models) == 1 else f" by {model.name}"
    if len(evaluated) > 1:
        whose += f", the most accurate of {len(evaluated)} models"
    accuracy = evaluation.accuracy
    words = nouns_of(evaluation)
    done = (
        f"{evaluation.split} pictures were classified correctly"
        if words is None
        else f"{words.whole}s in the {evaluation.split} pictures were read correctly as a whole"
    )
    sentence = (
        f"of {count(evaluation.pictures)} {done}{whose} "
        f"(95 % interval: {percent(accuracy.low)} to {percent(accuracy.high)})."
    )
    remarks = (
        *evaluation.notes,
        *_coverage(evaluation),
        *_lead(report.comparisons, model),
        *_missing(report),
        *_of_classes(others),
        *_choice(len(evaluated)),
    )
    return Headline(percent(accuracy.value), sentence, remarks, model)


def _lead(tables: Sequence[ComparisonTable], best: ModelFacts) -> tuple[str, ...]:
    """Return how the best model differs from the reference, or the reference from the second best."""
    table = tables[0] if tables else None
    tested = [row for row in table.rows if row.paired and row.accuracy] if table else []
    if table and best.name != table.reference:
        tested = [row for row in tested if row.model == best.name]
    nearest = max(tested, key=lambda row: row.accuracy.value if row.accuracy else 0, default=None)
    if table is None or nearest is None or nearest.paired is None or nearest.difference is None:
        return ()
    probability = nearest.paired.adjusted_p_value
    chance = "may be due to chance" if probability >= 0.05 else "is unlikely to be due to chance"
    remark = (
        f"{nearest.model} minus {table.reference}: "
        f"{points_with_interval(nearest.difference)} percentage points, "
        f"p {_equals(p_value(probability))}. The difference {chance}."
    )
    return (remark,)


def _coverage(evaluation: Evaluation) -> tuple[str, ...]:
    """Return how many pictures are answered with high confidence."""
    words = nouns_of(evaluation)
    if evaluation.sequences is None or words is None:
        return ()
    return tuple(coverage_sentence(one, words) for one in evaluation.sequences.coverage)


def _equals(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def _missing(report: Report) -> tuple[str, ...]:
    names = [model.name for model in report.models if model.evaluation is None]
    return (f"Not evaluated on the test split yet: {', '.join(names)}.",) if names else ()


def _of_classes(models: Sequence[ModelFacts]) -> tuple[str, ...]:
    """Return which models are left out, because they do not read sequences as the others do."""
    if not models:
        return ()
    predict = "predicts" if len(models) == 1 else "predict"
    names = ", ".join(model.name for model in models)
    return (
        f"{names} {predict} classes, not sequences, so the accuracy there cannot be compared with this one.",
    )


def _choice(evaluated: int) -> tuple[str, ...]:
    if evaluated == 1:
        return ()
    return ("The best of several test scores is optimistic. Confirm it on new pictures.",)
