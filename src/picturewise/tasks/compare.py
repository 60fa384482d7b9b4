"""Compare runs on the same test pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from picturewise.arguments import checked
from picturewise.data.labels_for import labels_for
from picturewise.data.recognise import Data
from picturewise.errors import RunError, UsageError
from picturewise.evaluation.answers import Answers
from picturewise.evaluation.comparing import Comparison, compare_all
from picturewise.evaluation.evaluation import Evaluation, Interval
from picturewise.file_names import text_of
from picturewise.reporting import figures
from picturewise.reporting.album import Album
from picturewise.reporting.contents import ComparisonRow, ComparisonTable
from picturewise.reporting.notebook.comparison import comparison_html
from picturewise.reporting.run_report import write_comparison_report
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.runs.history import Epoch, training_seconds
from picturewise.runs.places import inside
from picturewise.runs.run import Run, open_run
from picturewise.targets.sequences import is_sequences
from picturewise.tasks.evaluate import evaluate_with_probabilities
from picturewise.tasks.load import load, own_source

if TYPE_CHECKING:
    from picturewise.displays import Figure

METHOD = (
    "Differences in test accuracy on the same pictures, in percentage points, with Tango's 95 % interval. The p values "
    "are from exact McNemar tests against the most accurate model, with Holm's correction for multiple tests."
)


class ComparedRun(Result):
    """One run in a comparison."""

    name: str
    path: Path
    parameters: int = Field(description="Parameters of the network, including frozen ones.")
    trainable_parameters: int
    accuracy: Interval
    loss: Interval
    training_seconds: float
    paired: Comparison | None = Field(
        description="Comparison with the most accurate run; None for that run itself."
    )


class RunComparison(Result):
    """Compared runs, in the order in which they were passed."""

    pictures: int
    fingerprint: str = Field(description="SHA-256 of the test pictures that all runs were evaluated on.")
    best: str = Field(description="The most accurate run.")
    runs: tuple[ComparedRun, ...]
    skipped: dict[str, str] = Field(default={}, description="Files left out with skip_bad: path → reason.")
    notes: tuple[str, ...] = Field(default=(), description="Notes to read before quoting a difference.")
    report: Path

    def plot_curves(self) -> Figure:
        """Return the learning curves of all runs as a matplotlib figure.

        Raises:
            RunError: a run or its history no longer exists.
        """
        return figures.draw_learning_curves({run.name: _history(open_run(run.path)) for run in self.runs})

    @never_raises
    def __repr__(self) -> str:
        scores = ", ".join(f"{run.name} {run.accuracy}" for run in self.runs)
        return f"<RunComparison on {self.pictures:,} test pictures: {scores}; best {self.best}>"

    def _repr_html_(self) -> str:
        table, report = comparison_table(self), text_of(self.report)
        return comparison_html(table, pictures=self.pictures, report=report)


@checked
def compare(
    runs: Sequence[str | Path | Run],
    *,
    data: Data | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    progress: bool = True,
) -> RunComparison:
    """Compare runs with paired tests, and write a report about them.

    A run that has not been evaluated on its test split yet is evaluated now.

    Args:
        runs: two or more runs or their folders.
        data: the pictures of the runs, if they have moved or were passed from Python.
        out: the folder of the report; none: `compare-<run>-<run>` in the working folder.
        seed: selects the test pictures that are shown.
        progress: show the progress of reading, on a terminal.

    Raises:
        UsageError: fewer than two runs, or they were evaluated on different test pictures.
        RunError: a run cannot be read.
    """
    opened = [run if isinstance(run, Run) else open_run(Path(run)) for run in runs]
    if len(opened) < 2:
        raise UsageError("A comparison needs at least two runs. Pass more runs.")
    sources = [own_source(run, data) for run in opened]
    found = [
        run.evaluated() or evaluate_with_probabilities(run, source, progress=progress)
        for run, source in zip(opened, sources, strict=True)
    ]
    evaluations = [evaluation for evaluation, _ in found]
    _same_pictures(opened, evaluations)
    names = _names(opened)
    folder = Path(out) if out else Path("compare-" + "-".join(run.name for run in opened))
    if (folder / "run.json").exists():
        raise UsageError(
            f"{folder} is a run folder, and its report would be overwritten. Choose another --out."
        )
    album = Album(inside(folder, "figures"))
    part = load(sources[0], opened[0].recipe.data, splits=["test"], progress=progress).split("test")
    targets = {name: run.target for name, run in zip(names, opened, strict=True) if is_sequences(run.target)}
    # All labels that some network can read are whole in the form of the one with the most places.
    target = max(targets.values(), key=lambda one: one.places) if targets else opened[0].target
    labels = labels_for(part, target)
    if part.fingerprint != evaluations[0].fingerprint:
        raise UsageError(
            f"The test pictures in {opened[0].recipe.data.source} have changed since {opened[0].path} was evaluated. "
            "Evaluate the runs again."
        )
    probabilities = {name: table for name, (_, table) in zip(names, found, strict=True)}
    right = {
        name: Answers(run.target, table, labels_for(part, run.target)).right
        for run, (name, table) in zip(opened, probabilities.items(), strict=True)
    }
    tests = compare_all(right)
    paired = {test.b: test for test in tests}
    best = tests[0].a
    rows = tuple(
        ComparedRun(
            name=name,
            path=run.path,
            parameters=run.record.parameters,
            trainable_parameters=run.record.trainable_parameters,
            accuracy=evaluation.accuracy,
            loss=evaluation.loss,
            training_seconds=training_seconds(run.training_run.history),
            paired=paired.get(name),
        )
        for name, run, evaluation in zip(names, opened, evaluations, strict=True)
    )
    curves = {name: _history(run) for name, run in zip(names, opened, strict=True) if run.training_run is run}
    if curves:
        album.save(figures.draw_learning_curves(curves), "learning-curves")
    else:
        album.remove("learning-curves")
    all_grey = all(run.recipe.preparation.grey for run in opened)
    sheets = album.draw_predictions(
        probabilities, part, labels, target, seed=seed, in_grey=all_grey, targets=targets
    )
    result = RunComparison(
        pictures=len(part),
        fingerprint=part.fingerprint,
        best=best,
        runs=rows,
        notes=_on_formats(names, evaluations),
        skipped={path: reason for found in evaluations for path, reason in found.skipped.items()},
        report=folder / "report.html",
    )
    title = f"{opened[0].record.data.name}: {', '.join(names)}"
    shared = album.get(
        "learning-curves", *sheets, in_grey=all_grey and part.shape[2] > 1, nouns=opened[0].nouns
    )
    write_comparison_report(result.report, title, opened, comparison_table(result), shared)
    return result


def _history(run: Run) -> list[Epoch]:
    if not run.history:
        raise RunError(
            f"{run.path / 'history.csv'} is missing or empty, although the run was evaluated. Restore it and try again."
        )
    return run.history


def _same_pictures(runs: Sequence[Run], evaluations: Sequence[Evaluation]) -> None:
    for run, evaluation in zip(runs, evaluations, strict=True):
        if (evaluation.sequences is None) != (evaluations[0].sequences is None):
            kinds = [
                "classes" if one.sequences is None else "sequences of symbols"
                for one in (evaluations[0], evaluation)
            ]
            raise UsageError(
                f"{runs[0].path} predicts {kinds[0]} and {run.path} predicts {kinds[1]}, so they cannot be compared. "
                "Compare runs of one kind."
            )
        if (
            evaluation.classes != evaluations[0].classes
            or evaluation.fingerprint != evaluations[0].fingerprint
        ):
            raise UsageError(
                f"{runs[0].path} and {run.path} were evaluated on different test pictures "
                f"({evaluations[0].pictures:,} of {evaluations[0].dataset} and {evaluation.pictures:,} of "
                f"{evaluation.dataset}, with different SHA-256), so they cannot be compared. "
                "Evaluate them on the same data."
            )


def _on_formats(names: Sequence[str], evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """Return a note if not all runs were computed in one number format, or in bfloat16 not by one library."""
    formats = {one.number_format for one in evaluations}
    if len(formats) == 1 and ("float32" in formats or len({one.library for one in evaluations}) == 1):
        return ()
    how = "; ".join(
        f"{name} in {one.number_format}" + (f" by {one.library}" if one.library else "")
        for name, one in zip(names, evaluations, strict=True)
    )
    return (f"The runs were computed differently, which alone can change a few answers: {how}.",)


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the runs' folder names, or their whole paths if two names are the same."""
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.path) for run in runs]
    if len(set(names)) < len(names):
        raise UsageError("The same run was passed twice. Pass different runs.")
    return names


def comparison_table(result: RunComparison) -> ComparisonTable:
    """Return the comparison as a report shows it."""
    rows = (
        ComparisonRow(row.name, row.parameters, row.accuracy, row.loss, row.training_seconds, row.paired)
        for row in result.runs
    )
    return ComparisonTable(result.best, tuple(rows), " ".join((METHOD, *result.notes)))
