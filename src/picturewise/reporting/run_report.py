"""The report of one or several runs, from the files in their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from picturewise import files
from picturewise.architectures.layers import show
from picturewise.data.dataset import Skipped
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
from picturewise.reporting.option_names import OPTION_NAMES, machine_words, option_words
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
from picturewise.targets.sequences import places_of


def write_run_report(run: Run) -> Path:
    """Draw the network and the learning curves and write `report.html` of one run; return its path."""
    album = Album(run.figures)
    if (summary := run.summary()) is not None and not album.path("architecture").exists():
        album.save(figures.draw_architecture(summary), "architecture")
    if run.history:
        album.save(figures.draw_learning_curves({run.name: run.history}), "learning-curves")
    evaluated = (
        run.evaluation() is not None
    )  # otherwise the figures belong to another classifier, or do not exist
    names = ("learning-curves", *("lengths", "predictions", "confusion", "errors") * evaluated)
    report = Report(
        title=f"{run.record.data.name}: {run.name}",
        datasets=(dataset_facts([run]),),
        models=(model_facts(run, drawn(run, *names)),),
        made_by=f"Picturewise {run.record.picturewise}",
    )
    sections = (
        *model_sections(report),
        data_section(report),
        reading_section(report),
    )
    path = run.path / "report.html"
    files.write_text(path, render_report(report, sections))
    return path


def write_comparison_report(
    path: Path, title: str, runs: Sequence[Run], table: ComparisonTable, shared: Sequence[ReportFigure]
) -> None:
    """Write one page about several runs; `shared` are the figures about all runs together."""
    models = tuple(model_facts(run, drawn(run, "lengths", "confusion", "errors")) for run in runs)
    report = Report(
        title=title,
        datasets=(dataset_facts(runs),),
        models=models,
        comparisons=(table,),
        figures=tuple(shared),
        made_by=f"Picturewise {runs[0].record.picturewise}",
    )
    files.write_text(path, render_report(report, comparison_sections(report)))


def comparison_sections(report: Report) -> tuple[Section | None, ...]:
    """Return the sections of a comparison's or a study's report, from top to bottom."""
    return (
        study_section(report),
        comparison_section(report),
        *model_sections(report),
        data_section(report),
        reading_section(report),
    )


def dataset_facts(runs: Sequence[Run]) -> DatasetSummary:
    """Return the facts about the pictures that the first run was trained and evaluated on.

    Colour pictures are shown in colour if any of `runs`, which all use the same data, was trained on colour.
    """
    run = runs[0]
    data, evaluation = run.record.data, run.evaluation()
    shown = next((other for other in runs if not other.recipe.preparation.grey), run)
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
        figures=drawn(shown, "samples", "classes"),
        nouns=run.nouns,
        places=places_of(run.target),
    )


def drawn(run: Run, *names: str) -> tuple[ReportFigure, ...]:
    """Return those of a run's figures that exist, with their titles and captions."""
    in_grey = run.recipe.preparation.grey and run.record.data.shape[2] > 1
    return Album(run.figures).get(*names, in_grey=in_grey, nouns=run.nouns)


def model_facts(run: Run, own: tuple[ReportFigure, ...]) -> ModelFacts:
    """Return the facts about a run, with the figures about this run alone."""
    trained = run.training_run
    record, recipe, summary = trained.record, trained.recipe, trained.summary()
    layers = (
        tuple(LayerFacts(row.line, show(row.output), row.count.trainable) for row in summary.rows)
        if summary
        else ()
    )
    words = option_words(flat(recipe))
    derived = {OPTION_NAMES.get(key) for key in record.derived}
    return ModelFacts(
        name=run.name,
        layers=layers,
        parameters=record.parameters,
        frozen_parameters=record.parameters - record.trainable_parameters,
        statistics=record.statistics,
        training={name: text for name, text in words.items() if name not in derived},
        derived={name: text for name, text in words.items() if name in derived},
        machine=machine_words(record.machine),
        history=trained.history,
        evaluation=run.evaluation(),
        evaluate_command=f"picturewise evaluate {run.path}",
        recipe=recipe.to_toml(),
        weights_sha256=run.classifier_sha256() or "none yet, because no epoch has finished",
        figures=own,
        graph=drawn(trained, "architecture"),
        trained_as="" if trained is run else trained.name,
    )
