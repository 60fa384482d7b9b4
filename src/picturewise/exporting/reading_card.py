"""What stands in the model card of a classifier that reads sequences of symbols, such as house numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from picturewise.exporting.markdown import code, table, with_interval
from picturewise.targets.words import accuracy_name, nouns

if TYPE_CHECKING:
    from picturewise.evaluation.evaluation import Coverage, SequenceScores

TASK = "image-to-text"
"""The name of the Hub."""


def reads(facts: Mapping[str, Any]) -> bool:
    """Return whether these are the facts of such a classifier; see `facts_of`."""
    return "alphabet" in facts


def accuracy_of(facts: Mapping[str, Any]) -> str:
    """Return what the share of correct answers is called.

    >>> accuracy_of({"alphabet": ["0", "1"]}), accuracy_of({"classes": ["cat", "dog"]})
    ('whole-number accuracy', 'accuracy')
    """
    return accuracy_name(nouns(facts["alphabet"]) if reads(facts) else None)


def what_it_reads(facts: Mapping[str, Any]) -> str:
    """Return a sentence about the symbols and their number."""
    symbols, places = facts["alphabet"], facts["places"]
    return f"Symbols: {', '.join(map(code, symbols))}; at most {places:,} in a picture. Longer ones are not read."


def sequence_results(scores: SequenceScores) -> Iterator[str]:
    """Yield the tables of lengths and of places, and how many pictures are read if unsure ones are left."""
    yield ""
    yield from table(
        ["symbols in the picture", "pictures", "accuracy"],
        [[f"{one.length:,}", f"{one.support:,}", with_interval(one.accuracy)] for one in scores.lengths],
    )
    yield ""
    yield from table(
        ["place", "pictures", "accuracy of the symbol"],
        [[f"{one.place:,}", f"{one.support:,}", with_interval(one.accuracy)] for one in scores.places],
    )
    yield ""
    if all(one.threshold is None for one in scores.coverage):
        yield "No threshold of the confidence was found that makes readings as accurate as 98 %."
        return
    yield (
        "Pictures can be left to people if the confidence of their reading is below a threshold that reached an "
        "accuracy on the validation pictures. On these test pictures:"
    )
    yield ""
    yield from table(
        ["accuracy to reach", "threshold", "pictures that are read", "accuracy of these readings"],
        [_row(one) for one in scores.coverage],
    )


def _row(one: Coverage) -> list[str]:
    reached = "–" if one.accuracy is None else with_interval(one.accuracy)
    threshold = "not reached" if one.threshold is None else f"{one.threshold:.4f}"
    return [f"{one.goal:g}", threshold, with_interval(one.coverage), reached]
