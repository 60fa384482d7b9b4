"""`picturewise extend RUN [DATA]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@options.run_folder
@click.argument("data", required=False, help="Pictures to go on with; left out: those of the run.")
@click.option(
    "--layers", help="Layer lines to put before the output layer, such as 'dense 128 relu; dropout 0.3'."
)
@click.option(
    "--add-classes",
    is_flag=True,
    help="Keep the classes that the network knows, and add those that it does not.",
)
@click.option("--new-head", is_flag=True, help="Take a new output layer, for the classes of DATA alone.")
@click.option("--epochs", type=int, help="Times through the train split; 0 only extends, and trains nothing.")
@click.option("--seed", type=int, help="Of everything random; otherwise the run's.")
@click.option("--out", type=options.PATH, help="The new run's folder; otherwise runs/<data>-layers-<number>.")
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
    seed: int | None,
    out: Path | None,
    freeze: str | None,
    settings: tuple[str, ...],
    track: tuple[str, ...],
    json: bool,
) -> None:
    """Go on from a trained network: more layers, more classes, or a new output layer. The old run is not changed."""
    from picturewise.cli import output
    from picturewise.tasks.extend import extend

    found = extend(
        run,
        data,
        layers=layers or (),
        add_classes=add_classes,
        new_head=new_head,
        epochs=epochs,
        seed=seed,
        out=out,
        settings=[*options.frozen(freeze), *settings],
        track=track,
        progress=not json,
    )
    if json:
        output.say_json(output.extension_as_json(found))
    else:
        output.show_run(found.run)
        output.show_extension(found)
        output.say(f"next    picturewise evaluate {output.quoted(found.run.path)}")
    raise click.exceptions.Exit(output.run_left_out(found.run))
