"""What the commands print: results on the standard output, in plain lines and tables."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise import logs
from picturewise.circumstances import circumstances
from picturewise.errors import RunError
from picturewise.file_names import repaired, text_of
from picturewise.printable import escaped, printable
from picturewise.standard_error import STANDARD_ERROR
from picturewise.text_tables import folded, text_table

if TYPE_CHECKING:
    from pydantic import BaseModel

    from picturewise.architectures.summary import Summary
    from picturewise.evaluation.evaluation import Evaluation, Interval, SequenceScores
    from picturewise.runs.run import Run
    from picturewise.split_names import SplitName
    from picturewise.tasks.compare import RunComparison
    from picturewise.tasks.extend import Extension
    from picturewise.tasks.find_rate import FoundRate
    from picturewise.tasks.inspect import Inspection


class OutputLostError(Exception):
    """The standard output could not be written.

    Attributes:
        pipe: whether the program that reads it has ended, as `head` does; then no message is needed.
    """

    pipe = False

    @classmethod
    def of(cls, error: OSError | ValueError) -> OutputLostError:
        """Return the error for what a stream raised; a closed stream raises ValueError."""
        strerror = error.strerror or str(error) if isinstance(error, OSError) else "standard output is closed"
        lost = cls(strerror)
        lost.pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
        return lost


def say(text: str = "") -> None:
    """Print one line at once; hidden characters in names are made visible.

    Raises:
        OutputLostError: the standard output cannot be written.
    """
    _print(printable(text))


def say_folded(text: str, *, indent: int = 0) -> None:
    """Print a paragraph like `say`, in lines of at most 80 characters; see `folded`."""
    _print(folded(printable(text), indent=indent))


def say_model(model: BaseModel) -> None:
    """Print a result as JSON, see `say_json`."""
    try:
        text = model.model_dump_json(indent=1)
    except ValueError:  # a path with bytes that are not UTF-8
        text = json.dumps(model.model_dump(mode="json"), indent=1, ensure_ascii=False)
    say_json(text)


def say_json(text: str) -> None:
    """Print a JSON value; an object gets a last key, `provenance`: when, by which command and with which versions.

    Raises:
        OutputLostError: as for `say`.
    """
    if text.startswith("{"):
        content = {**json.loads(text), "provenance": circumstances()._asdict()}
        text = json.dumps(content, indent=1, ensure_ascii=False)
    say_json_lines(text)


def say_json_lines(text: str) -> None:
    """Print JSON values as they are; characters that the standard output cannot encode are escaped.

    Raises:
        OutputLostError: as for `say`.
    """
    # As in `text_of`; the backslash of an escape is part of the text.
    text = re.sub("[\ud800-\udfff]", lambda found: "\\\\" + escaped(found[0])[1:], repaired(text))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if _lacks(encoding, text):  # only texts have such characters in JSON
        text = "".join(
            json.dumps(character)[1:-1] if _lacks(encoding, character) else character for character in text
        )
    _print(text)


def warn(text: str, *, keep: str = "") -> None:
    """Print one line on the standard error output, if there is one; characters in `keep` are not escaped.

    With --log-json, it is an event.
    """
    if logs.writes_lines():
        logs.log("said", level="WARNING", message=" ".join(printable(text, keep=keep).split()))
        return
    STANDARD_ERROR.write(printable(text, keep=keep) + "\n")
    STANDARD_ERROR.flush()


def tell_left_out(skipped: Mapping[str, str], listed_in: Path | None = None) -> int:
    """Print on the standard error output which files were left out, and return the exit code for that.

    Args:
        skipped: the reason for each path.
        listed_in: the file that lists all of them; then only the first few are printed.
    """
    shown = list(skipped.items())[: None if listed_in is None else 5]
    for path, reason in shown:
        warn(f"left out  {path}: {reason}")
    if skipped and listed_in is not None:
        files = "1 file" if len(skipped) == 1 else f"{len(skipped):,} files"
        warn(f"left out  {files} in total, listed in {listed_in}")
    return 1 if skipped else 0


def run_left_out(run: Run) -> int:
    """Print which files were left out of a run's pictures, and return the exit code for that."""
    return tell_left_out(dict(run.skipped()), run.path / "skipped.csv")


def _lacks(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return True
    return False


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # which is a ValueError too
        raise
    except (OSError, ValueError) as error:
        raise OutputLostError.of(error) from error


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1, breaks_words: bool = True
) -> None:
    """Print aligned columns: the first `left` ones to the left, the others, mostly numbers, to the right."""
    _print(text_table(head, rows, left=left, breaks_words=breaks_words))


