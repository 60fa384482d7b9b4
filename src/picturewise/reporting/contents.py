"""The content of a report: frozen facts, gathered by the caller, about one data set and one or more models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from picturewise.data.dataset import Skipped
from picturewise.evaluation.comparing import Comparison
from picturewise.evaluation.evaluation import Evaluation, Interval
from picturewise.runs.history import Epoch
from picturewise.runs.section import ReportFigure
from picturewise.targets.words import Nouns


@dataclass(frozen=True)
class SplitSummary:
    """One split: its number of pictures, its SHA-256 (`ImageSet.fingerprint`), and its `ImageSet.counts`."""

    name: str
    pictures: int
    fingerprint: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetSummary:
    """The data set that the models were trained and evaluated on.

    Attributes:
        name: short, such as `flowers`.
        source: the path or catalogue name that it was read from.
        shape: height, width and channels of a picture.
        classes: the class names in the order of the label numbers.
        splits: in the order train, valid, test.
        notes: decisions that were made while reading, in sentences.
        skipped: files that were left out, and the reasons.
        figures: about the data.
        nouns: the words for the sequences that are the labels; None: they are classes.
        places: the most symbols of a sequence that the models read; None: they predict classes.
    """

    name: str
    source: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    splits: tuple[SplitSummary, ...]
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    nouns: Nouns | None = None
    places: int | None = None


@dataclass(frozen=True)
class LayerFacts:
    """One layer line, the shape of its output ("16 × 16 × 32"), and its number of parameters."""

    line: str
    output_shape: str
    parameters: int


@dataclass(frozen=True)
class ModelFacts:
    """One trained model.

    Attributes:
        name: unique in the report.
        layers: from the input to the output.
        parameters: how many the network has.
        frozen_parameters: how many of them were not trained.
        statistics: how many other numbers are measured, such as running means; they are not parameters.
        training: the options of the training that the user chose, or that have a fixed default: name → value.
        derived: options that Picturewise derived, name → value.
        machine: where it was trained, name → value.
        history: one entry per epoch; may be empty.
        evaluation: on the test split, or None if it has not been evaluated yet.
        evaluate_command: the command that evaluates it.
        recipe: TOML text.
        weights_sha256: of the classifier's weights.
        figures: about this model.
        graph: a figure of its layers, or nothing.
        trained_as: the name of the model whose network this is, if it was trained under that name alone, or "".
    """

    name: str
    layers: tuple[LayerFacts, ...]
    parameters: int
    frozen_parameters: int
    statistics: int
    training: Mapping[str, str]
    derived: Mapping[str, str]
    machine: Mapping[str, str]
    history: Sequence[Epoch]
    evaluation: Evaluation | None
    evaluate_command: str
    recipe: str
    weights_sha256: str
    figures: tuple[ReportFigure, ...] = ()
    graph: tuple[ReportFigure, ...] = ()
    trained_as: str = ""


@dataclass(frozen=True)
class ComparisonRow:
    """One model in the comparison; unknown values are None.

    Attributes:
        model: its name.
        parameters: of the network, frozen ones included.
        accuracy: on the test split.
        loss: on the test split.
        seconds: duration of the training.
        paired: the paired test of this model and the reference, in either order; None for the reference.
    """

    model: str
    parameters: int
    accuracy: Interval | None = None
    loss: Interval | None = None
    seconds: float | None = None
    paired: Comparison | None = None

    @property
    def difference(self) -> Interval | None:
        """This model's accuracy minus the reference's."""
        if self.paired is None or self.paired.a == self.model:
            return None if self.paired is None else self.paired.difference
        turned = self.paired.difference
        return Interval(value=-turned.value, low=-turned.high, high=-turned.low)


@dataclass(frozen=True)
class ComparisonTable:
    """Several models on the same test pictures.

    Attributes:
        reference: name of the model that the others are compared with.
        rows: one per model, including the reference.
        method: the paired test and the correction for several comparisons, in a sentence.
        title: which pictures the table is about, if a report has several tables.
    """

    reference: str
    rows: tuple[ComparisonRow, ...]
    method: str = ""
    title: str = ""


@dataclass(frozen=True)
class Published:
    """A result that others published; unknown values are None.

    Attributes:
        accuracy: in 0..1, on pictures that it was not trained on.
        loss: on the same pictures.
        train_accuracy: on the training pictures.
        epochs: the epoch of these results.
        steps: batches until then.
        pictures: for training.
        note: the conditions.
    """

    accuracy: float | None = None
    loss: float | None = None
    train_accuracy: float | None = None
    epochs: int | None = None
    steps: int | None = None
    pictures: int | None = None
    note: str = ""


@dataclass(frozen=True)
class StudyRow:
    """One model of a study; unknown values are None.

    Attributes:
        model: its name.
        about: what is special about it.
        data: name of the data set that it was trained on.
        parameters: of the network, frozen ones included.
        epochs: number of epochs.
        seconds: duration of the training.
        valid_accuracy: on the validation split, which the best epoch was chosen on.
        valid_loss: on the validation split.
        accuracy: on the test split.
        loss: on the test split.
        published: results that others published for this model.
        as_published: whether it was trained with the published options.
        remark: how its pictures differ from those of the published results.
        train_pictures: number of training pictures.
        steps: number of batches.
        kept_epoch: the epoch of the classifier.
        train_accuracy: mean over the batches of that epoch, in 0..1.
        seeds: test accuracy of each run, starting with seed 0.
        mean: of these, with Student's interval; None for a single run.
        reads: what its accuracies are of: classes, or whole numbers or other sequences.
    """

    model: str
    about: str
    data: str
    parameters: int
    epochs: int
    seconds: float
    valid_accuracy: Interval
    valid_loss: Interval
    accuracy: Interval
    loss: Interval
    published: tuple[Published, ...] = ()
    as_published: bool = False
    remark: str = ""
    train_pictures: int | None = None
    steps: int | None = None
    kept_epoch: int | None = None
    train_accuracy: float | None = None
    seeds: tuple[float, ...] = ()
    mean: Interval | None = None
    reads: str = "classes"


@dataclass(frozen=True)
class Report:
    """The content of one report.

    Attributes:
        title: of the page.
        datasets: what the models were trained on, at least one.
        models: at least one.
        comparisons: one for each set of test pictures that several models were evaluated on.
        figures: about all models together.
        answer: the result in a sentence, if it is not the accuracy of the best model, or "".
        about: the question of the report, in paragraphs separated by empty lines, or "".
        notice: what readers must know before they quote anything, or "".
        study: the models of a study, or nothing.
        made_by: program version and date for the bottom of the page, or "".
    """

    title: str
    datasets: tuple[DatasetSummary, ...]
    models: tuple[ModelFacts, ...]
    comparisons: tuple[ComparisonTable, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    answer: str = ""
    about: str = ""
    notice: str = ""
    study: tuple[StudyRow, ...] = ()
    made_by: str = ""

    @property
    def nouns(self) -> Nouns | None:
        """The words for the sequences that all models read; None: some predict classes."""
        found = {data.nouns for data in self.datasets}
        return found.pop() if len(found) == 1 else None
