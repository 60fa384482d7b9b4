"""Arguments and options that several commands share."""

from __future__ import annotations

import functools
import json as json_module
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from picturewise.errors import UsageError
from picturewise.file_names import valid

if TYPE_CHECKING:
    from picturewise.data.hints import Hints

PATH = click.Path(path_type=Path)

data = click.argument(
    "data",
    help="A catalogue name (`picturewise data list`), or a path: a folder per class, or files "
    "(docs/reference/data.md).",
)
run_folder = click.argument("run", type=PATH, help="A run folder.")
run_or_classifier = click.argument("run", type=PATH, help="A run folder or a classifier file.")
new_place = click.option("--data", help="New location of the run's pictures, if they have moved.")
licence = click.option(
    "--license",
    "licence",
    metavar="ID",
    default="unknown",
    show_default=True,
    help="Licence of the model in its card, an identifier of the Hugging Face Hub, such as apache-2.0.",
)
json = click.option("--json", is_flag=True, help="Print only the result, as JSON, to standard output.")
skip_bad = click.option(
    "--skip-bad",
    is_flag=True,
    help="Leave out files that cannot be read, and list them; exit code 1 if any file was left out.",
)
preset = click.option(
    "--preset",
    metavar="NAME",
    help="How to train: fast, with a smaller network and fewer steps; best, with a larger network, which takes several "
    "times as long as the default; or plain, see --plain.",
)
plain = click.option(
    "--plain",
    is_flag=True,
    help="Plain gradient descent, as in a course: sgd at a constant rate, without momentum, weight decay and "
    "augmentation, from scratch; your other options take precedence (docs/how-to/tune.md).",
)
model = click.option(
    "--model",
    "-m",
    help="Name of a network: cnn (the default for most pictures), small-cnn, mlp, 'mlp 256 128', vgg11, vgg13, vgg16, "
    "vgg19, resnet18, resnet20, resnet34, resnet50, wide-resnet-28-10, airbench94, small-airbench (the default for "
    "small colour pictures), reader (the default for numbers), mobilenet-v2, efficientnet-lite0, efficientnet-lite1, "
    "efficientnet-lite2. The default for photographs is 'pretrained efficientnet-lite0', if its weights are installed.",
)
layers = click.option(
    "--layers",
    help="Layer lines instead of a network's name, such as 'conv 16 nobias; batchnorm; relu; residual 32 x2 /2; "
    "avgpool global'. "
    "Layers: conv, batchnorm, groupnorm, maxpool, avgpool, residual, bottleneck, mbconv, squeeze-excite, dropout, "
    "flatten, dense, relu, relu6, tanh, sigmoid, gelu, silu; only as the first line: pretrained, timm; only as the "
    "last line, for sequences: numbers, ctc (docs/reference/layers.md).",
)
grey = click.option("--grey", is_flag=True, help="Average the colour channels.")
size = click.option(
    "--size", metavar="HxW", help="Resize every picture to this height and width, such as 32x32."
)
resize = click.option(
    "--resize",
    type=click.Choice(["crop", "pad", "stretch"]),
    help="How pictures with another aspect ratio are resized: crop the rest, pad with black, or stretch; default: "
    "crop, but stretch if the labels are sequences.",
)
group_by = click.option(
    "--group-by",
    metavar="PATTERN",
    callback=lambda _, __, value: _text(value),
    help="Keep pictures of the same subject in the same split: a regular expression that finds the subject in the "
    "file names, such as '(patient[0-9]+)_'.",
)


limit = click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Use about N training pictures and N validation pictures, drawn class by class; default: all.",
)


def _text(value: str | None) -> str | None:
    """Return what was typed as text that a recipe can hold, in any locale."""
    return None if value is None else valid(value)


