"""`Evaluation`: the numbers of one classifier on one image set, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from picturewise import displays
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.targets.words import accuracy_name, describe_sequences, nouns

if TYPE_CHECKING:
    from picturewise.displays import Figure


class Interval(Result):
    """A number and the 95 % interval around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float

    @never_raises
    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f}–{self.high:.4f})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Write what `print` does into a notebook's output."""
        printer.text(str(self))


class ClassScore(Result):
    """The scores of one class; a score is None if its denominator is zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    support: int = Field(description="Number of pictures with this label.")
    predicted: int = Field(description="Number of pictures that were predicted as this class.")
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


class LengthScore(Result):
    """How many sequences of one length are read correctly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int = Field(description="Number of symbols; one more than `most_symbols`: more than these.")
    support: int = Field(description="Number of pictures whose label has this length.")
    accuracy: Interval


class PlaceScore(Result):
    """How often the symbol at one place is read correctly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: int = Field(description="From 1.")
    support: int = Field(description="Number of pictures whose label has a symbol there.")
    accuracy: Interval


class Coverage(Result):
    """How many pictures are answered if only answers with a high confidence are given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: float = Field(
        description="Accuracy of the answers for which the threshold was chosen, on validation pictures."
    )
    threshold: float | None = Field(
        description="Lowest confidence of an answer; None: no confidence reached the goal, so nothing is answered."
    )
    coverage: Interval = Field(description="Share of pictures that are answered.")
    accuracy: Interval | None = Field(
        description="Share of the answers that are correct; None: there are no answers."
    )


class SequenceScores(Result):
    """What is known about the readings of sequences beyond the share that is correct."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_symbols: int = Field(
        description="The most symbols that the network can read; longer sequences are errors."
    )
    lengths: tuple[LengthScore, ...]
    places: tuple[PlaceScore, ...]
    edit_distance: Interval = Field(
        description="Mean number of symbols that are wrong, missing or too many in a reading."
    )
    coverage: tuple[Coverage, ...] = Field(
        default=(), description="For each goal; empty: no thresholds were chosen on validation pictures."
    )


class Evaluation(Result):
    """The scores of one classifier on one image set.

    `confusion[i][j]` counts the pictures of class i that were predicted as class j.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: str
    fingerprint: str = Field(description="SHA-256 of the pictures and labels, see ImageSet.fingerprint.")
    pictures: int
    own: bool = Field(default=True, description="Whether the pictures are from the run's own data.")
    learned_from: int | None = Field(
        default=None,
        description="Number of these pictures that the run was trained on, recognised by their pixels; None: unknown.",
    )
    notes: tuple[str, ...] = Field(default=(), description="Notes to read before quoting a score.")
    skipped: dict[str, str] = Field(default={}, description="Files left out with skip_bad: path → reason.")
    classifier_sha256: str | None = Field(
        default=None,
        description="SHA-256 of the weights that were evaluated; none: an older version did not store it.",
    )
    number_format: str = Field(
        default="float32",
        description="What the network was computed in: float32 or bfloat16, which older versions did not use.",
    )
    library: str | None = Field(
        default=None,
        description="What computed the network, with its version; none: an older version did not store it.",
    )
    classes: tuple[str, ...]
    loss: Interval = Field(description="Mean cross-entropy in nats.")
    accuracy: Interval = Field(description="Share of pictures whose most probable class is their label.")
    calibration_error: Interval = Field(
        description="Expected calibration error: the difference between confidence and accuracy; 0 is perfect."
    )
    macro_recall: Interval | None = Field(
        default=None,
        description="Mean recall of the classes, each with the same weight; None: they do not differ much in size.",
    )
    macro_f1: Interval | None = Field(default=None, description="Mean F1 of the classes; None: the same.")
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    sequences: SequenceScores | None = Field(
        default=None,
        description="For sequences of symbols, whose symbols are the classes here. The accuracy is that of whole "
        "sequences; `confusion` and `per_class` count symbols.",
    )

    def plot_confusion(self) -> Figure:
        """Return the confusion matrix as a matplotlib figure: labels in rows, predictions in columns."""
        figure: Figure = displays.display("Evaluation", "plot_confusion", self)
        return figure

    @never_raises
    def __repr__(self) -> str:
        whose = "" if self.own else ", on pictures other than the run's own"
        if self.sequences is None:
            of = f"{len(self.classes)} classes"
        else:
            of = describe_sequences(self.classes, self.sequences.most_symbols)
        return (
            f"<Evaluation of {self.dataset}, {self.split}: {self.pictures:,} pictures of {of}{whose}; "
            f"{self._accuracy} {self.accuracy}, loss {self.loss}>"
        )

    @never_raises
    def __str__(self) -> str:
        scores = {
            self._accuracy: self.accuracy,
            "edit distance": None if self.sequences is None else self.sequences.edit_distance,
            "loss": self.loss,
            "calibration error": self.calibration_error,
            "macro recall": self.macro_recall,
            "macro F1": self.macro_f1,
        }
        rows = [
            *(("note", note) for note in self.notes),
            *((name, one) for name, one in scores.items() if one),
        ]
        width = max(len(self._accuracy), len("calibration error"))
        return "\n".join(
            [
                f"{self.dataset}, {self.split}: {self.pictures:,} pictures, 95 % intervals in brackets",
                *(f"{name:{width}}  {text}" for name, text in rows),
            ]
        )

    @property
    def _accuracy(self) -> str:
        """What the share of correct answers is called."""
        return accuracy_name(None if self.sequences is None else nouns(self.classes))

    def _repr_html_(self) -> str | None:
        return displays.html("Evaluation", self)