def show_inspection(inspection: Inspection) -> None:
    """Print the counts, sizes and notes of a data set."""
    from picturewise.reporting.tables import count

    kind = "grey" if inspection.channels == 1 else "colour"
    names = f"{len(inspection.classes)} classes"
    if inspection.has_sequences:
        what, _, places = inspection.target.rpartition(" ")
        names = f"{what} of up to {places} symbols ({''.join(inspection.classes)})"
    say_folded(
        f"{inspection.name}: {names}, pictures of {inspection.height}x{inspection.width}, "
        f"{kind} ({inspection.channels} channel{'s' * (inspection.channels > 1)})"
    )
    splits = inspection.splits
    total = ("all", *(count(split.pictures) for split in splits.values()))
    if inspection.has_sequences:
        lengths = {name: split.lengths for name, split in splits.items()}
        table(
            ("length", *splits), [*_counted(next((of for of in lengths.values() if of), {}), lengths), total]
        )
        table(
            ("symbol", *splits),
            _counted(inspection.classes, {name: one.counts for name, one in splits.items()}),
        )
    else:
        counts = {name: split.counts for name, split in splits.items()}
        table(("class", *splits), [*_counted(inspection.classes, counts), total])
    for note in inspection.notes:
        say_folded(note)
    if inspection.skipped:
        say(f"files left out: {len(inspection.skipped)}")
        for path, reason in inspection.skipped.items():
            say(f"  {path}: {reason}")
    for figure in inspection.figures.values():
        say(f"figure  {figure}")


def _counted(names: Iterable[str], counts: Mapping[SplitName, Mapping[str, int]]) -> list[tuple[str, ...]]:
    """Return a row for each name: how often it occurs in each split; `?` without labels."""
    from picturewise.reporting.tables import count

    return [(name, *(count(of[name]) if of else "?" for of in counts.values())) for name in names]


