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
@click.option("--data", help="Where the run's pictures are now, or other labelled pictures to evaluate on.")
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default="test",
    show_default=True,
    help="Of the run's own data.",
)
@click.option(
    "--at-least",
    type=click.FloatRange(0, 1),
    help="Exit code 1 unless the whole interval of the accuracy is at least this.",
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
    """Evaluate a classifier on test pictures: every score with its 95 % interval.

    Exit code 1 if some of other pictures (--data) were learned from, or if the check is not met.
    """
    from picturewise.cli import output
    from picturewise.tasks.evaluate import evaluate

    found = evaluate(run, data=data, split=split, hints=hints, engine=engine, progress=not json)
    if json:
        print(found.model_dump_json(indent=1))
    else:
        output.show_evaluation(found)
        if run.is_dir() and data is None and split == "test":
            output.say(f"report  {run / 'report.html'}")
    learned_from = not found.own and bool(found.learned_from)
    if learned_from and json:  # otherwise it stands among the lines above
        for note in found.notes:
            output.warn(f"picturewise: {note}")
    too_low = at_least is not None and found.accuracy.low < at_least
    if too_low:
        output.warn(
            f"picturewise: the accuracy may be as low as {found.accuracy.low:.4f}, below the {at_least:g} asked for."
        )
    raise click.exceptions.Exit(1 if learned_from or too_low else 0)
