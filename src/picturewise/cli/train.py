"""`picturewise train DATA`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.hints import Hints


@click.command
@click.argument(
    "data",
    required=False,
    help="A catalogue name, such as digits, or a path; not needed if the recipe has one.",
)
@options.preset
@options.plain
@options.model
@options.layers
@click.option(
    "--epochs", type=int, help="Passes over the training split; default: 5 to 50, depending on its size."
)
@options.training
@click.option("--seed", type=int, help="Seed for all random choices; default: 0.")
@click.option("--out", type=options.PATH, help="The run's folder; default: runs/<data>-<model>-<number>.")
@click.option(
    "--augment",
    help="Augmentation lines, such as 'crop 4; flip' (docs/reference/augmentation.md); 'none' turns augmentation off.",
)
@options.grey
@options.size
@options.resize
@options.skip_bad
@options.group_by
@options.limit
@click.option("--recipe", type=options.PATH, help="A recipe in TOML, complete or partial.")
@options.hints
@options.freeze
@click.option(
    "--engine",
    type=click.Choice(["torch", "numpy"]),
    help="The training engine: torch, or numpy (the reference implementation, only with sgd; "
    "docs/background/backpropagation.md).",
)
@options.settings
@click.option(
    "--find-learning-rate",
    is_flag=True,
    help="Do not train. Try higher and higher learning rates on some training batches, and suggest one; --out is then "
    "the folder for the figure and the table.",
)
@click.option(
    "--no-folds",
    is_flag=True,
    help="Hold out a validation split even if there are few pictures, instead of training a network for each of 5 "
    "folds first.",
)
@options.track
@options.workers
@options.on_ray
@options.json
def command(
    *,
    data: str | None,
    preset: str | None,
    plain: bool,
    model: str | None,
    layers: str | None,
    epochs: int | None,
    steps: list[str],
    seed: int | None,
    out: Path | None,
    augment: str | None,
    grey: bool,
    size: str | None,
    resize: str | None,
    skip_bad: bool,
    group_by: str | None,
    limit: int | None,
    recipe: Path | None,
    freeze: str | None,
    engine: Literal["torch", "numpy"] | None,
    hints: Hints,
    settings: tuple[str, ...],
    find_learning_rate: bool,
    no_folds: bool,
    track: tuple[str, ...],
    workers: int,
    on: str | None,
    json: bool,
) -> None:
    """Train a network; the test split is not read. Exit code 1 if files were left out."""
    from picturewise.cli import output
    from picturewise.tasks.find_rate import find_learning_rate as find
    from picturewise.tasks.train import train

    named = [f"preparation.augmentation={_as_lines(augment)}"] if augment is not None else []
    named += options.frozen(freeze)
    named += [f"training.engine={engine}"] if engine is not None else []
    named += ["training.folds=0"] if no_folds else []
    named += options.of_pictures(size=size, skip_bad=skip_bad, grey=grey, resize=resize)
    named += [f"data.limit={limit}"] if limit is not None else []
    asked: dict[str, Any] = {
        "preset": preset,
        "plain": plain,
        "model": model,
        "layers": layers,
        "epochs": epochs,
        "seed": seed,
        "group_by": group_by,
        "out": out,
        "recipe": recipe,
        "settings": [*named, *steps, *options.said(hints), *settings],
        "progress": not json,
    }
    if find_learning_rate:
        found = find(data, **asked)
        output.show_found_rate(found, as_json=json)
        raise click.exceptions.Exit(output.tell_left_out(found.skipped))
    with output.ScoreFirst(as_json=json) as score:
        run = train(data, track=track, workers=workers, on=on, **asked)
    options.end_other_workers()
    if json:
        output.say_json(output.run_as_json(run))
    else:
        score.show_rest(run)
        output.say(f"next    picturewise evaluate {output.quoted(run.path)}")
    raise click.exceptions.Exit(output.run_left_out(run))


def _as_lines(text: str) -> str:
    """Return the lines as a TOML list."""
    import json

    lines = [] if text.strip() == "none" else [line.strip() for line in text.split(";") if line.strip()]
    return json.dumps(lines)
