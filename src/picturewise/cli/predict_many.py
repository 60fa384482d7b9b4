"""`picturewise predict-many RUN SOURCE --out FOLDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from picturewise.cli import many_options, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command("predict-many")
@options.run_or_classifier
@many_options.source
@many_options.many
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
    engine: Literal["auto", "torch", "numpy"],
    json: bool,
) -> None:
    """Predict millions of pictures, in parts that are Parquet files (docs/scale.md).

    The same command goes on after an interruption, and computes only what is missing. Exit code 1 if a picture could
    not be read.
    """
    from picturewise.cli import many_output, output
    from picturewise.tasks.predict_many import predict_many

    found = predict_many(
        run, source, out=out, part_rows=part_rows, workers=workers, on=on, slice=slice, value_range=value_range,
        file_column=file_column, engine=engine, progress=not json,
    )  # fmt: skip
    if json:
        output.say_model(found)
    else:
        many_output.show(found)
    raise click.exceptions.Exit(many_output.tell_unreadable(found))
