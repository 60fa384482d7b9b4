"""`sightline compare RUN RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli import options


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Two or more run folders.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; otherwise compare-<run>-<run>.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which test pictures are shown.")] = 0,
    data: options.NewPlace = None,
    json: options.Json = False,
) -> None:
    """Put runs side by side on the same test pictures, with paired tests."""
    from sightline.cli import output
    from sightline.tasks.compare import compare

    found = compare(runs, data=data, out=out, seed=seed, progress=not json)
    if json:
        print(found.model_dump_json(indent=1))
    else:
        output.show_comparison(found)
