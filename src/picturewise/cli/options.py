"""Arguments and options that several commands share, each described once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from picturewise.errors import UsageError

PATH = click.Path(path_type=Path)

data = click.argument(
    "data",
    help="A catalogue name (`picturewise data list`), or a path: a folder per class, or files as docs/data.md lists.",
)
run_folder = click.argument("run", type=PATH, help="A run's folder.")
run_or_classifier = click.argument("run", type=PATH, help="A run's folder, or a classifier's file.")
new_place = click.option("--data", help="Where the run's pictures are now, if they have moved.")
json = click.option(
    "--json", is_flag=True, help="Print the result as JSON, and nothing else, on the standard output."
)
skip_bad = click.option(
    "--skip-bad",
    is_flag=True,
    help="Go on without files that cannot be read, and record which; exit code 1 if there were any.",
)
size = click.option(
    "--size", metavar="HxW", help="Bring every picture to this height and width, such as 32x32."
)
group_by = click.option(
    "--group-by",
    metavar="PATTERN",
    help="Keep together what belongs together in held-out splits: a regular expression for what names a thing in "
    "the file names, such as '(patient[0-9]+)_'.",
)
track = click.option(
    "--track",
    metavar="NAME",
    multiple=True,
    help="Write figures for another program too: tensorboard, mlflow; may be repeated (docs/train.md).",
)


def _spare_threads(_: click.Context, __: click.Parameter, value: str) -> str:
    """Have NumPy load without a thread for each core, which takes as long as all else of it.

    They are for its matrix products, and only the numpy engine has any that are worth sharing.
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
    help="What computes: auto is ONNX Runtime wherever it can; see docs/predict.md.",
)
freeze = click.option(
    "--freeze",
    metavar="backbone|none",
    help="backbone: layers with pretrained weights stay as they are; see training.unfreeze_epoch in docs/train.md.",
)
settings = click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any key of the recipe; may be repeated.",
)


def frozen(text: str | None) -> list[str]:
    """Return the setting that --freeze stands for, if it was given."""
    return [] if text is None else [f"training.freeze={text}"]


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return height and width from `32x48` or, for a square, `32`.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if found is None or "0" in (found[1], found[2]):
        raise UsageError(f"--size is '{text}'; expected a height and a width such as 32x32.")
    return int(found[1]), int(found[2] or found[1])
