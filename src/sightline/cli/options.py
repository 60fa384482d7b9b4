"""Options that several commands share, each described once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from sightline.errors import UsageError

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A catalogue name (`sightline data list`), or a path: a folder per class, or files as docs/data.md lists.",
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]
RunOrClassifier = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run's folder, or a classifier's file.")
]
NewPlace = Annotated[
    str | None, typer.Option("--data", help="Where the run's pictures are now, if they have moved.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on the standard output.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Go on without files that cannot be read, and record which.")
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size", metavar="HxW", help="Bring every picture to this height and width, such as 32x32."
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        metavar="PATTERN",
        help="Keep together what belongs together in carved splits: a regular expression for what names a thing in "
        "the file names, such as '(patient[0-9]+)_'.",
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="NAME",
        help="Write figures for another program too: tensorboard, mlflow; may be repeated (docs/train.md).",
    ),
]
Engine = Annotated[
    Literal["auto", "torch", "numpy"],
    typer.Option(help="What computes: auto is ONNX Runtime wherever it can; see docs/predict.md."),
]

Freeze = Annotated[
    str | None,
    typer.Option(
        metavar="backbone|none",
        help="backbone: layers with pretrained weights stay as they are; see training.unfreeze_epoch in docs/train.md.",
    ),
]


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
