"""The figures of a folder: how each is drawn from a data set or a run, and where it is saved."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.evaluation.evaluation import Evaluation
from picturewise.preparing.augmentation import Augmentation
from picturewise.reporting import figures
from picturewise.reporting.data_sheets import SAMPLES, DataSheets
from picturewise.reporting.evaluation_figures import confusion_matrix, length_accuracy
from picturewise.reporting.figure_words import words_of
from picturewise.reporting.samples import captions, drawn_places, seen
from picturewise.reporting.shown_pictures import worst_errors
from picturewise.runs.section import ReportFigure
from picturewise.targets.sequences import SequenceTarget, is_sequences
from picturewise.targets.target import Target
from picturewise.targets.words import Nouns

PREDICTIONS, ERRORS = 5, 12
AUGMENTED, TIMES = 8, 8
MODELS_A_SHEET = 4
_IN_GREY = "They are shown in grey, as the network sees them."


class Album:
    """The figures of one folder: PNG files named after what they show.

    Each also has a dark variant (`samples-dark.png`) for reports; `dark=False` leaves these out.
    """

    def __init__(self, folder: Path, *, dark: bool = True) -> None:
        self.folder = folder
        self.dark = dark

    def path(self, name: str) -> Path:
        """Return the path of a figure."""
        return self.folder / f"{name}.png"

    def dark_path(self, name: str) -> Path:
        """Return the path of a figure's dark variant."""
        return self.folder / f"{name}-dark.png"

    def save(self, figure: Figure, name: str) -> None:
        """Save a figure under a name of `WORDS`; the light file is written last, so if it exists, both exist."""
        if not self.dark:
            figures.save_png(figure, self.path(name))
            return
        self.write(name, *figures.to_both_papers(figure))

    def write(self, name: str, light: bytes, dark: bytes) -> None:
        """Write both variants of a figure, each a PNG file; see `save`."""
        files.write_bytes(self.dark_path(name), dark)
        files.write_bytes(self.path(name), light)

    def remove(self, name: str) -> None:
        """Remove a figure if it exists."""
        self.path(name).unlink(missing_ok=True)
        self.dark_path(name).unlink(missing_ok=True)

    def get(self, *names: str, in_grey: bool = False, nouns: Nouns | None = None) -> tuple[ReportFigure, ...]:
        """Return those of the figures that exist, with their titles and captions, for a report.

        Args:
            names: of the figures.
            in_grey: their pictures were drawn in grey although the data set has colour; the captions say so.
            nouns: the words for the sequences that they are about; None: they are about classes.
        """
        found = []
        for name in names:
            words, path = words_of(name.rstrip("-0123456789"), nouns), self.path(name)
            caption = f"{words.caption} {_IN_GREY}" if in_grey and words.has_pictures else words.caption
            with contextlib.suppress(
                FileNotFoundError
            ):  # another process may be drawing all figures again, with fewer sheets
                if path.is_file():
                    dark = self.dark_path(name)
                    found.append(
                        ReportFigure(
                            words.title, caption, words.alt, path.read_bytes(),
                            dark.read_bytes() if dark.is_file() else b"",
                        )
                    )  # fmt: skip
        return tuple(found)

    def sheets(self, name: str) -> list[Path]:
        """Return the files of a figure that has several sheets: `predictions.png`, `predictions-2.png` and so on."""
        pattern = re.compile(rf"{re.escape(name)}(-[0-9]+)?\.png")
        return sorted(path for path in self.folder.glob(f"{name}*.png") if pattern.fullmatch(path.name))

    def draw_data(
        self, dataset: Dataset, *, seed: int, in_grey: bool = False, also_in_grey: bool = False
    ) -> None:
        """Draw the figures of a data set; see `DataSheets.of`."""
        sheets = DataSheets.of(dataset, seed=seed, in_grey=in_grey, also_in_grey=also_in_grey)
        for name, figure in data_figures(sheets):
            self.save(figure, name)

    def draw_augmented(self, part: ImageSet, augmentations: Sequence[Augmentation], *, seed: int) -> None:
        """Draw some of the sample pictures augmented several times; without augmentation, remove an older sheet."""
        if not augmentations:
            self.remove("augmented")
            return
        from picturewise.preparing.preview import previews  # noqa: PLC0415 (PyTorch, which no other figure needs)

        chosen = part.select(drawn_places(len(part), SAMPLES, seed, "samples")[:AUGMENTED])
        pictures = np.asarray(chosen.images)
        versions = previews(pictures, augmentations, TIMES, seed=seed)
        lines = [item.line for item in augmentations]
        self.save(figures.draw_augmented_sheet(pictures, versions, captions(chosen), lines), "augmented")

    def draw_evaluation(
        self,
        evaluation: Evaluation,
        probabilities: NDArray[np.float32],
        test: ImageSet,
        labels: NDArray[np.int64],
        target: Target,
        name: str,
        *,
        seed: int,
        in_grey: bool = False,
    ) -> None:
        """Draw the confusion matrix, some predictions and the worst errors; without errors, remove an older sheet.

        Of sequences, also draw the accuracy of each length and place.
        """
        self.draw_predictions({name: probabilities}, test, labels, target, seed=seed, in_grey=in_grey)
        self.save(confusion_matrix(evaluation), "confusion")
        if evaluation.sequences is None:
            self.remove("lengths")
        else:
            self.save(length_accuracy(evaluation, evaluation.sequences), "lengths")
        worst = worst_errors(probabilities, test, labels, target, ERRORS, in_grey=in_grey)
        if worst:
            verb = "read as" if is_sequences(target) else "predicted"
            self.save(figures.draw_worst_errors(worst, verb=verb), "errors")
        else:
            self.remove("errors")

    def draw_predictions(
        self,
        probabilities: Mapping[str, NDArray[np.float32]],
        test: ImageSet,
        labels: NDArray[np.int64],
        target: Target,
        *,
        seed: int,
        in_grey: bool = False,
        targets: Mapping[str, SequenceTarget] = MappingProxyType({}),
    ) -> tuple[str, ...]:
        """Draw random test pictures with each model's probabilities next to them; return the names of the sheets.

        Args:
            probabilities: model → (N, outputs).
            test: the N pictures.
            labels: of these, in the form that `target` checks.
            target: the meaning of labels, and of probabilities.
            seed: selects the pictures.
            in_grey: whether all networks see the pictures in grey.
            targets: model → the meaning of its probabilities, for sequences; see `draw_reading_sheet`.
        """
        chosen = drawn_places(len(test), PREDICTIONS, seed, "predictions")
        rows = [(name, table[chosen]) for name, table in probabilities.items()]
        parts = [dict(rows[start : start + MODELS_A_SHEET]) for start in range(0, len(rows), MODELS_A_SHEET)]
        names = tuple(
            f"predictions-{number}" if number > 1 else "predictions" for number in range(1, len(parts) + 1)
        )
        for older in self.sheets("predictions"):  # of more models
            if older.stem not in names:
                self.remove(older.stem)
        pictures = seen(test.images[chosen], in_grey=in_grey)
        for name, part in zip(names, parts, strict=True):
            sheet = (
                figures.draw_reading_sheet(pictures, labels[chosen], target, part, targets=targets)
                if is_sequences(target)
                else figures.draw_prediction_sheet(pictures, labels[chosen], target.classes, part)
            )
            self.save(sheet, name)
        return names


def data_figures(sheets: DataSheets) -> Iterator[tuple[str, Figure]]:
    """Draw the figures of a data set one after the other, each with its name; the counts come last."""
    yield "samples", figures.draw_sample_sheet(sheets.samples, sheets.captions)
    if sheets.grey is not None:
        yield "samples-grey", figures.draw_sample_sheet(sheets.grey, sheets.captions)
    if sheets.lengths:
        yield "number-lengths", figures.draw_class_counts(sheets.lengths)
    if sheets.rows is not None:
        yield "classes", figures.draw_class_sheet(sheets.rows)
    if sheets.counts:
        yield "counts", figures.draw_class_counts(sheets.counts, unit=sheets.unit)
