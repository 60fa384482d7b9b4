"""What `picturewise predict` prints: bars, JSON, and what was written and left out; and a picture that is piped in."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturewise.cli import output
from picturewise.errors import DataError, UsageError
from picturewise.prediction.predict import READINGS, PredictedBlock, Row
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.data.hints import Hints
    from picturewise.data.readers.loose_pictures import LoosePictures
    from picturewise.prediction.classifier import Classifier
    from picturewise.tasks.predicting import Predicting, Progress
    from picturewise.tasks.prediction_tables import Output

BAR = 30
_WIDEST = 60  # characters; longer class names do not widen the column


def printed(
    classifier: Classifier,
    *,
    top: int | None,
    json: bool,
    jsonl: bool,
    bars: bool,
    min_confidence: float | None,
    abstains: bool,
) -> list[Output]:
    """Return what prints the predictions in the form that is asked for; nothing if they are only written to files."""
    if json:
        return [_Json(classifier, top, min_confidence, abstains=abstains)]
    if jsonl:
        return [_JsonLines(top, min_confidence, abstains=abstains)]
    return [_Bars(top, min_confidence, abstains=abstains)] if bars else []


class _Printed:
    def __init__(self, top: int | None, min_confidence: float | None, *, abstains: bool) -> None:
        self._top, self._least, self._abstains = top, min_confidence, abstains

    def finish(self) -> None:
        """Do nothing."""

    def abandon(self) -> str:
        """Return nothing, because what was printed can be seen."""
        return ""

    def _is_unsure(self, row: Row) -> bool:
        return self._least is not None and row.probability < self._least

    def _as_object(self, row: Row, block: PredictedBlock) -> dict[str, Any]:
        if row.probabilities is None:
            return {"file": row.path, "error": row.error}
        if block.target is not None:
            return self._as_reading(row, block)
        classes = block.classes
        order = range(len(classes)) if self._top is None else row.best(self._top)
        found: dict[str, Any] = {"file": row.path, "class": row.label, "probability": row.probability}
        if self._least is not None:
            found["unsure"] = self._is_unsure(row)
        return found | {"probabilities": {classes[index]: float(row.probabilities[index]) for index in order}}

    def _as_reading(self, row: Row, block: PredictedBlock) -> dict[str, Any]:
        found: dict[str, Any] = {"file": row.path, "label": row.label, "probability": row.probability}
        if self._least is not None:
            found["unsure"] = self._is_unsure(row)
        if self._abstains:
            found["abstained"] = row.abstained
        found["parts"] = [{"part": part, "probability": share} for part, share in block.parts(row)]
        return found | {"probabilities": dict(block.alternatives(row, self._top or READINGS))}


class _Bars(_Printed):
    def add(self, block: PredictedBlock) -> None:
        for row in block.rows:
            if row.probabilities is not None:  # the others are told at the end
                self._show(row, block)

    def _show(self, row: Row, block: PredictedBlock) -> None:
        from picturewise.reporting.tables import bar, percent
        from picturewise.text_tables import WIDTH

        unsure = ", unsure" * self._is_unsure(row)
        label = "left to people" if row.abstained else row.label
        output.say(f"{row.name}: {label} ({percent(row.probability, digits=1)}{unsure})")
        bars = self._bars(row, block)
        width = min(_WIDEST, max(len(name) for name, _ in bars))
        length = min(BAR, WIDTH - width - 13)  # of a bar: the rest is the margin, two gaps and the percentage
        for name, share in bars:
            output.say(f"  {name:{width}}  {bar(share, length)}  {percent(share, digits=1):>7}")

    def _bars(self, row: Row, block: PredictedBlock) -> list[tuple[str, float]]:
        """Return the names and the probabilities of a row's bars."""
        if self._top is None and block.target is not None:
            return block.parts(row)
        if self._top is None and len(block.classes) <= 10:
            assert row.probabilities is not None  # noqa: S101 (see add)
            return [*zip(block.classes, map(float, row.probabilities), strict=True)]
        return block.alternatives(row, self._top or 5)


class _JsonLines(_Printed):
    def add(self, block: PredictedBlock) -> None:
        lines = [json.dumps(self._as_object(row, block)) for row in block.rows]
        if lines:
            output.say_json_lines("\n".join(lines))


