"""The results of a study: the numbers of each model, and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.errors import RunError
from picturewise.evaluation.evaluation import Evaluation, Interval
from picturewise.evaluation.intervals import mean_interval
from picturewise.file_names import text_of
from picturewise.reporting.album import Album
from picturewise.reporting.contents import ComparisonTable, DatasetSummary, Published, Report, StudyRow
from picturewise.reporting.notebook.comparison import study_html
from picturewise.reporting.report import render_report
from picturewise.reporting.run_report import (
    comparison_sections,
    dataset_facts,
    drawn,
    model_facts,
)
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.runs.history import kept_epoch, training_seconds
from picturewise.runs.places import inside
from picturewise.runs.run import Run
from picturewise.runs.section import ReportFigure
from picturewise.split_names import SplitName
from picturewise.studies.plan import Planned
from picturewise.studies.study import PublishedResult, Study
from picturewise.tasks.compare import compare, comparison_table
from picturewise.tasks.evaluate import evaluate_part

QUICK = (
    "This is a quick run with a small share of the study's pictures and epochs, so its results do not show how good "
    "the models are. Run the study without --quick for real results."
)


class StudiedModel(Result):
    """The results of one model of a study, from its first seed."""

    name: str
    about: str
    model: str = Field(
        description="The model in the study file; `name` adds an ending to a run as published."
    )
    as_published: bool = Field(description="Whether the published options were used.")
    remark: str = Field(description="How its pictures differ from those of the published result, if they do.")
    data: str
    path: Path
    parameters: int = Field(description="Parameters of the network, including frozen ones.")
    trainable_parameters: int
    epochs: int
    best_epoch: int = Field(
        description="The epoch of the classifier; with `training.keep` 'last', the last one."
    )
    train_pictures: int
    steps: int = Field(description="Batches that the network was trained on, in all epochs.")
    train_accuracy: float = Field(
        description="Mean over the batches of the classifier's epoch, while the weights changed; in [0, 1]."
    )
    reads: str = Field(
        description="What its accuracies are of: classes, or whole numbers or other sequences of symbols."
    )
    slides: str | None = Field(
        default=None,
        description="The model whose classifier of single symbols is moved over the pictures; its training is stated "
        "here. None: the model was trained itself.",
    )
    training_seconds: float
    valid_pictures: int
    valid_accuracy: Interval
    valid_loss: Interval
    test_pictures: int
    accuracy: Interval = Field(description="Accuracy on the test split.")
    loss: Interval
    seeds: tuple[float, ...] = Field(description="Test accuracy of each seed's run.")
    mean: Interval | None = Field(
        description="Mean test accuracy over the seeds, with Student's interval; None if there is only one seed."
    )
    published: tuple[PublishedResult, ...]


class StudyResult(Result):
    """The results of a study, its models in their order."""

    title: str
    quick: bool
    models: tuple[StudiedModel, ...]
    skipped: dict[str, str] = Field(default={}, description="Files left out with skip_bad: path → reason.")
    report: Path

    @never_raises
    def __repr__(self) -> str:
        scores = ", ".join(f"{model.name} {model.accuracy}" for model in self.models)
        return f"<StudyResult {self.title}{', a quick run' * self.quick}: test accuracy {scores}>"

    def _repr_html_(self) -> str:
        rows, report = [_row(model) for model in self.models], text_of(self.report)
        return study_html(self.title, rows, notes=[QUICK] * self.quick, report=report)


def gather(
    study: Study,
    folder: Path,
    plans: Sequence[Planned],
    runs: Sequence[Run],
    datasets: Mapping[DataOptions, Dataset],
    *,
    quick: bool,
    progress: bool,
) -> StudyResult:
    """Return the results of finished, evaluated runs, and write their report into the folder.

    Args:
        study: as it was read.
        folder: of the study.
        plans: of the runs.
        runs: one for each plan.
        datasets: train and validation of each plan's data options.
        quick: whether it was a small share of the study.
        progress: as for `compare`.
    """
    by_model: dict[str, list[Run]] = {}
    planned: dict[str, Planned] = {}
    for plan, run in zip(plans, runs, strict=True):
        by_model.setdefault(plan.name, []).append(run)
        planned.setdefault(plan.name, plan)
    models = tuple(
        _studied(plan, by_model[name], datasets[plan.recipe.data].split("valid"))
        for name, plan in planned.items()
    )
    first = {name: of_model[0] for name, of_model in by_model.items()}
    tables, figures = _compared(folder, list(first.values()), progress=progress)
    report = Report(
        title=study.title,
        datasets=_datasets(first.values()),
        models=tuple(
            model_facts(run, drawn(run, "learning-curves", "lengths", "confusion", "errors"))
            for run in first.values()
        ),
        comparisons=tables,
        figures=figures,
        about=study.about,
        notice=QUICK if quick else "",
        study=tuple(_row(model) for model in models),
        made_by=f"Picturewise {next(iter(first.values())).record.picturewise}",
    )
    left_out = {path: reason for run in runs for path, reason in run.skipped()}
    for run in runs:
        left_out |= _evaluated(run).skipped
    result = StudyResult(
        title=study.title, quick=quick, models=models, skipped=left_out, report=folder / "report.html"
    )
    files.write_text(result.report, render_report(report, comparison_sections(report)))
    files.write_text(folder / "results.json", result.model_dump_json(indent=1) + "\n")
    return result


def _studied(plan: Planned, runs: Sequence[Run], valid: ImageSet) -> StudiedModel:
    run, model = runs[0], plan.model
    trained = run.training_run
    record, history, training = trained.record, trained.history, trained.recipe.training
    train_pictures = record.data.splits["train"].pictures
    classifier = run.classifier()
    on_valid = _evaluated(run, "valid") if model.slides else None
    if on_valid is None:
        on_valid, _, _ = evaluate_part(classifier, valid, record.data.name, "valid")
    evaluation = _evaluated(run)
    seeds = tuple(_evaluated(one).accuracy.value for one in runs)
    return StudiedModel(
        name=plan.name,
        about=_about(plan),
        model=model.name,
        as_published=plan.as_published,
        remark=plan.remark,
        data=run.record.data.name,
        path=run.path,
        parameters=record.parameters,
        trainable_parameters=record.trainable_parameters,
        epochs=history[-1].epoch,
        best_epoch=int(classifier.description.provenance["epoch"]),
        train_pictures=train_pictures,
        steps=history[-1].epoch * -(-train_pictures // training.batch_size),
        train_accuracy=kept_epoch(history, training.keep).train_accuracy,
        reads="classes" if run.nouns is None else f"whole {run.nouns.whole}s",
        slides=model.slides,
        training_seconds=training_seconds(run.training_run.history),
        valid_pictures=on_valid.pictures,
        valid_accuracy=on_valid.accuracy,
        valid_loss=on_valid.loss,
        test_pictures=evaluation.pictures,
        accuracy=evaluation.accuracy,
        loss=evaluation.loss,
        seeds=seeds,
        mean=mean_interval(seeds, lowest=0.0, highest=1.0) if len(seeds) > 1 else None,
        published=model.published,
    )


def _about(plan: Planned) -> str:
    if not plan.as_published:
        return plan.model.about
    return f"{plan.model.name} with its author's split, options and epochs; the last epoch counts."


def _evaluated(run: Run, split: SplitName = "test") -> Evaluation:
    evaluation = run.evaluation(split)
    if evaluation is None:
        raise RunError(f"The evaluation of {run.path} was deleted during the study. Run the study again.")
    return evaluation


def _row(model: StudiedModel) -> StudyRow:
    return StudyRow(
        model=model.name,
        about=model.about,
        data=model.data,
        parameters=model.parameters,
        epochs=model.epochs,
        seconds=model.training_seconds,
        valid_accuracy=model.valid_accuracy,
        valid_loss=model.valid_loss,
        accuracy=model.accuracy,
        loss=model.loss,
        published=tuple(Published(**dict(result)) for result in model.published),
        as_published=model.as_published,
        remark=model.remark,
        train_pictures=model.train_pictures,
        steps=model.steps,
        kept_epoch=model.best_epoch,
        train_accuracy=model.train_accuracy,
        seeds=model.seeds,
        mean=model.mean,
        reads=model.reads,
    )


def _compared(
    folder: Path, runs: Sequence[Run], *, progress: bool
) -> tuple[tuple[ComparisonTable, ...], tuple[ReportFigure, ...]]:
    """Return a table and figures for each set of test pictures; if only one run has a set, only its predictions."""
    groups: dict[tuple[str, tuple[str, ...]], list[Run]] = {}
    for run in runs:
        evaluation = _evaluated(run)
        groups.setdefault((evaluation.fingerprint, evaluation.classes), []).append(run)
    tables: list[ComparisonTable] = []
    figures: list[ReportFigure] = []
    for number, group in enumerate(groups.values(), start=1):
        title = group[0].record.data.name if len(groups) > 1 else ""
        if len(group) == 1:
            figures += _titled(drawn(group[0], "predictions"), title, group[0].name)
            continue
        place = inside(folder, "comparison" if len(groups) == 1 else f"comparison-{number}")
        compared = compare(group, out=place, progress=progress)
        table = comparison_table(compared)
        tables.append(ComparisonTable(table.reference, table.rows, table.method, title))
        album = Album(inside(place, "figures"))
        sheets = sorted(path.stem for path in album.sheets("predictions"))
        all_grey = all(run.recipe.preparation.grey and run.record.data.shape[2] > 1 for run in group)
        shared = album.get("learning-curves", *sheets, in_grey=all_grey, nouns=group[0].nouns)
        figures += _titled(shared, title)
    return tuple(tables), tuple(figures)


def _titled(drawn: Iterable[ReportFigure], *about: str) -> list[ReportFigure]:
    """Return figures whose titles say what they are about: a data set, a model."""
    return [
        replace(figure, title=", ".join(part for part in (figure.title, *about) if part)) for figure in drawn
    ]


def _datasets(runs: Iterable[Run]) -> tuple[DatasetSummary, ...]:
    """Return the facts of each data set, once."""
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.record.data.name, str(run.recipe.data.source)), []).append(run)
    return tuple(map(dataset_facts, found.values()))