def hints(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe the source; it receives them together as `hints`."""

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        from picturewise.data.hints import Hints

        found: dict[str, Any] = {name: _text(values.pop(name)) for name, _, _ in _HINTS}
        command(hints=Hints(**found), **values)

    for name, metavar, text in reversed(_HINTS):
        wrapped = click.option("--" + name.replace("_", "-"), metavar=metavar, help=text)(wrapped)
    return wrapped


_HINTS = (
    (
        "label_from",
        "PATTERN",
        (
            "Read the class from the file names: a regular expression whose first group is the class, such as "
            "'(cat|dog)[.]'."
        ),
    ),
    ("label_column", "NAME", "The table column that contains the labels; default: detected automatically."),
    (
        "file_column",
        "NAME",
        "The column of a list that contains the file names of the pictures; default: detected automatically.",
    ),
    (
        "split_column",
        "NAME",
        "The column that contains the split of each picture; default: detected automatically.",
    ),
    (
        "value_range",
        "LOW..HIGH",
        "The stored values of black and white, such as 0..1 or 0..4095; default: determined from the training split.",
    ),
    (
        "layout",
        "NAME",
        "Order of a picture's values: planar, interleaved, channels-first or channels-last; default: automatic.",
    ),
    (
        "target",
        "NAME",
        "What the labels are: class, or sequence for numbers and codes that are read symbol by symbol; default: class.",
    ),
)
track = click.option(
    "--track",
    metavar="NAME",
    multiple=True,
    help="Also log metrics to another program: tensorboard or mlflow; may be repeated (docs/how-to/track.md).",
)

workers = click.option(
    "--workers",
    type=int,
    default=1,
    metavar="N",
    help="Processes on this machine that train together (docs/scale.md); default: 1.",
)

on_ray = click.option(
    "--on",
    metavar="ADDRESS",
    help="Train on a Ray cluster: ray for the one that this machine belongs to, or its address, such as "
    "ray://head:10001.",
)


def end_other_workers() -> None:
    """End the command here if this process is a worker besides the first one, which prints the result."""
    from picturewise.tasks.workers import is_worker

    if is_worker() and os.environ["RANK"] != "0":
        raise click.exceptions.Exit(0)


def _spare_threads(_: click.Context, __: click.Parameter, value: str) -> str:
    """Keep NumPy from starting a thread for each core, which takes as long as the rest of its import.

    The threads are for matrix products, and only the numpy engine has products that are large enough to share.
    """
    if value != "numpy":
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return value


engine = click.option(
    "--engine",
    callback=_spare_threads,
    type=click.Choice(["auto", "torch", "numpy"]),
    default="auto",
    show_default=True,
    help="The prediction engine; auto uses ONNX Runtime if it supports the network (docs/how-to/predict.md).",
)
freeze = click.option(
    "--freeze",
    metavar="backbone|none",
    help="backbone: do not train the layers with pretrained weights; none: train all layers; see "
    "training.unfreeze_epoch (docs/reference/recipe.md).",
)
settings = click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set any recipe key; may be repeated.",
)


_TRAINING = (
    (
        ("--lr", "--learning-rate"),
        "learning_rate",
        "RATE",
        "The highest learning rate of the schedule; default: a typical value for the optimizer.",
    ),
    (
        ("--batch-size",),
        "batch_size",
        "N",
        "Pictures per step; default: 16 to 128, depending on the sizes of the training split and the network.",
    ),
    (
        ("--optimizer",),
        "optimizer",
        "NAME",
        "sgd, rmsprop, adam, adamw (the default) or muon.",
    ),
    (
        ("--weight-decay",),
        "weight_decay",
        "FACTOR",
        "Weight decay; default: 0.01 for adamw and muon, otherwise 0.",
    ),
    (
        ("--schedule",),
        "schedule",
        "NAME",
        "How the learning rate changes: constant, cosine or one-cycle (the default).",
    ),
    (
        ("--patience",),
        "patience",
        "EPOCHS",
        "Stop when validation accuracy has not improved for this many epochs; default: never.",
    ),
)


def training(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe the steps of training; it receives them together as `steps`.

    `steps` is a list of settings, which are checked when the command runs, so that an error names the option as it is
    called here.
    """

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        typed = {names[0]: (name, values.pop(name)) for names, name, _, _ in _TRAINING}
        steps = [
            _setting(option, f"training.{name}", text)
            for option, (name, text) in typed.items()
            if text is not None
        ]
        command(steps=steps, **values)

    for names, name, metavar, text in reversed(_TRAINING):
        wrapped = click.option(*names, name, metavar=metavar, help=text)(wrapped)
    return wrapped


def _setting(option: str, key: str, text: str) -> str:
    """Return the setting that a typed option stands for.

    Raises:
        UsageError: the value does not fit; the message names the option.
    """
    from picturewise.recipes.recipe import make_recipe, parse_setting

    try:
        make_recipe({"data": {}}, parse_setting(key, text))
    except UsageError as error:
        raise UsageError(str(error).replace(key, option, 1)) from error
    return f"{key}={text}"


def of_pictures(*, size: str | None, skip_bad: bool, grey: bool, resize: str | None = None) -> list[str]:
    """Return the settings that --size, --resize, --skip-bad and --grey stand for, if they were passed.

    Raises:
        UsageError: the size cannot be read.
    """
    named = ["preparation.grey=true"] if grey else []
    named += ["data.skip_bad=true"] if skip_bad else []
    named += [f"data.resize={resize}"] if resize is not None else []
    return named + ([f"data.size={list(height_width)}"] if (height_width := parse_size(size)) else [])


def frozen(text: str | None) -> list[str]:
    """Return the setting that --freeze stands for, if it was passed."""
    return [] if text is None else [f"training.freeze={text}"]


def said(hints: Hints) -> list[str]:
    """Return the settings that hints stand for."""
    return [
        f"data.{name}={json_module.dumps(value, ensure_ascii=False)}" for name, value in hints.given().items()
    ]


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return height and width from `32x48` or, for a square, `32`.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if found is None or "0" in (found[1], found[2]):
        raise UsageError(f"--size is '{text}'. Expected a height and a width, such as 32x32.")
    return int(found[1]), int(found[2] or found[1])
