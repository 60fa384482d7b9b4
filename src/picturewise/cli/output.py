"""What the commands print: results on the standard output, in plain lines and tables."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise.errors import RunError
from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.architectures.summary import Summary
    from picturewise.evaluation.evaluation import Evaluation, Interval
    from picturewise.runs.run import Run
    from picturewise.tasks.compare import RunComparison
    from picturewise.tasks.extend import Extension
    from picturewise.tasks.find_rate import FoundRate
    from picturewise.tasks.inspect import Inspection


def say(text: str = "") -> None:
    """Print one line at once; hidden characters in names are made visible."""
    print(printable(text), flush=True)


def warn(text: str) -> None:
    """Print one line on the standard error output."""
    print(printable(text), file=sys.stderr)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> None:
    """Print aligned columns: the first `left` ones to the left, the others, numbers mostly, to the right."""
    from rich.cells import cell_len  # an ideograph takes two places

    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        cells = [
            cell + gap if column < left else gap + cell
            for column, (cell, gap) in enumerate(zip(line, gaps, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("─" * width for width in widths))


def show_summary(summary: Summary) -> None:
    """Print a network line by line, with shapes and parameters."""
    from picturewise.architectures.layers import show
    from picturewise.reporting.tables import count

    rows = [(row.line, show(row.output), count(row.count.total)) for row in summary.rows]
    table(("layer", "output", "parameters"), [("input", show(summary.input), ""), *rows])
    say(
        f"{count(summary.trainable + summary.fixed)} parameters: {count(summary.trainable)} trainable, "
        f"{count(summary.fixed)} not"
    )


def show_inspection(inspection: Inspection) -> None:
    """Print counts, sizes and notes."""
    from picturewise.reporting.tables import count

    kind = "grey" if inspection.channels == 1 else "colour"
    say(
        f"{inspection.name}: {len(inspection.classes)} classes, pictures of {inspection.height}x{inspection.width}, "
        f"{kind} ({inspection.channels} channel{'s' * (inspection.channels > 1)})"
    )
    splits = inspection.splits
    rows = [
        (name, *(count(split.counts[name]) if split.counts else "?" for split in splits.values()))
        for name in inspection.classes
    ]
    total = ("all", *(count(split.pictures) for split in splits.values()))
    table(("class", *splits), [*rows, total])
    for note in inspection.notes:
        say(note)
    if inspection.skipped:
        say(f"files left out: {len(inspection.skipped)}")
        for path, reason in inspection.skipped.items():
            say(f"  {path}: {reason}")
    for figure in inspection.figures.values():
        say(f"figure  {figure}")


def show_run(run: Run) -> None:
    """Print how a run ended and where it lies."""
    show_best(run)
    say(f"weights sha256  {run.classifier_sha256()}")
    say(f"run     {run.path}")
    say(f"report  {run.path / 'report.html'}")


def show_best(run: Run) -> None:
    """Print how good the best epoch of a run was."""
    from picturewise.reporting.run_report import training_seconds, validation_seconds
    from picturewise.reporting.tables import duration
    from picturewise.runs.history import best_epoch

    if not run.history:
        raise RunError(
            f"{run.path / 'history.csv'} is missing or empty, though the run is {run.record.status}."
        )
    best, validation = best_epoch(run.history), validation_seconds(run)
    validated = "" if validation is None else f", {duration(validation)} of it to validate"
    say(
        f"best epoch {best.epoch} of {run.history[-1].epoch}: validation accuracy {100 * best.valid_accuracy:.2f} %, "
        f"loss {best.valid_loss:.4f}; all epochs took {duration(training_seconds(run))}"
        f"{validated}"
    )


def show_extension(extension: Extension) -> None:
    """Print what became of the classes that the older network knew, and how the new ones fare."""
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
            say(
                f"{kind}     {len(evaluated.classes)} classes ({listed(evaluated.classes)}), {pictures}: "
                f"{before}{percent_with_interval(evaluated.after)}"
            )


def extension_as_json(extension: Extension) -> str:
    """Return a run as JSON, and how the old and the new classes fare."""
    import json
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
    """Print the rates that a range test found, and how to train with the suggested one."""
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    say(
        f"{found.dataset}, {found.optimizer}: learning rates from {found.rates[0]:.2g} to {found.rates[-1]:.2g} over "
        f"{len(found.rates)} batches of {found.batch_size}"
    )
    say(f"steepest fall of the loss  at {found.steepest:.2g}")
    say(f"lowest loss                at {found.lowest:.2g}; a tenth of that is {found.lowest / 10:.2g}")
    say(f"burst                      {'at no rate' if found.burst is None else f'at {found.burst:.2g}'}")
    say(f"suggested                  {found.suggested:g}, {found.reason}")
    say(f"figure  {found.path / 'learning-rate.png'}")
    say(f"table   {found.path / 'learning-rate.csv'}")
    say(f"next    picturewise train --recipe {quoted(found.path / 'recipe.toml')}")


def show_evaluation(evaluation: Evaluation) -> None:
    """Print accuracy and loss with their intervals, and each class."""
    from picturewise.reporting.tables import count, number_with_interval, percent_with_interval

    say(
        f"{evaluation.dataset}, {evaluation.split}: {count(evaluation.pictures)} pictures, 95 % intervals in brackets"
    )
    for note in evaluation.notes:
        say(f"note               {note}")
    say(f"accuracy           {percent_with_interval(evaluation.accuracy)}")
    say(f"loss               {number_with_interval(evaluation.loss)}")
    say(f"calibration error  {percent_with_interval(evaluation.calibration_error)}")
    say()

    def cell(score: Interval | None) -> str:
        return "–" if score is None else percent_with_interval(score, digits=1)

    rows = [
        (score.name, count(score.support), cell(score.precision), cell(score.recall), cell(score.f1))
        for score in evaluation.per_class
    ]
    table(("class", "pictures", "precision", "recall", "F1"), rows)


def show_comparison(comparison: RunComparison) -> None:
    """Print runs side by side."""
    from picturewise.reporting.contents import ComparisonRow
    from picturewise.reporting.tables import (
        count,
        duration,
        number_with_interval,
        p_value,
        percent_with_interval,
        points_with_interval,
    )

    say(f"{count(comparison.pictures)} test pictures, the same for all; 95 % intervals in brackets")
    rows = []
    for run in comparison.runs:
        against = ComparisonRow(run.name, 0, paired=run.paired)
        rows.append(
            (
                run.name,
                count(run.trainable_parameters),
                percent_with_interval(run.accuracy),
                number_with_interval(run.loss),
                duration(run.training_seconds),
                points_with_interval(against.difference) if against.difference else "best",
                p_value(run.paired.adjusted_p_value) if run.paired else "",
            )
        )
    head = ("run", "parameters", "accuracy", "loss", "training", f"points to {comparison.best}", "p")
    table(head, rows)
    say(f"report  {comparison.report}")


def run_as_json(run: Run) -> str:
    """Return a run as JSON: where it lies, its record, its history."""
    import json
    from dataclasses import asdict

    content = {
        "path": str(run.path),
        "classifier_sha256": run.classifier_sha256(),
        **run.record.model_dump(mode="json"),
        "history": [asdict(row) for row in run.history],
    }
    return json.dumps(content, indent=1)


def quoted(path: Path) -> str:
    """Return a path as it is typed in a shell."""
    return shlex.quote(str(path))