class _Json(_Printed):
    """One JSON object, printed when all pictures are predicted."""

    def __init__(
        self, classifier: Classifier, top: int | None, min_confidence: float | None, *, abstains: bool
    ) -> None:
        super().__init__(top, min_confidence, abstains=abstains)
        self._classifier = classifier
        self._predictions: list[str] = []

    def add(self, block: PredictedBlock) -> None:
        self._predictions += [json.dumps(self._as_object(row, block)) for row in block.rows]

    def finish(self) -> None:
        classifier = json.dumps(about(self._classifier), indent=1).replace("\n", "\n ")
        inside = ",\n  ".join(self._predictions)
        rows = f"[\n  {inside}\n ]" if inside else "[]"
        output.say_json(f'{{\n "classifier": {classifier},\n "predictions": {rows}\n}}')


def about(classifier: Classifier) -> Mapping[str, object]:
    """Return what identifies a classifier: the SHA-256 of its weights, what trained it, and its classes or symbols."""
    known = classifier.description.provenance
    named = "alphabet" if is_sequences(classifier.description.target) else "classes"
    return {
        "sha256": classifier.weights_sha256,
        "version": known.get("picturewise"),
        "dataset": known.get("dataset"),
        named: list(classifier.classes),
    }


def standard_input(paths: Sequence[Path], hints: Hints, *, recursive: bool) -> LoosePictures:
    """Return the picture on standard input as a source.

    Raises:
        UsageError: there are other paths, or hints or options for folders.
        DataError: there is nothing, or more than a picture file may have.
    """
    from picturewise.data.pictures.decode import MAX_BYTES
    from picturewise.data.readers.loose_pictures import OBEYED, LoosePictures
    from picturewise.data.recognise import check_obeyed

    if len(paths) > 1:
        raise UsageError(
            "- stands for one picture on standard input, and cannot be combined with other paths."
        )
    if recursive:
        raise UsageError("--recursive applies to folders, but the only path is -. Omit it, or pass a folder.")
    source = LoosePictures((), "standard input", "standard input", hints=hints.only(*OBEYED))
    check_obeyed(hints, source)
    try:
        content = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin else b""
    except OSError as error:
        raise DataError(f"Standard input cannot be read: {error.strerror or error}.") from error
    if not content:
        raise DataError(
            "Standard input is empty. Pass a picture file to it, such as: picturewise predict RUN - < scan.png"
        )
    if len(content) > MAX_BYTES:
        raise DataError(
            f"Standard input is too large for a picture: at most {MAX_BYTES:,} bytes are allowed."
        )
    return LoosePictures(((content,),), source.place, source.called, hints=source.hints)


@contextlib.contextmanager
def progress(*, shown: bool, prints: bool) -> Iterator[Progress | None]:
    """Yield what draws a bar on a terminal after a second, unless the predictions are printed there."""
    from picturewise.standard_error import STANDARD_ERROR

    if not shown or not STANDARD_ERROR.isatty() or (prints and _is_terminal(sys.stdout)):
        yield None
        return
    from picturewise.tasks.reading_progress import late_progress

    with late_progress() as advance:
        yield advance


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def tell_written(predicting: Predicting, path: Path | None, *, quiet: bool) -> None:
    """Print how many predictions are in a file."""
    if path is not None and not quiet:
        output.say(f"{_predictions(predicting.predicted)} written to {path}")


def tell_abstained(predicting: Predicting, *, quiet: bool) -> None:
    """Print how many pictures are left to people."""
    if not quiet:
        output.say(
            f"{predicting.abstained:,} of {predicting.predicted:,} left to people (confidence below "
            f"{predicting.abstain_below:.3g})"
        )


def tell_sorted(predicting: Predicting, outputs: Sequence[Output], *, quiet: bool) -> tuple[str, ...]:
    """Print how many pictures were sorted; return notes about the folders' names."""
    if not outputs:
        return ()
    from picturewise.tasks.sort_into import SortedFolders

    notes: tuple[str, ...] = ()
    for one in outputs:
        if isinstance(one, SortedFolders):
            if not quiet:
                output.say(f"{one.count:,} picture{'s' * (one.count != 1)} sorted into {one.folder}")
            predicting.leave_out(one.left_out)
            notes = one.notes
    return notes


def tell_left_out(predicting: Predicting, csv: Path | None) -> int:
    """Print the first files that were left out and their number on standard error, and return the exit code."""
    for item in predicting.left_out:
        output.warn(f"left out  {item.path}: {item.reason}")
    count = predicting.left_out_count
    if count > len(predicting.left_out):
        what = "files" if count == predicting.unreadable else "files and folders"
        where = "--csv FILE" if csv is None else csv
        output.warn(f"left out  {count:,} {what} in total; {where} lists the files that cannot be read")
    return 1 if count else 0


def _predictions(count: int) -> str:
    return f"{count:,} prediction{'s' * (count != 1)}"
