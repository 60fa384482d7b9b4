"""`picturewise export RUN --to FORMAT`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.exporting.parity import Parity


@click.command
@options.run_or_classifier
@click.option(
    "--to",
    type=click.Choice(["onnx"]),
    default="onnx",
    show_default=True,
    help="An ONNX file that takes pictures of any size, for ONNX Runtime, OpenVINO and other programs.",
)
@click.option("--out", type=options.PATH, metavar="FILE", help="File to write; default: named after the run.")
@options.new_place
@options.json
def command(*, run: Path, to: Literal["onnx"], out: Path | None, data: str | None, json: bool) -> None:
    """Write a classifier for other programs, with its preparation inside, and check that it answers alike."""
    from picturewise.cli import output
    from picturewise.tasks.export import export
    from picturewise.text_tables import folded

    found = export(run, to, out=out, data=data, progress=not json)
    if json:
        output.say_model(found)
        return
    for path in found.files:
        output.say(f"{path}  {path.stat().st_size:,} bytes")
    output.say_folded(_told(found.parity))
    for note in found.notes:
        output.warn(folded(f"note  {note}", indent=6), keep="\n")


def _told(parity: Parity) -> str:
    changed = parity.changed + parity.odd_changed
    classes = "no picture has another class" if not changed else f"{changed:,} have another class"
    largest = max(parity.difference, parity.odd_difference)
    return (
        f"Checked with {parity.pictures:,} {parity.origin} and {parity.odd_pictures} of other sizes: {classes}, and "
        f"probabilities differ by at most {largest:.1g}."
    )
