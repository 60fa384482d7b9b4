"""`picturewise card RUN`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@options.run_or_classifier
@click.option(
    "--out", type=options.PATH, metavar="FILE", help="Write the card to this file instead of printing it."
)
@options.licence
def command(*, run: Path, out: Path | None, licence: str) -> None:
    """Print a model card in Markdown: training data, scores with intervals, limits, and how to repeat it."""
    from picturewise.cli import output
    from picturewise.tasks.card import card

    text = card(run, out=out, licence=licence)
    if out is None:
        for line in text.splitlines():
            output.say(line)
    else:
        output.say(f"card    {out}")
