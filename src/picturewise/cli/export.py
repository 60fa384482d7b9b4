"""`picturewise export RUN --to FORMAT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.exporting.parity import Parity
    from picturewise.tasks.export import FormatName


@click.command
@options.run_or_classifier
@click.option(
    "--to",
    metavar="FORMAT",
    type=click.Choice(["onnx", "page", "huggingface", "triton"]),
    default="onnx",
    show_default=True,
    help="onnx, a file for ONNX Runtime, OpenVINO and other programs; page, one HTML file that classifies pictures in "
    "a browser, offline; huggingface, a folder for the Hugging Face Hub; or triton, a model repository for the Triton "
    "Inference Server.",
)
@click.option(
    "--out", type=options.PATH, metavar="PATH", help="File or folder to write; default: named after the run."
)
@options.licence
@options.new_place
@options.json
def command(
    *, run: Path, to: FormatName, out: Path | None, licence: str, data: str | None, json: bool
) -> None:
    """Write a classifier for other programs, with its preparation inside, and check that it answers alike."""
    from picturewise.cli import output
    from picturewise.tasks.export import export
    from picturewise.text_tables import folded

    found = export(run, to, out=out, data=data, licence=licence, progress=not json)
    if json:
        output.say_model(found)
        return
    for path in found.files:
        output.say(f"{path}  {path.stat().st_size:,} bytes")
    if found.parity is not None:
        output.say_folded(_told(found.parity))
    for note in found.notes:
        output.warn(folded(f"note  {note}", indent=6), keep="\n")


def _told(parity: Parity) -> str:
    changed = parity.changed + parity.odd_changed
    answers = "no picture has another answer" if not changed else f"{changed:,} have another answer"
    largest = max(parity.difference, parity.odd_difference)
    return (
        f"Checked with {parity.pictures:,} {parity.origin} and {parity.odd_pictures} of other sizes: {answers}, and "
        f"probabilities differ by at most {largest:.1g}."
    )
