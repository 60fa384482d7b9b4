"""`picturewise tune DATA`, `picturewise tune --resume FOLDER`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from picturewise.data.hints import Hints
    from picturewise.tuning.results import TuningResult
    from picturewise.tuning.told import Told


@click.command
@click.argument(
    "data",
    required=False,
    help="A catalogue name, such as digits, or a path; with --resume, only if the pictures have moved.",
)
@click.option(
    "--minutes",
    type=float,
    metavar="M",
    help="Time for the search, in all its sessions; default: 10, unless --trials is passed.",
)
@click.option("--trials", type=int, metavar="N", help="Number of trials, in all sessions.")
@click.option(
    "--space",
    type=options.PATH,
    help="The search space, a TOML file with choices and ranges for each option (docs/how-to/search.md); default: the "
    "network, learning rate, batch size, augmentation, label smoothing, weight decay and width.",
)
@click.option(
    "--seeds",
    type=int,
    default=0,
    metavar="N",
    help="Afterwards, train the best recipe and the default again with N seeds, and say whether the best is better "
    "beyond chance.",
)
@click.option(
    "--workers",
    type=int,
    metavar="N",
    help="Processes that train at the same time, each with its share of the cores; default: one for each core, up to "
    "8, but only one on a GPU; with --on, one for each core or GPU of the cluster.",
)
@options.on_ray
@click.option(
    "--resume",
    type=options.PATH,
    metavar="FOLDER",
    help="Continue the search in this folder; --minutes and --trials set a new total.",
)
@options.model
@options.layers
@click.option(
    "--epochs", type=int, help="Passes over the training split; default: 5 to 50, depending on its size."
)
@options.training
@click.option("--seed", type=int, help="Seed for all trials and for what is tried; default: 0.")
@click.option("--out", type=options.PATH, help="The search's folder; default: searches/<data>-<number>.")
@options.grey
@options.size
@options.resize
@options.skip_bad
@options.group_by
@options.limit
@click.option(
    "--recipe", type=options.PATH, help="A recipe in TOML, complete or partial; what it sets is not searched."
)
@options.hints
@options.settings
@options.json
def command(
    *,
    data: str | None,
    minutes: float | None,
    trials: int | None,
    space: Path | None,
    seeds: int,
    workers: int | None,
    on: str | None,
    resume: Path | None,
    model: str | None,
    layers: str | None,
    epochs: int | None,
    steps: list[str],
    seed: int | None,
    out: Path | None,
    grey: bool,
    size: str | None,
    resize: str | None,
    skip_bad: bool,
    group_by: str | None,
    limit: int | None,
    recipe: Path | None,
    hints: Hints,
    settings: tuple[str, ...],
    json: bool,
) -> None:
    """Search for a recipe that suits the data, within a budget. Options that are passed are not searched.

    The test split is not read. A search that was interrupted is continued with --resume.
    """
    from picturewise.cli import output
    from picturewise.tuning.tune import tune

    named = options.of_pictures(size=size, skip_bad=skip_bad, grey=grey, resize=resize)
    named += [f"data.limit={limit}"] if limit is not None else []
    best: list[float] = []

    def tell(told: Told) -> None:
        if told.state == "finished" and told.accuracy is not None:
            best.append(told.accuracy)
        with contextlib.suppress(output.OutputLostError):  # the search goes on
            output.say_folded(_line(told, max(best, default=None)), indent=11)

    found = tune(
        data,
        minutes=minutes,
        trials=trials,
        space=space,
        seeds=seeds,
        workers=workers,
        on=on,
        resume=resume,
        model=model,
        layers=layers,
        epochs=epochs,
        seed=seed,
        group_by=group_by,
        recipe=recipe,
        out=out,
        settings=[*named, *steps, *options.said(hints), *settings],
        tell=None if json else tell,
        progress=not json,
    )
    if json:
        output.say_model(found)
    else:
        _show(found)


def _line(told: Told, best: float | None) -> str:
    """Return what is said about a trial that has ended."""
    from picturewise.reporting.tables import duration, percent

    accuracy = "" if told.accuracy is None else f"  {percent(told.accuracy)}"
    is_best = "  best so far" if told.state == "finished" and told.accuracy == best else ""
    state = "stopped early" if told.state == "pruned" else told.state
    epochs = f" after {told.epochs} epoch{'s' * (told.epochs != 1)}" if told.epochs else ""
    reason = f": {told.reason}" if told.state in {"diverged", "failed", "repeated"} else ""
    name = "default" if told.number == 0 else f"trial {told.number}"
    return f"{name:9}{accuracy}  {state}{epochs}, {duration(told.ended)}{is_best}{reason}"


def _show(found: TuningResult) -> None:
    from picturewise.cli import output
    from picturewise.reporting.tables import duration, percent

    finished = [trial for trial in found.trials if trial.state == "finished"]
    shown = sorted(finished, key=lambda trial: (trial.number != found.best_trial, -(trial.accuracy or 0)))[:5]
    shown += [trial for trial in finished if trial.number == 0 and trial not in shown]
    keys = list(dict.fromkeys(key for trial in shown for key in trial.values))
    rows: list[tuple[str, ...]] = [
        (
            f"{trial.number}{' (default)' * (trial.number == 0)}",
            percent(trial.accuracy or 0),
            duration(trial.cpu_seconds),
            *(_shown(trial.values.get(key)) for key in keys),
        )
        for trial in shown
    ]
    output.say()
    output.table(("trial", "accuracy", "CPU time", *(key.partition(".")[2] for key in keys)), rows, left=1)
    output.say_folded(
        f"accuracy on {found.choosing_pictures:,} validation pictures that chose the epochs and the trial: optimistic"
    )
    for note in found.notes:
        output.say_folded(f"note: {note}")
    output.say()
    output.say_folded(found.sentence)
    output.say(f"report  {found.report}")
    if found.comparison is None and found.best_trial != 0:
        output.say(f"next    picturewise tune --resume {output.quoted(found.path)} --seeds 5")
    else:
        output.say(f"next    picturewise train --recipe {output.quoted(found.path / 'best.toml')}")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)
