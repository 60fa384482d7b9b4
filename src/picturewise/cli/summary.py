"""`picturewise summary DATA|RUN`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.hints import Hints


@click.command
@click.argument(
    "data",
    metavar="DATA|RUN",
    required=False,
    help="Pictures, as for `train`; or a run folder or a classifier file.",
)
@options.preset
@options.plain
@options.model
@options.layers
@options.grey
@options.size
@options.skip_bad
@click.option("--recipe", type=options.PATH, help="A recipe in TOML, complete or partial.")
@options.hints
@options.settings
@options.json
def command(
    *,
    data: str | None,
    preset: str | None,
    plain: bool,
    model: str | None,
    layers: str | None,
    grey: bool,
    size: str | None,
    skip_bad: bool,
    recipe: Path | None,
    hints: Hints,
    settings: tuple[str, ...],
    json: bool,
) -> None:
    """Show the layers of a network with output sizes and numbers of parameters, without training it."""
    from picturewise.cli import output
    from picturewise.tasks.summary import summary

    named = options.of_pictures(size=size, skip_bad=skip_bad, grey=grey)
    found = summary(
        data,
        preset=preset,
        plain=plain,
        model=model,
        layers=layers,
        recipe=recipe,
        settings=[*named, *options.said(hints), *settings],
        progress=not json,
    )
    if json:
        output.say_json(output.summary_as_json(found))
    else:
        output.show_summary(found)
