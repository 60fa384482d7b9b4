"""`picturewise extend RUN [DATA]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@options.run_folder
@click.argument("data", required=False, help="Pictures to train on; default: the run's pictures.")
@click.option(
    "--layers", help="Layer lines to add before the output layer, such as 'dense 128 relu; dropout 0.3'."
)
@click.option(
    "--add-classes",
    is_flag=True,
    help="Keep the network's classes, and add the classes in DATA that it does not have.",
)
@click.option(
    "--new-head", is_flag=True, help="Replace the output layer with a new one for the classes in DATA."
)
@click.option(
    "--epochs", type=int, help="Passes over the training split; 0 extends the network without training."
)
@options.training
@click.option("--seed", type=int, help="Seed for all random choices; default: the run's seed.")
@click.option("--out", type=options.PATH, help="The new run's folder; default: runs/<data>-layers-<number>.")
@options.freeze
@options.settings
@options.track
@options.json
def command(
    *,
    run: Path,
    data: str | None,
    layers: str | None,
    add_classes: bool,
    new_head: bool,
    epochs: int | None,
    steps: list[str],
    seed: int | None,
    out: Path | None,
    freeze: str | None,
    settings: tuple[str, ...],
    track: tuple[str, ...],
    json: bool,
) -> None:
    """Add layers, classes or a new output layer to a trained network, in a new run. The old run is not changed."""
    from picturewise.cli import output
    from picturewise.tasks.extend import extend

    with output.ScoreFirst(as_json=json) as score:
        found = extend(
            run,
            data,
            layers=layers or (),
            add_classes=add_classes,
            new_head=new_head,
            epochs=epochs,
            seed=seed,
            out=out,
            settings=[*options.frozen(freeze), *steps, *settings],
            track=track,
            progress=not json,
        )
    if json:
        output.say_json(output.extension_as_json(found))
    else:
        score.show_rest(found.run)
        output.show_extension(found)
        output.say(f"next    picturewise evaluate {output.quoted(found.run.path)}")
    raise click.exceptions.Exit(output.run_left_out(found.run))
