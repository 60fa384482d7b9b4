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
@click.option(
    "--preset",
    metavar="NAME",
    help="How to train: fast, with a smaller network and fewer steps; or best, with a larger network, which takes "
    "several times as long as the default.",
)
@click.option(
    "--model",
    "-m",
    help="Name of a network: cnn (the default), small-cnn, mlp, 'mlp 256 128', wide-resnet-28-10, vgg11, vgg13, "
    "vgg16, vgg19, resnet18, resnet20, resnet34, resnet50, airbench94, mobilenet-v2, efficientnet-lite0, "
    "efficientnet-lite1, efficientnet-lite2. The default for photographs is 'pretrained efficientnet-lite0', if its "
    "weights are installed.",
)
@click.option(
    "--layers",
    help="Layer lines instead of a network's name, such as 'conv 16 nobias; batchnorm; relu; residual 32 x2 /2; "
    "avgpool global'. "
    "Layers: conv, batchnorm, groupnorm, maxpool, avgpool, residual, bottleneck, mbconv, squeeze-excite, dropout, "
    "flatten, dense, relu, relu6, tanh, sigmoid, gelu, silu; only as the first line: pretrained, timm "
    "(docs/reference/layers.md).",
)
@click.option(
    "--epochs", type=int, help="Passes over the training split; default: 5 to 50, depending on its size."
)
@click.option("--seed", type=int, help="Seed for all random choices; default: 0.")
@click.option("--out", type=options.PATH, help="The run's folder; default: runs/<data>-<model>-<number>.")
@click.option(
    "--augment",
    help="Augmentation lines, such as 'crop 4; flip' (docs/reference/augmentation.md); 'none' turns augmentation off.",
)
@click.option("--grey", is_flag=True, help="Average the colour channels.")
@options.size
@options.skip_bad
@options.group_by
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Use about N training pictures and N validation pictures, drawn class by class; default: all.",
)
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
@options.track
@options.json
def command(
    *,
    data: str | None,
    preset: str | None,
    model: str | None,
    layers: str | None,
    epochs: int | None,
    seed: int | None,
    out: Path | None,
    augment: str | None,
    grey: bool,
    size: str | None,
    skip_bad: bool,
    group_by: str | None,
    limit: int | None,
    recipe: Path | None,
    freeze: str | None,
    engine: Literal["torch", "numpy"] | None,
    hints: Hints,
    settings: tuple[str, ...],
    find_learning_rate: bool,
    track: tuple[str, ...],
    json: bool,
) -> None:
    """Train a network; the test split is not read. Exit code 1 if files were left out."""
    from picturewise.cli import output
    from picturewise.tasks.find_rate import find_learning_rate as find
    from picturewise.tasks.train import train

    named = [f"preparation.augmentation={_as_lines(augment)}"] if augment is not None else []
    named += options.frozen(freeze)
    named += [f"training.engine={engine}"] if engine is not None else []
    named += ["preparation.grey=true"] if grey else []
    named += ["data.skip_bad=true"] if skip_bad else []
    named += [f"data.limit={limit}"] if limit is not None else []
    named += [f"data.size={list(height_width)}"] if (height_width := options.parse_size(size)) else []
    asked: dict[str, Any] = {
        "preset": preset,
        "model": model,
        "layers": layers,
        "epochs": epochs,
        "seed": seed,
        "group_by": group_by,
        "out": out,
        "recipe": recipe,
        "settings": [*named, *options.said(hints), *settings],
        "progress": not json,
    }
    if find_learning_rate:
        found = find(data, **asked)
        output.show_found_rate(found, as_json=json)
        raise click.exceptions.Exit(output.tell_left_out(found.skipped))
    run = train(data, track=track, **asked)
    if json:
        output.say_json(output.run_as_json(run))
    else:
        output.show_run(run)
        output.say(f"next    picturewise evaluate {output.quoted(run.path)}")
    raise click.exceptions.Exit(output.run_left_out(run))


def _as_lines(text: str) -> str:
    """Return the lines as a TOML list."""
    import json

    lines = [] if text.strip() == "none" else [line.strip() for line in text.split(";") if line.strip()]
    return json.dumps(lines)
