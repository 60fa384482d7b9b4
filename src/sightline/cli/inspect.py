"""`sightline inspect DATA`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli import options


def command(
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the figures; otherwise inspect-<name> in the working folder."),
    ] = None,
    size: options.Size = None,
    skip_bad: options.SkipBad = False,
    group_by: options.GroupBy = None,
    seed: Annotated[int, typer.Option(min=0, help="Which pictures are drawn.")] = 0,
    json: options.Json = False,
) -> None:
    """Count, measure and draw the pictures of a data set. Exit code 1 if files were left out."""
    from sightline.cli import output
    from sightline.tasks.inspect import inspect

    found = inspect(
        data,
        out=out,
        size=options.parse_size(size),
        skip_bad=skip_bad,
        group_by=group_by,
        seed=seed,
        progress=not json,
    )
    if json:
        print(found.model_dump_json(indent=1))
    else:
        output.show_inspection(found)
    raise typer.Exit(1 if found.skipped else 0)
