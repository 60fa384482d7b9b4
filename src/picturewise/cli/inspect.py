"""`picturewise inspect DATA`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.hints import Hints
    from picturewise.data.pictures.resize_mode import ResizeMode


@click.command
@options.data
@click.option(
    "--out",
    type=options.PATH,
    help="Folder for the figures; default: inspect-<name> in the current folder.",
)
@options.size
@options.resize
@options.skip_bad
@options.group_by
@options.hints
@click.option(
    "--augment",
    metavar="LINES",
    help="Augmentation lines, such as 'crop 4; flip': also draw pictures as training would see them.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed that selects the sample pictures and their augmentation.",
)
@options.json
def command(
    *,
    data: str,
    out: Path | None,
    size: str | None,
    resize: ResizeMode | None,
    skip_bad: bool,
    group_by: str | None,
    hints: Hints,
    augment: str | None,
    seed: int,
    json: bool,
) -> None:
    """Show counts, sizes and sample pictures of a data set. Exit code 1 if files were left out."""
    from picturewise.cli import output
    from picturewise.tasks.inspect import inspect

    found = inspect(
        data,
        out=out,
        size=options.parse_size(size),
        resize=resize,
        skip_bad=skip_bad,
        group_by=group_by,
        hints=hints,
        augment=augment,
        seed=seed,
        progress=not json,
    )
    if json:
        output.say_model(found)
    else:
        output.show_inspection(found)
    raise click.exceptions.Exit(1 if found.skipped else 0)
