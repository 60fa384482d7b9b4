"""The figures of Picturewise: what each shows, how it is made from a data set or a run, where it is kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.pixels import as_channels
from picturewise.evaluation.evaluation import Evaluation
from picturewise.reporting import figures
from picturewise.reporting.samples import captions, drawn_places
from picturewise.reporting.shown_pictures import class_rows, worst_errors
from picturewise.runs.section import ReportFigure

SAMPLES, PER_CLASS, PREDICTIONS, ERRORS = 24, 10, 5, 12
MODELS_A_SHEET = 4


@dataclass(frozen=True)
class Words:
    """What is written around a figure."""

    title: str
    caption: str
    alt: str


WORDS: Mapping[str, Words] = {
    "counts": Words(
        "Pictures of each class",
        "How many pictures of each class every split holds.",
        "Bar charts of class counts.",
    ),
    "samples": Words(
        "Random pictures", "Drawn at random from train, with their labels.", "Sheet of labelled pictures."
    ),
    "samples-grey": Words(
        "The same pictures in grey",
        "The mean of the colour channels, one channel kept.",
        "The same sheet of labelled pictures in grey.",
    ),
    "classes": Words(
        "The classes",
        "Each class of train: its mean picture, and a row of samples.",
        "One row a class with its mean picture and samples.",
    ),
    "learning-curves": Words(
        "Learning curves",
        "Loss and accuracy after each epoch, on train (dashed) and validation (solid). Train is measured under way, "
        "with dropout and augmentation at work.",
        "Line charts of loss and accuracy against the epoch.",
    ),
    "architecture": Words(
        "The network",
        "Its layers from the input to the output; a box is the wider, the more numbers leave it.",
        "Boxes in a row with arrows; the table below says the same in words and numbers.",
    ),
    "confusion": Words(
        "Confusion matrix",
        "Rows are labels, columns predictions; the colour is the share of the row.",
        "Matrix of labels against predictions; the table of classes says the same in numbers.",
    ),
    "predictions": Words(
        "Random test pictures",
        "Drawn at random: each picture beside its label and the probability of each class.",
        "Test pictures with bar charts of the predicted probabilities.",
    ),
    "errors": Words(
        "The worst errors",
        "The wrongly classified pictures whose label was given the least probability, worst first.",
        "Sheet of misclassified pictures with label and prediction.",
    ),
}


class Album:
    """The figures of one folder: PNG files named after what they show."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return where a figure lies."""
        return self.folder / f"{name}.png"

    def get(self, *names: str) -> tuple[ReportFigure, ...]:
        """Return those of the figures that have been drawn, with their words, for a report."""
        found = []
        for name in names:
            words, path = WORDS[name.rstrip("-0123456789")], self.path(name)
            with contextlib.suppress(
                FileNotFoundError
            ):  # another process may draw all anew, with fewer sheets
                if path.is_file():
                    found.append(ReportFigure(words.title, words.caption, words.alt, path.read_bytes()))
        return tuple(found)

    def sheets(self, name: str) -> list[Path]:
        """Return the files of a figure that has several sheets: `predictions.png`, `predictions-2.png` and so on."""
        pattern = re.compile(rf"{re.escape(name)}(-[0-9]+)?\.png")
        return sorted(path for path in self.folder.glob(f"{name}*.png") if pattern.fullmatch(path.name))

    def draw_data(self, dataset: Dataset, *, grey: bool, seed: int) -> None:
        """Draw what there is to see of the train split (of another, where there is no train), and the counts."""
        part = next(iter(dataset.splits().values()))
        chosen = part.select(drawn_places(len(part), SAMPLES, seed, "samples"))
        pictures = np.asarray(chosen.images)
        words = captions(chosen)
        figures.save_png(figures.draw_sample_sheet(pictures, words), self.path("samples"))
        if grey:
            greyed = as_channels(pictures, 1)
            figures.save_png(figures.draw_sample_sheet(greyed, words), self.path("samples-grey"))
        if part.labels is not None:
            figures.save_png(
                figures.draw_class_sheet(class_rows(part, part.labels, PER_CLASS, seed)), self.path("classes")
            )
            counts: dict[str, dict[str, int]] = {
                name: item.counts() for name, item in dataset.splits().items()
            }
            figures.save_png(figures.draw_class_counts(counts), self.path("counts"))

    def draw_evaluation(
        self,
        evaluation: Evaluation,
        probabilities: NDArray[np.float32],
        test: ImageSet,
        labels: NDArray[np.int64],
        name: str,
        *,
        seed: int,
    ) -> None:
        """Draw the confusion matrix, some predictions, and the worst errors (an older sheet goes if there are none)."""
        self.draw_predictions({name: probabilities}, test, labels, evaluation.classes, seed=seed)
        figures.save_png(
            figures.draw_confusion_matrix(np.array(evaluation.confusion), evaluation.classes),
            self.path("confusion"),
        )
        worst = worst_errors(probabilities, test, labels, evaluation.classes, ERRORS)
        if worst:
            figures.save_png(figures.draw_worst_errors(worst), self.path("errors"))
        else:
            self.path("errors").unlink(missing_ok=True)

    def draw_predictions(
        self,
        probabilities: Mapping[str, NDArray[np.float32]],
        test: ImageSet,
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
        *,
        seed: int,
    ) -> tuple[str, ...]:
        """Draw the same random test pictures with each model's distribution beside them; return the sheets' names."""
        chosen = drawn_places(len(test), PREDICTIONS, seed, "predictions")
        rows = [(name, table[chosen]) for name, table in probabilities.items()]
        parts = [dict(rows[start : start + MODELS_A_SHEET]) for start in range(0, len(rows), MODELS_A_SHEET)]
        names = tuple(
            f"predictions-{number}" if number > 1 else "predictions" for number in range(1, len(parts) + 1)
        )
        for older in self.sheets("predictions"):  # of more models
            if older.stem not in names:
                older.unlink(missing_ok=True)
        for name, part in zip(names, parts, strict=True):
            sheet = figures.draw_prediction_sheet(test.images[chosen], labels[chosen], classes, part)
            figures.save_png(sheet, self.path(name))
        return names
