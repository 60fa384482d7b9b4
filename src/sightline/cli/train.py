"""`sightline train DATA`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sightline.cli import options


def command(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="A catalogue name (digits), or a path; may stand in the recipe instead."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A preset: cnn (the default), mlp, 'mlp 256 128', vgg11, vgg13, vgg16, vgg19, resnet18, resnet20, "
            "resnet34, resnet50, wide-resnet-28-10.",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layer lines instead, such as 'conv 16 nobias; batchnorm; relu; residual 32 x2 /2; avgpool global'. "
            "There are conv, batchnorm, groupnorm, maxpool, avgpool, residual, bottleneck, dropout, flatten, dense, "
            "relu, tanh, sigmoid, gelu, silu; first of all pretrained and timm (docs/train.md, docs/pretrained.md)."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Times through the train split; otherwise 5 to 50 by its size.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random; 0 if left out.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; otherwise runs/<data>-<model>-<number>.")
    ] = None,
    augment: Annotated[
        str | None, typer.Option(help="Augmentation lines, such as 'crop 4; flip'; 'none' for none.")
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="Average the colour channels.")] = False,
    size: options.Size = None,
    skip_bad: options.SkipBad = False,
    group_by: options.GroupBy = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Learn from about N pictures of train and of validation each, drawn class by class; otherwise all.",
        ),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A recipe in TOML, whole or in part.")] = None,
    freeze: options.Freeze = None,
    engine: Annotated[
        Literal["torch", "numpy"] | None,
        typer.Option(
            help="What computes: PyTorch, or numpy, the reference network, with sgd (docs/backpropagation.md)."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key of the recipe; may be repeated."),
    ] = None,
    find_learning_rate: Annotated[
        bool,
        typer.Option(
            "--find-learning-rate",
            help="Only try rising learning rates on some batches of train, and suggest one; no run is made, and --out "
            "is the folder for the figure and the table.",
        ),
    ] = False,
    track: options.Track = None,
    json: options.Json = False,
) -> None:
    """Train a network; the test split is not read."""
    from sightline.cli import output
    from sightline.cli.opening import Opening
    from sightline.tasks.find_rate import find_learning_rate as find
    from sightline.tasks.train import train

    named = [f"preparation.augmentation={_as_lines(augment)}"] if augment is not None else []
    named += options.frozen(freeze)
    named += [f"training.engine={engine}"] if engine is not None else []
    named += ["preparation.grey=true"] if grey else []
    named += ["data.skip_bad=true"] if skip_bad else []
    named += [f"data.limit={limit}"] if limit is not None else []
    named += [f"data.size={list(height_width)}"] if (height_width := options.parse_size(size)) else []
    asked: dict[str, Any] = {
        "model": model,
        "layers": layers,
        "epochs": epochs,
        "seed": seed,
        "group_by": group_by,
        "out": out,
        "recipe": recipe,
        "settings": [*named, *(settings or [])],
        "progress": not json,
    }
    if find_learning_rate:
        output.show_found_rate(find(data, **asked), as_json=json)
        return
    run = train(data, callbacks=[] if json else [Opening()], track=track or (), **asked)
    if json:
        print(output.run_as_json(run))
    else:
        output.show_run(run)
        output.say(f"next    sightline evaluate {output.quoted(run.path)}")


def _as_lines(text: str) -> str:
    """Return the lines as a TOML list."""
    import json

    lines = [] if text.strip() == "none" else [line.strip() for line in text.split(";") if line.strip()]
    return json.dumps(lines)
