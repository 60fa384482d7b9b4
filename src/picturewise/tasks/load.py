"""From what a caller hands in as data to a `Dataset`, with progress where it takes long."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from picturewise.catalogue import entries
from picturewise.data import read
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.make_dataset import NAME, DataGiven, collect, with_all_splits
from picturewise.data.options import DataOptions, data_options
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.data.splitting.subset import limited
from picturewise.errors import DataError, UsageError
from picturewise.split_names import SPLITS, SplitName

if TYPE_CHECKING:
    from picturewise.runs.run import Run

GIVEN = "given in Python: "

Data: TypeAlias = str | Path | Dataset | DataGiven
"""A catalogue name, a path, or pictures that are handed in; see `make_dataset` for the forms of these."""


def read_dataset(
    source: str | Path,
    *,
    splits: Collection[SplitName] = SPLITS,
    size: tuple[int, int] | None = None,
    resize: ResizeMode = "crop",
    skip_bad: bool = False,
    group_by: str | None = None,
) -> Dataset:
    """Return pictures from a catalogue name or a path; what is recognised stands in docs/data.md.

    Args:
        source: such as `digits` or, once it is fetched, `mnist`; a folder per class, IDX files.
        splits: those that are read; test pictures that are not asked for are not opened.
        size: height and width that every picture is brought to; none: their own.
        resize: how another shape is brought to the size: crop, pad or stretch.
        skip_bad: go on without files that cannot be read; `Dataset.skipped` says which.
        group_by: a regular expression that is looked for in the file names, such as `(patient[0-9]+)_`; pictures
            of which it finds the same are not parted where a split is held out.

    Raises:
        UsageError: an option does not fit.
        DataError: the pictures cannot be read.
    """
    options = data_options(
        source=source_of(source), size=size, resize=resize, skip_bad=skip_bad, group_by=group_by
    )
    return load(None, options, splits=splits)


def load(
    data: Data | None,
    options: DataOptions,
    *,
    splits: Collection[SplitName] = SPLITS,
    progress: bool = True,
) -> Dataset:
    """Return the pictures that were handed in, cut down to `splits`, or else what the options name, read now.

    Args:
        data: a name or a path counts for nothing here, it stands in the options.
        options: how to read, or how to hold out splits that were not handed in.
        splits: those that are returned.
        progress: show how far reading has come, on a terminal.

    Raises:
        DataError: it cannot be read, or was given in Python before and is not handed in again.
    """
    if data is not None and not isinstance(data, str | Path):
        if not isinstance(data, Dataset):
            data = with_all_splits(NAME, collected(data, progress=progress), options)
        _check_size(data, options)
        if options.limit is not None:
            data = limited(data, options.limit, options.split_seed)
        if options.classes is not None:
            data = data.with_classes(options.classes)
        parts = {name: part if name in splits else None for name, part in data.splits().items()}
        return Dataset(data.name, **parts, notes=data.notes, skipped=data.skipped, reserved=data.reserved)
    if options.source.startswith(GIVEN):
        raise DataError(
            f"These pictures were {options.source}, so they lie in no file: hand the same pictures in again as data=."
        )
    with reading_progress(shown=progress) as advance:
        return read.read(options, splits, progress=advance)


def collected(data: DataGiven, *, progress: bool) -> dict[SplitName, ImageSet]:
    """Return arrays and data sets that were handed in as image sets by split; a single one is train."""
    with reading_progress(shown=progress) as advance:
        return collect(data, progress=advance)


def _check_size(dataset: Dataset, options: DataOptions) -> None:
    height, width, _ = next(iter(dataset.splits().values())).shape
    if options.size is not None and options.size != (height, width):
        raise DataError(
            f"{dataset.name}: the pictures that were handed in are {height}x{width}, but the size asked for is "
            f"{options.size[0]}x{options.size[1]}; resize them before, or leave the size out."
        )


def load_own(run: Run, data: Data | None, *, splits: Collection[SplitName], progress: bool) -> Dataset:
    """Return the pictures that a run was made with, or those at the place where they are now.

    Args:
        run: whose recipe says how to read them.
        data: the same pictures in another place or handed in from Python; None: where they were.
        splits: those that are read.
        progress: show how far reading has come, on a terminal.

    Raises:
        DataError: they are not there any more, or cannot be read.
    """
    options = run.recipe.data
    if isinstance(data, str | Path):
        options = options.model_copy(update={"source": source_of(data)})
    elif data is None and Path(options.source).is_absolute() and not Path(options.source).exists():
        raise DataError(
            f"The pictures of {run.path} were in {options.source}, where nothing is any more; "
            "name their new place with --data."
        )
    return load(data, options, splits=splits, progress=progress)


def refuse_inside(out: Path, data: Data | None) -> None:
    """Check that the folder `out` does not lie in the folder of the pictures, where it would become one of them.

    Raises:
        UsageError: it does.
    """
    if not isinstance(data, str | Path) or not Path(source_of(data)).is_absolute():
        return
    pictures = Path(data).resolve()
    if pictures.is_dir() and out.resolve().is_relative_to(pictures):
        raise UsageError(
            f"{out} would lie inside {data}, among the pictures; choose another place with --out, "
            "such as one beside the folder."
        )


def source_of(data: Data) -> str:
    """Return how a recipe names the data: a path made absolute, so that a run can be moved, or a name as it is."""
    if not isinstance(data, str | Path):
        return f"{GIVEN}{data.name if isinstance(data, Dataset) else NAME}"
    if str(data) in entries.entries() or not str(data).strip() or not Path(data).exists():
        return str(data)
    return str(Path(data).absolute())


@contextlib.contextmanager
def reading_progress(
    *, shown: bool, what: str = "Reading pictures"
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that draws (done, total) as a bar on the standard error output, if that is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 (takes a while, and only a terminal needs it)
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
