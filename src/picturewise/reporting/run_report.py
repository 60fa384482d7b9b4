"""The report of one run or several, gathered from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from picturewise import files
from picturewise.architectures.layers import show
from picturewise.data.dataset import Skipped
from picturewise.recipes.options import TrainingOptions
from picturewise.recipes.recipe import flat
from picturewise.reporting import figures
from picturewise.reporting.album import Album
from picturewise.reporting.contents import (
    ComparisonTable,
    DatasetSummary,
    LayerFacts,
    ModelFacts,
    Report,
    SplitSummary,
)
from picturewise.reporting.report import render_report
from picturewise.reporting.sections import (
    comparison_section,
    data_section,
    model_sections,
    reading_section,
    study_section,
)
from picturewise.runs.run import Run
from picturewise.runs.section import ReportFigure, Section

_SHOWN = {
    "seed": "seed",
    "model.initialisation": "initialisation",
    "preparation.grey": "grey",
    "preparation.augmentation": "augmentation",
    "preparation.views": "views",
    **{
        f"training.{name}": name.replace("_", " ")
        for name in TrainingOptions.model_fields
        if name
        not in {"checkpoint_minutes", "device", "precision"}  # the machine's facts say what they became
    },
}


def write_run_report(run: Run) -> Path:
    """Draw the network and the learning curves and write `report.html` of one run; return its path."""
    album = Album(run.path / "figures")
    if (summary := run.summary()) is not None and not album.path("architecture").exists():
        figures.save_png(figures.draw_architecture(summary), album.path("architecture"))
    if run.history:
        figures.save_png(figures.draw_learning_curves({run.name: run.history}), album.path("learning-curves"))
    report = Report(
        title=f"{run.record.data.name}: {run.name}",
        datasets=(dataset_facts(run),),
        models=(model_facts(run, album.get("learning-curves", "predictions", "confusion", "errors")),),
        made_by=f"Picturewise {run.record.picturewise}",
    )
    sections = (
        *model_sections(report),
        data_section(report),
        reading_section(),
    )
    path = run.path / "report.html"
    files.write_text(path, render_report(report, sections))
    return path


def write_comparison_report(
    path: Path, title: str, runs: Sequence[Run], table: ComparisonTable, shared: Sequence[ReportFigure]
) -> None:
    """Write one page about several runs; `shared` are the figures about all of them."""
    models = tuple(model_facts(run, Album(run.path / "figures").get("confusion", "errors")) for run in runs)
    report = Report(
        title=title,
        datasets=(dataset_facts(runs[0]),),
        models=models,
        comparisons=(table,),
        figures=tuple(shared),
        made_by=f"Picturewise {runs[0].record.picturewise}",
    )
    files.write_text(path, render_report(report, comparison_sections(report)))


def comparison_sections(report: Report) -> tuple[Section | None, ...]:
    """Return what a report of a comparison or a study consists of, from the top down."""
    return (
        study_section(report),
        comparison_section(report),
        *model_sections(report),
        data_section(report),
        reading_section(),
    )


def dataset_facts(run: Run) -> DatasetSummary:
    """Return what a report tells of the pictures that a run learned from, and was evaluated on."""
    data, evaluation = run.record.data, run.evaluation()
    splits = [
        SplitSummary(name, facts.pictures, facts.fingerprint, facts.counts)
        for name, facts in data.splits.items()
    ]
    if evaluation is not None:
        counts = {score.name: score.support for score in evaluation.per_class}
        splits.append(SplitSummary("test", evaluation.pictures, evaluation.fingerprint, counts))
    return DatasetSummary(
        name=data.name,
        source=run.recipe.data.source or "pictures passed from Python",
        shape=data.shape,
        classes=data.classes,
        splits=tuple(splits),
        notes=data.notes,
        skipped=tuple(Skipped(path, reason) for path, reason in run.skipped()),
        figures=Album(run.path / "figures").get("samples", "samples-grey", "classes"),
    )


def model_facts(run: Run, drawn: tuple[ReportFigure, ...]) -> ModelFacts:
    """Return what a report tells of a run, with the figures that are drawn of it alone."""
    record, recipe, summary = run.record, run.recipe, run.summary()
    layers = (
        tuple(LayerFacts(row.line, show(row.output), row.count.total) for row in summary.rows)
        if summary
        else ()
    )
    values = {key: value for key, value in flat(recipe).items() if key in _SHOWN and value is not None}
    words = {key: _text(value) for key, value in values.items()}
    chosen = {_SHOWN[key]: text for key, text in words.items() if key not in record.derived}
    derived = {_SHOWN[key]: text for key, text in words.items() if key in record.derived}
    return ModelFacts(
        name=run.name,
        layers=layers,
        trainable_parameters=record.trainable_parameters,
        frozen_parameters=record.fixed_parameters,
        training=chosen,
        derived=derived,
        machine=record.machine,
        history=run.history,
        evaluation=run.evaluation(),
        evaluate_command=f"picturewise evaluate {run.path}",
        recipe=recipe.to_toml(),
        weights_sha256=run.classifier_sha256() or "no epoch is finished yet",
        figures=drawn,
        graph=Album(run.path / "figures").get("architecture"),
    )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(value) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def training_seconds(run: Run) -> float:
    """Return how long all epochs took together, with their validations."""
    return sum(row.seconds for row in run.history)


def validation_seconds(run: Run) -> float | None:
    """Return how much of that the validations took; None: an older version did not tell."""
    seconds = [row.valid_seconds for row in run.history]
    return None if None in seconds else sum(filter(None, seconds))
