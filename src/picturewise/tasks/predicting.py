"""Predictions for any source, some at a time, passed to whatever writes or prints them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturewise.data.contract import Source
from picturewise.data.dataset import Skipped
from picturewise.data.hints import Hints
from picturewise.data.pictures.cut import note_on_whole
from picturewise.data.read import read_blocks
from picturewise.data.readers.loose_pictures import LoosePictures
from picturewise.data.recognise import check_obeyed, folder_of_names, recognise, recognise_each
from picturewise.errors import DataError
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.predict import PredictedBlock, predicted_block
from picturewise.prediction.seen_greys import SeenGreys
from picturewise.printable import printable
from picturewise.split_names import SplitName
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.tasks.prediction_tables import Output

Progress = Callable[[str, int, int | None], None]
"""Called with what is done, how many pictures are done, and of how many, if that is known."""
_NAMED = 5
"""Files that are left out and kept by name: there may be a million."""


class Predicting:
    """Predictions that are made while they are asked for; an iteration makes all of them.

    Args:
        classifier: the classifier.
        sources: of the pictures.
        shown: returns the name of a source of pictures without names.
        split: of sources with splits; None: see `split_to_use`.
        progress: see `Progress`; None: nobody wants to know.
        named: keep at most so many files that are left out; None: all.
        abstain_below: readings of lower probability are left to people.

    Attributes:
        predicted: how many pictures were predicted.
        abstained: how many of these are left to people.
        unreadable: how many files could not be read.
        left_out: the first of these, and of what is beside the pictures and was not read.
        left_out_count: how many these are.
    """

    def __init__(
        self,
        classifier: Classifier,
        sources: Sequence[Source],
        shown: Callable[[Source], str],
        *,
        split: SplitName | None = None,
        progress: Progress | None = None,
        named: int | None = _NAMED,
        abstain_below: float = 0.0,
    ) -> None:
        self.classifier, self.sources = classifier, sources
        self.predicted = self.unreadable = self.left_out_count = self.abstained = 0
        self.abstain_below = abstain_below
        self.left_out: list[Skipped] = []
        self._first_bad: Skipped | None = None
        self._shown, self._split, self._progress, self._named = shown, split, progress, named
        self._notes: dict[str, None] = {}
        self._greys = SeenGreys()

    def __iter__(self) -> Iterator[PredictedBlock]:
        """Yield the predictions.

        Raises:
            DataError: the pictures cannot be read; a file that cannot be read is a row with an error.
            RunError: the network gives NaN or infinity for a picture.
        """
        options = self.classifier.description.read_options(skip_bad=True)
        for source in self.sources:
            split = self._split or split_to_use(source)
            total = self._total(source)
            shown, full_path = self._shown(source), _full_path(source, self._shown(source))
            reading = None if self._progress is None else self._told_reading
            for block in read_blocks(source, options, split, progress=reading):
                predicted = predicted_block(
                    self.classifier, block, shown, full_path=full_path, abstain_below=self.abstain_below
                )
                if self.classifier.description.learned is not None:
                    self._greys.add(block.pictures)
                learned = self.classifier.description.cut
                whole = note_on_whole(learned, block.cut) if predicted.rows else ()
                self._notes |= dict.fromkeys((*block.notes, *whole))
                self._count(predicted)
                if self._progress is not None:
                    self._progress("Predicting", self.predicted + self.unreadable, total)
                yield predicted

    @property
    def notes(self) -> tuple[str, ...]:
        """Decisions that were made while reading, and whether the pictures are unlike those of training."""
        return (*self._notes, *self._greys.note(self.classifier))

    def check_any(self) -> None:
        """Check that not all files were unreadable.

        Raises:
            DataError: they were.
        """
        if self.unreadable and not self.predicted and self._first_bad is not None:
            raise DataError(
                f"None of the {self.unreadable:,} files can be read as a picture; the first is {self._first_bad.path}: "
                f"{self._first_bad.reason}."
            )

    def _count(self, block: PredictedBlock) -> None:
        bad = [Skipped(row.name, row.error) for row in block.rows if row.probabilities is None]
        self.predicted += len(block.rows) - len(bad)
        self.abstained += sum(row.abstained for row in block.rows)
        self.unreadable += len(bad)
        self._first_bad = self._first_bad or next(iter(bad), None)
        self.leave_out((*bad, *block.left_out))

    def leave_out(self, skipped: Sequence[Skipped]) -> None:
        """Count what is left out, and keep the first by name."""
        self.left_out_count += len(skipped)
        self.left_out += skipped
        if self._named is not None:
            del self.left_out[self._named :]

    def _total(self, source: Source) -> int | None:
        """Return how many pictures there will be, for the progress; only files are counted beforehand."""
        if self._progress is None or not isinstance(source, LoosePictures):
            return None
        return self.predicted + self.unreadable + source.count()

    def _told_reading(self, done: int, total: int) -> None:
        assert self._progress is not None  # noqa: S101 (it is passed only then)
        self._progress("Reading pictures", done, total)


def predict_into(predicting: Predicting, outputs: Sequence[Output]) -> None:
    """Make all predictions and pass them to the outputs.

    Raises:
        PicturewiseError: as for `Predicting` and the outputs. A note on it, and on a KeyboardInterrupt, says what is
            kept of the results.
    """
    try:
        for block in predicting:
            for output in outputs:
                output.add(block)
        for output in outputs:
            output.finish()
    except BaseException as error:
        kept = " ".join(filter(None, [output.abandon() for output in outputs]))
        if kept:
            error.add_note(kept)
        raise


def split_to_use(source: Source) -> SplitName:
    """Return the split of a source that a finished classifier is used on: test, or the only split of the source.

    Raises:
        DataError: it has several splits, but not a test split.
    """
    if "test" in source.splits:
        return "test"
    if len(source.splits) > 1:
        raise DataError(
            f"{printable(source.place or source.name)} has the splits {', '.join(source.splits)}, but no test "
            "split. Pass the pictures of only one split."
        )
    return source.splits[0]


def recognised(data: Any, hints: Hints, classifier: Classifier, *, recursive: bool = False) -> list[Source]:
    """Return the sources of data that are to be predicted by a classifier; see `predict`."""
    sequences = is_sequences(classifier.description.target)
    if recursive and isinstance(data, str | Path):
        data = [data]
    if _are_paths(data):
        return recognise_each(data, hints=hints, recursive=recursive, sequences=sequences)
    if not isinstance(data, str | Path):
        from picturewise.data.given_pictures import are_pictures, given_pictures  # noqa: PLC0415 (files do not need them)

        if are_pictures(data):
            source = given_pictures(data, classifier.description.shape, hints=hints)
            check_obeyed(hints, source)
            return [source]
    return [recognise(data, hints=hints, labelled=False, sequences=sequences)]


def shown_by(data: Any) -> Callable[[Source], str]:
    """Return the function that names a source of pictures without names: a single path is shown as it was passed."""
    only = data[0] if _are_paths(data) and len(data) == 1 else data

    def shown(source: Source) -> str:
        return printable(only if isinstance(only, str | Path) else source.place or source.name)

    return shown


def _are_paths(data: Any) -> bool:
    return isinstance(data, list | tuple) and all(isinstance(item, str | Path) for item in data)


def _full_path(source: Source, shown: str) -> Callable[[str], str]:
    """Return the function that gives the path of a picture from its name, which may be below its source."""
    if isinstance(source, LoosePictures) or source.place is None:
        return str
    folder: Path | None = None
    searched = False

    def full_path(name: str) -> str:
        nonlocal folder, searched
        if not searched:
            folder, searched = folder_of_names(source, name), True
        return name if folder is None else os.path.join(str(folder), name)  # noqa: PTH118 (a million of them)

    return full_path
