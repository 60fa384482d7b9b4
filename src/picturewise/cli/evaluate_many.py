"""`picturewise evaluate-many RUN SOURCE --out FOLDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from picturewise.cli import many_options, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command("evaluate-many")
@options.run_or_classifier
@many_options.source
@many_options.many
@click.option(
    "--label-column",
    metavar="NAME",
    help="The column of the labels in Parquet files; default: detected automatically.",
)
@options.engine
@options.json
def command(
    *,
    run: Path,
    source: str,
    out: Path,
    part_rows: int,
    workers: int | None,
    on: str | None,
    slice: str | None,  # noqa: A002 (as the option is called)
    value_range: str | None,
    file_column: str | None,
    label_column: str | None,
    engine: Literal["auto", "torch", "numpy"],
    json: bool,
) -> None:
    """Evaluate a classifier on millions of labelled pictures, in parts (docs/scale.md).

    Every score has a 95 % interval. The same command goes on after an interruption, and computes only what is missing.
    Exit code 1 if a picture was left out, or if the classifier was trained on some of them.
    """
    from picturewise.cli import many_output, output
    from picturewise.tasks.evaluate_many import evaluate_many

    found = evaluate_many(
        run, source, out=out, part_rows=part_rows, workers=workers, on=on, slice=slice, value_range=value_range,
        file_column=file_column, label_column=label_column, engine=engine, progress=not json,
    )  # fmt: skip
    if json:
        output.say_model(found)
    else:
        many_output.show(found)
        if found.evaluation is None:
            output.say("The scores are shown when all parts are there.")
        else:
            output.show_evaluation(found.evaluation)
    learned_from = found.evaluation is not None and bool(found.evaluation.learned_from)
    left_out = many_output.tell_unreadable(found)
    raise click.exceptions.Exit(1 if learned_from else left_out)