class ScoreFirst:
    """As a context, prints how good a run is as soon as its training has ended, while its figures are being drawn."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json, self._is_told, self._stack = as_json, False, contextlib.ExitStack()

    def __enter__(self) -> ScoreFirst:
        from picturewise.tasks.training_report import when_trained

        if not self._as_json:
            self._stack.enter_context(when_trained(self._tell))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _tell(self, run: Run) -> None:
        with contextlib.suppress(
            OutputLostError
        ):  # the report is written anyway, and `show_run` will raise it again
            show_best(run)
            self._is_told = True

    def show_rest(self, run: Run) -> None:
        """Print where the run is, after the score if training was done by other processes."""
        if not self._is_told:
            show_best(run)
        _show_place(run)


def show_run(run: Run) -> None:
    """Print how a run ended and where it is."""
    show_best(run)
    _show_place(run)


def _show_place(run: Run) -> None:
    say(f"weights sha256  {run.classifier_sha256()}")
    say(f"run     {run.path}")
    say(f"report  {run.path / 'report.html'}")


def show_best(run: Run) -> None:
    """Print how good the kept epoch of a run was."""
    from picturewise.reporting.tables import duration
    from picturewise.runs.history import training_seconds, validation_seconds

    if not run.history:
        raise RunError(
            f"{run.path / 'history.csv'} is missing or empty, although the run is {run.record.status}. Restore it, or "
            "train again."
        )
    kept, validation = run.kept_epoch, validation_seconds(run.history)
    training = run.recipe.training
    which = f"{training.keep} epoch {kept.epoch} of {run.history[-1].epoch}"
    measured = f"accuracy in {training.folds} folds" if training.folds else "validation accuracy"
    whole = "" if (words := run.nouns) is None else f" of whole {words.whole}s"
    validated = "" if validation is None else f", including {duration(validation)} of validation"
    say_folded(
        f"{which}: {measured} {100 * kept.valid_accuracy:.2f} %{whole}, "
        f"loss {kept.valid_loss:.4f}; all epochs took {duration(training_seconds(run.history))}"
        f"{validated}"
    )


def show_extension(extension: Extension) -> None:
    """Print the accuracy on the classes of the older network, and on the new classes."""
    from picturewise.names import listed
    from picturewise.reporting.tables import count, percent_with_interval

    for kind, evaluated in (("old", extension.old), ("new", extension.new)):
        if evaluated is not None:
            before = (
                ""
                if evaluated.before is None
                else f"before {percent_with_interval(evaluated.before)}, after "
            )
            pictures = f"{count(evaluated.pictures)} validation pictures"
            say_folded(
                f"{kind}     {len(evaluated.classes)} classes ({listed(evaluated.classes)}), {pictures}: "
                f"{before}{percent_with_interval(evaluated.after)}",
                indent=8,
            )


def extension_as_json(extension: Extension) -> str:
    """Return a run as JSON, with the accuracy on the old and the new classes."""
    from dataclasses import asdict

    evaluated = {
        kind: None
        if one is None
        else {
            **asdict(one),
            "before": None if one.before is None else one.before.model_dump(),
            "after": one.after.model_dump(),
        }
        for kind, one in (("old", extension.old), ("new", extension.new))
    }
    return json.dumps({**json.loads(run_as_json(extension.run)), **evaluated}, indent=1)


def show_found_rate(found: FoundRate, *, as_json: bool) -> None:
    """Print the rates that a range test found, and the command that trains with the suggested one."""
    if as_json:
        say_model(found)
        return
    say_folded(
        f"{found.dataset}, {found.optimizer}: learning rates from {found.rates[0]:.2g} to {found.rates[-1]:.2g} over "
        f"{len(found.rates)} batches of {found.batch_size}"
    )
    say(f"steepest drop of the loss  at {found.steepest:.2g}")
    say(f"lowest loss                at {found.lowest:.2g}; a tenth of that is {found.lowest / 10:.2g}")
    say(f"diverged                   {'never' if found.burst is None else f'at {found.burst:.2g}'}")
    say_folded(f"suggested                  {found.suggested:g}, {found.reason}", indent=27)
    say(f"figure  {found.path / 'learning-rate.png'}")
    say(f"table   {found.path / 'learning-rate.csv'}")
    say(f"next    picturewise train --recipe {quoted(found.path / 'recipe.toml')}")


def show_summary(summary: Summary) -> None:
    """Print a layer table and its notes."""
    _print(str(summary))
    for note in summary.notes:
        say_folded(note)


def summary_as_json(summary: Summary) -> str:
    """Return a layer table as JSON."""
    layers = [
        {
            "line": row.line,
            "output": row.output,
            "parameters": row.count.trainable,
            "statistics": row.count.fixed,
            "multiplications": row.multiplications,
        }
        for row in summary.rows
    ]
    content = {
        "input": summary.input,
        "layers": layers,
        "parameters": summary.trainable,
        "statistics": summary.fixed,
        "multiplications": summary.multiplications,
        "notes": summary.notes,
    }
    return json.dumps(content, indent=1)


def show_evaluation(evaluation: Evaluation) -> None:
    """Print accuracy and loss with their intervals, and each class or symbol."""
    from picturewise.reporting.scores import class_head, overall
    from picturewise.reporting.tables import count

    say_folded(
        f"{evaluation.dataset}, {evaluation.split}: {count(evaluation.pictures)} pictures, 95 % intervals in brackets"
    )
    scores = overall(evaluation)
    width = max(map(len, scores))
    for note in evaluation.notes:
        say_folded(f"{'note':{width}}  {note}", indent=width + 2)
    for name, score in scores.items():
        say(f"{name:{width}}  {score}")
    say()
    if evaluation.sequences is not None:
        _show_sequences(evaluation, evaluation.sequences)
    rows = [
        (score.name, count(score.support), _cell(score.precision), _cell(score.recall), _cell(score.f1))
        for score in evaluation.per_class
    ]
    table((*class_head(evaluation)[:2], "precision %", "recall %", "F1 %"), rows)


def _show_sequences(evaluation: Evaluation, found: SequenceScores) -> None:
    """Print how accurate answers of high confidence are, each length, each place, and the most frequent errors."""
    from picturewise.reporting.scores import confusions, goal_of, lengths, threshold_of
    from picturewise.reporting.tables import count

    if found.coverage:
        rows = [
            (goal_of(one), threshold_of(one), _cell(one.coverage), _cell(one.accuracy))
            for one in found.coverage
        ]
        table(("accuracy goal", "confidence from", "answered %", "of these correct %"), rows)
        say()
    by_length = [(name, count(support), _cell(accuracy)) for name, support, accuracy in lengths(evaluation)]
    table(("length", "pictures", "accuracy %"), by_length)
    say()
    by_place = [(str(one.place), count(one.support), _cell(one.accuracy)) for one in found.places]
    table(("place", "pictures", "accuracy %"), by_place)
    say()
    if errors := confusions(evaluation):
        say_folded(f"most frequent errors: {'; '.join(map(str, errors))}")
        say()


def _cell(score: Interval | None) -> str:
    from picturewise.reporting.tables import percent_with_interval

    return "–" if score is None else percent_with_interval(score, digits=1).replace(" %", "")


def show_comparison(comparison: RunComparison) -> None:
    """Print a comparison of runs, one per line."""
    from picturewise.reporting.contents import ComparisonRow
    from picturewise.reporting.tables import (
        count,
        duration,
        number_with_interval,
        p_value,
        percent_with_interval,
        points_with_interval,
    )

    say(f"{count(comparison.pictures)} test pictures, the same for all runs; 95 % intervals in brackets")
    rows = []
    for run in comparison.runs:
        against = ComparisonRow(run.name, 0, paired=run.paired)
        rows.append(
            (
                run.name,
                count(run.parameters),
                percent_with_interval(run.accuracy),
                number_with_interval(run.loss),
                duration(run.training_seconds),
                points_with_interval(against.difference) if against.difference else "best",
                p_value(run.paired.adjusted_p_value).replace(" ", "") if run.paired else "",
            )
        )
    head = ("run", "parameters", "accuracy", "loss", "training", f"points vs {comparison.best}", "p")
    table(head, rows)
    for note in comparison.notes:
        say_folded(f"note    {note}", indent=8)
    say(f"report  {comparison.report}")


def run_as_json(run: Run) -> str:
    """Return a run as JSON: its path, its record, its history."""
    from dataclasses import asdict

    content = {
        "path": text_of(run.path),
        "classifier_sha256": run.classifier_sha256(),
        **run.record.model_dump(mode="json"),
        "history": [asdict(row) for row in run.history],
    }
    return json.dumps(content, indent=1)


def quoted(path: Path) -> str:
    """Return a path quoted for a shell."""
    return shlex.quote(str(path))
