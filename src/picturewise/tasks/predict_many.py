"""Predict millions of pictures in parts, on this machine's cores, on a Ray cluster, or in an array job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from picturewise.arguments import checked
from picturewise.data.hints import Hints
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.engine import EngineName
from picturewise.results import Result
from picturewise.tasks.many import PART_ROWS, Done, Wanted, compute
from picturewise.tasks.many_progress import many_progress
from picturewise.tasks.predict import classifier_of

if TYPE_CHECKING:
    from picturewise.runs.run import Run


class ManyPredicted(Result):
    """What `predict_many` has written."""

    folder: str = Field(description="The folder with the parts, the plan and the classifier.")
    plan_sha256: str = Field(description="SHA-256 of the plan, which each part carries.")
    classifier_sha256: str = Field(description="SHA-256 of the classifier's file.")
    parts: int = Field(description="Number of all parts of the plan.")
    parts_written: int = Field(
        description="Number of parts that are there now, those of other slices included."
    )
    parts_computed: int = Field(description="Number of parts that were computed now.")
    rows: int = Field(description="Rows in the parts that were asked for: all, or those of the slice.")
    rows_computed: int = Field(description="Number of these that were computed now.")
    unreadable: int = Field(description="Number of rows with an error in place of a prediction.")
    first_unreadable: dict[str, str] = Field(description="The first of these: path and row → reason.")
    left_out: dict[str, str] = Field(description="The first folders that were not read: path → reason.")
    left_out_count: int = Field(description="Number of these.")
    notes: tuple[str, ...] = Field(description="Decisions that were made while the source was read.")
    seconds: float = Field(description="Wall-clock time of the computation.")
    pictures_per_second: float | None = Field(description="None: nothing was computed now.")


@checked
def predict_many(
    run: str | Path | Run | Classifier,
    source: str | Path,
    *,
    out: str | Path,
    part_rows: int = PART_ROWS,
    workers: int | None = None,
    on: str | None = None,
    slice: str | None = None,  # noqa: A002 (as the option is called)
    value_range: str | None = None,
    file_column: str | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> ManyPredicted:
    """Predict the pictures of a source of any size, and write the predictions as Parquet files, one for each part.

    What is missing in the folder is computed, so that the same call goes on after an interruption. The results do not
    depend on the number of workers, or on who computes them (docs/scale.md).

    Args:
        run: the run or its folder, or a classifier or its file.
        source: a folder tree of pictures, Parquet files or tars; a pattern of file names; one of these files; or a
            list, a text file with a path in each line or a table with a column of paths. Paths, or fsspec addresses.
        out: the folder of the parts, of the plan and of a copy of the classifier; of an earlier call, or new.
        part_rows: pictures in a part, at most; a tar is always one part.
        workers: processes on this machine; None: one for each core.
        on: a Ray cluster, 'ray' for the one that this machine belongs to, or its address, such as 'ray://head:10001'.
        slice: such as '3/16': compute only the parts of the third of sixteen processes, which may run at once.
        value_range: `LOW..HIGH`, the values of black and white in pictures of more than 8 bits or lists of numbers;
            None: those that the classifier was trained with. Without any, such files are rows with an error.
        file_column: the column of the pictures in Parquet files, or of the paths in a list.
        engine: as for `predict`.
        progress: show the progress on a terminal.

    Raises:
        UsageError: options do not fit together, a package is not installed, or the folder has the plan of another
            classifier, source or option.
        RunError: the run or classifier cannot be read.
        DataError: the source cannot be read, or some parts could not be computed; all others are written.
        SaveError: the folder cannot be written, or its storage cannot replace a file in one step.
    """
    wanted = Wanted(
        "predict", classifier_of(run), source, out, Hints(value_range=value_range, file_column=file_column),
        engine, part_rows, workers, on, slice,
    )  # fmt: skip
    with many_progress(shown=progress) as advance:
        return predicted(compute(wanted, advance))


def predicted(done: Done) -> ManyPredicted:
    """Return what was done as a result."""
    return ManyPredicted(
        folder=str(done.folder),
        plan_sha256=done.plan.digest,
        classifier_sha256=done.plan.classifier,
        parts=len(done.plan.parts),
        parts_written=done.there,
        parts_computed=len(done.computed),
        rows=done.rows,
        rows_computed=done.rows_computed,
        unreadable=done.unreadable,
        first_unreadable={item.path: item.reason for item in done.first_unreadable()},
        left_out={item.path: item.reason for item in done.left_out},
        left_out_count=done.left_out_count,
        notes=done.notes,
        seconds=done.seconds,
        pictures_per_second=done.rows_computed / done.seconds if done.computed and done.seconds > 0 else None,
    )
