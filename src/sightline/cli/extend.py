"""`sightline extend RUN [DATA]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli import options


def command(
    run: options.RunFolder,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="Pictures to go on with; left out: those of the run."),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layer lines to put before the output layer, such as 'dense 128 relu; dropout 0.3'."
        ),
    ] = None,
    add_classes: Annotated[
        bool,
        typer.Option(
            "--add-classes", help="Keep the classes that the network knows, and add those that it does not."
        ),
    ] = False,
    new_head: Annotated[
        bool, typer.Option("--new-head", help="Take a new output layer, for the classes of DATA alone.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Times through the train split; 0 only extends, and trains nothing.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random; otherwise the run's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The new run's folder; otherwise runs/<data>-layers-<number>.")
    ] = None,
    freeze: options.Freeze = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key of the recipe; may be repeated."),
    ] = None,
    track: options.Track = None,
    json: options.Json = False,
) -> None:
    """Go on from a trained network: more layers, more classes, or a new output layer. The old run is not changed."""
    from sightline.cli import output
    from sightline.cli.opening import Opening
    from sightline.tasks.extend import extend

    found = extend(
        run,
        data,
        layers=layers or (),
        add_classes=add_classes,
        new_head=new_head,
        epochs=epochs,
        seed=seed,
        out=out,
        settings=[*options.frozen(freeze), *(settings or [])],
        callbacks=[] if json else [Opening()],
        track=track or (),
        progress=not json,
    )
    if json:
        print(output.extension_as_json(found))
    else:
        output.show_run(found.run)
        output.show_extension(found)
        output.say(f"next    sightline evaluate {output.quoted(found.run.path)}")
