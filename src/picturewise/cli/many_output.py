"""What `predict-many` and `evaluate-many` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picturewise.cli import output
from picturewise.text_tables import folded

if TYPE_CHECKING:
    from picturewise.tasks.predict_many import ManyPredicted


def show(found: ManyPredicted) -> None:
    """Print what is there, and how quickly it was computed."""
    output.say(f"{found.rows:,} rows, {found.parts_written:,} of {found.parts:,} parts in {found.folder}")
    if found.pictures_per_second is None:
        output.say("Nothing was missing.")
    else:
        output.say(
            f"{found.rows_computed:,} computed now, in {found.seconds:,.1f} s: {found.pictures_per_second:,.0f} "
            "pictures/s"
        )
    for note in found.notes:
        output.warn(folded(f"note  {note}", indent=6), keep="\n")


def tell_unreadable(found: ManyPredicted) -> int:
    """Print the first pictures and folders that were not read on standard error, and return the exit code for that."""
    for path, reason in (*found.first_unreadable.items(), *found.left_out.items()):
        output.warn(f"left out  {path}: {reason}")
    count = found.unreadable + found.left_out_count
    if count > len(found.first_unreadable) + len(found.left_out):
        output.warn(f"left out  {count:,} in total")
    return 1 if count else 0
