"""`picturewise compare RUN RUN`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@click.argument(
    "runs", metavar="RUN RUN...", nargs=-1, required=True, type=options.PATH, help="Two or more run folders."
)
@click.option("--out", type=options.PATH, help="Folder for the report; default: compare-<run>-<run>.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed that selects the test pictures that are shown.",
)
@options.new_place
@options.json
def command(*, runs: tuple[Path, ...], out: Path | None, seed: int, data: str | None, json: bool) -> None:
    """Compare runs on the same test pictures, with paired tests."""
    from picturewise.cli import output
    from picturewise.tasks.compare import compare

    found = compare(runs, data=data, out=out, seed=seed, progress=not json)
    if json:
        output.say_model(found)
    else:
        output.show_comparison(found)
    raise click.exceptions.Exit(output.tell_left_out(found.skipped))
