"""`picturewise study NAME`, `picturewise study FILE.toml`, `picturewise study list`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from picturewise.studies.results import StudyResult

LIST = "list"


@click.command
@click.argument(
    "name",
    metavar="NAME|FILE|list",
    help="A study that comes with Picturewise, a study file (docs/how-to/studies.md), or 'list' to list the studies.",
)
@click.option(
    "--data",
    metavar="[SOURCE=]PATH",
    multiple=True,
    help="Location of the pictures, if it differs from the study's; add SOURCE= if the study has several sources.",
)
@click.option("--out", type=options.PATH, help="The study's folder; default: studies/<name>.")
@click.option(
    "--only",
    metavar="MODEL",
    multiple=True,
    help="Train only this model and the models that it starts from; may be repeated.",
)
@click.option("--seeds", type=int, help="Number of runs of each model; default: the number in the study.")
@click.option("--quick", is_flag=True, help="Use only a few of the pictures and epochs, for a first look.")
@click.option(
    "--as-published",
    is_flag=True,
    help="Train each model that was published a second time, with its author's split, options and number of epochs; "
    "the last epoch counts.",
)
@options.track
@options.json
def command(
    *,
    name: str,
    data: tuple[str, ...],
    out: Path | None,
    only: tuple[str, ...],
    seeds: int | None,
    quick: bool,
    as_published: bool,
    track: tuple[str, ...],
    json: bool,
) -> None:
    """Train several models on the same pictures and write one report. Run it again to continue an interrupted study."""
    if name == LIST:
        _show_list(as_json=json)
        return
    from picturewise.cli import output
    from picturewise.runs.run import Run
    from picturewise.studies.plan import Planned
    from picturewise.studies.runner import study

    def tell(plan: Planned, run: Run | None) -> None:
        with contextlib.suppress(output.OutputLostError):  # the study goes on
            if run is None:
                output.say(f"model {plan.name}, seed {plan.seed}: {plan.path}")
                if plan.remark and plan.seed == 0:
                    output.say(f"note: {plan.remark}")
            elif run.training_run is run:
                output.show_best(run)
            else:
                output.say(
                    f"not trained: the classifier of {run.training_run.name} is moved over the pictures"
                )

    found = study(
        name,
        data=_places(data),
        out=out,
        only=only,
        seeds=seeds,
        quick=quick,
        as_published=as_published,
        track=track,
        tell=None if json else tell,
        progress=not json,
    )
    if json:
        output.say_model(found)
    else:
        _show(found)
    raise click.exceptions.Exit(output.tell_left_out(found.skipped, found.report.parent / "results.json"))


def _places(data: tuple[str, ...]) -> str | dict[str, str] | None:
    """Return the one path, or each source's path by its name."""
    if not data:
        return None
    if len(data) == 1 and ("=" not in data[0] or Path(data[0]).exists()):
        return data[0]
    from picturewise.errors import UsageError

    pairs = [text.partition("=") for text in data]
    for source, equals, path in pairs:
        if not (source and equals and path):
            raise UsageError(
                f"--data '{source}{equals}{path}' does not have the form SOURCE=PATH. If --data is repeated, each "
                "needs its source, such as mnist=downloads/mnist."
            )
    return {source: path for source, _, path in pairs}


def _show_list(*, as_json: bool) -> None:
    from picturewise.cli import output
    from picturewise.studies.study import packaged

    found = packaged()
    if as_json:
        import json

        content = [
            {"name": name, "title": study.title, "models": [model.name for model in study.models]}
            for name, study in found.items()
        ]
        output.say_json(json.dumps(content, indent=1))
        return
    rows = [
        (name, ", ".join(model.name for model in study.models), study.title) for name, study in found.items()
    ]
    output.table(("study", "models", "about"), rows, left=3)
    output.say("next    picturewise study NAME --quick")


def _show(found: StudyResult) -> None:
    from picturewise.cli import output
    from picturewise.reporting.tables import (
        count,
        duration,
        number_with_interval,
        percent,
        percent_with_interval,
    )
    from picturewise.studies.results import QUICK

    several = len({model.reads for model in found.models}) > 1
    rows = [
        (
            model.name,
            model.data,
            count(model.parameters),
            count(model.epochs),
            duration(model.training_seconds),
            model.reads if several else "",
            percent(model.valid_accuracy.value),
            percent_with_interval(model.accuracy),
            "" if model.mean is None else percent_with_interval(model.mean),
            number_with_interval(model.loss),
            ", ".join(percent(result.accuracy) for result in model.published if result.accuracy is not None),
        )
        for model in found.models
    ]
    seeds = max(len(model.seeds) for model in found.models)
    head = (
        *("model", "pictures", "parameters", "epochs", "time", "accuracy of", "validation", "test accuracy"),
        *(f"mean of {seeds} seeds", "test loss", "published"),
    )
    shown = [place for place in range(len(head)) if any(row[place] for row in rows)]
    output.say()
    output.table([head[place] for place in shown], [[row[place] for place in shown] for row in rows], left=2)
    output.say("95 % intervals in brackets")
    if found.quick:
        output.say_folded(QUICK)
    output.say(f"report  {found.report}")
