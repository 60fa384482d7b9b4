"""The scores of an evaluation as names and texts, the same in a terminal, a notebook and a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from picturewise.evaluation.evaluation import Coverage, Evaluation, Interval
from picturewise.reporting.tables import count, number_with_interval, percent, percent_with_interval
from picturewise.targets.words import Nouns, accuracy_name, nouns

_CONFUSIONS = 8  # how many of the most frequent errors are listed


class Confusion(NamedTuple):
    """One kind of error.

    Attributes:
        label: the class or symbol of the label; None: a symbol was added.
        answer: that of the answer; None: a symbol was left out.
        errors: how often.
        support: how often the label occurs; of an added symbol, how often it is read.
    """

    label: str | None
    answer: str | None
    errors: int
    support: int

    def __str__(self) -> str:
        times = f"{count(self.errors)} time{'s' * (self.errors > 1)}"
        if self.answer is None:
            return f"{self.label} left out: {times}"
        return (
            f"{self.answer} added: {times}"
            if self.label is None
            else f"{self.label} read as {self.answer}: {times}"
        )


def nouns_of(evaluation: Evaluation) -> Nouns | None:
    """Return the words for the sequences that were evaluated; None: they are classes."""
    return None if evaluation.sequences is None else nouns(evaluation.classes)


def overall(evaluation: Evaluation) -> dict[str, str]:
    """Return the scores of all pictures together: name → number with its 95 % interval."""
    scores = {accuracy_name(nouns_of(evaluation)): percent_with_interval(evaluation.accuracy)}
    if evaluation.sequences is not None:
        scores["edit distance"] = number_with_interval(evaluation.sequences.edit_distance)
    scores["loss"] = number_with_interval(evaluation.loss)
    scores["calibration error"] = percent_with_interval(evaluation.calibration_error)
    for name, mean in (("macro recall", evaluation.macro_recall), ("macro F1", evaluation.macro_f1)):
        if mean is not None:
            scores[name] = percent_with_interval(mean)
    return scores


def confusions(evaluation: Evaluation) -> list[Confusion]:
    """Return the most frequent errors, the most frequent first; for sequences, of single symbols."""
    classes, table = evaluation.classes, evaluation.confusion
    found = [
        Confusion(classes[i], classes[j], number, evaluation.per_class[i].support)
        for i, row in enumerate(table)
        for j, number in enumerate(row)
        if i != j
    ]
    if evaluation.sequences is not None:
        for j, score in enumerate(evaluation.per_class):
            found.append(Confusion(score.name, None, score.support - sum(table[j]), score.support))
            opposite = sum(row[j] for row in table)
            found.append(Confusion(None, score.name, score.predicted - opposite, score.predicted))
    errors = [one for one in found if one.errors > 0]
    return sorted(errors, key=lambda one: -one.errors)[:_CONFUSIONS]


def class_head(evaluation: Evaluation) -> tuple[str, str, str]:
    """Return what the first columns of `Evaluation.per_class` are called: name, support, predicted."""
    words = nouns_of(evaluation)
    return ("class", "pictures", "predicted") if words is None else (words.symbol, "in labels", "in readings")


def lengths(evaluation: Evaluation) -> Iterator[tuple[str, int, Interval]]:
    """Return for each length of a label its name, the number of pictures, and how many of these are read correctly."""
    assert evaluation.sequences is not None  # noqa: S101 (asked for sequences alone)
    most = evaluation.sequences.most_symbols
    for score in evaluation.sequences.lengths:
        name = str(score.length) if score.length <= most else f"> {most}"
        yield name, score.support, score.accuracy


def goal_of(coverage: Coverage) -> str:
    """Return the accuracy that answers were to reach, such as '98 %'."""
    return f"{100 * coverage.goal:g} %"


def threshold_of(coverage: Coverage) -> str:
    """Return the lowest confidence of an answer as a text."""
    return "not reached" if coverage.threshold is None else f"{coverage.threshold:.4f}"


def coverage_sentence(coverage: Coverage, words: Nouns) -> str:
    """Return in a sentence how many pictures are answered, and how accurately."""
    goal = f"For the goal of {goal_of(coverage)} accuracy"
    if coverage.threshold is None:
        return f"{goal}, no confidence was high enough on the validation pictures."
    answered = (
        f"{goal}: {percent(coverage.coverage.value)} of the {words.whole}s have a confidence of at least "
        f"{coverage.threshold:.4f}"
    )
    if coverage.accuracy is None:
        return f"{answered}."
    return f"{answered}, and {percent_with_interval(coverage.accuracy)} of these are read correctly."
