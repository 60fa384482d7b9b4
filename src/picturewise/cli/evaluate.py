"""`picturewise evaluate RUN`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.hints import Hints


@click.command
@options.run_or_classifier
@click.option(
    "--data",
    help="New location of the run's pictures, if they have moved, or other labelled pictures to evaluate on.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default="test",
    show_default=True,
    help="Split of the run's own data.",
)
@click.option(
    "--at-least",
    type=click.FloatRange(0, 1),
    help="Exit with code 1 if the lower end of the accuracy interval is below this value (0 to 1).",
)
@options.hints
@options.engine
@options.json
def command(
    *,
    run: Path,
    data: str | None,
    split: Literal["train", "valid", "test"],
    hints: Hints,
    at_least: float | None,
    engine: Literal["auto", "torch", "numpy"],
    json: bool,
) -> None:
    """Evaluate a classifier on test pictures. Every score has a 95 % interval.

    Exit code 1 if the classifier was trained on some of the pictures passed with --data, if --at-least is not
    reached, or if files were left out.
    """
    from picturewise.cli import output
    from picturewise.tasks.evaluate import evaluate

    found = evaluate(run, data=data, split=split, hints=hints, engine=engine, progress=not json)
    if json:
        output.say_model(found)
    else:
        output.show_evaluation(found)
        if run.is_dir() and data is None and split == "test":
            output.say(f"report  {run / 'report.html'}")
    learned_from = not found.own and bool(found.learned_from)
    if learned_from and json:  # otherwise the notes were printed above
        for note in found.notes:
            output.warn(f"picturewise: {note}")
    too_low = at_least is not None and found.accuracy.low < at_least
    if too_low:
        output.warn(
            f"picturewise: the lower end of the accuracy interval is {found.accuracy.low:.4f}, below the required "
            f"{at_least:g}."
        )
    left_out = output.tell_left_out(found.skipped)
    raise click.exceptions.Exit(1 if learned_from or too_low else left_out)
